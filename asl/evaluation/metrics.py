"""Figures of a classifier: each class, the confusion matrix, and whether two networks differ."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy.stats import binom
from sklearn.metrics import confusion_matrix, precision_recall_fscore_support

from asl.errors import AslError


def per_class(
    labels: np.ndarray, predicted: np.ndarray, class_names: Sequence[str]
) -> pd.DataFrame:
    """Precision, recall, F1 and number of images of each class, a row a class.

    labels and predicted are int (n,), predicted -1 where nothing is. Precision: of the images
    predicted as this class, the share that is. Recall: of the images of this class, the share that
    is predicted as it. Empty shares are 0.
    """
    precision, recall, f1, images = precision_recall_fscore_support(
        labels, predicted, labels=range(len(class_names)), zero_division=0
    )
    columns = {"precision": precision, "recall": recall, "f1": f1, "images": images}
    return pd.DataFrame(columns, index=pd.Index([*class_names], name="class"))


def confusion(labels: np.ndarray, predicted: np.ndarray, class_count: int) -> np.ndarray:
    """How often class i (row) was predicted as class j (column), int (classes, classes). Images for
    which nothing is predicted (-1) are in no column.
    """
    if not len(labels):  # scikit-learn wants some
        return np.zeros((class_count, class_count), np.int64)
    return confusion_matrix(labels, predicted, labels=range(class_count))


def confused_pairs(
    labels: np.ndarray, predicted: np.ndarray, class_names: Sequence[str]
) -> pd.DataFrame:
    """The errors as a list: true class, class predicted, how often; the most frequent first."""
    errors = confusion(labels, predicted, len(class_names))
    np.fill_diagonal(errors, 0)
    rows, columns = np.nonzero(errors)
    names = np.array([*class_names])
    table = pd.DataFrame(
        {"actual": names[rows], "predicted": names[columns], "images": errors[rows, columns]}
    )
    return table.sort_values("images", ascending=False, kind="stable", ignore_index=True)


def mcnemar(
    first_correct: np.ndarray, second_correct: np.ndarray, groups: np.ndarray | None = None
) -> tuple[int, int, float]:
    """Whether two networks differ, from the images that only one of them gets correct.

    first_correct, second_correct bool (n,), of the same images in the same order. Gives how many
    the first alone gets correct, how many the second alone, and the p-value: the probability of a
    split at least as uneven if both were equally good (McNemar, Psychometrika 12, 1947; exact).

    Images of one photograph err together. With groups int (n,) a group is what counts: if both
    networks were equally good, the difference within each could as well have had the other sign.
    All such signs are gone through, which without groups gives the same as McNemar's binomial.
    AslError where the images are not the same, or groups not one an image.
    """
    groups = np.arange(len(first_correct)) if groups is None else groups
    if not len(first_correct) == len(second_correct) == len(groups):
        raise AslError(
            f"{len(first_correct):,} and {len(second_correct):,} images, {len(groups):,} groups: "
            "two networks are compared on the same images."
        )
    only_first = int((first_correct & ~second_correct).sum())
    only_second = int((second_correct & ~first_correct).sum())
    _, group = np.unique(groups, return_inverse=True)
    lead = np.bincount(group, weights=first_correct.astype(int) - second_correct.astype(int))
    leads = np.abs(lead).astype(int)
    ones = np.count_nonzero(leads == 1)
    chance = np.zeros(2 * ones + 1)  # of each possible sum, from -reach to reach
    chance[::2] = binom.pmf(np.arange(ones + 1), ones, 0.5)
    for size in leads[leads > 1]:
        chance = np.pad(chance, (0, 2 * size)) / 2 + np.pad(chance, (2 * size, 0)) / 2
    sums = np.arange(len(chance)) - leads.sum()
    p = chance[np.abs(sums) >= abs(only_first - only_second)].sum()
    return only_first, only_second, float(min(p, 1.0))
