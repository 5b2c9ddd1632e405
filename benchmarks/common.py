"""What the parts of the benchmark share: rows, times, and trainings that are kept."""

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import home  # noqa: F401  (before asl)
import numpy as np

from asl import files
from asl.checkpoints import load_model, replay_split
from asl.data.load import load
from asl.data.samples import Samples, Split
from asl.data.split import split
from asl.evaluation.intervals import describe_accuracy
from asl.keras_setup import keras
from asl.models.registry import input_size
from asl.prediction import predict
from asl.rounding import percent
from asl.training.fit import train_split

SEEDS = range(5)
REPEATS = 5
SIDE = 2048  # of the matrices whose product measures the machine


def figure(value: float, unit: str = "", target: str = "") -> dict:
    """A row that is a number."""
    value = int(value) if isinstance(value, int | np.integer) else round(float(value), 4)
    return {"value": value, "unit": unit, "target": target}


def text(value: str, target: str = "") -> dict:
    """A row in words."""
    return {"value": value, "unit": "", "target": target}


def seconds(work: Callable, repeats: int = REPEATS) -> float:
    """The median time of a call, after one that does not count."""
    times = []
    for _ in range(repeats + 1):
        began = time.perf_counter()
        work()
        times.append(time.perf_counter() - began)
    return statistics.median(times[1:])


def product_rate() -> float:
    """Multiply-adds a second of the machine's matrix products in float32."""
    import tensorflow as tf

    left, right = (tf.random.normal((SIDE, SIDE)) for _ in range(2))
    return SIDE**3 / seconds(lambda: tf.matmul(left, right).numpy())


def train_once(parts: Split, name: str, model: str = "cnn") -> str:
    """Train on a split as notebook 05 does, unless a checkpoint of this name is there."""
    if not (files.MODEL / f"{name}.keras").exists():
        train_split(parts, model, name=name, seed=parts.recipe.seed)
    return name


def train_seed(dataset: str, seed: int, model: str = "cnn") -> str:
    """The same on the usual split of a data set with this seed; gives the checkpoint's name."""
    name = f"{dataset}-{model}-seed{seed}"
    if not (files.MODEL / f"{name}.keras").exists():
        train_once(split(load(dataset, input_size(model)), seed=seed), name, model)
    return name


class Predicted(NamedTuple):
    """Which images a network predicts correctly, bool (n,), and the images."""

    correct: np.ndarray
    samples: Samples

    def __str__(self) -> str:
        return describe_accuracy(self.correct, self.samples.groups, self.samples.group_unit)

    @property
    def accuracy(self) -> float:
        return float(self.correct.mean())

    @property
    def mistakes(self) -> int:
        return int((~self.correct).sum())

    @property
    def counts(self) -> str:
        """Correct/total and percent: 1,198/1,200 = 99.83 %."""
        ratio = f"{self.correct.sum():,}/{len(self.correct):,}"
        return f"{ratio} = {percent(self.accuracy)}"


def predict_samples(model: keras.Model, samples: Samples) -> Predicted:
    return Predicted(predict(model, samples.images).argmax(axis=1) == samples.labels, samples)


def predict_test(name: str) -> Predicted:
    """What a checkpoint predicts of the test part of the very split that it was trained on."""
    model, metadata = load_model(name)
    return predict_samples(model, replay_split(metadata).test)


def over_seeds(dataset: str, seeds: range, model: str = "cnn") -> str:
    """Correct/total of each seed's test part, and the share of all together."""
    told, correct, total = [], 0, 0
    for seed in seeds:
        found = predict_test(train_seed(dataset, seed, model)).correct
        told.append(f"{found.sum():,}/{len(found):,}")
        correct, total = correct + int(found.sum()), total + len(found)
        print(f"{model} on {dataset}, seed {seed}: {told[-1]}", flush=True)
    return f"{', '.join(told)}: {percent(correct / total)}"


def fresh_process(file: str, what: str, folder: Path | None = None) -> dict:
    """What `file` prints for `what`, run in a process of its own with this home folder; and the
    seconds that it took, imports and all, unless it gives others.
    """
    began = time.perf_counter()
    done = subprocess.run(
        [sys.executable, file, what],
        env={**os.environ, "ASL_HOME": str(folder or files.HOME)},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return {"seconds": time.perf_counter() - began} | json.loads(done.stdout.splitlines()[-1])
