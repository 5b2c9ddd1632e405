"""Further looks at a hand that was found: the same network, shown the same hand in other ways."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from asl.data.mapped_images import Images
from asl.landmarks import networks
from asl.landmarks.hand_landmarks import Landmarks, find_landmarks
from asl.landmarks.hands import PRESENCE, as_rgb, at_good_size
from asl.landmarks.joints import POINTS, Joints

LOOKS = 3
WIDER = 1.2  # side of the square in the last look, against the one that points are found in


def look_again(picture: np.ndarray, points: np.ndarray, model: str = networks.LITE) -> np.ndarray:
    """The points (21, 3) of a hand in a picture uint8 (h, w, 1, 3 or 4), and what two further looks
    make of it: float32 (LOOKS, 21, 3), all in pixels of the picture.

    The first are the points as given; the second are found in the mirror image; the third in a
    square that is a fifth wider. Their errors differ, so that the mean of what a classifier says of
    them (test-time augmentation) is more often right. Where a look finds no hand, the points stay.
    """
    large = at_good_size(as_rgb(picture, "the image"))
    scale = np.float32(large.shape[1] / picture.shape[1])
    square = Landmarks(points * scale, 1.0, 1.0).region()
    wider = square._replace(side=WIDER * square.side)
    looks = [np.asarray(points, np.float32)]
    for found in (
        find_landmarks(large, square, model, mirrored=True),
        find_landmarks(large, wider, model),
    ):
        is_hand = found.presence >= PRESENCE
        looks.append((found.points / scale).astype(np.float32) if is_hand else looks[0])
    return np.stack(looks)


def look_again_in_each(images: Images, joints: Joints) -> np.ndarray:
    """`look_again` at the hand of each image that has one: float32 (found, LOOKS, 21, 3)."""
    rows = np.flatnonzero(joints.found)
    with ThreadPoolExecutor(min(8, os.cpu_count() or 1)) as pool:
        looked = pool.map(lambda row: look_again(images[row], joints.points[row]), rows)
        return np.array([*looked], np.float32).reshape(-1, LOOKS, POINTS, 3)
