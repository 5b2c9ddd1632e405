"""Measure every figure of the README; write benchmarks/results.json and the table in README.md.

    make bench                                    all of it, about an hour on two cores
    .venv/bin/python benchmarks/bench.py loading  one part; the others' figures stay

The data set `letters` must be on this machine (see data/README.md). Models, caches and results go
to runs/bench/ and leave those of the project alone. `make bench` empties it first; a part that is
run by itself takes over what trainings it finds there.
"""

import argparse
import json
import os
import platform
import statistics
import sys
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

HERE = Path(__file__).resolve().parent
REPOSITORY = HERE.parent
RESULTS = HERE / "results.json"
sys.path.insert(0, str(REPOSITORY))

import cv2
import numpy as np

from asl import datasets, download, encode, evaluation, hands, models, paths, prediction, training
from asl.backend import keras

SEEDS = range(10)
REPEATS = 5
PUBLIC_EPOCHS = 20


def seconds(work: Callable, repeats: int = REPEATS) -> float:
    """The median time of a call, after one that does not count."""
    times = []
    for _ in range(repeats + 1):
        began = time.perf_counter()
        work()
        times.append(time.perf_counter() - began)
    return statistics.median(times[1:])


def loading() -> dict:
    """Sign Language MNIST to arrays: from the archive, from the CSVs, from the cache."""
    letters = datasets.DATASETS["letters"]
    archive = download.find(letters)
    cache = paths.DATA / "cache/letters.npz"

    def load_afresh() -> None:
        cache.unlink(missing_ok=True)
        datasets.load("letters")

    from_archive = seconds(load_afresh)
    extracted = paths.DATA / "letters"
    with zipfile.ZipFile(archive) as opened:
        opened.extractall(extracted)
    from_csv = seconds(load_afresh)
    from_cache = seconds(lambda: datasets.load("letters"))
    for file in extracted.rglob("*.csv"):
        file.unlink()
    return {
        "from the archive": figure(from_archive, "s", "at most 3"),
        "from the CSVs": figure(from_csv, "s", "at most 0.7"),
        "from the cache": figure(from_cache, "s", "at most 0.1"),
    }


def drawing() -> dict:
    """The 4,800 hands of `sample`, drawn."""
    took = seconds(hands.draw_sample, repeats=3)
    return {"drawing the 4,800 hands of sample": figure(took, "s", "at most 15")}


def letters() -> dict:
    """The cnn on Sign Language MNIST: each seed's mistakes on the official test split."""
    wrong, names = {}, {}
    for seed in SEEDS:
        names[seed] = fit("letters", seed, f"letters-seed{seed}")
        test = datasets.split(datasets.load("letters"), seed=seed).test
        wrong[seed] = mistakes(names[seed], test)
        print(f"seed {seed}: {wrong[seed]} mistakes of {len(test):,}", flush=True)
    total, worst, median = len(test), max(wrong.values()), statistics.median(wrong.values())
    model = keras.saving.load_model(paths.MODEL / f"{names[0]}.keras", compile=False)
    kilobytes = (paths.MODEL / f"{names[0]}.keras").stat().st_size / 1000
    return {
        "mistakes of 7,172 by seed": list(wrong.values()),
        "median seed": text(evaluation.describe_accuracy(total - median, total), "7,172"),
        "worst seed": text(evaluation.describe_accuracy(total - worst, total), "at least 99.9 %"),
        "parameters": figure(model.count_params(), "", "at most 150,000"),
        "size of the file": figure(kilobytes, "kB", "at most 2,000"),
    }


def transfer() -> dict:
    """What a network trained on one of letters and sample reads of the other (chance: 4.2 %)."""
    sample, mnist = datasets.load("sample"), datasets.load("letters")
    mnist_test = datasets.split(mnist).test
    rows = {}
    for trained_on, read in (("letters", sample), ("sample", mnist_test)):
        wrong = []
        for seed in range(3):
            name = f"{trained_on}-seed{seed}"
            fit(trained_on, seed, name)
            wrong.append(mistakes(name, read))
        median = int(statistics.median(wrong))
        aim = "at least 60 %, aim 80 %" if trained_on == "letters" else "at least 45 %, aim 75 %"
        other = "sample (all)" if trained_on == "letters" else "letters (test)"
        rows[f"trained on {trained_on}, read {other}, median of 3 seeds"] = text(
            evaluation.describe_accuracy(len(read) - median, len(read)), aim
        )
    return rows


