"""How often `accuracy_interval` holds the true accuracy, and how wide it is, in simulated groups.

A group's accuracy is drawn from a beta distribution with the intra-group correlation (ICC) asked,
its answers from the binomial one. From ten groups on, widths are compared with the spread (2.5 to
97.5 % quantile) of the simulated accuracies: at most twice that is the target. In some cells no
interval that never falls when an answer becomes correct can be so narrow. An accuracy p gives "all
correct" in more than 7 % of samples (at the ICC where that is most frequent), so the lower end for
all correct, hence any lower end, is at most p; and to hold the true accuracy in 93 % of samples,
the median upper end is at least that accuracy.
"""

from itertools import product

import numpy as np
from common import figure, text
from scipy.optimize import brentq
from scipy.special import betaln

from asl.evaluation.intervals import accuracy_interval

GROUPS, SIZES = (3, 5, 10, 30, 300), (5, 20, 100)
CORRELATIONS, ACCURACIES = (0.0, 0.3, 0.9), (0.6, 0.95, 0.995)
SAMPLES = 2000


def intervals() -> dict:
    """Coverage of the 95 % interval by groups, and its width, in simulations."""
    random, coverages, wide = np.random.default_rng(0), {}, {}
    for groups, size in product(GROUPS, SIZES):
        bound = brentq(
            lambda p, g=groups, s=size: often_all_correct(p, g, s) - 0.07, 1e-9, 1 - 1e-9
        )
        for correlation, accuracy in product(CORRELATIONS, ACCURACIES):
            cell = f"{groups} groups of {size}, ICC {correlation:g}, accuracy {accuracy:g}"
            chance = np.full((SAMPLES, groups), accuracy)
            if correlation:
                a, b = np.array([accuracy, 1 - accuracy]) * (1 / correlation - 1)
                chance = random.beta(a, b, (SAMPLES, groups))
            found = random.binomial(size, chance)
            low, high = np.array([interval(sample, size) for sample in found]).T
            coverages[cell] = ((low <= accuracy) & (accuracy <= high)).mean()
            spread = np.ptp(np.quantile(found.mean(axis=1) / size, [0.025, 0.975]))
            if groups >= 10 and np.median(high - low) > 2 * spread:
                wide[cell] = (np.median(high - low) / spread, accuracy - bound > 2 * spread)
    worst = min(coverages, key=coverages.get)
    reachable = [f"{cell}: {ratio:.1f}" for cell, (ratio, proven) in wide.items() if not proven]
    many = sum(count >= 10 for count in GROUPS) * len(SIZES) * 9
    return {
        "lowest coverage of all cells": text(f"{coverages[worst]:.3f} ({worst})", "at least 0.93"),
        "cells from ten groups on": figure(many),
        "of these, median width at most twice the spread": figure(many - len(wide), "", "all"),
        "of these, provably impossible for any interval that never falls": figure(
            len(wide) - len(reachable)
        ),
        "of these, not reached: width over spread": text("; ".join(reachable) or "none"),
    }


def often_all_correct(accuracy: float, groups: int, size: int) -> float:
    """How often every image is correct, at the ICC where that is most frequent."""
    chances = [accuracy ** (groups * size)]
    for correlation in filter(None, CORRELATIONS):
        a, b = np.array([accuracy, 1 - accuracy]) * (1 / correlation - 1)
        chances.append(np.exp(groups * (betaln(a + size, b) - betaln(a, b))))
    return max(chances)


def interval(found: np.ndarray, size: int) -> tuple[float, float]:
    """The interval where so many of `size` images are correct in each group, int (groups,)."""
    return accuracy_interval(
        (np.arange(size) < found[:, None]).ravel(), np.repeat(np.arange(len(found)), size)
    )
