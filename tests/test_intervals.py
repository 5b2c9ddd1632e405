"""accuracy_interval: monotone, symmetric, between Wilson's of rows and groups, and it covers."""

import numpy as np
import pytest

from asl.errors import AslError
from asl.evaluation.intervals import accuracy_interval, describe_accuracy

ROUNDING = 1e-10


def wilson(correct: float, total: int) -> tuple[float, float]:
    z = 1.959963984540054
    centre = (correct + z**2 / 2) / (total + z**2)
    half = z * np.sqrt(correct * (total - correct) / total + z**2 / 4) / (total + z**2)
    return centre - half, centre + half


def patterns(many: int, seed: int = 0):
    """Random answers in random groups: few and many, alike and not, nearly all correct or wrong."""
    random = np.random.default_rng(seed)
    for _ in range(many):
        sizes = random.integers(1, random.choice([3, 6, 40]), size=random.integers(2, 14))
        share = random.choice([0.0, 0.05, 0.5, 0.95, 1.0], size=len(sizes))
        share = share if random.random() < 0.5 else np.full(len(sizes), random.choice(share))
        groups = random.permutation(np.repeat(np.arange(len(sizes)), sizes))
        yield random, random.random(len(groups)) < share[groups], groups


def inside(inner, outer) -> bool:
    return outer[0] <= inner[0] + ROUNDING and inner[1] <= outer[1] + ROUNDING


def test_one_more_correct_answer_never_lowers_an_end():
    for random, correct, groups in patterns(120):
        before = accuracy_interval(correct, groups)
        for row in random.permutation(np.flatnonzero(~correct))[
            :25
        ]:  # up to all of them, one by one
            correct[row] = True
            after = accuracy_interval(correct, groups)
            assert after[0] >= before[0] - ROUNDING and after[1] >= before[1] - ROUNDING
            before = after


def test_the_same_pattern_in_more_groups_is_never_wider():
    for _, correct, groups in patterns(150, seed=1):
        once = accuracy_interval(correct, groups)
        for times in (2, 3, 10):
            more = np.concatenate([groups + 100 * copy for copy in range(times)])
            many = accuracy_interval(np.tile(correct, times), more)
            assert inside(many, once)
            once = once if times == 2 else many  # 3 and 10 times within 2 and 3 times


def test_all_correct_lies_between_wilson_of_rows_and_of_groups():
    for count in (2, 3, 5, 6, 7, 10, 30, 300, 1000):
        for size in (1, 2, 5, 100):
            groups = np.repeat(np.arange(count), size)
            low, high = accuracy_interval(np.ones(len(groups), bool), groups)
            assert wilson(count, count)[0] - ROUNDING <= low
            assert low <= wilson(len(groups), len(groups))[0] + ROUNDING
            assert high == 1
    lows = [
        accuracy_interval(np.ones(20 * n, bool), np.repeat(np.arange(n), 20))[0]
        for n in range(2, 99)
    ]
    assert np.all(np.diff(lows) > 0)


def test_it_is_symmetric_and_never_narrower_than_wilson_of_rows():
    for _, correct, groups in patterns(250, seed=2):
        low, high = accuracy_interval(correct, groups)
        assert 0 <= low <= correct.mean() <= high <= 1
        assert accuracy_interval(~correct, groups) == pytest.approx((1 - high, 1 - low), abs=1e-12)
        assert inside(wilson(correct.sum(), len(correct)), (low, high))


def test_rows_of_their_own_give_wilson():
    assert accuracy_interval(np.arange(10) < 8) == pytest.approx((0.4901625, 0.9433178), abs=1e-7)
    for count in range(31):
        correct = np.arange(30) < count
        expected = pytest.approx(wilson(count, 30), abs=1e-12)
        assert accuracy_interval(correct) == expected
        assert accuracy_interval(correct, np.arange(30)) == expected


def test_labels_and_order_do_not_matter():
    for random, correct, groups in patterns(50, seed=3):
        order = random.permutation(len(correct))
        names = np.array([f"signer {group}" for group in groups])
        expected = pytest.approx(accuracy_interval(correct, groups), abs=1e-10)
        assert accuracy_interval(correct[order], names[order]) == expected
        assert accuracy_interval(correct, names.astype(object)) == expected


@pytest.mark.parametrize(
    ("count", "correlation", "accuracy"),
    [(3, 0.3, 0.6), (5, 0.3, 0.6), (10, 0.3, 0.6), (30, 0.9, 0.95), (30, 0.3, 0.6), (30, 0, 0.95)],
)
def test_it_covers(count: int, correlation: float, accuracy: float):
    random, samples = np.random.default_rng(0), 300
    groups = np.repeat(np.arange(count), 20)
    chance = np.full((samples, count), accuracy)
    if correlation:
        a, b = np.array([accuracy, 1 - accuracy]) * (1 / correlation - 1)
        chance = random.beta(a, b, (samples, count))
    correct = random.random((samples, len(groups))) < chance[:, groups]
    low, high = np.array([accuracy_interval(sample, groups) for sample in correct]).T
    assert ((low <= accuracy) & (accuracy <= high)).mean() > 0.91  # 0.93, less the luck of 300


def test_one_group_says_nothing_and_one_far_larger_does_not_break_it():
    assert accuracy_interval(np.ones(5, bool), np.zeros(5)) == (0, 1)
    groups = np.repeat(np.arange(5), [100_000, 1, 1, 1, 1])
    low, high = accuracy_interval(np.arange(len(groups)) < 90_000, groups)
    assert 0 <= low < 0.9 < high <= 1


def test_bad_input():
    with pytest.raises(AslError, match="0 of 0"):
        accuracy_interval(np.zeros(0, bool))
    with pytest.raises(AslError, match="each needs"):
        accuracy_interval(np.ones(3, bool), np.zeros(2))


def test_described_with_its_groups():
    correct = np.arange(7172) >= 2
    assert describe_accuracy(correct) == "7,170/7,172 = 99.97 % (95 % interval 99.90–99.99 %)"
    groups = np.arange(7172) // 24
    low, high = accuracy_interval(correct, groups)
    assert describe_accuracy(correct, groups, "class") == (
        f"7,170/7,172 = 99.97 % (95 % interval {100 * low:.2f}–{min(99.99, 100 * high):.2f} %, "
        "299 classes)"
    )
    alone = describe_accuracy(correct, np.zeros(7172), "signer")
    assert alone == "7,170/7,172 = 99.97 % (one signer: says nothing of others)"
    assert describe_accuracy(np.ones(3, bool)).endswith("–100.00 %)")
