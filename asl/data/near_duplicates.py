"""Near-duplicates: images that come from one photograph, or from one moment of a film.

A network that has seen a photograph knows its near-duplicate, so a split that puts one into
training and the other into the test promises too much. They are found by looking at every pair, in
three steps that grow dearer as fewer pairs are left:

1. Small, blurred images, each of mean 0 and length 1, so that brightness and contrast do not count:
   their inner product is their similarity, and one matrix product gives it for a block of pairs.
2. What a small shift, turn or change of scale adds to an image is, for small ones, a direction of
   its own. Whatever of the other image lies in the space of these five directions counts as alike
   (tangent distance: Simard, LeCun, Denker, NIPS 1992).
3. Where that leaves doubt, one image is moved onto the other step by step, and compared again.

Groups are what is linked, directly or through others. Of more than EXACT images not every pair is
looked at, but those of the nearest rows (nearest.py), so that a million takes minutes and not days.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import numpy as np
import pandas as pd
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components
from threadpoolctl import threadpool_limits

from asl import files
from asl.data.mapped_images import Images
from asl.data.nearest import nearest_rows
from asl.data.samples import Samples
from asl.data.small_images import aligned, moves, small, unit
from asl.errors import AslError

VERSION = 1  # of the way groups are found: those of another version are looked for again

MAYBE = 0.8  # similarity at the first look above which a pair is looked at again
DOUBT = 0.92  # and in the space of small moves, above which one is moved onto the other
SIMILAR = 0.955  # similarity of near-duplicates as they are
ALIGNED = 0.9985  # and of those that had to be moved: many hands are alike once they are moved
TRIES, TRIES_OF_ONE = 2, 24  # pairs that are moved between any two groups; of a single image
BLOCK, PAIRS = 2048, 50_000_000  # rows that are compared at a time with all, pairs at the most
# Images up to which every pair is looked at. Of more, pairs of each with this many of the nearest
# that are not in its group yet, in two rounds: all that is near may be of one group at first
EXACT, NEAREST, ROUNDS = 100_000, 64, 2
NEAR_BLOCK = 16_384  # rows whose nearest ones are compared at a time

OthersOf = Callable[[int], np.ndarray]  # place in a block of rows → rows to compare that one with


def duplicate_groups(
    images: Images, labels: np.ndarray | None = None, similarity: float = SIMILAR
) -> np.ndarray:
    """Which images come from one photograph or one moment of film: int64 (n,), a number a row.

    images uint8 (n, height, width, channels) or (n, height, width). Exact copies, other brightness
    and contrast, noise, small shifts, turns and crops make no difference. With `labels` int (n,)
    only images of one class are linked, which is quicker. Groups are numbered in the order of
    their first row. AslError for labels that are not as many as the images.
    """
    count = len(images)
    if labels is not None and len(labels) != count:
        raise AslError(f"{count:,} images but {len(labels):,} labels: give one for each image.")
    if count < 2:
        return np.zeros(count, np.int64)
    labels = np.zeros(count, int) if labels is None else labels
    coarse, fine, sharp = small(images)
    coarse, looks = unit(coarse), unit(fine)
    found = _exact_copies(sharp, labels)
    is_first = np.isin(np.arange(count), np.unique(found, return_index=True)[1])  # of its copies
    for _ in range(1 if count <= EXACT else ROUNDS):
        doubtful = []
        for rows in _rows_of_labels(labels):
            pairs = _every_pair(coarse, rows)
            if count > EXACT:
                pairs = _nearest_pairs(coarse, rows[is_first[rows]], found)
            for here, others_of in pairs:
                linked, unsure = _compare(fine, looks, here, others_of, similarity)
                found = _join(found, linked)
                doubtful.append(_best_pairs(found, *unsure))  # a film has very many
        first, second, _ = _best_pairs(found, *map(np.concatenate, zip(*doubtful, strict=True)))
        same = _same_once_moved(sharp, first, second)
        found = _join(found, (first[same], second[same]))
    _, where, numbers = np.unique(found, return_index=True, return_inverse=True)
    return np.argsort(np.argsort(where))[numbers].astype(np.int64)


def cached_groups(samples: Samples) -> np.ndarray:
    """The groups of a data set's images, within each class, from data/cache if they were found
    before; whatever the size that its images were loaded at, so that all networks get one split.
    """
    key = hashlib.sha256(str(VERSION).encode())
    for column in (samples.names, samples.labels, _digests(samples)):
        key.update(np.ascontiguousarray(column).tobytes())
    slug = re.sub(r"\W+", "_", samples.dataset)[-40:]
    file = files.DATA / "cache" / f"{slug}-groups-{key.hexdigest()[:12]}.npz"
    with files.lock(file):
        with suppress(Exception):  # not there yet, or damaged: whatever the damage meets first
            with np.load(file) as stored:  # its checksums are looked at
                found = stored["groups"]
            if found.shape == (len(samples),):
                return found
        found = duplicate_groups(samples.images, samples.labels)
        with files.write_beside(file) as temporary:
            np.savez(temporary, groups=found)
    many = f"{len(np.unique(found)):,} photographs or moments"
    print(f"{samples.dataset}: {len(samples):,} images come from {many}")
    return found


def _digests(samples: Samples) -> np.ndarray:
    """What tells each image from others: uint64 (n,), of the files where there are some."""
    if samples.digests is not None:
        return samples.digests
    rows = (np.ascontiguousarray(samples.images[row]) for row in range(len(samples)))
    digests = [hashlib.blake2b(row.tobytes(), digest_size=8).digest() for row in rows]
    return np.frombuffer(b"".join(digests), np.uint64)


def label_conflicts(images: Images, labels: np.ndarray, similarity: float = 0.995) -> np.ndarray:
    """Near-duplicates that have two labels, likely label errors: int64 (pairs, 2), rows of images.

    Stricter than `duplicate_groups`, as two signs may look much alike: M and N in one light.
    """
    if len(labels) != len(images):
        raise AslError(f"{len(images):,} images but {len(labels):,} labels: give one for each.")
    looks = unit(small(images)[-1])
    if len(looks) > EXACT:
        pairs = _pairs_above(similarity, *nearest_rows(looks, pd.factorize(labels)[0], NEAREST))
        return np.stack(pairs, axis=1)
    found = [np.empty((0, 2), np.int64)]
    for start in range(0, len(looks), BLOCK):
        block = looks[start : start + BLOCK]
        near = np.triu(block @ looks[start:].T > similarity, 1)
        near &= labels[start : start + BLOCK, None] != labels[None, start:]
        found.append(np.argwhere(near) + start)
    return np.concatenate(found)


def count_pairs(*columns: np.ndarray) -> int:
    """How many pairs of rows agree in all of these columns (n,): of groups, those that are linked;
    of labels, those of one class.
    """
    sizes = pd.DataFrame(np.stack(columns, axis=1)).value_counts().to_numpy()
    return int((sizes * (sizes - 1) // 2).sum())


def _exact_copies(small: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Numbers int64 (n,), equal for rows of equal small images and equal labels."""
    digests = [hashlib.blake2b(row.tobytes(), digest_size=16).digest() for row in small]
    copies, label = pd.factorize(np.array(digests, dtype=object))[0], pd.factorize(labels)[0]
    return pd.factorize(copies * (label.max() + 1) + label)[0]