def speed() -> dict:
    """Training time against the best-known public recipe, turn by turn in the same minutes.

    A turn is one epoch of the public recipe and two of ours, from the call to the saved best model;
    the medians of three turns are scaled to whole trainings.
    """
    parts = datasets.split(datasets.load("letters"))
    epochs = models.find("cnn").epochs
    public = public_recipe(parts)
    public(1)  # compiling does not count there; with us it does, every time
    public_turns, our_turns = [], []
    for _ in range(3):
        public_turns.append(public(1))
        (paths.MODEL / "letters-speed.keras").unlink(missing_ok=True)
        began = time.perf_counter()
        fit("letters", 0, "letters-speed", epochs=2)
        our_turns.append((time.perf_counter() - began) / 2)
    public_total = PUBLIC_EPOCHS * statistics.median(public_turns)
    our_total = epochs * statistics.median(our_turns)
    return {
        f"training to the saved best model, {epochs} epochs": figure(our_total, "s", ""),
        "best-known public recipe, 20 epochs": figure(public_total, "s", ""),
        "share of its time": figure(our_total / public_total, "", "at most 0.25, aim 0.1"),
    }


def predict() -> dict:
    """Images a second, from the data set or from PNG files, to results.csv."""
    test = datasets.split(datasets.load("letters")).test
    fit("letters", 0, "letters-seed0")
    model = keras.saving.load_model(paths.MODEL / "letters-seed0.keras", compile=False)
    folder = paths.HOME / "pictures"
    folder.mkdir(exist_ok=True)
    for row, image in enumerate(test.images):
        cv2.imwrite(str(folder / f"{row:05d}.png"), image)

    def from_arrays() -> None:
        samples = datasets.split(datasets.load("letters")).test
        probabilities = prediction.predict(model, samples.images)
        actual = [samples.class_names[label] for label in samples.labels]
        table = prediction.results_table(samples.names, probabilities, samples.class_names, actual)
        prediction.write_results(table)

    def from_files() -> None:
        table, _ = prediction.predict_files(model, test.class_names, [folder])
        prediction.write_results(table)

    return {
        "predict, the test split": figure(len(test) / seconds(from_arrays), "images/s", "10,000"),
        "predict, PNG files": figure(len(test) / seconds(from_files), "images/s", "10,000"),
    }


def series() -> dict:
    """`make run`: the eight notebooks on `sample`, from an empty folder."""
    from asl import series

    for file in (paths.DATA / "cache").glob("sample.npz"):
        file.unlink()
    began = time.perf_counter()
    os.environ["ASL_HOME"] = str(paths.HOME)
    series.run("sample", "cnn")
    took = time.perf_counter() - began
    results = prediction.read_results()
    right = int((results["actual"] == results["predicted"]).sum())
    return {
        "make run, after the install": figure(took, "s", "at most 120"),
        "sample, signers not trained on": text(
            evaluation.describe_accuracy(right, len(results)), ""
        ),
    }


def fit(dataset: str, seed: int, name: str, epochs: int | None = None) -> str:
    """Train the cnn as notebook 05 does and keep it as model/<name>.keras, unless it is there."""
    if (paths.MODEL / f"{name}.keras").exists():
        return name
    samples = datasets.load(dataset)
    parts = datasets.split(samples, seed=seed)
    class_count = len(samples.class_names)
    training.train(
        models.build("cnn", samples.images.shape[1:], class_count, seed),
        parts.train.images,
        encode(parts.train.labels, class_count),
        parts.validation.images,
        encode(parts.validation.labels, class_count),
        name=name,
        about=datasets.about(parts, "cnn"),
        epochs=epochs,
        seed=seed,
    )
    return name


def mistakes(name: str, samples: datasets.Samples) -> int:
    model = keras.saving.load_model(paths.MODEL / f"{name}.keras", compile=False)
    return int((prediction.predict(model, samples.images).argmax(axis=1) != samples.labels).sum())


