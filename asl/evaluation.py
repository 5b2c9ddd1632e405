"""How good the network is, in figures that can be trusted: counts, intervals, per-class figures."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy.stats import binomtest
from sklearn.metrics import confusion_matrix, precision_recall_fscore_support

from asl.errors import AslError
from asl.folders import plain


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
    share, low, high = (np.floor(value * 1e4) / 100 for value in (correct / total, low, high))
    return f"{correct:,}/{total:,} = {share:.2f} % (95 % interval {low:.2f}–{high:.2f} %)"


def mcnemar(first_right: np.ndarray, second_right: np.ndarray) -> tuple[int, int, float]:
    """Whether two networks differ, from the images that only one of them reads rightly.

    first_right, second_right bool (n,), of the same images in the same order. Gives how many the
    first alone reads rightly, how many the second alone, and the p-value: the probability of a
    split at least as uneven if both were equally good (McNemar, Psychometrika 12, 1947; exact, from
    the binomial distribution). AslError where they are not of the same images.
    """
    if len(first_right) != len(second_right):
        raise AslError(
            f"{len(first_right):,} and {len(second_right):,} images: two networks are compared on "
            "the same ones."
        )
    only_first = int((first_right & ~second_right).sum())
    only_second = int((second_right & ~first_right).sum())
    differing = only_first + only_second
    p = binomtest(only_first, differing).pvalue if differing else 1.0
    return only_first, only_second, float(p)


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


def shared_classes(known: Sequence[str], others: Sequence[str]) -> dict[int, int]:
    """Which classes of another data set a network knows: their index there → its index here.

    Classes are the same where their names are, whatever the case. AslError where none is.
    """
    index = {plain(name): place for place, name in enumerate(known)}
    shared = {i: index[plain(name)] for i, name in enumerate(others) if plain(name) in index}
    if not shared:
        raise AslError(
            f"no class is shared: the network knows {', '.join(known[:8])}…, the data set has "
            f"{', '.join(others[:8])}…."
        )
    return shared


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
