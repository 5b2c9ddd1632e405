"""Figures of a classifier, by hand: each class, the confusion matrix, McNemar's test."""

import numpy as np
import pytest
from scipy.stats import binomtest
from sklearn.metrics import classification_report

from asl import AslError
from asl.evaluation.metrics import confused_pairs, confusion, mcnemar, per_class


def test_per_class_by_hand_and_against_scikit_learn():
    labels = np.array([0, 0, 0, 1, 1, 2])
    predicted = np.array([0, 0, 1, 1, 0, 2])
    table = per_class(labels, predicted, "ABCD")
    assert table.loc["A"].tolist() == pytest.approx([2 / 3, 2 / 3, 2 / 3, 3])
    assert table.loc["B"].tolist() == pytest.approx([1 / 2, 1 / 2, 1 / 2, 2])
    assert table.loc["D"].tolist() == [0, 0, 0, 0]
    report = classification_report(labels, predicted, output_dict=True)
    assert table.loc["C", "recall"] == report["2"]["recall"]


def test_confusion_by_hand():
    counts = confusion(np.array([0, 0, 1, 2]), np.array([0, 1, 1, 0]), 4)
    assert counts.tolist() == [[1, 1, 0, 0], [0, 1, 0, 0], [1, 0, 0, 0], [0, 0, 0, 0]]


def test_confused_pairs_most_frequent_first():
    labels = np.array([0, 0, 0, 1, 2, 2])
    predicted = np.array([1, 1, 2, 1, 0, 2])
    pairs = confused_pairs(labels, predicted, "ABC")
    assert pairs.to_numpy().tolist() == [["A", "B", 2], ["A", "C", 1], ["C", "A", 1]]
    assert confused_pairs(labels, labels, "ABC").empty
    assert confused_pairs(labels[:0], labels[:0], "ABC").empty


def test_mcnemar_by_hand():
    """Of eleven images that only one of them gets correct, ten are the first's: 2 · 12 / 2^11."""
    first = np.array([True] * 10 + [False] + [True] * 50 + [False] * 5)
    second = np.array([False] * 10 + [True] + [True] * 50 + [False] * 5)
    assert mcnemar(first, second) == (10, 1, pytest.approx(2 * 12 / 2**11))
    assert mcnemar(second, first) == (1, 10, pytest.approx(2 * 12 / 2**11))
    assert mcnemar(first, first) == (0, 0, 1.0)
    with pytest.raises(AslError, match="66 and 3 images"):
        mcnemar(first, second[:3])


def test_mcnemar_on_a_million_images_is_the_binomial_test():
    random = np.random.default_rng(0)
    first, second = random.random(1_000_000) < [[0.6], [0.601]]
    only_first, only_second, p = mcnemar(first, second)
    assert p == pytest.approx(binomtest(only_first, only_first + only_second).pvalue, rel=1e-6)


def test_mcnemar_on_groups_by_hand():
    """The first alone is correct in four groups by 3, 3, 1 and 1 rows: of sixteen signs two give
    a difference as large. Row by row it would be eight to none.
    """
    groups = np.repeat([0, 1, 2, 3], 3)
    first = np.array([1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 1, 0], bool)
    second = np.zeros(12, bool)
    assert mcnemar(first, second, groups) == (8, 0, pytest.approx(2 / 16))
    assert mcnemar(first, second)[2] == pytest.approx(2 / 2**8)
    assert mcnemar(first, first, groups) == (0, 0, 1)
    with pytest.raises(AslError, match="compared on the same images"):
        mcnemar(first, second, groups[1:])


@pytest.mark.filterwarnings("ignore:A single label")
def test_one_class_only():
    labels = np.zeros(5, int)
    assert per_class(labels, labels, ["A"])["recall"].tolist() == [1]
    assert confused_pairs(labels, labels, ["A"]).empty
