"""What the figures are worth: validation, calibration, other data sets, corrupted images."""

import numpy as np
import pandas as pd
from common import SEEDS, figure, predict_samples, text, train_once, train_seed
from home import REPOSITORY

from asl import files, prediction
from asl.checkpoints import load_model, replay_split
from asl.data.catalog import find_dataset
from asl.data.load import load
from asl.data.split import split
from asl.evaluation import confidence as calibrating
from asl.evaluation import corruptions
from asl.evaluation.cross_dataset import cross_dataset_matrix, predict_dataset
from asl.evaluation.intervals import describe_accuracy
from asl.reader.sources import LEFT_OUT
from asl.reader.train import left_out_predictions, train_reader
from asl.rounding import percent

TRAINED_ON = ("sample", "letters", "alphabet", "signers", "rooms", "student_digits")
TESTED_ON = ("sample", "letters", "alphabet", "abc", "signers", "rooms", "student_digits")
ROBUSTNESS_IMAGES = 500


def validation() -> dict:
    """What validation promises on letters, split by group and by row; what the test keeps."""
    rows, gaps = {}, []
    for seed in SEEDS:
        model, metadata = load_model(train_seed("letters", seed))
        parts = replay_split(metadata)
        found = [predict_samples(model, part) for part in (parts.validation, parts.test)]
        gaps.append(abs(found[0].accuracy - found[1].accuracy))
        rows[f"letters, seed {seed}, validation by groups; test"] = text(
            "; ".join(each.counts for each in found), "within one point"
        )
    rows["letters, largest gap of validation and test"] = figure(
        100 * max(gaps), "points", "at most 1"
    )
    parts = split(load("letters"), by="row")
    model, _ = load_model(train_once(parts, "letters-by-row"))
    for what, part in (("validation", parts.validation), ("test", parts.test)):
        found = predict_samples(model, part)
        rows[f"letters, trained with single rows as validation: {what}"] = text(str(found))
    return rows


def calibration() -> dict:
    """Expected calibration error on the test split, before and after temperature scaling."""
    rows = {}
    for name in TRAINED_ON:
        model, metadata = load_model(train_seed(name, 0))
        test = replay_split(metadata).test
        after = prediction.predict(model, test.images)
        before = calibrating.calibrate(after, 1 / metadata.temperature)
        errors = [
            calibrating.calibration_error(calibrating.reliability(test.labels, each))
            for each in (before, after)
        ]
        threshold = metadata.threshold.confidence
        above = after.max(axis=1) >= threshold
        correct = (after.argmax(axis=1) == test.labels)[above]
        rows[f"{name}, calibration error before; after"] = text(
            f"{errors[0]:.3f}; {errors[1]:.3f} (temperature {metadata.temperature:.2f}; above the "
            f"confidence threshold {correct.sum():,}/{len(correct):,} correct, "
            f"coverage {percent(above.mean(), 1)})"
        )
    return rows


def reader() -> dict:
    """The reader: each set left out in turn, then trained on all; model/reader.keras."""
    rows, shares = {}, []
    for name, members in LEFT_OUT.items():
        if left_out_predictions(name) is None:
            train_reader(name)
        probabilities, labels, groups = left_out_predictions(name)
        correct = probabilities.argmax(axis=1) == labels
        shares.append(correct.mean())
        units = {find_dataset(member).group_unit for member in members}
        unit = units.pop() if len(units) == 1 else "group"
        rows[f"reader without {name}: all of it"] = text(describe_accuracy(correct, groups, unit))
        for member in members if len(members) > 1 else ():
            here = np.char.startswith(groups, f"{member} ")
            rows[f"reader without {name}: {member}"] = text(
                describe_accuracy(correct[here], groups[here], find_dataset(member).group_unit)
            )
    rows["reader, mean over the sets left out"] = figure(100 * np.mean(shares), "%", "at least 85")
    if not (files.MODEL / "reader.keras").exists():
        train_reader()
    _, metadata = load_model("reader")
    threshold = metadata.threshold
    rows["reader, training"] = figure(metadata.training_seconds, "s")
    precision = percent(threshold.precision, 0)
    rows[f"reader, confidence threshold ({precision} correct above it)"] = figure(
        threshold.confidence
    )
    rows["reader, coverage at this threshold"] = figure(100 * threshold.coverage, "%")
    return rows


def matrix() -> dict:
    """Networks trained on one data set, and the reader, on all the others; model/matrix.csv."""
    tables = [
        cross_dataset_matrix([train_seed(name, 0)], TESTED_ON).assign(model=name)
        for name in TRAINED_ON
    ]
    tables.append(cross_dataset_matrix(["reader"], TESTED_ON))
    table = pd.concat(tables, ignore_index=True)
    with files.write_beside(REPOSITORY / "model/matrix.csv") as file:
        table.to_csv(file, index=False, float_format="%.4f", lineterminator="\n")
    return {
        f"{_network(row['model'])}, tested on {row['tested_on']} ({row['kind']})": text(_told(row))
        for row in table[table["accuracy"].notna()].to_dict("records")
    }


def _network(model: str) -> str:
    return f"trained on {model}" if model in TRAINED_ON else model


def _told(row: dict) -> str:
    """Accuracy, interval and recall of a row of the matrix."""
    groups = f"{row['groups']:,} groups"
    interval = "one group: says nothing of others"
    if row["groups"] > 1:
        ends = f"{percent(row['low'], 1)[:-2]}–{percent(row['high'], 1)}"
        interval = f"95 % interval {ends}, {groups}"
    return (
        f"{row['correct']:,}/{row['images']:,} = {percent(row['accuracy'])} ({interval}), "
        f"mean recall {percent(row['recall'], 1)}"
    )


def robustness() -> dict:
    """The mean over all corruptions and severities, of the test images of some data sets."""
    rows = {}
    cases = {
        "sample": (train_seed("sample", 0), "sample"),
        "letters": (train_seed("letters", 0), "letters"),
        "reader": ("reader", "letters"),
    }
    for network, (name, dataset) in cases.items():
        model, metadata = load_model(name)
        found = predict_dataset(model, metadata, dataset, limit=ROBUSTNESS_IMAGES)
        images = np.asarray(found.samples.images[:])
        curves = corruptions.robustness(model, images, found.labels)
        worst = curves.loc[curves["accuracy"].idxmin()]
        rows[f"{network} on corrupted test images of {dataset}, mean"] = text(
            f"{percent(corruptions.mean_accuracy(curves), 1)}, uncorrupted "
            f"{percent(curves['accuracy'][0], 1)}, worst {percent(worst['accuracy'], 1)} "
            f"({worst['corruption']} {worst['severity']:g})"
        )
    return rows
