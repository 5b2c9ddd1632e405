"""The pixels around a hand."""

from __future__ import annotations

import cv2
import numpy as np

from asl.data.mapped_images import Images
from asl.landmarks.geometry import Square
from asl.landmarks.joints import Joints

AROUND = 1.7  # side of the crop that a network sees, in sides of the box of the points
CROP = 112  # its pixels
HAND_SIZE = 192  # pixels of a side of images in which hands are looked for: more show little more


def cut_crops(images: Images, joints: Joints, size: int, around: float) -> np.ndarray:
    """The square around each hand that was found, `around` times the side of the box of its points:
    uint8 (found, size, size, channels).
    """
    rows = np.flatnonzero(joints.found)
    crops = [crop_of(images[row], joints.points[row], size, around) for row in rows]
    return np.stack(crops) if crops else np.zeros((0, size, size, 3), np.uint8)


def crop_of(image: np.ndarray, points: np.ndarray, size: int, around: float) -> np.ndarray:
    """The square around the box of a hand's points (21, 2 or 3), in colour: uint8 (size, size, 3);
    with what is opaque as a fourth channel if the image has one.
    """
    low, high = points[:, :2].min(axis=0), points[:, :2].max(axis=0)
    x, y = ((low + high) / 2).tolist()
    crop = Square(x, y, around * float((high - low).max())).cut(image, size)
    if crop.ndim == 2:
        crop = cv2.cvtColor(crop, cv2.COLOR_GRAY2RGB)
    return crop
