//! What goes over the wire. Every type here is part of the OpenAPI document and of the Studio's TypeScript; none is a domain type or a
//! row: `server` converts. Times are milliseconds since 1970, UTC.

mod access;
mod analysis;
mod data;
mod devices;
mod explanation;
mod hooks;
mod job_request;
mod jobs;
mod lifecycle;
mod pareto;
mod problem;
mod project;
mod results;
mod tools;

pub use access::{
    Account, AccountChange, AccountList, Health, Invitation, Key, KeyCreated, KeyList, NewAccount, NewKey,
    NewPassword, PhoneAdmitted, PhoneLink, PhoneToken, QrCode, Role, Scope, Session, SessionEntry,
    SessionList, SignIn, TokenSignIn,
};
pub use analysis::{
    Analysis, AxisHistogram, AxisLevel, AxisSpectrum, Correlation, DataSlice, FeatureStats, LabelPair, Spread,
};
pub use data::{
    AgreementPair, Category, Cut, DisputedLabel, Finding, FindingList, FinishQuery, ImportResult,
    LabelAgreement, LabelBox, LabelCount, LabelRange, LabelSides, LabelledBy, NewUpload, Part, PartList,
    PartQuery, PieceQuery, Quarantined, Rebalance, RebalanceQuery, Remark, Sample, SampleChange,
    SampleDetail, SampleEdit, SampleHistory, SampleIds, SamplePage, SampleQuery, Sides, Step, Summary,
    TablePreview, Trace, Upload, UploadQuery, Waveform, WaveformAxis, WaveformQuery,
};
pub use devices::{
    Connection, Device, DeviceEdit, DeviceList, NewRecording, Recording, RecordingState, Sensor,
};
pub use explanation::{Explanation, ExplanationQuery, HeatMap};
pub use hooks::{Hook, HookCreated, HookDelivery, HookDeliveryState, HookList, NewHook};
pub use jobs::{
    EpochLine, Job, JobError, JobList, JobProgress, JobQuery, JobRequest, JobState, LogEntry, LogLine,
    LogList, LogQuery,
};
pub use lifecycle::{Charter, Lifecycle, LifecycleAction, LifecycleStage, Progress};
pub use pareto::{CostAxis, CostBasis, FigureOn, Pareto, ParetoQuery, ParetoRun, RunCost};
pub use problem::Problem;
pub use project::{
    Diff, DiffKind, DiffLine, DiffQuery, DspEstimate, DspOnTarget, DspSetting, Estimate, EstimateRequest,
    KeptImpulse, KeptImpulseList, LayerEstimate, LearnEstimate, LearnSetting, NewProject, Project,
    ProjectFile, ProjectFileChecked, ProjectFileText, ProjectFileWritten, ProjectList, RestoreVersion,
    Settings, TargetEstimate, UseImpulse, Version, VersionList,
};
pub use results::{
    Artifact, Augmentation, AugmentationQuery, Block, BlockFeatures, BlockList, BlockParameter, BlockPreview,
    Classified, ClassifyQuery, ClassifyResult, Curve, CurvePoint, FeatureMap, Figures, Fit, FoundBox,
    LabelFigures, LabelSets, Layer, MapQuery, MapSample, OutcomeList, OutcomeQuery, OutcomeWindow,
    ReliabilityBin, Results, Slice, Stage, StageList, StageState, StepFigures, Target, TargetList,
    TrainingStep, Uncertainty, Verification,
};
pub use tools::{
    BlockRan, BlockRun, ModelFile, ModelFileList, ModelImport, ModelImported, ModelTensor, Tool, ToolList,
};
