"""Find hands in a picture: where, how posed, left or right."""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np

from asl.landmarks.geometry import Square, overlap
from asl.landmarks.hand_landmarks import SIZE, Landmarks, find_landmarks
from asl.landmarks.palm_detection import find_palms

PRESENCE = 0.5
LARGEST = 1600  # pixels of a side; more would show no more of a hand
PADDED = (1.0, 1.35, 1.8)  # of the longer side: a hand that fills the picture is too large as it is


def find_hands(picture, model="lite"):
    found = []
    height, width = picture.shape[:2]
    for squares in _stages(height, width):
        for square in squares:
            for palm in find_palms(picture, square):
                _add(found, picture, palm.region(), model)
        if found:
            break
    else:
        _add(found, picture, Square(width / 2, height / 2, max(width, height)), model)
    return found


def _stages(height, width):
    middle, side = (width / 2, height / 2), max(width, height)
    for scale in PADDED:
        yield [Square(*middle, scale * side)]
    for parts in (2, 4):
        small = side / parts
        if small < 128:
            break
        yield [Square(x, y, small) for y in _centres(height, small) for x in _centres(width, small)]


def _centres(length: int, side: float) -> np.ndarray:
    """Centres of squares of this side that cover the length, half of each shared with the next."""
    count = max(1, int(np.ceil(2 * length / side)) - 1)
    if count == 1:
        return np.array([length / 2])
    return np.linspace(side / 2, length - side / 2, count)


def _add(found, picture, square, model):
    first = find_landmarks(picture, square, model)
    hand = find_landmarks(picture, first.region(), model)
    if hand.presence < PRESENCE:
        return
    for other in found:
        if overlap(hand.box, other.box[None])[0] > 0.5:
            return
    found.append(hand)
