"""The pixels around a hand."""

from __future__ import annotations

import cv2
import numpy as np

from asl.data.mapped_images import Images
from asl.landmarks.geometry import Square
from asl.landmarks.joints import POINTS, Joints

AROUND = 1.7  # side of the crop that a network sees, in sides of the box of the points
CROP = 112  # its pixels
TINY = 64  # pixels of a side
SURE = 0.5  # at least, what pixels say of a tiny image in which no hand was found
NO_POINTS = np.zeros((POINTS, 3), np.float32)  # where no hand was found
HAND_SIZE = 192  # pixels of a side of images in which hands are looked for: more show little more


def cut_crops(images: Images, joints: Joints, size: int, around: float) -> np.ndarray:
    """The square around each hand that was found, `around` times the side of the box of its points:
    uint8 (found, size, size, channels).
    """
    rows = np.flatnonzero(joints.found)
    crops = [crop_of(images[row], joints.points[row], size, around) for row in rows]
    return np.stack(crops) if crops else np.zeros((0, size, size, 3), np.uint8)


def is_tiny(image: np.ndarray) -> bool:
    """Whether an image has fewer than TINY pixels a side: whoever made it cut it to the hand."""
    return max(image.shape[:2]) < TINY


def crop_of(image: np.ndarray, points: np.ndarray, size: int, around: float) -> np.ndarray:
    """The square around the box of a hand's points (21, 2 or 3), in colour: uint8 (size, size, 3),
    or 4 with what is opaque if the image has it. Beyond the picture its edge goes on.

    The points of a tiny image are rough: the square is then around all of it.
    """
    low, high = points[:, :2].min(axis=0), points[:, :2].max(axis=0)
    side = around * float((high - low).max())
    if is_tiny(image):
        height, width = image.shape[:2]
        low, high = np.zeros(2), np.array([width, height])
        side = around / AROUND * max(height, width)
    x, y = ((low + high) / 2).tolist()
    is_cut_out = image.ndim == 3 and image.shape[2] == 4
    border = cv2.BORDER_CONSTANT if is_cut_out else cv2.BORDER_REPLICATE
    crop = Square(x, y, side).cut(image, size, border)
    if crop.ndim == 2:
        crop = cv2.cvtColor(crop, cv2.COLOR_GRAY2RGB)
    return crop
