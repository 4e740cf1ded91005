//! Names of TFLite's builtin operators, and what to use instead of those that are not supported.

/// Numbers as in `schema.fbs`.
const NAMES: &[(i32, &str)] = &[
    (0, "ADD"),
    (1, "AVERAGE_POOL_2D"),
    (2, "CONCATENATION"),
    (3, "CONV_2D"),
    (4, "DEPTHWISE_CONV_2D"),
    (5, "DEPTH_TO_SPACE"),
    (6, "DEQUANTIZE"),
    (7, "EMBEDDING_LOOKUP"),
    (8, "FLOOR"),
    (9, "FULLY_CONNECTED"),
    (11, "L2_NORMALIZATION"),
    (12, "L2_POOL_2D"),
    (13, "LOCAL_RESPONSE_NORMALIZATION"),
    (14, "LOGISTIC"),
    (16, "LSTM"),
    (17, "MAX_POOL_2D"),
    (18, "MUL"),
    (19, "RELU"),
    (20, "RELU_N1_TO_1"),
    (21, "RELU6"),
    (22, "RESHAPE"),
    (23, "RESIZE_BILINEAR"),
    (24, "RNN"),
    (25, "SOFTMAX"),
    (26, "SPACE_TO_DEPTH"),
    (27, "SVDF"),
    (28, "TANH"),
    (32, "CUSTOM"),
    (34, "PAD"),
    (35, "UNIDIRECTIONAL_SEQUENCE_RNN"),
    (36, "GATHER"),
    (37, "BATCH_TO_SPACE_ND"),
    (38, "SPACE_TO_BATCH_ND"),
    (39, "TRANSPOSE"),
    (40, "MEAN"),
    (41, "SUB"),
    (42, "DIV"),
    (43, "SQUEEZE"),
    (44, "UNIDIRECTIONAL_SEQUENCE_LSTM"),
    (45, "STRIDED_SLICE"),
    (46, "BIDIRECTIONAL_SEQUENCE_RNN"),
    (47, "EXP"),
    (48, "TOPK_V2"),
    (49, "SPLIT"),
    (50, "LOG_SOFTMAX"),
    (52, "BIDIRECTIONAL_SEQUENCE_LSTM"),
    (53, "CAST"),
    (54, "PRELU"),
    (55, "MAXIMUM"),
    (56, "ARG_MAX"),
    (57, "MINIMUM"),
    (58, "LESS"),
    (59, "NEG"),
    (60, "PADV2"),
    (61, "GREATER"),
    (62, "GREATER_EQUAL"),
    (63, "LESS_EQUAL"),
    (64, "SELECT"),
    (65, "SLICE"),
    (66, "SIN"),
    (67, "TRANSPOSE_CONV"),
    (69, "TILE"),
    (70, "EXPAND_DIMS"),
    (71, "EQUAL"),
    (73, "LOG"),
    (74, "SUM"),
    (75, "SQRT"),
    (76, "RSQRT"),
    (77, "SHAPE"),
    (78, "POW"),
    (79, "ARG_MIN"),
    (80, "FAKE_QUANT"),
    (81, "REDUCE_PROD"),
    (82, "REDUCE_MAX"),
    (83, "PACK"),
    (85, "ONE_HOT"),
    (88, "UNPACK"),
    (89, "REDUCE_MIN"),
    (90, "FLOOR_DIV"),
    (92, "SQUARE"),
    (93, "ZEROS_LIKE"),
    (94, "FILL"),
    (95, "FLOOR_MOD"),
    (96, "RANGE"),
    (97, "RESIZE_NEAREST_NEIGHBOR"),
    (98, "LEAKY_RELU"),
    (99, "SQUARED_DIFFERENCE"),
    (100, "MIRROR_PAD"),
    (101, "ABS"),
    (102, "SPLIT_V"),
    (104, "CEIL"),
    (105, "REVERSE_V2"),
    (107, "GATHER_ND"),
    (108, "COS"),
    (111, "ELU"),
    (114, "QUANTIZE"),
    (116, "ROUND"),
    (117, "HARD_SWISH"),
    (118, "IF"),
    (119, "WHILE"),
    (123, "SELECT_V2"),
    (126, "BATCH_MATMUL"),
    (128, "CUMSUM"),
    (129, "CALL_ONCE"),
    (130, "BROADCAST_TO"),
    (131, "RFFT2D"),
    (132, "CONV_3D"),
    (142, "VAR_HANDLE"),
    (143, "READ_VARIABLE"),
    (144, "ASSIGN_VARIABLE"),
    (150, "GELU"),
];

/// Name of an operator.
pub fn name(code: i32, custom: &str) -> String {
    if code == 32 {
        return format!("CUSTOM `{custom}`");
    }
    NAMES.iter().find(|n| n.0 == code).map_or_else(|| format!("number {code}"), |n| n.1.to_owned())
}

/// What to do about an operator that is not supported.
pub fn replacement(name: &str) -> &'static str {
    match name {
        "WHILE" | "IF" => {
            "convert the recurrent layer with unroll=True, or so that it becomes UNIDIRECTIONAL_SEQUENCE_LSTM"
        }
        "LOG_SOFTMAX" => "end the model with SOFTMAX and take the logarithm outside",
        "ARG_MAX" | "ARG_MIN" | "TOPK_V2" => "end the model with the scores and take the largest outside",
        "L2_POOL_2D" | "LOCAL_RESPONSE_NORMALIZATION" => "use AVERAGE_POOL_2D or a batch normalisation",
        "CONV_3D" => "use CONV_2D over frames",
        "BATCH_MATMUL" => "use FULLY_CONNECTED with constant weights",
        "RFFT2D" => "leave the features to a DSP block: see `edgewright dsp list`",
        n if n.starts_with("CUSTOM `Signal") => {
            "leave the features to a DSP block: see `edgewright dsp list`"
        }
        n if n.starts_with("CUSTOM") => "convert the model with builtin operators only",
        "GREATER" | "GREATER_EQUAL" | "LESS" | "LESS_EQUAL" | "EQUAL" | "SELECT" | "SELECT_V2" => {
            "values are not compared here; use MAXIMUM, MINIMUM or RELU6, or cut the model before it"
        }
        _ => {
            "compute it by ADD, MUL, BATCH_MATMUL, CONV_2D or another operator that is read, or cut the model before it"
        }
    }
}
