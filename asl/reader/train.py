"""The reader: one network for hands, rooms and cameras that it has never seen.

A network trained on one data set learns that set's people, walls and light. The reader is trained
on the 24 still letters of all data sets at once, as many images of each letter from each set, and
on rendered hands without end, with domain randomization. Its accuracy is measured by
leave-one-dataset-out: `train_reader("rooms")` trains without `rooms` and predicts all of it. How it
is trained was chosen by such figures, and these are a little too high for it: the number of steps
and of frozen blocks on `rooms` alone, test-time augmentation on all four sets, `letters`' official
test among them.
"""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np

from asl import checkpoints, files, prediction
from asl.checkpoints import Metadata, Threshold
from asl.data.hand_poses import LETTERS
from asl.data.load import load
from asl.data.split import with_groups
from asl.errors import AslError
from asl.evaluation import confidence
from asl.evaluation.intervals import accuracy_interval, describe_accuracy
from asl.keras_setup import keras
from asl.models import backbones, pretrained
from asl.models.reader_network import reader_network, with_test_time_augmentation
from asl.reader.domain_randomization import SIZE
from asl.reader.sources import BATCH, LEFT_OUT, STEPS_PER_EPOCH, Mixture, gather, letter_labels

BACKBONE = "mobilenetv2"
FROZEN_TO = "block_5_add"  # what lies below are edges and textures, the same in all photographs
STEPS = 1500  # with 3000, fewer images of a set that was left out were predicted correctly
RATE, WARM_UP = 2e-3, 100
PRECISION = 0.95  # share of predictions above the confidence threshold that should be correct


class LeftOut(NamedTuple):
    """What a network predicted for a data set that was left out of its training."""

    probabilities: np.ndarray  # float32 (n, 24)
    labels: np.ndarray  # int64 (n,)
    groups: np.ndarray  # str (n,)

    @property
    def correct(self) -> np.ndarray:
        """Which images are predicted correctly, bool (n,)."""
        return self.probabilities.argmax(axis=1) == self.labels


def train_reader(left_out: str | None = None, seed: int = 0, steps: int = STEPS) -> Path:
    """Train the reader on all data sets, or on all but one, and keep it in model/.

    `left_out` is a name of LEFT_OUT: the network is kept as model/reader-without-<name>.keras,
    all images of that set are predicted, and the predictions are kept in runs/reader. Without, it
    becomes model/reader.keras; its confidence is calibrated by the sets that were left out before,
    and its metadata holds the accuracy on them. AslError for an unknown name, and for data sets or
    weights that cannot be had.
    """
    if left_out is not None and left_out not in LEFT_OUT:
        raise AslError(f"there is no set {left_out!r} to leave out: {', '.join(LEFT_OUT)}.")
    known = {name: found for name in LEFT_OUT if (found := left_out_predictions(name))}
    missing = [name for name in LEFT_OUT if name not in known]
    if missing and not left_out:
        raise AslError(
            "the reader is calibrated by predictions for sets that were left out; first run: "
            + "; ".join(f"python -m asl reader --leave-out {name}" for name in missing)
        )
    model, metadata = _fit(left_out, seed, steps)
    if left_out:
        name = f"reader-without-{left_out}"
        file = checkpoints.save_model(with_test_time_augmentation(model), name, metadata)
        print(f"without {left_out}: {predict_left_out(left_out)}")
        return file
    temperature, threshold = _calibration(list(known.values()))
    figures = {name: _figures(found) for name, found in known.items()}
    metadata = replace(metadata, temperature=temperature, threshold=threshold, left_out=figures)
    model = with_test_time_augmentation(model, temperature)
    return checkpoints.save_model(model, "reader", metadata)


def build_reader(seed: int = 0) -> keras.Model:
    """The network that learns: MobileNetV2 from ImageNet, its lower blocks frozen; images
    (n, SIZE, SIZE, 3), 0–255, in, probabilities (n, 24) out. AslError without the weights.
    """
    file = pretrained.find_weights(BACKBONE)
    assert file is not None
    keras.utils.set_random_seed(seed)
    backbone, preprocessing = backbones.mobilenetv2(SIZE)
    pretrained.load_weights(backbone, file, BACKBONE)
    learns = False
    for layer in backbone.layers:
        layer.trainable = learns
        learns = learns or layer.name == FROZEN_TO
    return reader_network(backbone, preprocessing, len(LETTERS))


