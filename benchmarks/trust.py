"""What the figures are worth: validation, calibration, other data sets, corrupted images."""

from collections import Counter

import numpy as np
import pandas as pd
from common import SEEDS, figure, predict_samples, text, train_once, train_seed
from home import REPOSITORY

from asl import files, prediction
from asl.checkpoints import load_model, replay_split
from asl.data.hand_poses import LETTERS
from asl.data.load import load
from asl.data.rendered_hands import draw_hands
from asl.data.split import split
from asl.errors import AslError
from asl.evaluation import confidence as calibrating
from asl.evaluation import corruptions
from asl.evaluation.cross_dataset import cross_dataset_matrix, predict_dataset
from asl.evaluation.intervals import describe_accuracy
from asl.landmarks.augmentation import normalize_points
from asl.landmarks.joint_store import stored_joints
from asl.models.joints import dense_network
from asl.reader.fit import EPOCHS, Compiled, fit_network
from asl.reader.left_out import LeftOut, calibration_figures, figures, without_tiny_rules
from asl.reader.signs import OTHER, SHAPES, read_as
from asl.reader.sources import LEFT_OUT, RENDERED, Batches, gather
from asl.reader.train import JOINTS, predictions_left_out, train_reader
from asl.rounding import percent

TRAINED_ON = ("sample", "letters", "alphabet", "signers", "rooms", "student_digits")
# Not letters: to find the hands of its 27,455 training images of 28×28 takes most of an hour
JOINTS_TRAINED_ON = ("sample", "alphabet", "signers", "rooms", "student_digits")
TESTED_ON = ("sample", "letters", "alphabet", "abc", "signers", "rooms", "student_digits")
ROBUSTNESS_IMAGES = 500
HANDS = 2000  # images of a set in which hands are looked for, for networks of joints
DRAWN = 30  # rendered hands of each letter, as many signers


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
    try:
        known = predictions_left_out()
    except AslError:  # some are missing
        train_reader()
        known = predictions_left_out()
    _, metadata = load_model("reader")
    rows, shares = {}, []
    for name, found in known.items():
        told = metadata.left_out[name]
        share, letters = told["pixels_share"], found.is_letter
        shares.append(told["correct"] / told["images"])
        bar = {"film": 85, "rooms": 94, "signers": 96, "letters": 75}[name]
        ways = {"": share, ", joints alone": 0.0, ", pixels alone": 1.0}
        for way, pixels in ways.items():
            temperature = told["temperature"] if not way else 1.0
            correct = found.correct(pixels, temperature=temperature)
            target = f"at least {bar}" if not way else ""
            told_so = describe_accuracy(correct, found.groups[letters])
            rows[f"reader without {name}{way}"] = text(told_so, target)
        rows |= _letters_of(name, found, share)
        if found.is_digit.any():
            digits = found.correct(share, "digits")
            rows[f"reader without {name}, digits"] = text(
                describe_accuracy(digits, found.groups[found.is_digit])
            )
        rows[f"reader without {name}: hands found"] = figure(100 * found.found[letters].mean(), "%")
        for member in LEFT_OUT[name] if len(LEFT_OUT[name]) > 1 else ():
            here = np.char.startswith(found.groups[letters], f"{member} ")
            correct = found.correct(share)[here]
            rows[f"reader without {name}: {member}"] = text(
                describe_accuracy(correct, found.groups[letters][here])
            )
    told = metadata.left_out["rooms"]
    nothing = known["rooms"].signs[known["rooms"].labels == SHAPES.index(OTHER)] == "NOTHING"
    answered = known["rooms"].answered(told["pixels_share"], told["temperature"])
    for what, chosen, target in (
        ("`nothing`", nothing, "at most 5 %"),
        ("`del` and `space`", ~nothing, ""),
    ):
        rows[f"reader without rooms: of {what}, given a letter"] = text(
            f"{answered[chosen].sum()}/{chosen.sum()} = {percent(answered[chosen].mean(), 1)}",
            target,
        )
    plain = figures({name: without_tiny_rules(found) for name, found in known.items()})
    plain_shares = {name: each["correct"] / each["images"] for name, each in plain.items()}
    rows["reader, mean over the sets left out"] = text(
        f"{percent(np.mean(shares), 1)}; {percent(np.mean([*plain_shares.values()]), 1)} "
        "without the rules for tiny images, which were found on letters",
        "at least 88",
    )
    rows["reader without letters, without these rules"] = text(
        f"{plain['letters']['correct']:,}/{plain['letters']['images']:,} = "
        f"{percent(plain_shares['letters'])}"
    )
    calibrated = calibration_figures(known)
    rows["reader, coverage at a precision of 95 %"] = figure(
        100 * calibrated["coverage"], "%", "at least 80"
    )
    rows["reader, precision reached there"] = figure(100 * calibrated["precision"], "%", "95")
    rows["reader, expected calibration error"] = figure(
        calibrated["calibration_error"], "", "at most 0.03"
    )
    rows["reader, the same of all sets together"] = figure(
        calibrated["pooled_calibration_error"], ""
    )
    rows |= _rendered_hands()
    rows["reader, training its networks (the whole command takes some minutes more)"] = figure(
        metadata.training_seconds / 60, "minutes", "at most 30"
    )
    return rows


