"""Small images, as near-duplicates are compared by them: how they are made, what a small move adds
to them, and how alike two of them are once one was moved onto the other.
"""

import math

import cv2
import numpy as np

from asl.data.mapped_images import Images

# Pixels of a side of the small images, and the deviation of the blur before they are made small,
# as a share of the image's side: for the first look, which only sorts out what is far apart; for
# the second; and to see whether two images that had to be moved are the same photograph
COARSE, COARSE_BLUR = 10, 2 / 28
SIDE, BLUR = 14, 1 / 28
SHARP, SHARP_BLUR = 28, 0.5 / 28
STEPS = (1.5, 1.5, 1.5, 0, 0, 0, 0)  # of moving one image onto the other: the blur of each
BLACK, WHITE, LEAST_CLEAR = 2, 253, 0.5  # what may be cut off by the range, what share may not
READ, READ_BYTES = 4096, 1 << 26  # images that are read at a time, and their bytes at the most


def small(images: Images) -> list[np.ndarray]:
    """Blurred small images, uint8 (n, side, side): coarse, fine, sharp."""
    sizes = ((COARSE, COARSE_BLUR), (SIDE, BLUR), (SHARP, SHARP_BLUR))
    made = [np.empty((len(images), side, side), np.uint8) for side, _ in sizes]
    block = max(1, min(READ, READ_BYTES // max(1, math.prod(images.shape[1:]))))
    for start in range(0, len(images), block):
        for row, image in enumerate(np.asarray(images[start : start + block]), start):
            if image.ndim == 3 and image.shape[2] == 3:
                image = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
            image = image.reshape(image.shape[:2])
            if max(image.shape) > 2 * SHARP:
                image = cv2.resize(image, (2 * SHARP,) * 2, interpolation=cv2.INTER_AREA)
            for (side, blur), place in zip(sizes, made, strict=True):
                soft = cv2.GaussianBlur(image, (0, 0), blur * image.shape[1])
                place[row] = cv2.resize(soft, (side, side), interpolation=cv2.INTER_AREA)
    return made


def unit(images: np.ndarray, clear: np.ndarray | None = None) -> np.ndarray:
    """Images as rows float32 (n, pixels) of mean 0 and length 1; without any difference, all 0."""
    flat = images.reshape(len(images), -1)
    found = np.empty(flat.shape, np.float32)
    for start in range(0, len(flat), READ):  # a part at a time: there may be a million
        some = slice(start, start + READ)
        part = _centred(flat[some].astype(np.float32), None if clear is None else clear[some])
        found[some] = part / np.maximum(np.linalg.norm(part, axis=1, keepdims=True), 1e-3)
    return found


def _centred(flat: np.ndarray, clear: np.ndarray | None) -> np.ndarray:
    """Rows (n, pixels, …) less their mean over the pixels where `clear`, float32 (n, pixels), is 1,
    as it is without one; the others are 0.
    """
    clear = np.ones(flat.shape[:2], flat.dtype) if clear is None else clear
    clear = clear.reshape(*clear.shape, *(1,) * (flat.ndim - 2))
    return (flat - (flat * clear).sum(axis=1, keepdims=True) / clear.sum(axis=1)[:, None]) * clear


def moves(images: np.ndarray, clear: np.ndarray | None = None) -> np.ndarray:
    """Each image, and what it gains from a small move to the right, down, in a turn, in growing:
    (n, pixels, 5), the mean of each taken off.
    """
    count, side, _ = images.shape
    along_y, along_x = np.gradient(images, axis=(1, 2))
    across = np.arange(side, dtype=images.dtype) - (side - 1) / 2
    x, y = across[None, None, :], across[None, :, None]
    gains = [images, along_x, along_y, x * along_y - y * along_x, x * along_x + y * along_y]
    return _centred(np.stack([each.reshape(count, -1) for each in gains], axis=2), clear)


def aligned(moving: np.ndarray, still: np.ndarray) -> np.ndarray:
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
        target = unit(_soft(still, blur), clear)
        now = _soft(moving, blur)
        for row, move in enumerate(place):
            now[row] = cv2.warpAffine(now[row], move, (side, side), None, inverse, edge)
        if not blur:
            best = np.maximum(best, (unit(now, clear) * target).sum(axis=1))
        space = moves(now, clear)
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
