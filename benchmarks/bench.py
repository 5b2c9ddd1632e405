"""Measure every figure of the README; write benchmarks/results.json and the table in README.md.

    make bench                                    all of it, some hours on two cores
    .venv/bin/python benchmarks/bench.py loading  one part; the others' figures stay

The data sets must be on this machine (see data/README.md). Models, caches and results go
to runs/bench/ and leave those of the project alone. `make bench` empties it first; a part that is
run by itself takes over what trainings it finds there.
"""

import argparse
import json
import math
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
import pandas as pd
from common import figure, fit, fit_parts, load, mistakes, seconds, text
from networks import imagenet, lstm, mobilenet, passes
from sets import large, sets
from trust import calibration, matrix, reading, robust, twins, validation

from asl import datasets, download, encode, evaluation, hands, models, paths, prediction, training
from asl.backend import keras

SEEDS = range(5)
PUBLIC_EPOCHS = 20
HARD_STEPS = 2300
SPEED_ROWS = 10_240  # no small set, see training.SMALL_SET


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
    right, wrong, names = {}, {}, {}
    for seed in SEEDS:
        names[seed] = fit("letters", seed, f"letters-seed{seed}")
        test = datasets.split(datasets.load("letters"), seed=seed).test
        right[seed] = prediction.predict(load(names[seed]), test.images).argmax(1) == test.labels
        wrong[seed] = int((~right[seed]).sum())
        print(f"seed {seed}: {wrong[seed]} mistakes of {len(test):,}", flush=True)
    order = sorted(wrong, key=wrong.get)
    median, worst = (
        evaluation.describe_right(right[seed], test.groups, "group of twins")
        for seed in (order[len(order) // 2], order[-1])
    )
    model = load(names[0])
    kilobytes = (paths.MODEL / f"{names[0]}.keras").stat().st_size / 1000
    return {
        "mistakes of 7,172 by seed": list(wrong.values()),
        "median seed": text(median, "7,172"),
        "worst seed": text(worst, "at least 99.9 %"),
        "parameters": figure(model.count_params(), "", "at most 150,000"),
        "size of the file": figure(kilobytes, "kB", "at most 2,000"),
    }


def transfer() -> dict:
    """What a network trained on one of letters and sample alone reads of the other (chance: 4.2 %).

    The cnn as notebook 05 trains it, and a network with more layers trained on images that are
    changed much more, both with seed 0.
    """
    sample, mnist = datasets.load("sample"), datasets.load("letters")
    mnist_test = datasets.split(mnist).test
    sides = (
        ("letters", "all of sample", sample, "at least 60 %, aim 80 %"),
        ("sample", "the test split of letters", mnist_test, "at least 45 %, aim 75 %"),
    )
    rows = {}
    for trained_on, what, read, wanted in sides:
        parts = datasets.split(datasets.load(trained_on))
        hard = traveller()
        batches = HardBatches(parts.train.images, encode(parts.train.labels, 24), 64, seed=0)
        hard.fit(batches, epochs=HARD_STEPS // len(batches), shuffle=False, verbose=0)
        usual = load(fit(trained_on, 0, f"{trained_on}-seed0"))
        ways = (
            ("more layers, hard augmentation", hard, wanted),
            ("cnn as in notebook 05", usual, ""),
        )
        for how, model, aim in ways:
            right = len(read) - mistakes(model, read)
            rows[f"trained on {trained_on}, {how}: reads {what}"] = text(
                evaluation.describe_accuracy(right, len(read)), aim
            )
    return rows


def traveller() -> keras.Model:
    """A network with two convolutions where the cnn has one, and a dense layer that sees where each
    pattern lies: slower, no better at home, and better with images from elsewhere.
    """
    layers = keras.layers
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((28, 28, 1)), layers.Rescaling(1 / 255)])
    model.add(layers.LayerNormalization(axis=(1, 2, 3), center=False, scale=False))
    for filters in ((16,), (32, 32), (64, 64)):
        for count in filters:
            model.add(layers.Conv2D(count, 3, padding="same", use_bias=False))
            model.add(layers.BatchNormalization())
            model.add(layers.ReLU())
        model.add(layers.MaxPooling2D())
    model.add(layers.Flatten())
    model.add(layers.Dropout(0.3))
    model.add(layers.Dense(64, activation="relu"))
    model.add(layers.Dropout(0.3))
    model.add(layers.Dense(24, activation="softmax"))
    schedule = keras.optimizers.schedules.CosineDecay(2e-3, HARD_STEPS)
    model.compile(keras.optimizers.AdamW(schedule, 1e-3), "categorical_crossentropy")
    return model


class HardBatches(training.Batches):
    """Images changed so much that little but the hand itself stays: geometry, sharpness, light,
    noise, and a patch that hides a part.
    """

    def __getitem__(self, number: int) -> tuple[np.ndarray, np.ndarray]:
        rows = self.order[number * self.batch_size : (number + 1) * self.batch_size]
        random = np.random.default_rng([self.seed, self.epoch, number])
        images = np.stack([harden(image[..., 0], random) for image in self.images[rows]])
        return images[..., None], self.targets[rows]


def harden(image: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """One image uint8 (h, w), changed at random; float32, 0 to 255."""
    height, width = image.shape
    move = cv2.getRotationMatrix2D(
        ((width - 1) / 2, (height - 1) / 2), random.uniform(-15, 15), random.uniform(0.8, 1.2)
    )
    move[:, :2] *= np.exp(random.uniform(-0.12, 0.12, (2, 2)))
    move[:, 2] += random.uniform(-0.11, 0.11, 2) * (width, height)
    image = cv2.warpAffine(image, move, (width, height), borderMode=cv2.BORDER_REPLICATE)
    image = image.astype(np.float32) / 255
    blurred = cv2.GaussianBlur(image, (0, 0), random.uniform(0.4, 1.0))
    image += (blurred - image) * random.choice([0, 1, random.uniform(-1, 0)], p=[0.5, 0.3, 0.2])
    across, down = random.uniform(-0.3, 0.3, 2)
    image *= 1 + across * np.linspace(-1, 1, width) + down * np.linspace(-1, 1, height)[:, None]
    image = np.clip(image, 0, 1) ** np.exp(random.uniform(-0.5, 0.5))
    image = (image - 0.5) * random.uniform(0.6, 1.4) + 0.5 + random.uniform(-0.2, 0.2)
    image += random.normal(0, random.uniform(0, 0.05), image.shape)
    if random.random() < 0.3:
        top, left = random.integers(0, height), random.integers(0, width)
        size = random.integers(height // 7, height // 3)
        image[top : top + size, left : left + size] = random.random()
    return (np.clip(image, 0, 1) * 255).astype(np.float32)


def speed() -> dict:
    """Training time against the best-known public recipe, turn by turn in the same minutes.

    A turn is an epoch of each on the same 10,240 images. The medians of three turns are scaled to
    all images and epochs; what happens once in our trainings (compiling, saving) is added once.
    """
    parts = datasets.split(datasets.load("letters"))
    scale = len(parts.train) / SPEED_ROWS
    few = parts._replace(train=parts.train.take(slice(0, SPEED_ROWS)))
    epochs = models.find("cnn").epochs
    public = public_recipe(few)
    public()  # compiling does not count for it
    public_epochs, our_epochs, once = [], [], []
    for _ in range(3):
        public_epochs.append(public())
        (paths.MODEL / "letters-speed.keras").unlink(missing_ok=True)
        began = time.perf_counter()
        history = fit_parts(few, 0, "letters-speed", epochs=2)
        took = time.perf_counter() - began
        our_epochs.append(history["seconds"].iloc[-1])
        once.append(took - 2 * our_epochs[-1])
    public_total = PUBLIC_EPOCHS * scale * statistics.median(public_epochs)
    our_total = epochs * scale * statistics.median(our_epochs) + statistics.median(once)
    return {
        f"training to the saved best model, {epochs} epochs": figure(our_total, "s", ""),
        "best-known public recipe, 20 epochs": figure(public_total, "s", ""),
        "share of its time": figure(our_total / public_total, "", "at most 0.25, aim 0.1"),
    }


def predict() -> dict:
    """Images a second, from the data set or from PNG files, to results.csv."""
    test = datasets.split(datasets.load("letters")).test
    model = load(fit("letters", 0, "letters-seed0"))
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


def public_recipe(parts: datasets.Split) -> Callable[[], float]:
    """The recipe that most public notebooks on Sign Language MNIST share, as a function that trains
    an epoch and gives its seconds.

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

    def train() -> float:
        began = time.perf_counter()
        model.fit(batches, validation_data=validation, verbose=0)
        return time.perf_counter() - began

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


PARTS = {
    each.__name__: each
    for each in (
        series,
        drawing,
        loading,
        speed,
        letters,
        transfer,
        predict,
        sets,
        large,
        lstm,
        mobilenet,
        imagenet,
        passes,
        twins,
        validation,
        calibration,
        reading,
        matrix,
        robust,
    )
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
                if not isinstance(value, str):
                    digits = 0 if value >= 1000 else 1 if value >= 10 else 2 if value >= 1 else 3
                    value = f"{value:,.{digits}f} {row['unit']}".strip()
                rows.append(f"| {name} | {value} | {row['wanted']} |")
            else:
                rows.append(f"| {name} | {', '.join(map(str, row))} | |")
    table = "\n".join([*rows, "", f"Measured by `make bench` on: {found['machine']}."])
    texts = {"bench": table, "matrix": matrix_table(), "left out": left_out_table()}
    readme = REPOSITORY / "README.md"
    whole = readme.read_text(encoding="utf-8")
    for name, content in texts.items():
        before, _, rest = whole.partition(f"<!-- {name} -->\n")
        _, mark, after = rest.partition(f"<!-- /{name} -->")
        if mark and content:
            whole = f"{before}<!-- {name} -->\n{content}\n<!-- /{name} -->{after}"
    with paths.write_beside(readme) as temporary:
        temporary.write_text(whole, encoding="utf-8")
    print(table)


def matrix_table() -> str:
    """What the part `matrix` found, a row a network and a column a data set."""
    file = REPOSITORY / "model/matrix.csv"
    if not file.is_file():
        return ""
    found = pd.read_csv(file)
    sets = [*found["tested_on"].drop_duplicates()]
    rows = ["| trained on \\ reads | " + " | ".join(sets) + " |", "|---" * (len(sets) + 1) + "|"]
    for model, cells in found.groupby("model", sort=False):
        told = []
        for cell in cells.to_dict("records"):
            share = f"{math.floor(1000 * cell['accuracy']) / 10:.1f}" if cell["images"] > 0 else "–"
            kinds = {
                "test split": f"[{share}]",
                "overlap": "same hands",
                "trained on it": "trained",
            }
            told.append(kinds.get(cell["kind"], share))
        rows.append(f"| `{model}` | " + " | ".join(told) + " |")
    return "\n".join(rows)


def left_out_table() -> str:
    """What was read of each set by a reader trained without it, from its sidecar."""
    file = REPOSITORY / "model/reader.json"
    if not file.is_file():
        return ""
    found = json.loads(file.read_text(encoding="utf-8"))["left_out"]
    rows, shares = ["| left out | read rightly | 95 % interval | groups |", "|---|---|---|---|"], []
    for name, cell in found.items():
        share = 100 * cell["correct"] / cell["images"]
        shares.append(share)
        ends = f"{100 * cell['low']:.1f}–{100 * cell['high']:.1f} %"
        count = f"{cell['correct']:,} of {cell['images']:,} = {share:.1f} %"
        rows.append(f"| `{name}` | {count} | {ends} | {cell['groups']:,} |")
    rows.append(f"| mean | {np.mean(shares):.1f} % | | |")
    return "\n".join(rows)


if __name__ == "__main__":
    main()
