"""What parts of the benchmark share: trainings kept in runs/bench/, how figures are told."""

import statistics
import time
from collections.abc import Callable

from asl import datasets, encode, models, paths, prediction, training
from asl.backend import keras

REPEATS = 5


def seconds(work: Callable, repeats: int = REPEATS) -> float:
    """The median time of a call, after one that does not count."""
    times = []
    for _ in range(repeats + 1):
        began = time.perf_counter()
        work()
        times.append(time.perf_counter() - began)
    return statistics.median(times[1:])


def fit(dataset: str, seed: int, name: str, model: str = "cnn") -> str:
    """Train as notebook 05 does and keep it as model/<name>.keras, unless it is there."""
    if not (paths.MODEL / f"{name}.keras").exists():
        parts = datasets.split(datasets.load(dataset, model), seed=seed)
        fit_parts(parts, seed, name, model=model)
    return name


def fit_parts(
    parts: datasets.Split,
    seed: int,
    name: str,
    epochs: int | None = None,
    model: str = "cnn",
    weights: str | None = "imagenet",
):
    train, validation, _ = parts
    class_count = len(train.class_names)
    return training.train(
        models.build(model, train.images.shape[1:], class_count, seed, weights),
        train.images,
        encode(train.labels, class_count),
        validation.images,
        encode(validation.labels, class_count),
        name=name,
        about=datasets.about(parts, model, weights),
        epochs=epochs,
        seed=seed,
    )


def load(name: str) -> keras.Model:
    return keras.saving.load_model(paths.MODEL / f"{name}.keras", compile=False)


def mistakes(model: keras.Model, samples: datasets.Samples) -> int:
    return int((prediction.predict(model, samples.images).argmax(axis=1) != samples.labels).sum())


def figure(value: float, unit: str, wanted: str) -> dict:
    return {"value": round(float(value), 4), "unit": unit, "wanted": wanted}


def text(value: str, wanted: str) -> dict:
    return {"value": value, "unit": "", "wanted": wanted}
