"""Squares in a picture, turned or not, and what lies in them."""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np


class Square(NamedTuple):
    """A square in a picture, in its pixels; `angle` turns its upper side to the right."""

    x: float  # of its centre, to the right
    y: float  # down
    side: float
    angle: float = 0.0  # radians

    def to_picture(self, points: np.ndarray) -> np.ndarray:
        """Points (…, 2) given in shares of the square, 0–1 → pixels of the picture."""
        moved = (np.asarray(points, np.float32) - 0.5) * self.side
        return moved @ _rotation(self.angle).T + np.array([self.x, self.y], np.float32)

    def from_picture(self, points: np.ndarray) -> np.ndarray:
        """Pixels of the picture (…, 2) → shares of the square, 0–1 inside."""
        moved = np.asarray(points, np.float32) - np.array([self.x, self.y], np.float32)
        return moved @ _rotation(self.angle) / self.side + 0.5

    def cut(self, picture: np.ndarray, size: int, border: int = cv2.BORDER_CONSTANT) -> np.ndarray:
        """What lies in the square, uint8 (size, size, 3); black where it leaves the picture, or as
        another of OpenCV's borders makes it.
        """
        shrink = int(self.side / size / 1.5)
        scale = (1.0, 1.0)
        if shrink > 1:  # at once, pixels between would be passed over
            height, width = picture.shape[:2]
            small = (max(1, width // shrink), max(1, height // shrink))
            scale = (small[0] / width, small[1] / height)
            picture = cv2.resize(picture, small, interpolation=cv2.INTER_AREA)
        ends = np.array([[0, 0], [1, 0], [0, 1]], np.float32)
        # -0.5: a pixel's centre is where warpAffine counts from
        there = self.to_picture(ends) * np.array(scale, np.float32) - np.float32(0.5)
        matrix = cv2.getAffineTransform(there, ends * np.float32(size) - np.float32(0.5))
        return cv2.warpAffine(
            picture, matrix, (size, size), flags=cv2.INTER_LINEAR, borderMode=border
        )


def _rotation(angle: float) -> np.ndarray:
    cos, sin = np.cos(angle), np.sin(angle)
    return np.array([[cos, -sin], [sin, cos]], np.float32)


def overlap(box: np.ndarray, boxes: np.ndarray, smaller: bool = False) -> np.ndarray:
    """Intersection of a box (4,) with each of many (n, 4), over their union or, if `smaller`, over
    the smaller of both: float (n,). Boxes are left, top, right, bottom.
    """
    inner = np.minimum(box[2:], boxes[:, 2:]) - np.maximum(box[:2], boxes[:, :2])
    shared = np.clip(inner, 0, None).prod(axis=1)
    one, others = (box[2:] - box[:2]).prod(), (boxes[:, 2:] - boxes[:, :2]).prod(axis=1)
    whole = np.minimum(one, others) if smaller else one + others - shared
    return shared / np.maximum(whole, 1e-9)
