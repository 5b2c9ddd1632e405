"""What the figures are worth: twins, what validation promises, other people's photographs."""

import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import cv2
import numpy as np
import pandas as pd
from common import figure, fit, load, mistakes, text

from asl import corruptions, datasets, elsewhere, evaluation, paths, prediction, reader
from asl import twins as asl_twins
from asl.trained import load_model
from asl.training import train_split

SEEDS = range(5)
PLANTED = 400  # twins of each kind


def crop(image: np.ndarray, share: float, random: np.random.Generator) -> np.ndarray:
    """This share of its height and width cut away, anywhere, and the rest enlarged."""
    height, width = image.shape[:2]
    left, top = random.uniform(0, share, 2) * (width, height)
    move = np.array([[1, 0, -left], [0, 1, -top]]) / (1 - share)
    return cv2.warpAffine(image, move, (width, height), borderMode=cv2.BORDER_REPLICATE)


# What is planted, from what strength on, and up to which
KINDS = {
    "exact copies": (corruptions.brightness, 0, 0),
    "brightness": (corruptions.brightness, 10, 40),
    "darkness": (corruptions.brightness, -40, -10),
    "contrast": (corruptions.contrast, 0.7, 1.3),
    "noise": (corruptions.noise, 4, 10),
    "turns": (corruptions.rotation, 1, 5),
    "crops": (crop, 0.03, 0.1),
}
OF_ONE = 21  # images that Sign Language MNIST has of a photograph
MATRIX = ("sample", "letters", "alphabet", "signers", "rooms", "student_digits")
READ = ("sample", "letters", "alphabet", "abc", "signers", "rooms", "student_digits")
ROBUST_IMAGES = 500


def twins() -> dict:
    """Twins in Sign Language MNIST, and planted ones in it and among drawn hands."""
    samples = datasets.load("letters")
    train, test = samples.take(~samples.is_test), samples.take(samples.is_test)
    took = []
    for labels in (None, train.labels):
        began = time.perf_counter()
        groups = asl_twins.groups(train.images, labels)
        took.append(time.perf_counter() - began)
    sizes = np.bincount(groups)
    in_test = np.bincount(asl_twins.groups(test.images, test.labels))
    photographs = [int(np.ceil(each / OF_ONE).sum()) for each in (sizes, in_test)]
    together = datasets.with_groups(samples).groups
    related = np.isin(together[samples.is_test], together[~samples.is_test])
    alone = fit("letters", 0, "letters-seed0")
    right = prediction.predict(load(alone), test.images).argmax(axis=1) == test.labels
    rows = {
        "groups of 27,455 rows, all pairs": figure(took[0], "s", "at most 10"),
        "groups of 27,455 rows, within classes": figure(took[1], "s", ""),
        "letters, groups in training and test": text(f"{len(sizes):,} and {len(in_test):,}", ""),
        "letters, photographs in training and test": text(
            f"{photographs[0]:,} and {photographs[1]:,}", "1,704 by its publisher's word"
        ),
        "letters, test images with a twin in training": text(
            f"{related.sum():,} of {len(related):,}", ""
        ),
        "letters, accuracy on test images without one": text(
            evaluation.describe_right(
                right[~related], together[samples.is_test][~related], "group of twins"
            ),
            "",
        ),
        "letters, twins under two labels": figure(
            len(asl_twins.label_conflicts(samples.images, samples.labels)), "", ""
        ),
    }
    drawn = datasets.load("sample")
    first = np.unique(groups, return_index=True)[1]
    for where, data in (("sample", drawn), ("letters, a row a group", train.take(np.sort(first)))):
        for kind in KINDS:
            found, false = planted(data.images, data.labels, kind)
            rows[f"planted in {where}: {kind}"] = text(
                f"{100 * found:.2f} % found, {100 * false:.3f} % of unrelated pairs linked",
                "at least 99 %, at most 0.1 %",
            )
    return rows


def planted(images: np.ndarray, labels: np.ndarray, kind: str) -> tuple[float, float]:
    """Share of planted twins that are found, and of pairs of one class, none of them twins, that
    are linked all the same.
    """
    random = np.random.default_rng(0)
    rows = random.choice(len(images), min(PLANTED, len(images)), replace=False)
    change, low, high = KINDS[kind]
    copies = [change(images[row], random.uniform(low, high), random) for row in rows]
    copies = np.stack(copies).reshape(len(rows), *images.shape[1:])
    found = asl_twins.groups(np.concatenate([images, copies]), np.append(labels, labels[rows]))
    linked, pairs = 0, 0
    for label in np.unique(labels):
        sizes = np.unique(found[: len(images)][labels == label], return_counts=True)[1]
        count = sizes.sum()
        linked += (sizes * (sizes - 1)).sum() / 2
        pairs += count * (count - 1) / 2
    return float((found[len(images) :] == found[rows]).mean()), float(linked / pairs)