def public_recipe(parts: datasets.Split) -> Callable[[int], float]:
    """The recipe that most public notebooks on Sign Language MNIST share, as a function that trains
    some epochs and gives the seconds of one.

    Three 3×3 convolutions of 75, 50 and 25 filters with batch normalisation, dense 512, dropout;
    shift, zoom and rotation of 10 %; Adam, batch 128, 20 epochs.
    """
    layers = keras.layers
    model = keras.Sequential([keras.Input((28, 28, 1))])
    for filters, dropout in ((75, 0), (50, 0.2), (25, 0)):
        model.add(layers.Conv2D(filters, 3, padding="same", activation="relu"))
        if dropout:
            model.add(layers.Dropout(dropout))
        model.add(layers.BatchNormalization())
        model.add(layers.MaxPool2D(2, 2, padding="same"))
    model.add(layers.Flatten())
    model.add(layers.Dense(512, activation="relu"))
    model.add(layers.Dropout(0.3))
    model.add(layers.Dense(24, activation="softmax"))
    model.compile("adam", "categorical_crossentropy", metrics=["accuracy"])
    batches = PublicBatches(
        parts.train.images / np.float32(255), encode(parts.train.labels, 24), 128, seed=0
    )
    validation = (parts.validation.images / 255, encode(parts.validation.labels, 24))

    def train(epochs: int) -> float:
        began = time.perf_counter()
        model.fit(batches, validation_data=validation, epochs=epochs, verbose=0)
        return (time.perf_counter() - began) / epochs

    return train


class PublicBatches(training.Batches):
    """Shift, zoom and rotation of 10 %, as the public recipe has them, but as quick as ours."""

    def __getitem__(self, number: int) -> tuple[np.ndarray, np.ndarray]:
        rows = self.order[number * self.batch_size : (number + 1) * self.batch_size]
        random = np.random.default_rng([self.seed, self.epoch, number])
        moved = np.empty((len(rows), 28, 28, 1), np.float32)
        for place, image in zip(moved, self.images[rows], strict=True):
            move = cv2.getRotationMatrix2D((13.5, 13.5), *random.uniform((-10, 0.9), (10, 1.1)))
            move[:, 2] += random.uniform(-2.8, 2.8, 2)
            place[..., 0] = cv2.warpAffine(image, move, (28, 28), borderMode=cv2.BORDER_REPLICATE)
        return moved, self.targets[rows]


def figure(value: float, unit: str, wanted: str) -> dict:
    return {"value": round(float(value), 4), "unit": unit, "wanted": wanted}


def text(value: str, wanted: str) -> dict:
    return {"value": value, "unit": "", "wanted": wanted}


PARTS = {
    each.__name__: each for each in (series, drawing, loading, speed, letters, transfer, predict)
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("parts", nargs="*", choices=[[], *PARTS], metavar="PART", default=[])
    chosen = parser.parse_args().parts or list(PARTS)
    found = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    found = {part: found[part] for part in PARTS if part in found}
    paths.HOME = paths.RUNS / "bench"
    for name in ("data", "model", "runs"):
        setattr(paths, name.upper(), paths.HOME / name)
    paths.RESULTS = paths.HOME / "results.csv"
    for part in chosen:
        print(f"— {part}: {PARTS[part].__doc__}", flush=True)
        found[part] = PARTS[part]()
        print(json.dumps(found[part], indent=2, ensure_ascii=False), flush=True)
        found["machine"] = machine()
        with paths.write_beside(RESULTS) as temporary:
            temporary.write_text(json.dumps(found, indent=2, ensure_ascii=False) + "\n")
    write_table(found)


def machine() -> str:
    processor = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        lines = cpuinfo.read_text().splitlines()
        processor = next((x.split(": ")[1] for x in lines if x.startswith("model name")), processor)
    version = platform.python_version()
    return f"{processor}, {os.cpu_count()} cores, {platform.system()}, Python {version}"


def write_table(found: dict) -> None:
    """The figures as a table between two marks of the README."""
    rows = ["| what | reached | wanted |", "|---|---|---|"]
    for part in PARTS:
        for name, row in found.get(part, {}).items():
            if isinstance(row, dict):
                value = row["value"]
                shown = value if isinstance(value, str) else f"{value:,.4g} {row['unit']}".strip()
                rows.append(f"| {name} | {shown} | {row['wanted']} |")
            else:
                rows.append(f"| {name} | {', '.join(map(str, row))} | |")
    table = "\n".join([*rows, "", f"Measured by `make bench` on: {found['machine']}."])
    readme = REPOSITORY / "README.md"
    before, _, rest = readme.read_text(encoding="utf-8").partition("<!-- bench -->\n")
    _, mark, after = rest.partition("<!-- /bench -->")
    if mark:
        with paths.write_beside(readme) as temporary:
            temporary.write_text(
                f"{before}<!-- bench -->\n{table}\n<!-- /bench -->{after}", encoding="utf-8"
            )
    print(table)


if __name__ == "__main__":
    main()
