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


def test_interval_of_groups_by_hand():
    """Four photographs of two rows, three of them right: each resample has k of four right, with a
    binomial's probability, so its 97.5 % quantile is 4/4. The lower end is Wilson's: the variance
    between groups is 4/3 · 3/64 = 1/16, so they are worth 0.1875 / (1/16) = 3 rows, and t is 3.182.
    """
    right, groups = np.repeat([True, True, True, False], 2), np.repeat([7, 3, 5, 9], 2)
    low, high = evaluation.group_interval(right, groups)
    assert low == pytest.approx(wilson(0.75 * 3, 3, 3.18244630528)[0], abs=1e-9)
    assert high == 1
    rows = evaluation.accuracy_interval(6, 8)
    assert rows[0] > low  # rows alone promise more


def test_interval_of_groups_against_the_formula():
    """Where groups are alike in size, the bootstrap agrees with the deviation of their means."""
    random = np.random.default_rng(0)
    shares = random.beta(4, 1, 200)
    right = random.random((200, 20)) < shares[:, None]
    means = right.mean(axis=1)
    half = 1.96 * means.std() / np.sqrt(200)
    low, high = evaluation.group_interval(right.ravel(), np.repeat(np.arange(200), 20))
    assert low == pytest.approx(means.mean() - half, abs=0.004)
    assert high == pytest.approx(means.mean() + half, abs=0.004)
    narrow = evaluation.accuracy_interval(int(right.sum()), right.size)
    assert high - low > 1.5 * (narrow[1] - narrow[0])


def test_interval_of_groups_at_the_edges():
    groups = np.repeat(np.arange(10), 3)
    everything, nothing = np.ones(30, bool), np.zeros(30, bool)
    assert evaluation.group_interval(everything, groups) == evaluation.accuracy_interval(10, 10)
    assert evaluation.group_interval(nothing, groups) == evaluation.accuracy_interval(0, 10)
    assert evaluation.group_interval(everything, np.zeros(30)) == (0, 1)
    alike = np.tile([True, False, False], 10)  # redrawing gives the same share each time
    rows = evaluation.accuracy_interval(10, 30)
    low, high = evaluation.group_interval(alike, groups)
    assert low < rows[0] and high > rows[1]  # t of nine degrees of freedom, not the normal's
    with pytest.raises(AslError, match="29 groups for 30 images"):
        evaluation.group_interval(everything, groups[1:])
    with pytest.raises(AslError, match="an interval needs some images"):
        evaluation.group_interval(everything[:0], groups[:0])


def test_groups_are_counted_beside_the_accuracy():
    right = np.ones(40, bool)
    assert evaluation.describe_right(right, np.arange(40) // 20, "photograph") == (
        "40/40 = 100.00 % (95 % interval 34.23–100.00 %, 2 photographs)"
    )
    assert "10 stretches of film" in evaluation.describe_right(
        right, np.arange(40) // 4, "stretch of film"
    )
    assert evaluation.describe_right(right) == evaluation.describe_accuracy(40, 40)


def test_mcnemar_on_groups_by_hand():
    """The first alone is right in four groups by 3, 3, 1 and 1 rows: of sixteen signs two give
    a difference as large. Row by row it would be eight to none.
    """
    groups = np.repeat([0, 1, 2, 3], 3)
    first = np.array([1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 1, 0], bool)
    second = np.zeros(12, bool)
    assert evaluation.mcnemar(first, second, groups) == (8, 0, 2 / 16)
    assert evaluation.mcnemar(first, second)[2] == 2 / 2**8
    assert evaluation.mcnemar(first, first, groups) == (0, 0, 1)
    with pytest.raises(AslError, match="compared on the same images"):
        evaluation.mcnemar(first, second, groups[1:])


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.0])
def test_temperature_of_a_network_whose_confidence_is_known(temperature):
    """Labels drawn from probabilities are as frequent as these say; then the scores are spread."""
    random = np.random.default_rng(1)
    honest = random.dirichlet(np.full(5, 0.4), 20_000)
    labels = (random.random((20_000, 1)) > honest.cumsum(axis=1)).sum(axis=1)
    said = evaluation.calibrate(honest, 1 / temperature)
    assert evaluation.fit_temperature(said, labels) == pytest.approx(temperature, rel=0.03)
    calibrated = evaluation.calibrate(said, evaluation.fit_temperature(said, labels))
    before, after = (
        evaluation.calibration_error(evaluation.reliability(labels, p)) for p in (said, calibrated)
    )
    assert after < 0.01
    assert before > 0.03 or temperature == 1
    np.testing.assert_array_equal(said.argmax(axis=1), calibrated.argmax(axis=1))


def test_temperature_where_all_are_right_or_wrong():
    """One more image is assumed to be wrong, so that 100 right ones give no certainty."""
    said = np.tile([0.8, 0.15, 0.05], (100, 1))
    right, wrong = np.zeros(100, int), np.full(100, 2)
    sure = evaluation.calibrate(said, evaluation.fit_temperature(said, right))[0, 0]
    assert 0.98 < sure < 0.995
    unsure = evaluation.calibrate(said, evaluation.fit_temperature(said, wrong))[0]
    assert unsure.max() < 0.4
    with pytest.raises(AslError, match="there are none"):
        evaluation.fit_temperature(said[:0], right[:0])


@pytest.mark.filterwarnings("ignore:A single label")
def test_one_class_only():
    said, labels = np.ones((5, 1)), np.zeros(5, int)
    assert evaluation.fit_temperature(said, labels) == 1
    np.testing.assert_array_equal(evaluation.calibrate(said, 2.0), said)
    assert evaluation.sure_threshold(said, labels, least=5) == (1, 0)
    assert evaluation.per_class(labels, labels, ["A"])["recall"].tolist() == [1]
    assert evaluation.calibration_error(evaluation.reliability(labels, said)) == 0
    assert evaluation.confused_pairs(labels, labels, ["A"]).empty


def test_threshold_by_hand():
    """Sure ones first: right, right, wrong, right, wrong."""
    confidence = np.array([0.99, 0.7, 0.9, 0.8, 0.6])
    probabilities = np.stack([confidence, 1 - confidence], axis=1)
    labels = np.array([0, 0, 0, 1, 1])
    one = {"least": 1}
    assert evaluation.sure_threshold(probabilities, labels, 1, **one) == (0.9, 1 - 2 / 5)
    assert evaluation.sure_threshold(probabilities, labels, 0.75, **one) == (0.7, 1 - 4 / 5)
    assert evaluation.sure_threshold(probabilities, labels, 0.6, **one) == (0.6, 0)
    assert evaluation.sure_threshold(probabilities, labels, 0.75, least=5) == (1, 1)
    assert evaluation.sure_threshold(probabilities, 1 - labels, 1, **one) == (1, 1)
    with pytest.raises(AslError, match="precision is 2"):
        evaluation.sure_threshold(probabilities, labels, 2)
    with pytest.raises(AslError, match="0 images"):
        evaluation.sure_threshold(probabilities[:0], labels[:0])


@pytest.mark.parametrize("count", [5, 10, 30])
def test_intervals_of_few_groups_hold_what_they_promise(count):
    """Of groups of uneven size and share, at least nine of ten intervals hold the true share."""
    random, held = np.random.default_rng(0), 0
    for _ in range(100):
        sizes = random.integers(5, 60, count)
        groups = np.repeat(np.arange(count), sizes)
        right = random.random(len(groups)) < random.beta(8, 2, count)[groups]
        low, high = evaluation.group_interval(right, groups, resamples=300)
        held += low <= 0.8 <= high
    assert held >= 90
