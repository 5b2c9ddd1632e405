"""How good the network is, in figures that can be trusted: counts, intervals, per-class figures."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy.optimize import minimize_scalar
from scipy.stats import binomtest, t
from sklearn.metrics import confusion_matrix, precision_recall_fscore_support

from asl.errors import AslError

SMALLEST = 1e-12  # probability that is told from none


def accuracy_interval(correct: int, total: int, confidence: float = 0.95) -> tuple[float, float]:
    """The interval of accuracies that `correct` out of `total` images is compatible with.

    Wilson's interval for a share (E. B. Wilson, JASA 22, 1927), which stays within 0 to 1 and says
    something even where all or none are right. It takes the images for independent; where several
    come from one photograph it is too narrow. AslError unless 0 ≤ correct ≤ total and total > 0.
    """
    if total <= 0 or not 0 <= correct <= total:
        raise AslError(f"an interval needs some images: {correct} of {total} right gives none.")
    interval = binomtest(int(correct), int(total)).proportion_ci(confidence, method="wilson")
    return float(interval.low), float(interval.high)


def describe_accuracy(correct: int, total: int) -> str:
    """Correct/total, percent and 95 % interval, as text: 7,170/7,172 = 99.97 % (99.90–99.99 %).

    Digits are cut, not rounded, so that 100 % means all of them.
    """
    low, high = accuracy_interval(correct, total)
    return f"{correct:,}/{total:,} = {percent(correct / total)} ({_interval(low, high)})"


def group_interval(
    right: np.ndarray, groups: np.ndarray, confidence: float = 0.95, resamples: int = 2000
) -> tuple[float, float]:
    """The interval of accuracies where images come in groups, of one photograph or one signer.

    right bool (n,), groups int (n,). Whole groups are drawn again and again, with repetition, as if
    other photographs had been taken; the interval holds the middle 95 % of what they would have
    given (the cluster bootstrap: Davison and Hinkley, Bootstrap Methods, 1997, section 3.8). The
    draws are the same every time. Few groups may be alike by chance; so the interval is never
    narrower than Wilson's for as many rows as the groups are worth (their number over the design
    effect, Kish, Survey Sampling, 1965), with Student's t of one degree of freedom less than there
    are groups. Where all or no images are right, it is Wilson's of as many images as there are
    groups; a single group says nothing of others, 0 to 1. AslError for no images, and for groups
    that are not one an image.
    """
    if len(right) != len(groups):
        raise AslError(
            f"{len(groups):,} groups for {len(right):,} images; each needs the number of its group."
        )
    if not len(right):
        raise AslError("an interval needs some images: 0 of 0 right gives none.")
    _, group = np.unique(groups, return_inverse=True)
    sizes = np.bincount(group)
    if len(sizes) == 1:
        return 0.0, 1.0
    if right.all() or not right.any():
        return accuracy_interval(len(sizes) * int(right[0]), len(sizes), confidence)
    found, count, total = np.bincount(group, weights=right), len(sizes), len(right)
    random, shares = np.random.default_rng(0), []
    for _ in range(resamples):
        drawn = random.integers(count, size=count)
        shares.append(found[drawn].sum() / sizes[drawn].sum())
    low, high = np.quantile(shares, [(1 - confidence) / 2, (1 + confidence) / 2])
    share = found.sum() / total
    of_groups = count / (count - 1) * np.square(found - share * sizes).sum() / total**2
    worth = min(total, share * (1 - share) / max(of_groups, SMALLEST))
    wide = t.ppf((1 + confidence) / 2, count - 1)
    centre = (share + wide**2 / (2 * worth)) / (1 + wide**2 / worth)
    half = np.sqrt(share * (1 - share) / worth + (wide / (2 * worth)) ** 2)
    half *= wide / (1 + wide**2 / worth)
    return min(float(low), centre - half), max(float(high), centre + half)


def describe_right(right: np.ndarray, groups: np.ndarray | None = None, unit: str = "group") -> str:
    """As `describe_accuracy`, from right bool (n,). With groups int (n,) the interval is that of
    `group_interval`, and how many groups there are stands beside it, under the name `unit`.
    """
    correct, total = int(np.sum(right)), len(right)
    if groups is None:
        return describe_accuracy(correct, total)
    interval, many = _interval(*group_interval(right, groups)), len(np.unique(groups))
    if many > 1:
        thing, blank, rest = unit.partition(" ")
        unit = f"{thing}{'es' if thing.endswith('ch') else 's'}{blank}{rest}"
    return f"{correct:,}/{total:,} = {percent(correct / total)} ({interval}, {many:,} {unit})"


def percent(share: float, digits: int = 2) -> str:
    """A share as text, its digits cut and not rounded: 100 % means all."""
    return f"{np.floor(share * 10 ** (2 + digits)) / 10**digits:.{digits}f} %"


def _interval(low: float, high: float) -> str:
    return f"95 % interval {percent(low)[:-2]}–{percent(high)}"


def mcnemar(
    first_right: np.ndarray, second_right: np.ndarray, groups: np.ndarray | None = None
) -> tuple[int, int, float]:
    """Whether two networks differ, from the images that only one of them reads rightly.

    first_right, second_right bool (n,), of the same images in the same order. Gives how many the
    first alone reads rightly, how many the second alone, and the p-value: the probability of a
    split at least as uneven if both were equally good (McNemar, Psychometrika 12, 1947; exact).

    Images of one photograph err together. With groups int (n,) a group is what counts: if both
    networks were equally good, the difference within each could as well have had the other sign.
    All such signs are gone through, which without groups gives the same as McNemar's binomial.
    AslError where the images are not the same, or groups not one an image.
    """
    groups = np.arange(len(first_right)) if groups is None else groups
    if not len(first_right) == len(second_right) == len(groups):
        raise AslError(
            f"{len(first_right):,} and {len(second_right):,} images, {len(groups):,} groups: two "
            "networks are compared on the same images."
        )
    only_first = int((first_right & ~second_right).sum())
    only_second = int((second_right & ~first_right).sum())
    _, group = np.unique(groups, return_inverse=True)
    lead = np.bincount(group, weights=first_right.astype(int) - second_right.astype(int))
    leads = np.abs(lead).astype(int)
    chance = np.ones(1)  # of each possible sum, from -reach to reach
    for size in leads[leads > 0]:
        chance = np.pad(chance, (0, 2 * size)) / 2 + np.pad(chance, (2 * size, 0)) / 2
    sums = np.arange(len(chance)) - leads.sum()
    p = chance[np.abs(sums) >= abs(only_first - only_second)].sum()
    return only_first, only_second, float(min(p, 1.0))


def per_class(
    labels: np.ndarray, predicted: np.ndarray, class_names: Sequence[str]
) -> pd.DataFrame:
    """Precision, recall, F1 and number of images of each class, a row a class.

    labels and predicted are int (n,). Precision: of the images read as this letter, the share that
    is. Recall: of the images of this letter, the share that is read as it. Empty shares are 0.
    """
    precision, recall, f1, images = precision_recall_fscore_support(
        labels, predicted, labels=range(len(class_names)), zero_division=0
    )
    columns = {"precision": precision, "recall": recall, "f1": f1, "images": images}
    return pd.DataFrame(columns, index=pd.Index([*class_names], name="class"))


def confusion(labels: np.ndarray, predicted: np.ndarray, class_count: int) -> np.ndarray:
    """How often class i (row) was read as class j (column), int (classes, classes)."""
    return confusion_matrix(labels, predicted, labels=range(class_count))


def confused_pairs(
    labels: np.ndarray, predicted: np.ndarray, class_names: Sequence[str]
) -> pd.DataFrame:
    """The errors as a list: true letter, letter read, how often; the most frequent first."""
    errors = confusion(labels, predicted, len(class_names))
    np.fill_diagonal(errors, 0)
    rows, columns = np.nonzero(errors)
    names = np.array([*class_names])
    table = pd.DataFrame(
        {"actual": names[rows], "predicted": names[columns], "images": errors[rows, columns]}
    )
    return table.sort_values("images", ascending=False, kind="stable", ignore_index=True)


def reliability(labels: np.ndarray, probabilities: np.ndarray, bins: int = 10) -> pd.DataFrame:
    """Whether confidence means what it says: a row for each bin of confidence that has images.

    labels int (n,), probabilities (n, classes). Columns: confidence (mean of the largest
    probability), accuracy (share right), images. A network that may be taken at its word has both
    shares equal (Guo et al., On Calibration of Modern Neural Networks, ICML 2017).
    """
    confidence = probabilities.max(axis=1)
    right = probabilities.argmax(axis=1) == labels
    bin_number = np.minimum((confidence * bins).astype(int), bins - 1)
    table = pd.DataFrame({"bin": bin_number, "confidence": confidence, "accuracy": right})
    grouped = table.groupby("bin")
    return grouped.mean().assign(images=grouped.size()).reset_index(drop=True)


def calibration_error(table: pd.DataFrame) -> float:
    """Expected calibration error: the mean gap between the two shares of `reliability`, 0 to 1."""
    gaps = (table["confidence"] - table["accuracy"]).abs()
    return float((gaps * table["images"]).sum() / table["images"].sum())


def fit_temperature(probabilities: np.ndarray, labels: np.ndarray) -> float:
    """The temperature that makes a network's confidence fit what it gets right.

    probabilities (n, classes), labels int (n,), of images that were not trained on: validation.
    Above 1 the network was too sure of itself, below 1 not sure enough; it is the one number for
    which `calibrate` makes the true labels most probable (Guo et al., ICML 2017). One image more is
    assumed that was read wrongly, its letter second: of n images, all right, the confidence is then
    about 1 - 1/n and not certainty. AslError for no images.
    """
    if not len(labels):
        raise AslError("a temperature is fitted on validation images, and there are none.")
    if probabilities.shape[1] < 2:
        return 1.0  # of one class it is always sure
    rows = np.arange(len(labels))

    def loss(log_temperature: float) -> float:
        calibrated = calibrate(probabilities, np.exp(log_temperature))
        true, second = calibrated[rows, labels], np.sort(calibrated, axis=1)[:, -2]
        costs = -np.log(np.maximum(np.stack([true, second]), SMALLEST))
        return float(costs[0].sum() + costs[1].mean())

    return float(np.exp(minimize_scalar(loss, bounds=(np.log(0.05), np.log(20))).x))


def calibrate(probabilities: np.ndarray, temperature: float) -> np.ndarray:
    """Probabilities (n, classes) at another temperature: which class is first does not change."""
    scores = np.log(np.maximum(probabilities.astype(np.float64), SMALLEST)) / temperature
    scores = np.exp(scores - scores.max(axis=1, keepdims=True))
    return scores / scores.sum(axis=1, keepdims=True)


def sure_threshold(
    probabilities: np.ndarray, labels: np.ndarray, precision: float = 0.99, least: int = 20
) -> tuple[float, float]:
    """From which confidence on readings are right as often as asked, and what is left unread.

    probabilities (n, classes) and labels int (n,) of validation images. Gives the lowest confidence
    above which the share that is right is at least `precision`, and the share of images that stay
    below it, "not sure". At least `least` images must lie above: fewer may be luck. 1 and 1 where
    no confidence is enough. AslError for no images and for a precision outside 0 to 1.
    """
    if not len(labels) or not 0 < precision <= 1:
        raise AslError(
            f"a threshold needs validation images and a precision between 0 and 1; there are "
            f"{len(labels):,} images, and precision is {precision}."
        )
    confidence = probabilities.max(axis=1)
    order = np.argsort(-confidence, kind="stable")
    right = (probabilities.argmax(axis=1) == labels)[order]
    share = np.cumsum(right) / np.arange(1, len(right) + 1)
    last = np.append(np.diff(confidence[order]) != 0, True)  # equal confidence is read together
    enough = np.flatnonzero((share >= precision) & last)
    enough = enough[enough + 1 >= least]
    if not len(enough):
        return 1.0, 1.0
    return float(confidence[order][enough[-1]]), float(1 - (enough[-1] + 1) / len(labels))
