"""Whether a network's confidence means what it says, how it is set right, and from which
confidence on its predictions are reliable enough.
"""

import numpy as np
import pandas as pd
from scipy.optimize import minimize_scalar

from asl.data.encoding import most_likely
from asl.errors import AslError
from asl.evaluation.intervals import accuracy_interval
from asl.models.layers import SMALLEST
from asl.models.metadata import Threshold

PRECISION = 0.99  # share of predictions above the confidence threshold that should be correct


def reliability(labels: np.ndarray, probabilities: np.ndarray, bins: int = 10) -> pd.DataFrame:
    """Whether confidence means what it says: a row for each bin of confidence that has images.

    labels int (n,), probabilities (n, classes); a row of zeros, for which nothing is predicted, has
    no confidence and is left out. Columns: confidence (mean of the largest probability), accuracy
    (share correct), low and high (its 95 % interval, each image counted alone), images. A network
    that may be taken at its word has both shares equal (Guo et al., On Calibration of Modern Neural
    Networks, ICML 2017).
    """
    is_predicted = probabilities.any(axis=1)
    labels, probabilities = labels[is_predicted], probabilities[is_predicted]
    confidence = probabilities.max(axis=1)
    correct = most_likely(probabilities) == labels
    bin_number = np.minimum((confidence * bins).astype(int), bins - 1)
    table = pd.DataFrame({"bin": bin_number, "confidence": confidence, "accuracy": correct})
    bins_of = table.groupby("bin")
    ends = [accuracy_interval(each) for _, each in bins_of["accuracy"]]
    found = bins_of.mean().assign(images=bins_of.size())
    found[["low", "high"]] = np.array(ends).reshape(-1, 2)
    columns = ["confidence", "accuracy", "low", "high", "images"]
    return found[columns].reset_index(drop=True)


def calibration_error(table: pd.DataFrame) -> float:
    """Expected calibration error: the mean gap between the two shares of `reliability`, 0 to 1."""
    gaps = (table["confidence"] - table["accuracy"]).abs()
    return float((gaps * table["images"]).sum() / max(table["images"].sum(), 1))


def fit_temperature(probabilities: np.ndarray, labels: np.ndarray) -> float:
    """The temperature that makes a network's confidence fit what it gets correct.

    probabilities (n, classes), labels int (n,), of images that were not trained on: validation.
    Above 1 the network was overconfident, below 1 underconfident; it is the one number for
    which `calibrate` makes the true labels most probable (Guo et al., ICML 2017). One image more is
    assumed that was predicted wrongly, its class second: of n images, all correct, the confidence
    is then about 1 - 1/n and not certainty. AslError for no images.
    """
    if not len(labels):
        raise AslError("a temperature is fitted on validation images, and there are none.")
    if probabilities.shape[1] < 2:
        return 1.0  # of one class it is always certain
    rows = np.arange(len(labels))

    def loss(log_temperature: float) -> float:
        calibrated = calibrate(probabilities, np.exp(log_temperature))
        true, second = calibrated[rows, labels], np.sort(calibrated, axis=1)[:, -2]
        costs = -np.log(np.maximum(np.stack([true, second]), SMALLEST))
        return float(costs[0].sum() + costs[1].mean())

    return float(np.exp(minimize_scalar(loss, bounds=(np.log(0.05), np.log(20))).x))


def calibrate(probabilities: np.ndarray, temperature: float) -> np.ndarray:
    """Probabilities (n, classes) at another temperature: which class is first does not change, and
    a row of zeros stays one.
    """
    scores = np.log(np.maximum(probabilities.astype(np.float64), SMALLEST)) / temperature
    scores = np.exp(scores - scores.max(axis=1, keepdims=True))
    return scores / scores.sum(axis=1, keepdims=True) * probabilities.any(axis=1, keepdims=True)


def confidence_threshold(
    probabilities: np.ndarray, labels: np.ndarray, precision: float = PRECISION, least: int = 20
) -> Threshold:
    """From which confidence on predictions are as often correct as asked, and the coverage.

    probabilities (n, classes) and labels int (n,) of validation images. Gives the lowest confidence
    from which on the share that is correct is at least `precision`, and the share of images that
    lie there, the coverage. At least `least` images must: fewer may be luck. A row of zeros, for
    which nothing is predicted, lies below every threshold. Confidence 1 and coverage 0 where no
    confidence is enough. AslError for no images and for a precision outside 0
    to 1.
    """
    if not len(labels) or not 0 < precision <= 1:
        raise AslError(
            "a threshold needs validation images and a precision between 0 and 1: "
            f"{len(labels):,} images, and precision is {precision}."
        )
    confidence = probabilities.max(axis=1)
    order = np.argsort(-confidence, kind="stable")
    correct = (most_likely(probabilities) == labels)[order]
    images = np.arange(1, len(labels) + 1)
    last = np.append(np.diff(confidence[order]) != 0, True)  # equal confidence goes together
    last &= confidence[order] > 0
    enough = images[(np.cumsum(correct) / images >= precision) & last & (images >= least)]
    if not len(enough):
        return Threshold(precision, confidence=1.0, coverage=0.0)
    most = int(enough[-1])
    return Threshold(precision, float(confidence[order][most - 1]), most / len(labels))
