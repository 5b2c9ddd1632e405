"""The other data sets: accuracies over seeds, and signers that were left out."""

import numpy as np
from common import SEEDS, figure, over_seeds, predict_test, text, train_once

from asl.checkpoints import load_model
from asl.data.load import load
from asl.data.split import split
from asl.rounding import percent
from asl.training.fit import train_split

TARGETS = {
    "student_digits": "at least 99.0 %",
    "abc": "at least 99.5 %",
    "alphabet": "at least 98.0 % (set for frames split at random)",
}
LONGEST = "alphabet"


def sets() -> dict:
    """The cnn on each set of pictures, seeds 0 to 4; on `signers`, with each signer left out."""
    rows = {}
    for name, target in TARGETS.items():
        rows[f"{name}, seeds 0–4"] = text(over_seeds(name, SEEDS), target)
    samples, shares = load("signers"), []
    for signer in np.unique(samples.groups).tolist():
        parts = split(samples, test_group=signer)
        found = predict_test(train_once(parts, f"signers-without-{signer}"))
        shares.append(found.accuracy)
        rows[f"signers, signer {signer} left out"] = text(str(found))
    rows["signers, mean of the five and the worst"] = text(
        f"{percent(np.mean(shares))}, {percent(min(shares))}"
    )
    train_split(split(load(LONGEST)), "cnn", name="timed")
    took = load_model("timed")[1].training_seconds
    rows[f"training on {LONGEST}, the longest of these"] = figure(took, "s", "at most 240")
    return rows