def _rows_of_labels(labels: np.ndarray) -> list[np.ndarray]:
    """The rows of each label, sorted."""
    order = np.argsort(labels, kind="stable")
    return np.split(order, np.flatnonzero(np.diff(labels[order])) + 1)


def _every_pair(coarse: np.ndarray, rows: np.ndarray) -> Iterator[tuple[np.ndarray, OthersOf]]:
    """Blocks of these rows, and for each of a block all later ones that may be like it."""
    block = max(1, min(BLOCK, PAIRS // len(rows)))
    for start in range(0, len(rows), block):
        here, later = rows[start : start + block], rows[start:]
        near = coarse[here] @ coarse[later].T > MAYBE

        def others_of(k: int, near: np.ndarray = near, later: np.ndarray = later) -> np.ndarray:
            return later[k + 1 + np.flatnonzero(near[k, k + 1 :])]

        yield here, others_of


def _nearest_pairs(
    coarse: np.ndarray, rows: np.ndarray, found: np.ndarray
) -> Iterator[tuple[np.ndarray, OthersOf]]:
    """As `_every_pair`, but for each row only the nearest of those that are not in its group."""
    first, second = _pairs_above(MAYBE, *nearest_rows(coarse[rows], found[rows], NEAREST))
    starts = np.searchsorted(first, np.arange(len(rows) + 1))
    for start in range(0, len(rows), NEAR_BLOCK):

        def others_of(k: int, start: int = start) -> np.ndarray:
            return rows[second[starts[start + k] : starts[start + k + 1]]]

        yield rows[start : start + NEAR_BLOCK], others_of


def _pairs_above(
    least: float, others: np.ndarray, alike: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Pairs int64 (pairs,) of rows and those found for them that are more alike than `least`, each
    once, the lower row first, sorted.
    """
    near = alike > least
    first, second = np.nonzero(near)[0], others[near]
    keys = np.unique(np.minimum(first, second) * len(others) + np.maximum(first, second))
    return keys // len(others), keys % len(others)


def _compare(
    fine: np.ndarray,
    looks: np.ndarray,
    block: np.ndarray,
    others_of: OthersOf,
    similarity: float,
) -> tuple[tuple[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """A block of rows against the others of each: pairs that are near-duplicates, and pairs that
    may be, with how alike they are.
    """
    # An orthonormal basis of each image and its small moves: float32 (n, pixels, 5)
    spaces = np.linalg.qr(moves(fine[block].astype(np.float32)))[0]

    def look_again(part: range) -> list[tuple]:
        found = []
        for k in part:
            others = others_of(k)
            close = looks[others]
            straight = close @ looks[block[k]]
            space = np.square(close @ spaces[k]).sum(axis=1)
            sure = straight > similarity
            unsure = ~sure & (space > DOUBT**2)
            here = np.full(len(others), block[k])
            found.append((here[sure], others[sure], here[unsure], others[unsure], space[unsure]))
        return found

    workers = os.cpu_count() or 1
    with threadpool_limits(1, "blas"), ThreadPoolExecutor(workers) as pool:
        shares = [range(k, len(block), workers) for k in range(workers)]
        found = [row for share in pool.map(look_again, shares) for row in share]
    columns = [np.concatenate(column) for column in zip(*found, strict=True)]
    return (columns[0], columns[1]), (columns[2], columns[3], columns[4])


def _join(numbers: np.ndarray, pairs: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
    """Numbers (n,) of groups, after the rows of these pairs were linked as well."""
    first, second = (numbers[rows] for rows in pairs)
    size = int(numbers.max()) + 1
    graph = coo_matrix((np.ones(len(first), bool), (first, second)), shape=(size, size))
    return connected_components(graph, directed=False)[1][numbers]


def _same_once_moved(sharp: np.ndarray, first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Whether one image of each pair of rows is the other one, moved: bool (pairs,)."""
    alike = np.empty(len(first))
    for start in range(0, len(first), BLOCK):
        some = slice(start, start + BLOCK)
        one, other = sharp[first[some]], sharp[second[some]]
        alike[some] = np.maximum(aligned(one, other), aligned(other, one))
    return alike > ALIGNED


def _best_pairs(
    found: np.ndarray, first: np.ndarray, second: np.ndarray, alike: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of pairs that are not in one group yet, the most alike between any two groups: TRIES, and
    more where one of them is small, as the one image that it is a copy of may not look most alike.
    """
    ends = np.sort(np.stack([found[first], found[second]]), axis=0)
    table = pd.DataFrame({"one": ends[0], "other": ends[1], "alike": alike})
    table = table[table["one"] != table["other"]].sort_values("alike", ascending=False)
    sizes = np.bincount(found)
    smaller = np.minimum(sizes[table["one"]], sizes[table["other"]])
    turn = table.groupby(["one", "other"], sort=False).cumcount()
    rows = table.index[turn < np.maximum(TRIES, TRIES_OF_ONE // smaller)].to_numpy()
    return first[rows], second[rows], alike[rows]
