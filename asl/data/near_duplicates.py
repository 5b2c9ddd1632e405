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

Groups are what is linked, directly or through others.
"""

from __future__ import annotations

import hashlib
import os
import re
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import cv2
import numpy as np
import pandas as pd
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components
from threadpoolctl import threadpool_limits

from asl import files
from asl.data.mapped_images import Images
from asl.data.samples import Samples
from asl.errors import AslError

VERSION = 1  # of the way groups are found: those of another version are looked for again

# Pixels of a side of the small images, and the deviation of the blur before they are made small,
# as a share of the image's side: for the first look, which only sorts out what is far apart; for
# the second; and to see whether two images that had to be moved are the same photograph
COARSE, COARSE_BLUR = 10, 2 / 28
SIDE, BLUR = 14, 1 / 28
SHARP, SHARP_BLUR = 28, 0.5 / 28
MAYBE = 0.8  # similarity at the first look above which a pair is looked at again
DOUBT = 0.92  # and in the space of small moves, above which one is moved onto the other
SIMILAR = 0.955  # similarity of near-duplicates as they are
ALIGNED = 0.9985  # and of those that had to be moved: many hands are alike once they are moved
STEPS = (1.5, 1.5, 1.5, 0, 0, 0, 0)  # of moving one image onto the other: the blur of each
BLACK, WHITE, LEAST_CLEAR = 2, 253, 0.5  # what may be cut off by the range, what share may not
TRIES, TRIES_OF_ONE = 2, 24  # pairs that are moved between any two groups; of a single image
BLOCK, PAIRS = 2048, 50_000_000  # rows that are compared at a time with all, pairs at the most
READ = 4096  # images that are made small at a time


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
    coarse, fine, sharp = _small(images)
    coarse, looks = _unit(coarse), _unit(fine)
    found = np.unique(sharp.reshape(count, -1), axis=0, return_inverse=True)[1].ravel()
    found = np.unique(np.stack([found, labels], 1), axis=0, return_inverse=True)[1].ravel()
    doubtful = []
    for label in np.unique(labels):
        rows = np.flatnonzero(labels == label)
        block = max(1, min(BLOCK, PAIRS // len(rows)))
        for start in range(0, len(rows), block):
            here, later = rows[start : start + block], rows[start:]
            linked, unsure = _compare(coarse, fine, looks, here, later, similarity)
            found = _join(found, linked)
            doubtful.append(_best_pairs(found, *unsure))  # a film has very many
    first, second, _ = _best_pairs(found, *map(np.concatenate, zip(*doubtful, strict=True)))
    same = np.empty(len(first), bool)
    for start in range(0, len(first), BLOCK):
        some = slice(start, start + BLOCK)
        one, other = sharp[first[some]], sharp[second[some]]
        same[some] = np.maximum(_aligned(one, other), _aligned(other, one)) > ALIGNED
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
    looks = _unit(_small(images)[-1])
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


def _small(images: Images) -> list[np.ndarray]:
    """Blurred small images, uint8 (n, side, side): coarse, fine, sharp."""
    sizes = ((COARSE, COARSE_BLUR), (SIDE, BLUR), (SHARP, SHARP_BLUR))
    small = [np.empty((len(images), side, side), np.uint8) for side, _ in sizes]
    for start in range(0, len(images), READ):
        for row, image in enumerate(np.asarray(images[start : start + READ]), start):
            if image.ndim == 3 and image.shape[2] == 3:
                image = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
            image = image.reshape(image.shape[:2])
            if max(image.shape) > 2 * SHARP:
                image = cv2.resize(image, (2 * SHARP,) * 2, interpolation=cv2.INTER_AREA)
            for (side, blur), place in zip(sizes, small, strict=True):
                soft = cv2.GaussianBlur(image, (0, 0), blur * image.shape[1])
                place[row] = cv2.resize(soft, (side, side), interpolation=cv2.INTER_AREA)
    return small


def _unit(images: np.ndarray, clear: np.ndarray | None = None) -> np.ndarray:
    """Images as rows float32 (n, pixels) of mean 0 and length 1; without any difference, all 0."""
    flat = images.reshape(len(images), -1).astype(np.float32)
    flat = _centred(flat, clear)
    return flat / np.maximum(np.linalg.norm(flat, axis=1, keepdims=True), 1e-3)


def _centred(flat: np.ndarray, clear: np.ndarray | None) -> np.ndarray:
    """Rows (n, pixels, …) less their mean over the pixels where `clear`, float32 (n, pixels), is 1,
    as it is without one; the others are 0.
    """
    clear = np.ones(flat.shape[:2], flat.dtype) if clear is None else clear
    clear = clear.reshape(*clear.shape, *(1,) * (flat.ndim - 2))
    return (flat - (flat * clear).sum(axis=1, keepdims=True) / clear.sum(axis=1)[:, None]) * clear


def _moves(images: np.ndarray, clear: np.ndarray | None = None) -> np.ndarray:
    """Each image, and what it gains from a small move to the right, down, in a turn, in growing:
    (n, pixels, 5), the mean of each taken off.
    """
    count, side, _ = images.shape
    along_y, along_x = np.gradient(images, axis=(1, 2))
    across = np.arange(side, dtype=images.dtype) - (side - 1) / 2
    x, y = across[None, None, :], across[None, :, None]
    moves = [images, along_x, along_y, x * along_y - y * along_x, x * along_x + y * along_y]
    return _centred(np.stack([move.reshape(count, -1) for move in moves], axis=2), clear)


def _compare(
    coarse: np.ndarray,
    fine: np.ndarray,
    looks: np.ndarray,
    block: np.ndarray,
    later: np.ndarray,
    similarity: float,
) -> tuple[tuple[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """A block of rows against itself and all later ones: pairs that are near-duplicates, and
    pairs that may be, with how alike they are. `later` begins with the rows of the block.
    """
    near = coarse[block] @ coarse[later].T > MAYBE
    # An orthonormal basis of each image and its small moves: float32 (n, pixels, 5)
    spaces = np.linalg.qr(_moves(fine[block].astype(np.float32)))[0]

    def look_again(part: range) -> list[tuple]:
        found = []
        for k in part:
            others = later[k + 1 + np.flatnonzero(near[k, k + 1 :])]
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


def _aligned(moving: np.ndarray, still: np.ndarray) -> np.ndarray:
    """How alike two images are once one is moved onto the other: float (n,), at most 1.

    uint8 (n, side, side). Each step takes the small move that brings them closest (Lucas and
    Kanade, IJCAI 1981), on blurred images first. What is overexposed or black in `still` does not
    count: there, brightness has left nothing to compare.
    """
    count, side, _ = moving.shape
    place, best = np.tile(np.eye(2, 3), (count, 1, 1)), np.full(count, -1.0)
    clear = ((still > BLACK) & (still < WHITE)).reshape(count, -1)
    clear |= clear.mean(axis=1, keepdims=True) < LEAST_CLEAR
    clear = clear.astype(np.float32)
    inverse, edge = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP, cv2.BORDER_REPLICATE
    for blur in STEPS:
        target = _unit(_soft(still, blur), clear)
        now = _soft(moving, blur)
        for row, move in enumerate(place):
            now[row] = cv2.warpAffine(now[row], move, (side, side), None, inverse, edge)
        if not blur:
            best = np.maximum(best, (_unit(now, clear) * target).sum(axis=1))
        space = _moves(now, clear)
        back = space.transpose(0, 2, 1)
        step = np.linalg.solve(back @ space + 1e-3 * np.eye(5), back @ target[..., None])[..., 0]
        gain = np.where(np.abs(step[:, :1]) < 1e-6, 1e-6, step[:, :1])
        right, down, turn, grow = np.clip(step[:, 1:] / gain, -3, 3).T
        turn, grow = np.clip(turn, -0.2, 0.2), np.clip(grow, -0.2, 0.2)
        matrix = np.stack([np.stack([1 + grow, -turn], -1), np.stack([turn, 1 + grow], -1)], -2)
        shift = np.stack([right, down], -1) + (side - 1) / 2 * (1 - matrix.sum(axis=2))
        turned = place[:, :, :2]  # the new move first, then all the earlier ones
        shift = turned @ shift[..., None] + place[:, :, 2:]
        place = np.concatenate([turned @ matrix, shift], axis=2)
    return best


def _soft(images: np.ndarray, blur: float) -> np.ndarray:
    images = images.astype(np.float32)
    return np.stack([cv2.GaussianBlur(each, (0, 0), blur) for each in images]) if blur else images
