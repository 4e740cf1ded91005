"""The keyword example as a Python script: the peer of `edgewright run examples/keywords` in `cargo xtask bench spine`.

It does what such scripts usually do with python_speech_features, Keras and the TFLite converter, on the same recordings, with the
same split, the same features and a network of the same shape: read the files, compute MFCC features, train, keep the best epoch,
convert to int8, and evaluate both models on the test recordings.

    python keywords.py SETTINGS.json

The settings come from the bench; the last line of stdout is a JSON object with the results.
"""

import json
import logging
import os
import sys
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

# python_speech_features warns about every frame that is longer than the transform; the block cuts such frames, too.
logging.disable(logging.WARNING)
started = time.monotonic()

import keras  # noqa: E402
import numpy as np  # noqa: E402
import soundfile  # noqa: E402
import tensorflow as tf  # noqa: E402
from python_speech_features import mfcc  # noqa: E402


def read_features(files, settings):
    """Float32 array: one row per file; frames x coefficients."""
    rate = settings["rate_hz"]
    window = round(settings["window_ms"] * rate / 1000)
    block = settings["mfcc"]
    rows = []
    for file in files:
        signal, file_rate = soundfile.read(file["path"], dtype="float32")
        if file_rate != rate:
            raise SystemExit(f"{file['path']}: {file_rate} Hz, expected {rate}")
        padded = np.zeros(window, dtype=np.float32)
        used = min(window, len(signal))
        padded[:used] = signal[:used]
        rows.append(
            mfcc(
                padded,
                samplerate=rate,
                winlen=block["frame_length"],
                winstep=block["frame_stride"],
                numcep=int(block["num_cepstral"]),
                nfilt=int(block["num_filters"]),
                nfft=int(block["fft_length"]),
                lowfreq=block["low_frequency"],
                highfreq=block.get("high_frequency") or rate / 2,
                preemph=block["pre_cof"],
            )
        )
    features = np.asarray(rows, dtype=np.float32)
    # The block normalises each coefficient over a window of time that is longer than a clip.
    features -= features.mean(axis=1, keepdims=True)
    features /= features.std(axis=1, keepdims=True) + 1e-6
    return features


def build(layers, shape, classes):
    """A Keras model from the bench's list of layers."""
    stack = [keras.Input(shape=shape)]
    for layer in layers:
        kind = layer["type"]
        if kind == "conv1d":
            stack.append(keras.layers.Conv1D(layer["filters"], layer["kernel"], padding="same"))
        elif kind == "dense":
            stack.append(keras.layers.Dense(layer["units"], activation=layer.get("activation")))
        elif kind == "batch_norm":
            stack.append(keras.layers.BatchNormalization())
        elif kind == "activation":
            stack.append(keras.layers.Activation(layer["activation"]))
        elif kind == "max_pool":
            stack.append(keras.layers.MaxPooling1D(layer["size"][0]))
        elif kind == "dropout":
            stack.append(keras.layers.Dropout(layer["rate"]))
        elif kind == "global_average_pool":
            stack.append(keras.layers.GlobalAveragePooling1D())
        elif kind == "flatten":
            stack.append(keras.layers.Flatten())
        else:
            raise SystemExit(f"no counterpart for a layer of type {kind}")
    stack.append(keras.layers.Dense(classes, activation="softmax"))
    return keras.Sequential(stack)


def augmented(features, labels, weights, settings, seed):
    """Batches of changed features, as the example's augmentation makes them, with a weight for each row."""
    augment = settings["augment"]
    batch = settings["batch_size"]
    count, frames, columns = features.shape

    def batches():
        rng = np.random.default_rng(seed)
        while True:
            order = rng.permutation(count)
            for at in range(0, count, batch):
                chosen = order[at : at + batch]
                x = features[chosen].copy()
                for row in x:
                    shift = int(rng.integers(-augment["time_shift"], augment["time_shift"] + 1))
                    row[:] = np.roll(row, shift, axis=0)
                    width = int(rng.integers(0, augment["time_mask"] + 1))
                    start = int(rng.integers(0, max(1, frames - width)))
                    row[start : start + width] = 0
                    width = int(rng.integers(0, augment["frequency_mask"] + 1))
                    start = int(rng.integers(0, max(1, columns - width)))
                    row[:, start : start + width] = 0
                x += rng.normal(0, augment["noise"], x.shape).astype(np.float32)
                yield x, labels[chosen], weights[labels[chosen]]

    return batches(), -(-count // batch)


def int8_accuracy(blob, features, labels):
    """Accuracy of a full-integer TFLite model."""
    interpreter = tf.lite.Interpreter(model_content=blob)
    interpreter.allocate_tensors()
    source, sink = interpreter.get_input_details()[0], interpreter.get_output_details()[0]
    scale, zero = source["quantization"]
    right = 0
    for row, label in zip(features, labels):
        quantised = np.clip(np.round(row / scale) + zero, -128, 127).astype(np.int8)
        interpreter.set_tensor(source["index"], quantised[None])
        interpreter.invoke()
        right += int(np.argmax(interpreter.get_tensor(sink["index"])[0]) == label)
    return right / len(labels)


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        settings = json.load(file)
    keras.utils.set_random_seed(settings["seed"])
    names = sorted({f["label"] for f in settings["files"]})
    sides = {}
    for side in ("training", "validation", "testing"):
        files = [f for f in settings["files"] if f["side"] == side]
        labels = np.array([names.index(f["label"]) for f in files])
        sides[side] = (read_features(files, settings), labels)
    x, y = sides["training"]
    model = build(settings["layers"], x.shape[1:], len(names))
    model.compile(
        optimizer=keras.optimizers.AdamW(settings["learning_rate"], weight_decay=settings["weight_decay"]),
        loss="sparse_categorical_crossentropy",
        metrics=["accuracy"],
    )
    counts = np.bincount(y, minlength=len(names))
    # Keras takes no class weights beside a generator.
    weights = (len(y) / (len(names) * np.maximum(1, counts))).astype(np.float32)
    batches, steps = augmented(x, y, weights, settings, settings["seed"])
    # patience above the number of epochs: trains to the end and then keeps the best epoch, as the bench asks of both sides.
    best = keras.callbacks.EarlyStopping(
        monitor="val_loss", patience=settings["epochs"] + 1, restore_best_weights=True
    )
    history = model.fit(
        batches,
        steps_per_epoch=steps,
        epochs=settings["epochs"],
        validation_data=sides["validation"],
        callbacks=[best],
        verbose=0,
    )
    test_x, test_y = sides["testing"]
    float_accuracy = float((model.predict(test_x, verbose=0).argmax(axis=1) == test_y).mean())

    converter = tf.lite.TFLiteConverter.from_keras_model(model)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = lambda: ([row[None]] for row in x[:: max(1, len(x) // 512)])
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = tf.int8
    converter.inference_output_type = tf.int8
    blob = converter.convert()
    print(
        json.dumps(
            {
                "float": float_accuracy,
                "int8": int8_accuracy(blob, test_x, test_y),
                "epochs": len(history.history["loss"]),
                "parameters": int(model.count_params()),
                "tflite_bytes": len(blob),
                "seconds": time.monotonic() - started,
            }
        )
    )


if __name__ == "__main__":
    main()
