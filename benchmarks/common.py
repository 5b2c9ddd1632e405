"""What parts of the benchmark share: trainings kept in runs/bench/, how figures are told."""

import statistics
import time
from collections.abc import Callable

from asl import datasets, evaluation, paths, prediction, training
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


def right_by_seed(dataset: str, seeds: range, model: str = "cnn") -> list[tuple[int, int]]:
    """Test images read rightly and test images in all, a pair a seed; trained where it is not."""
    kind = "" if model == "cnn" else f"-{model}"
    pairs = []
    for seed in seeds:
        kept = fit(dataset, seed, f"{dataset}{kind}-seed{seed}", model)
        test = datasets.split(datasets.load(dataset, model), seed=seed).test
        pairs.append((len(test) - mistakes(load(kept), test), len(test)))
        print(f"{model} on {dataset}, seed {seed}: {pairs[-1][0]:,}/{pairs[-1][1]:,}", flush=True)
    return pairs


def counts(pairs: list[tuple[int, int]]) -> str:
    """Each pair as right/all, and the share of all together."""
    right, total = map(sum, zip(*pairs, strict=True))
    told = ", ".join(f"{a:,}/{b:,}" for a, b in pairs)
    return f"{told}: {evaluation.percent(right / total)}"


def fit_parts(
    parts: datasets.Split,
    seed: int,
    name: str,
    epochs: int | None = None,
    model: str = "cnn",
    weights: str | None = "imagenet",
):
    return training.train_split(parts, model, name=name, seed=seed, weights=weights, epochs=epochs)


def load(name: str) -> keras.Model:
    return keras.saving.load_model(paths.MODEL / f"{name}.keras", compile=False)


def mistakes(model: keras.Model, samples: datasets.Samples) -> int:
    return int((prediction.predict(model, samples.images).argmax(axis=1) != samples.labels).sum())


def figure(value: float, unit: str, wanted: str) -> dict:
    return {"value": round(float(value), 4), "unit": unit, "wanted": wanted}


def text(value: str, wanted: str) -> dict:
    return {"value": value, "unit": "", "wanted": wanted}
