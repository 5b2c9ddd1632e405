"""Find hands in pictures: where they are, how they are posed, left or right."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from tqdm import tqdm

from asl.errors import AslError
from asl.landmarks import networks
from asl.landmarks.geometry import Square, overlap
from asl.landmarks.hand_landmarks import SIZE, Landmarks, find_landmarks
from asl.landmarks.palm_detection import find_palms

PRESENCE = 0.5  # of the landmarks: what is less sure is no hand
FIRST_SCORE, SCORE, TILE_SCORE = 0.5, 0.2, 0.3  # of a palm; at first sight, then, in small tiles
SURE = 0.9  # a presence at which the search ends; such hands come before all others
SAME, INSIDE = 0.4, 0.7  # intersection over union, or over the smaller: more is one hand
LARGEST = 1600  # pixels of the longer side; more would show no more of a hand
PADDED = (1.35, 1.8)  # of the longer side: a hand that fills the picture is too large as it is
SMALLEST_TILE = 128  # pixels
DARK = 70  # the mean of a picture below which small hands are looked for in brighter pixels
BRIGHTER = (255 * (np.arange(256) / 255) ** 0.5 + 0.5).astype(np.uint8)  # gamma 0.5
WAITING = 4  # pictures a thread: what is read ahead stays small


class Hand(NamedTuple):
    """A hand in a picture; lengths are pixels of the picture as it was given."""

    box: np.ndarray  # float32 (4,): left, top, right, bottom of its points
    points: np.ndarray  # float32 (21, 3): x to the right, y down, depth away from the camera
    right: float  # how sure it is that this is a right hand, 0 (a left one) to 1
    presence: float  # how sure it is that this is a hand at all, 0–1


def hands(
    image: np.ndarray | Iterable[np.ndarray], model: str = networks.LITE, *, every: bool = False
) -> list[Hand] | list[list[Hand]]:
    """The hands in an image, or in each of many, the largest sure one first; [] where none is.

    The search ends with the first hands that it finds, which may leave out much smaller ones;
    `every` looks for all of them, which takes about ten times as long.

    One image is uint8 (h, w), or (h, w, 1, 3 or 4): grey, RGB, or RGB with what is opaque; it gives
    a list of `Hand`. Many are (n, h, w, c) or a sequence of images of any sizes, and give a list of
    such lists. Points: 0 wrist, 1–4 thumb, 5–8 index, 9–12 middle, 13–16 ring, 17–20 little finger,
    each from the palm to the tip; (0, 0) is the upper left corner of the picture, and depth counts
    from the wrist. `right` is meant for pictures that are not mirrored.

    `model` is "lite" or "full" (more exact, half as fast, fetched at first use). Networks: Zhang et
    al.: MediaPipe Hands, arXiv:2006.10214. AslError for what is no image, and where the networks'
    files are neither on this machine nor can be fetched.
    """
    if model not in networks.LANDMARK_MODELS:
        known = " and ".join(networks.LANDMARK_MODELS)
        raise AslError(f"there is no hand model {model!r}. There are: {known}.")
    if isinstance(image, np.ndarray) and image.ndim != 4:
        return find_hands(image, model, every=every)
    if isinstance(image, str | bytes | Path) or not isinstance(image, Iterable):
        raise AslError(f"{image!r} is no image but a {type(image).__name__}: see asl.read_image.")
    count = len(image) if isinstance(image, Sequence | np.ndarray) else None
    found = find_in_each(image, model, every=every)
    return list(tqdm(found, "finding hands", count, unit=" images", leave=False, delay=1))


def find_in_each(
    images: Iterable[np.ndarray],
    model: str = networks.LITE,
    *,
    every: bool = False,
    threads: int | None = None,
) -> Iterator[list[Hand]]:
    """The hands of each image, in the order of the images, of which few are held at a time."""
    threads = threads or min(8, os.cpu_count() or 1)
    waiting: deque[Future[list[Hand]]] = deque()
    with ThreadPoolExecutor(threads) as pool:
        try:
            for number, image in enumerate(images):
                name = f"image {number:,}"
                waiting.append(pool.submit(find_hands, image, model, every=every, name=name))
                if len(waiting) >= WAITING * threads:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for each in waiting:  # whoever asked has stopped asking
                each.cancel()


def find_hands(
    picture: np.ndarray,
    model: str = networks.LITE,
    *,
    every: bool = False,
    name: str = "the image",
) -> list[Hand]:
    """The hands in one image, as `hands` gives them; `name` is for messages."""
    picture = as_rgb(picture, name)
    height, width = picture.shape[:2]
    picture = at_good_size(picture)
    found = _search(picture, model, every)
    scale = np.array([width / picture.shape[1], height / picture.shape[0], 0], np.float32)
    scale[2] = np.sqrt(scale[0] * scale[1])
    told = []
    for each in found:
        points = each.points * scale
        flat = points[:, :2]
        box = np.concatenate([flat.min(axis=0), flat.max(axis=0)])
        told.append(Hand(box, points, each.right, each.presence))
    return sorted(told, key=_rank)


def _rank(hand: Hand) -> tuple[bool, float]:
    return hand.presence < SURE, -float((hand.box[2:] - hand.box[:2]).prod())


def _search(picture: np.ndarray, model: str, every: bool) -> list[Landmarks]:
    """From what is quick and usual to what is slow and rare, until a hand is found for sure."""
    height, width = picture.shape[:2]
    middle, side = (width / 2, height / 2), max(width, height)
    whole, *padded = [Square(*middle, scale * side) for scale in (1, *PADDED)]
    steps = [(picture, square) for square in (whole, *padded)]
    brighter = cv2.LUT(picture, BRIGHTER)  # film in poor light
    steps += [(brighter, square) for square in (padded[0], whole)]
    found: list[Landmarks] = []
    for pixels, square in steps:
        score = FIRST_SCORE if (pixels is picture and square is whole) else SCORE
        found = _once(found + _find_in(pixels, [square], model, score))
        if any(hand.presence >= SURE for hand in found):
            break
    if not found:  # the palm may be hidden or too large for its detector
        steps = [(picture, whole), (picture, padded[0]), (brighter, whole)]
        known = (_refine(pixels, square, model, passes=3) for pixels, square in steps)
        found = list(islice((hand for hand in known if hand.presence >= PRESENCE), 1))
    pixels = brighter if picture.mean() < DARK else picture
    for parts in (2, 4):
        if side / parts >= SMALLEST_TILE and (every or not found):
            tiles = _tiles(height, width, side / parts)
            found = _once(found + _find_in(pixels, tiles, model, TILE_SCORE))
    return found


def _find_in(
    picture: np.ndarray, squares: Iterable[Square], model: str, score: float
) -> list[Landmarks]:
    """Hands whose palm is found in one of the squares with this score."""
    palms = [palm for square in squares for palm in find_palms(picture, square, score)]
    known = [_refine(picture, palm.region(), model) for palm in palms]
    return _once([hand for hand in known if hand.presence >= PRESENCE])


def _once(found: list[Landmarks]) -> list[Landmarks]:
    """Each hand once, as it is surest."""
    once: list[Landmarks] = []
    for hand in sorted(found, key=lambda hand: -hand.presence):
        boxes = np.array([each.box for each in once], np.float32).reshape(-1, 4)
        same = (overlap(hand.box, boxes) > SAME) | (overlap(hand.box, boxes, smaller=True) > INSIDE)
        if not same.any():
            once.append(hand)
    return once


def _refine(picture: np.ndarray, square: Square, model: str, passes: int = 2) -> Landmarks:
    """The landmarks in a square, then in the better square that these give."""
    hand = find_landmarks(picture, square, model)
    for _ in range(passes - 1):
        hand = find_landmarks(picture, hand.region(), model)
    return hand


def _tiles(height: int, width: int, side: float) -> list[Square]:
    """Squares that cover the picture, a third of each shared with the next."""
    return [Square(x, y, side) for y in _centres(height, side) for x in _centres(width, side)]


def _centres(length: int, side: float) -> np.ndarray:
    count = 1 + int(np.ceil((length - side) / (2 / 3 * side) - 1e-9))
    if count <= 1:
        return np.array([length / 2])
    return np.linspace(side / 2, length - side / 2, count)


def as_rgb(image: np.ndarray, name: str) -> np.ndarray:
    """uint8 (h, w, 3); AslError for what is no image."""
    image = np.asarray(image)
    if image.dtype != np.uint8:
        raise AslError(
            f"{name} is {image.dtype}; hands are looked for in uint8, 0–255. Values from 0 to 1 "
            "become that by (image * 255).astype('uint8')."
        )
    if image.ndim == 2:
        image = image[..., None]
    if image.ndim != 3 or image.shape[2] not in (1, 3, 4) or not image.size:
        raise AslError(
            f"{name} has the shape {image.shape}; an image is (height, width), or (height, width, "
            "1, 3 or 4), and has at least one pixel."
        )
    if image.shape[2] == 4:  # what is transparent lies on white, as in files
        opaque = image[..., 3:].astype(np.float32) / 255
        image = (image[..., :3] * opaque + 255 * (1 - opaque) + 0.5).astype(np.uint8)
    if image.shape[2] == 1:
        image = image.repeat(3, axis=2)
    return np.ascontiguousarray(image)


def at_good_size(picture: np.ndarray) -> np.ndarray:
    """Small pictures enlarged to SIZE, large ones shrunk to LARGEST pixels of the longer side."""
    longer = max(picture.shape[:2])
    side = min(max(longer, SIZE), LARGEST)
    if side == longer:
        return picture
    height, width = (max(1, round(each * side / longer)) for each in picture.shape[:2])
    how = cv2.INTER_AREA if side < longer else cv2.INTER_CUBIC
    return cv2.resize(picture, (width, height), interpolation=how)
