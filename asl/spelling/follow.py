"""What one image of a film or a camera shows: the hand, followed from image to image, and what the
reader takes its shape for. Nothing here needs TensorFlow.
"""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np

from asl.landmarks import interpreter
from asl.landmarks.augmentation import normalize_points
from asl.landmarks.crops import AROUND, CROP, crop_of
from asl.landmarks.geometry import Square
from asl.landmarks.hand_landmarks import Landmarks, find_landmarks
from asl.landmarks.looks import LOOKS, WIDER, look_again
from asl.landmarks.palm_detection import find_palms
from asl.reader.read import Network
from asl.reader.signs import SHAPES

PRESENCE = 0.5
PALM_SCORE = 0.4
LARGEST = 640  # pixels of the longer side: more would show no more of a hand before a camera
CALM = 0.2  # squares that differ by less are nearly one: the next is then between them
NEWEST = 0.3  # at least so much of the newer one
SLOW = 0.08  # sides of the square: a hand that moved less from image to image is looked at again


class Seen(NamedTuple):
    """What one image shows; lengths are pixels of the image at `good_size`."""

    hand: Landmarks | None  # None where there is no hand
    shapes: np.ndarray  # float32 (shapes,), probabilities of reader.signs.SHAPES; zeros without
    square: Square | None = None  # where the hand is looked for in the next image


NOTHING = Seen(None, np.zeros(len(SHAPES), np.float32))


def good_size(image: np.ndarray) -> np.ndarray:
    """The image, shrunk to LARGEST pixels of the longer side where it has more."""
    scale = LARGEST / max(image.shape[:2])
    if scale >= 1:
        return image
    return cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)


def look(network: Network, image: np.ndarray, last: Seen = NOTHING) -> Seen:
    """What an image uint8 (h, w, 3) RGB shows, after what the one before it showed.

    The hand is looked for where it was; only where it is no longer there, or none was, the palm
    detector looks at the whole image.
    """
    image = good_size(image)
    hand = _in_square(image, last.square) if last.square else None
    if hand is None:
        hand = _find(image)
        if hand is None and last.square:  # it may be turned so that its palm is not to be seen
            hand = _in_square(image, last.square._replace(side=WIDER * last.square.side))
        last = NOTHING
    return NOTHING if hand is None else _read(network, image, hand, last)


def _read(network: Network, image: np.ndarray, hand: Landmarks, last: Seen) -> Seen:
    """What the reader takes a hand for; one that moved little since the last image is looked at
    three times.
    """
    square = hand.region()
    if last.square:
        square = _calmed(last.square, square)
    looks = np.repeat(hand.points[None], LOOKS, axis=0)
    if last.hand:
        moved = np.median(np.linalg.norm((hand.points - last.hand.points)[:, :2], axis=1))
        if moved < SLOW * square.side:
            looks = look_again(image, hand.points)
    points, crop = normalize_points(looks), crop_of(image, hand.points, CROP, AROUND)
    told = interpreter.run(network.file, joints=points[None], pixels=crop[None].astype(np.float32))
    return Seen(hand, told[0][0], square)


def _in_square(image: np.ndarray, square: Square) -> Landmarks | None:
    hand = find_landmarks(image, square)
    if _apart(square, hand.region()) >= CALM:  # it moves fast, and was at the square's edge
        hand = find_landmarks(image, hand.region())
    return hand if hand.presence >= PRESENCE and _is_inside(hand, image) else None


def _calmed(last: Square, new: Square) -> Square:
    """Of two squares that are nearly one, one between them: where a hand is looked for follows from
    what was found there, and without this both might sway for ever.
    """
    turn = _turn(last, new)
    share = float(np.clip(_apart(last, new) / CALM, NEWEST, 1))
    x, y, side = (a + share * (b - a) for a, b in zip(last[:3], new[:3], strict=True))
    return Square(x, y, side, last.angle + share * turn)


def _apart(last: Square, new: Square) -> float:
    """How much two squares differ: in sides of the first, and in radians."""
    moved = abs(new.x - last.x) + abs(new.y - last.y) + abs(new.side - last.side)
    return moved / last.side + abs(_turn(last, new))


def _turn(last: Square, new: Square) -> float:
    return (new.angle - last.angle + np.pi) % (2 * np.pi) - np.pi


def _find(image: np.ndarray) -> Landmarks | None:
    """The largest hand that the palm detector finds in the whole image."""
    height, width = image.shape[:2]
    palms = find_palms(image, Square(width / 2, height / 2, max(height, width)), PALM_SCORE)
    for palm in sorted(palms, key=lambda palm: -palm.region().side)[:2]:
        hand = find_landmarks(image, palm.region())
        hand = find_landmarks(image, hand.region())
        if hand.presence >= PRESENCE and _is_inside(hand, image):
            return hand
    return None


def _is_inside(hand: Landmarks, image: np.ndarray) -> bool:
    """Whether the middle of the palm is in the image."""
    x, y = hand.points[[0, 5, 9, 13, 17], :2].mean(axis=0)
    return bool(0 <= x < image.shape[1] and 0 <= y < image.shape[0])