def validation() -> dict:
    """What validation promises on letters, cut by group and by row; what the test keeps."""
    samples = datasets.load("letters")
    rows, gaps = {}, []
    for seed in SEEDS:
        model = load(fit("letters", seed, f"letters-seed{seed}"))
        parts = datasets.split(samples, seed=seed)
        shares = []
        for part in (parts.validation, parts.test):
            wrong = mistakes(model, part)
            shares.append((len(part) - wrong, len(part)))
        gaps.append(abs(shares[0][0] / shares[0][1] - shares[1][0] / shares[1][1]))
        rows[f"letters, seed {seed}, validation by groups; test"] = text(
            "; ".join(
                f"{right:,}/{total:,} = {evaluation.percent(right / total)}"
                for right, total in shares
            ),
            "within one point",
        )
    rows["letters, largest gap of validation and test"] = figure(
        100 * max(gaps), "points", "at most 1"
    )
    parts = datasets.split(samples, by="row")
    name = "letters-by-row"
    if not (paths.MODEL / f"{name}.keras").exists():
        train_split(parts, "cnn", name=name)
    for what, part in (("validation", parts.validation), ("test", parts.test)):
        right = len(part) - mistakes(load(name), part)
        accuracy = evaluation.describe_accuracy(right, len(part))
        rows[f"letters, trained with single rows as validation: {what}"] = text(accuracy, "")
    return rows


def reading() -> dict:
    """The reader: each set left out in turn, then trained on all; model/reader.keras."""
    rows, shares = {}, []
    for name in reader.LEFT_OUT:
        if reader.left_out_readings(name) is None:
            reader.train_reader(name)
        probabilities, labels, groups = reader.left_out_readings(name)
        right = probabilities.argmax(axis=1) == labels
        shares.append(right.mean())
        rows[f"reader without {name}: reads all of it"] = text(
            evaluation.describe_right(right, groups), ""
        )
        for dataset in reader.LEFT_OUT[name] if len(reader.LEFT_OUT[name]) > 1 else ():
            here = np.char.startswith(groups, f"{dataset} ")
            rows[f"reader without {name}: reads {dataset}"] = text(
                evaluation.describe_right(right[here], groups[here]), ""
            )
    rows["reader, mean over the sets left out"] = figure(100 * np.mean(shares), "%", "at least 85")
    if not (paths.MODEL / "reader.keras").exists():
        reader.train_reader()
    _, about = load_model("reader")
    rows["reader, training"] = figure(about["training_seconds"], "s", "")
    rows["reader, confidence from which 95 % are right"] = figure(
        about["sure"]["confidence"], "", ""
    )
    rows["reader, share below it, not sure"] = figure(100 * about["sure"]["unread"], "%", "")
    return rows


def matrix() -> dict:
    """Networks trained on one data set, and the reader, on all the others; model/matrix.csv."""
    names = [fit(name, 0, f"{name}-seed0") for name in MATRIX]
    tables = [
        elsewhere.matrix([name], READ).assign(model=name.removesuffix("-seed0")) for name in names
    ]
    if (paths.MODEL / "reader.keras").exists():
        tables.append(elsewhere.matrix(["reader"], READ))
    table = pd.concat(tables, ignore_index=True)
    with paths.write_beside(paths.REPOSITORY / "model/matrix.csv") as file:
        table.to_csv(file, index=False, float_format="%.4f", lineterminator="\n")
    rows = {}
    for row in table[table["accuracy"].notna()].to_dict("records"):
        share = (
            f"{row['correct']:,.0f}/{row['images']:,.0f} = {evaluation.percent(row['accuracy'])}"
        )
        rows[f"trained on {row['model']}, reads {row['tested_on']} ({row['kind']})"] = text(
            f"{share} (95 % interval {100 * row['low']:.1f}–{100 * row['high']:.1f} %, "
            f"{row['groups']:,.0f} groups), mean recall {100 * row['recall']:.1f} %",
            "",
        )
    return rows


def robust() -> dict:
    """Robustness: the mean over all changes, of the test images of some data sets."""
    rows = {}
    for name, dataset in (
        ("sample-seed0", "sample"),
        ("letters-seed0", "letters"),
        ("reader", "letters"),
    ):
        model, about = load_model(name)
        reading = elsewhere.read_elsewhere(model, about, dataset, limit=ROBUST_IMAGES)
        images = np.asarray(reading.samples.images[:])
        curves = corruptions.robustness(model, images, reading.labels)
        plain = curves["accuracy"][0]
        worst = curves.loc[curves["accuracy"].idxmin()]
        rows[f"{name.removesuffix('-seed0')} on changed test images of {dataset}, mean"] = text(
            f"{100 * corruptions.mean_accuracy(curves):.1f} %, as they are {100 * plain:.1f} %, "
            f"worst {100 * worst['accuracy']:.1f} % ({worst['change']} {worst['strength']:g})",
            "",
        )
    return rows


def calibration() -> dict:
    """Expected calibration error on the test before and after temperature scaling."""
    rows = {}
    for name in MATRIX:
        model, about = load_model(fit(name, 0, f"{name}-seed0"))
        test = datasets.split(datasets.load(name)).test
        after = prediction.predict(model, test.images)
        before = evaluation.calibrate(after, 1 / about["temperature"])
        errors = [
            evaluation.calibration_error(evaluation.reliability(test.labels, each))
            for each in (before, after)
        ]
        sure = after.max(axis=1) >= about["sure"]["confidence"]
        right = after.argmax(axis=1) == test.labels
        precision = f"{right[sure].sum():,}/{sure.sum():,}"
        temperature = about["temperature"]
        rows[f"{name}, calibration error before; after"] = text(
            f"{errors[0]:.3f}; {errors[1]:.3f} (temperature {temperature:.2f}; sure: {precision}, "
            f"{100 * (~sure).mean():.1f} % left unread)",
            "",
        )
    return rows