def _fit(left_out: str | None, seed: int, steps: int) -> tuple[keras.Model, Metadata]:
    began = time.perf_counter()
    model = build_reader(seed)
    sources, rooms = gather(left_out)
    per_epoch = min(STEPS_PER_EPOCH, steps)
    epochs = round(steps / per_epoch)  # whole ones
    steps = epochs * per_epoch
    rates = keras.optimizers.schedules.CosineDecay(
        RATE / 10, max(steps - WARM_UP, 1), warmup_target=RATE, warmup_steps=WARM_UP
    )
    model.compile(
        keras.optimizers.AdamW(rates, weight_decay=1e-3, clipnorm=1.0),
        keras.losses.CategoricalCrossentropy(label_smoothing=0.1),
        metrics=["accuracy"],
    )
    model.fit(
        Mixture(sources, rooms, seed),
        steps_per_epoch=per_epoch,
        epochs=epochs,
        verbose=0,
        callbacks=[keras.callbacks.LambdaCallback(on_epoch_end=_report)],
    )
    # The data set `sample` is of hands rendered in the same way
    names = tuple("sample" if name == "drawn" else name for name in sources)
    weights = pretrained.find_weights(BACKBONE)
    return model, Metadata(
        dataset="+".join(names),
        datasets=names,
        model="reader",
        weights=weights.name if weights else None,
        class_names=LETTERS,
        seed=seed,
        steps=steps,
        batch_size=BATCH,
        training_seconds=round(time.perf_counter() - began, 1),
    )


def predict_left_out(name: str) -> str:
    """Predict all images of a set with the network that was trained without it, keep the
    probabilities in runs/reader, and give the accuracy as text.
    """
    model, _ = checkpoints.load_model(f"reader-without-{name}")
    found = []
    for dataset in LEFT_OUT[name]:
        samples = with_groups(load(dataset, image_shape=(SIZE, SIZE, 3)))
        labels = letter_labels(samples.class_names)[samples.labels]
        samples, labels = samples.take(labels >= 0), labels[labels >= 0]
        assert samples.groups is not None
        groups = np.char.add(f"{dataset} ", samples.groups.astype(str))
        found.append((prediction.predict_fitted(model, samples.images), labels, groups))
    together = LeftOut(*(np.concatenate(column) for column in zip(*found, strict=True)))
    with files.write_beside(_predictions_file(name)) as temporary:
        np.savez(temporary, **together._asdict())
    return describe_accuracy(together.correct, together.groups)


def left_out_predictions(name: str) -> LeftOut | None:
    """What was predicted for a set that was left out, or None if it was not yet."""
    file = _predictions_file(name)
    if not file.is_file():
        return None
    with np.load(file) as stored:
        return LeftOut(**stored)


def _predictions_file(name: str) -> Path:
    return files.RUNS / "reader" / f"without-{name}.npz"


def _figures(found: LeftOut) -> dict[str, float]:
    low, high = accuracy_interval(found.correct, found.groups)
    return {
        "correct": int(found.correct.sum()),
        "images": len(found.labels),
        "groups": len(np.unique(found.groups)),
        "low": round(low, 4),
        "high": round(high, 4),
    }


def _calibration(sets: list[LeftOut]) -> tuple[float, Threshold]:
    """Temperature and confidence threshold from sets that were left out, as many images of each."""
    count, random = min(len(found.labels) for found in sets), np.random.default_rng(0)
    chosen = [random.choice(len(found.labels), count, replace=False) for found in sets]
    probabilities, labels = (
        np.concatenate([found[k][rows] for found, rows in zip(sets, chosen, strict=True)])
        for k in (0, 1)
    )
    temperature = round(confidence.fit_temperature(probabilities, labels), 4)
    calibrated = confidence.calibrate(probabilities, temperature)
    return temperature, confidence.confidence_threshold(calibrated, labels, PRECISION)


def _report(epoch: int, logs: dict) -> None:
    figures = f"loss {logs['loss']:.4f}  accuracy {logs['accuracy']:.4f}"
    print(f"epoch {epoch + 1}  {figures}", flush=True)