def _rendered_hands() -> dict:
    """How many rendered hands a network reads that learned from the joints of people alone."""
    sources = gather()
    del sources[RENDERED]
    batches = Batches(sources, JOINTS.batch, JOINTS.steps // EPOCHS)
    file = files.RUNS / "reader/without-rendered/joints.keras"
    network = fit_network(
        file, lambda: dense_network(len(SHAPES)), batches, JOINTS, "people alone", Compiled()
    )
    labels = np.repeat(np.arange(len(LETTERS)), DRAWN)
    names = [LETTERS[label] for label in labels]
    signers = np.tile(np.arange(DRAWN), len(LETTERS)) + 50_000
    joints, _ = stored_joints(draw_hands(names, signers=signers, seed=50_000, size=224), "rendered")
    probabilities = prediction.run(network, normalize_points(joints.points))
    chosen, _ = read_as(probabilities, SHAPES, "letters")
    correct = (chosen.argmax(axis=1) == labels) & joints.found
    shares = {name: correct[labels == k].mean() for k, name in enumerate(LETTERS)}
    return {
        "rendered hands read by a network of people's joints": text(
            f"{correct.sum()}/{len(correct)} = {percent(correct.mean(), 1)}, hands found "
            f"{percent(joints.found.mean(), 1)}",
            "at least 80 %, aim 90; no letter under 50 %",
        ),
        "rendered hands read, by letter, %": text(
            ", ".join(f"{name} {100 * share:.0f}" for name, share in shares.items())
        ),
    }


def _letters_of(name: str, found: LeftOut, share: float) -> dict:
    """The share correct of each letter, and the five pairs that are confused most."""
    letters = found.is_letter
    labels, correct = found.labels[letters], found.correct(share)
    predicted = found.probabilities(share)[letters, : len(LETTERS)].argmax(axis=1)
    told = [
        f"{LETTERS[label]} {100 * correct[labels == label].mean():.0f}"
        for label in np.unique(labels)
    ]
    wrong = (predicted != labels) & found.found[letters]
    pairs = Counter(zip(labels[wrong].tolist(), predicted[wrong].tolist(), strict=True))
    worst = [f"{LETTERS[a]} as {LETTERS[b]} {count}" for (a, b), count in pairs.most_common(5)]
    return {
        f"reader without {name}: share correct by letter, %": text(", ".join(told)),
        f"reader without {name}: most confused": text(", ".join(worst)),
    }


def matrix() -> dict:
    """Networks trained on one data set, and the reader, on all the others; model/matrix.csv. Those
    of joints on HANDS images of each, drawn evenly.
    """
    tables = [
        cross_dataset_matrix([train_seed(name, 0)], TESTED_ON).assign(model=name)
        for name in TRAINED_ON
    ]
    tables += [
        cross_dataset_matrix([train_seed(name, 0, "joints")], TESTED_ON, HANDS).assign(
            model=f"{name}-joints"
        )
        for name in JOINTS_TRAINED_ON
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
