"""How far an accuracy is to be trusted: its 95 % interval, for images and for groups of them."""

import numpy as np
import pandas as pd
from scipy.optimize import brentq
from scipy.stats import binomtest, norm, t

from asl.errors import AslError
from asl.rounding import percent

WIDEST = 1000.0  # a likelihood ratio of exp(-500): beyond it weights are 0 in floating point


def accuracy_interval(
    correct: np.ndarray, groups: np.ndarray | None = None, confidence: float = 0.95
) -> tuple[float, float]:
    """The interval of accuracies that `correct`, bool (n,), is compatible with.

    Without groups, or where every image is a group of its own, it is Wilson's interval for a share
    (E. B. Wilson, JASA 22, 1927). Images of one group, labels (n,), err together: then it is the
    interval for images of other groups, by empirical likelihood (A. Owen, Empirical Likelihood,
    2001): the groups are given other weights, as likely as the confidence asks, with Student's t
    for few groups; the ends are the lowest and the highest accuracy so weighted. As no weight is
    negative, one more correct answer never lowers an end. It is never narrower than Wilson's. The
    lower end is never above what groups that are all correct would give: 0.05 to the power of 1
    over their number ("rule of three", Hanley and Lippman-Hand, JAMA 249, 1983), of few groups
    Wilson's; likewise the upper end. One group says nothing of others: 0 to 1. AslError for no
    images, and for groups that are not one an image. How often it holds the true accuracy:
    benchmarks/intervals.py.
    """
    correct = np.asarray(correct, dtype=bool)
    if groups is not None and len(groups) != len(correct):
        raise AslError(
            f"{len(groups):,} groups for {len(correct):,} images; each needs its group's label."
        )
    if not len(correct):
        raise AslError("an interval needs some images: 0 of 0 correct gives none.")
    exact = binomtest(int(correct.sum()), len(correct)).proportion_ci(confidence, method="wilson")
    rows = float(exact.low), float(exact.high)
    if groups is None:
        return rows
    group, _ = pd.factorize(np.asarray(groups), use_na_sentinel=False)
    sizes, found = np.bincount(group), np.bincount(group, weights=correct)
    if sizes.max() == 1:
        return rows
    if len(sizes) == 1:
        return 0.0, 1.0
    low = _lower_end(found, sizes, confidence)
    high = 1 - _lower_end(sizes - found, sizes, confidence)
    return min(low, rows[0]), max(high, rows[1])


def _lower_end(found: np.ndarray, sizes: np.ndarray, confidence: float) -> float:
    """The lower end from how many are correct in each group, of how many; both (groups,).

    Groups of unequal size are worth fewer (Kish, Survey Sampling, 1965). What Student's t allows
    beyond the normal distribution may also go to groups not met yet, all wrong: 1 - `met` of all.
    """
    count, worth = len(sizes), sizes.sum() ** 2 / np.square(sizes).sum()
    normal = norm.ppf((1 + confidence) / 2) ** 2
    student = min(t.ppf((1 + confidence) / 2, worth - 1) ** 2, WIDEST)
    all_correct = max((1 - confidence) ** (1 / count), count / (count + normal))
    met = max(np.exp((normal - student) / (2 * worth)), all_correct)
    budget = min(student * count / worth, WIDEST)
    return float(min(met * _lowest_share(found, sizes, budget), all_correct))


def _lowest_share(found: np.ndarray, sizes: np.ndarray, budget: float) -> float:
    """The lowest Σ weight·found / Σ weight·size with -2 Σ log(groups·weight) ≤ budget.

    The weights with the lowest Σ weight·(found - share·size) are proportional to 1 / (that
    difference + a number); the share they give is put in again, until it stays (Dinkelbach,
    Management Science 13, 1967). Equal groups are taken together.
    """
    (found, sizes), times = np.unique(np.stack([found, sizes]), axis=1, return_counts=True)
    count, lowest = times.sum(), times @ found / (times @ sizes)
    while True:
        share, above = lowest, found - lowest * sizes
        above -= above.min()
        largest = above.max()
        if largest < 1e-12 * sizes.max():  # all groups are alike
            return share

        def over(log_added: float, above: np.ndarray = above, largest: float = largest) -> float:
            inverse = np.exp(log_added) * largest + above
            logs = times @ np.log(inverse) + count * np.log(times @ (1 / inverse) / count)
            return 2 * logs - budget

        added = brentq(over, -30 if over(-30) > 0 else -650, 25, xtol=1e-13)
        weight = times / (np.exp(added) * largest + above)
        lowest = weight @ found / (weight @ sizes)
        if share - lowest < 1e-13:
            return lowest


def describe_accuracy(
    correct: np.ndarray, groups: np.ndarray | None = None, unit: str = "group"
) -> str:
    """Correct/total, percent and 95 % interval as text: 7,170/7,172 = 99.97 % (95 % interval …).

    correct bool (n,). With groups int (n,) the interval counts groups, and how many there are
    stands beside it, under the name `unit`. A single group says nothing of others, and the text
    says so. AslError for no images.
    """
    count, total = int(np.sum(correct)), len(correct)
    low, high = accuracy_interval(correct, groups)
    found = f"{count:,}/{total:,} = {percent(count / total)}"
    interval = f"95 % interval {percent(low)[:-2]}–{percent(high)}"
    if groups is None:
        return f"{found} ({interval})"
    many = len(np.unique(groups))
    if many == 1 < total:
        return f"{found} (one {unit}: says nothing of others)"
    return f"{found} ({interval}, {many:,} {plural(unit)})"


def plural(unit: str) -> str:
    """The plural of what a group is called: signers, duplicate groups, classes."""
    return unit + ("es" if unit.endswith(("s", "ch")) else "s")
