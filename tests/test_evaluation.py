import numpy as np
import pytest
from sklearn.metrics import classification_report

from asl import evaluation
from asl.errors import AslError


def wilson(k, n, z=1.959963984540054):
    """By hand, from the formula."""
    p, zz = k / n, z * z
    middle = (p + zz / (2 * n)) / (1 + zz / n)
    half = z / (1 + zz / n) * np.sqrt(p * (1 - p) / n + zz / (4 * n * n))
    return middle - half, middle + half


@pytest.mark.parametrize(("k", "n"), [(7172, 7172), (7165, 7172), (0, 10), (5, 10), (1, 1)])
def test_interval_by_hand(k, n):
    assert evaluation.accuracy_interval(k, n) == pytest.approx(wilson(k, n), abs=1e-9)


def test_interval_of_all_right_by_hand():
    # Wilson's lower bound for n of n is n / (n + z²): 10 / 13.8415
    low, high = evaluation.accuracy_interval(10, 10)
    assert low == pytest.approx(0.72246, abs=1e-5)
    assert high == 1


@pytest.mark.parametrize(("k", "n"), [(0, 0), (3, 2), (-1, 5)])
def test_no_interval_of_nothing(k, n):
    with pytest.raises(AslError, match="an interval needs some images"):
        evaluation.accuracy_interval(k, n)


def test_accuracy_is_never_rounded_up():
    assert "= 99.99 %" in evaluation.describe_accuracy(99_999, 100_000)
    assert evaluation.describe_accuracy(7172, 7172) == (
        "7,172/7,172 = 100.00 % (95 % interval 99.94–100.00 %)"
    )
    assert evaluation.describe_accuracy(0, 4).startswith("0/4 = 0.00 % (95 % interval 0.00–")


def test_per_class_by_hand_and_against_scikit_learn():
    labels = np.array([0, 0, 0, 1, 1, 2])
    predicted = np.array([0, 0, 1, 1, 0, 2])
    table = evaluation.per_class(labels, predicted, "ABCD")
    assert table.loc["A"].tolist() == pytest.approx([2 / 3, 2 / 3, 2 / 3, 3])
    assert table.loc["B"].tolist() == pytest.approx([1 / 2, 1 / 2, 1 / 2, 2])
    assert table.loc["D"].tolist() == [0, 0, 0, 0]
    report = classification_report(labels, predicted, output_dict=True)
    assert table.loc["C", "recall"] == report["2"]["recall"]


def test_confusion_by_hand():
    counts = evaluation.confusion(np.array([0, 0, 1, 2]), np.array([0, 1, 1, 0]), 4)
    assert counts.tolist() == [[1, 1, 0, 0], [0, 1, 0, 0], [1, 0, 0, 0], [0, 0, 0, 0]]


def test_confused_pairs_most_frequent_first():
    labels = np.array([0, 0, 0, 1, 2, 2])
    predicted = np.array([1, 1, 2, 1, 0, 2])
    pairs = evaluation.confused_pairs(labels, predicted, "ABC")
    assert pairs.to_numpy().tolist() == [["A", "B", 2], ["A", "C", 1], ["C", "A", 1]]
    assert evaluation.confused_pairs(labels, labels, "ABC").empty


def test_reliability_by_hand():
    probabilities = np.array([[0.95, 0.05], [0.91, 0.09], [0.45, 0.55], [1.0, 0.0]])
    table = evaluation.reliability(np.array([0, 1, 1, 0]), probabilities)
    assert table["images"].tolist() == [1, 3]
    assert table["confidence"].tolist() == pytest.approx([0.55, (0.95 + 0.91 + 1) / 3])
    assert table["accuracy"].tolist() == pytest.approx([1, 2 / 3])
    by_hand = (abs(0.55 - 1) * 1 + abs(2.86 / 3 - 2 / 3) * 3) / 4
    assert evaluation.calibration_error(table) == pytest.approx(by_hand)


def test_mcnemar_by_hand():
    """Of eleven images that one of them alone reads, ten fall to the first: 2 · (1 + 11) / 2^11."""
    first = np.array([True] * 10 + [False] + [True] * 50 + [False] * 5)
    second = np.array([False] * 10 + [True] + [True] * 50 + [False] * 5)
    assert evaluation.mcnemar(first, second) == (10, 1, pytest.approx(2 * 12 / 2**11))
    assert evaluation.mcnemar(second, first) == (1, 10, pytest.approx(2 * 12 / 2**11))
    assert evaluation.mcnemar(first, first) == (0, 0, 1.0)
    with pytest.raises(AslError, match="66 and 3 images"):
        evaluation.mcnemar(first, second[:3])
