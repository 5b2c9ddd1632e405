"""Networks as files of LiteRT and ONNX: size, speed, what int8 costs, and how near each comes."""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import cv2
import numpy as np
from common import REPEATS, figure, seconds, text, train_once

from asl import checkpoints, files
from asl.checkpoints import load_model, replay_split
from asl.data.load import load
from asl.data.split import split
from asl.export import convert
from asl.export.metadata import INT8, SUFFIXES
from asl.export.network import ExportedNetwork
from asl.export.write import export as write
from asl.keras_setup import keras
from asl.models.build import build
from asl.models.layers import all_layers
from asl.models.registry import MODELS
from asl.prediction import run
from asl.rounding import percent

SHIPPED = "letters-cnn"
BATCH = 64  # of ONNX; the others choose their own


def export() -> dict:
    """Sizes and images a second by runtime; the accuracy of int8; the command on PNG files."""
    train_once(split(load("sample")), "sample-cnn")
    rows = _speed(SHIPPED)
    for name in (SHIPPED, "sample-cnn"):
        rows |= _accuracy(name)
    return rows | _command() | _networks()


def _speed(name: str) -> dict:
    """Sizes, and images a second of the same test images, as float32."""
    model, known = load_model(name)
    images = replay_split(known).test.images.astype(np.float32)
    litert, int8, onnx = write(name), write(name, quantize=INT8), write(name, "onnx")
    by_litert, by_int8 = (ExportedNetwork(each.file.read_bytes()) for each in (litert, int8))
    kinds = {
        "keras": (checkpoints.find(name), lambda: run(model, images)),
        "litert": (litert.file, lambda: run(by_litert, images)),
        "litert, int8": (int8.file, lambda: run(by_int8, images)),
        "onnx": (onnx.file, lambda: _run_onnx(onnx.file, images)),
    }
    rows = {}
    for kind, (file, work) in kinds.items():
        size = file.stat().st_size / 1e6
        limit = f"at most {litert.file.stat().st_size / 3e6:.3f}" if file == int8.file else ""
        rows[f"{name} by {kind}: size"] = figure(size, "MB", limit)
        rows[f"{name} by {kind}"] = figure(len(images) / seconds(work), "images/s")
    return rows


def _run_onnx(file: Path, images: np.ndarray) -> None:
    import onnxruntime

    session = onnxruntime.InferenceSession(str(file))
    for start in range(0, len(images), BATCH):
        session.run(None, {"images": images[start : start + BATCH]})


def _accuracy(name: str) -> dict:
    model, known = load_model(name)
    test = replay_split(known).test
    quantized = ExportedNetwork(write(name, quantize=INT8).file.read_bytes())
    by = {"float32": model, "int8": quantized}
    correct = {
        kind: int((run(each, test.images).argmax(axis=1) == test.labels).sum())
        for kind, each in by.items()
    }
    told = ", ".join(
        f"{kind} {count:,}/{len(test):,} = {percent(count / len(test))}"
        for kind, count in correct.items()
    )
    return {f"{name}, test": text(told, "int8 at most 0.2 points less")}


def _command() -> dict:
    """`predict` on Sign Language MNIST's test images as PNG files, start and all."""
    samples = load("letters")
    folder = files.HOME / "pictures"
    folder.mkdir(exist_ok=True)
    images = samples.images[samples.is_test]
    for row, image in enumerate(images):
        cv2.imwrite(str(folder / f"{row:05d}.png"), image)
    command = ["-m", "asl", "predict", "--model", SHIPPED, str(folder)]
    output = ["--output", str(files.RESULTS)]
    # Python keeps what it compiles, if not told otherwise
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": ""}

    def once() -> float:
        began = time.perf_counter()
        subprocess.run(
            [sys.executable, *command, *output],
            cwd=files.REPOSITORY,
            env=environment,
            check=True,
            capture_output=True,
        )
        return time.perf_counter() - began

    once()  # what the disk was slow to give is in the memory now
    took = statistics.median(once() for _ in range(REPEATS))
    return {f"predict, {len(images):,} PNG files, with the start": figure(took, "s", "at most 2")}


def _networks() -> dict:
    """Every network of the catalogue, random weights: how far its files are from it."""
    rows = {}
    folder = Path(tempfile.mkdtemp(dir=files.HOME))
    for name, entry in MODELS.items():
        model = build(name, (64, 64, 3 if entry.takes_joints else 1), 24, weights=None)
        _normalize(model)
        told = []
        for format, suffix in SUFFIXES.items():
            file = folder / f"{name}{suffix}"
            convert.convert(model, file, format)
            told.append(f"{format} {convert.largest_difference(model, file, format):.1g}")
            file.unlink()
        rows[f"{name}, exported: probabilities against Keras'"] = text(
            ", ".join(told), "at most 1e-04"
        )
    folder.rmdir()
    return rows


def _normalize(model: keras.Model) -> None:
    """Make each batch normalisation that of random inputs: without it, a MobileNetV2 that was not
    trained says the same of any image, and any file would be equal to it.
    """
    model.trainable = True
    for layer in all_layers(model):
        layer.trainable = True
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.momentum = 0.0  # only what goes through now
    (values,) = convert.random_inputs(model)
    model(values, training=True)
    probabilities = model.predict_on_batch(values)
    assert np.ptp(probabilities, axis=0).max() > 1e-4  # not the same of any image
