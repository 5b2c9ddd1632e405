"""The nearest rows of each of very many rows, without looking at every pair.

A tree cuts all rows in two at the median along the line between two of them, each half again, and
so on down to a few hundred, which are compared with one another. Rows that are close are seldom cut
apart by one tree, and hardly ever by all of a dozen (random projection trees: Dasgupta and Freund,
STOC 2008; the line between two rows is the one that Annoy takes). As every cut is at the median,
the cost is n log n whatever the rows are: a million of the same one, too.
"""

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from threadpoolctl import threadpool_limits

LEAF = 512  # rows that are compared with one another, at the most
TREES = 12


def nearest_rows(
    looks: np.ndarray, groups: np.ndarray, count: int, seed: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """Rows of another group that are most similar to each row: int32 and float32 (n, count).

    looks float32 (n, values), rows of length 1, whose inner product is their similarity; groups
    int (n,). A place that is not filled holds -1 and similarity -1. Nearly all of the true nearest
    rows are found, the same ones every time; measured in benchmarks/growth.py.
    """
    rows_found = np.full((len(looks), count), -1, np.int32)
    similarity = np.full((len(looks), count), -1, np.float32)
    random = np.random.default_rng(seed)

    def look(leaf: np.ndarray) -> None:
        near = looks[leaf] @ looks[leaf].T
        near[groups[leaf][:, None] == groups[leaf]] = -1
        best = np.argpartition(near, -min(count, len(leaf)), axis=1)[:, -count:]
        found = np.concatenate([rows_found[leaf], leaf[best].astype(np.int32)], axis=1)
        alike = np.concatenate([similarity[leaf], np.take_along_axis(near, best, 1)], axis=1)
        order = np.argsort(found, axis=1)
        found, alike = np.take_along_axis(found, order, 1), np.take_along_axis(alike, order, 1)
        alike[:, 1:][found[:, 1:] == found[:, :-1]] = -1  # an earlier tree had it, too
        best = np.argpartition(alike, -count, axis=1)[:, -count:]
        similarity[leaf] = np.take_along_axis(alike, best, 1)
        rows_found[leaf] = np.where(
            similarity[leaf] > -1, np.take_along_axis(found, best, 1), np.int32(-1)
        )

    with threadpool_limits(1, "blas"), ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        for _ in range(TREES):
            for _ in pool.map(look, _leaves(looks, random)):
                pass
    return rows_found, similarity


def _leaves(looks: np.ndarray, random: np.random.Generator) -> Iterator[np.ndarray]:
    """All rows in parts of at most LEAF: sorted row numbers int64, by a tree of random cuts."""
    parts = [np.arange(len(looks))]
    while parts:
        rows = parts.pop()
        if len(rows) <= LEAF:
            yield np.sort(rows)
            continue
        one, other = looks[rows[random.integers(len(rows), size=2)]]
        half = len(rows) // 2
        order = np.argpartition(looks[rows] @ (one - other), half)
        parts += [rows[order[:half]], rows[order[half:]]]
