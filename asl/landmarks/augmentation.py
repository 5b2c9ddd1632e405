"""Augmentation of points: the same sign of another hand, seen from a little elsewhere."""

import numpy as np

PALM = (0, 5, 9, 13, 17)  # wrist and knuckles
TURN = np.deg2rad(12)  # spread of how a hand is turned in the picture
TILT = np.deg2rad(12)  # at most, in depth, where that is known
STRETCH = 0.1  # at most, of the width against the height
JITTER = 0.025  # of a point, in sizes of the hand


def normalize_points(points: np.ndarray) -> np.ndarray:
    """Points (…, 21, 3) about the middle of the palm, at one size: float32 (…, 21, 3)."""
    moved = points - points[..., PALM, :].mean(axis=-2, keepdims=True)
    size = np.sqrt((moved[..., :2] ** 2).sum(axis=-1).mean(axis=-1))
    return (moved / np.maximum(size, 1e-9)[..., None, None]).astype(np.float32)


def turn_points(points: np.ndarray, angles: np.ndarray) -> np.ndarray:
    """Points (n, 21, 3), each turned in the picture by its angle (n,) in radians."""
    cos, sin = np.cos(angles)[:, None], np.sin(angles)[:, None]
    x, y, z = np.moveaxis(points, 2, 0)
    return np.stack([x * cos - y * sin, x * sin + y * cos, z], axis=2).astype(np.float32)


def augment_points(points: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Normalized points (n, 21, 3), each turned, tilted, stretched, mirrored every other time (a
    left hand signs the mirror image of the same letter), and jittered: float32 (n, 21, 3).
    """
    count = len(points)

    def spread(size: float) -> np.ndarray:
        return random.uniform(-size, size, (count, 1)).astype(np.float32)

    x, y, z = np.moveaxis(points, 2, 0)
    angle = spread(TILT)
    x, z = x * np.cos(angle) + z * np.sin(angle), z * np.cos(angle) - x * np.sin(angle)
    angle = spread(TILT)
    y = y * np.cos(angle) + z * np.sin(angle)
    turned = turn_points(np.stack([x, y, z], axis=2), TURN * random.standard_normal(count))
    x, y, z = np.moveaxis(turned, 2, 0)
    x = x * (1 + spread(STRETCH)) * np.where(random.random((count, 1)) < 0.5, -1, 1)
    moved = np.stack([x, y, z], axis=2)
    size = random.uniform(0.3, 1.3, (count, 1, 1)) * JITTER  # some cameras are steadier
    moved[..., :2] += random.standard_normal((count, len(points[0]), 2)) * size
    return moved.astype(np.float32)
