"""Hands found in each data set, how fast, and how far their points move with the picture."""

import os
from collections.abc import Callable, Iterator

import cv2
import numpy as np
from common import figure, seconds, text

from asl.data import archives, download
from asl.data.catalog import find_dataset
from asl.data.dataset import normalize
from asl.data.image_folders import list_pictures
from asl.data.images import fit, read_image
from asl.data.load import load
from asl.landmarks.hands import Hand, find_in_each
from asl.rounding import percent

SETS = ("signers", "alphabet", "rooms", "abc", "student_digits")
PICTURES, MOVED = 500, 100  # of each set: looked at for hands; turned, blurred and so on
SPEED_SHAPE, SPEED_PICTURES = (480, 640, 3), 64


def hands() -> dict:
    """Share of pictures in which a hand is found, pictures a second, steadiness of the points."""
    rows, steady = {}, []
    for name in SETS:
        pictures = list(_pictures(name))
        found = list(find_in_each(pictures))
        rows[f"{name}: a hand found"] = _share(found)
        if name != "abc":  # the same film as alphabet
            steady += pictures[:MOVED]
        if name == "rooms":
            speed = [fit(picture, SPEED_SHAPE) for picture in pictures[:SPEED_PICTURES]]
    rows["letters, 28×28: a hand found"] = _share(list(find_in_each(_letters())))
    nothing = list(find_in_each(_pictures("rooms", empty=True)))
    rows["rooms, class Nothing, half of which shows hands that sign nothing: a hand found"] = (
        _share(nothing)
    )
    return rows | _speed(speed) | _steadiness(steady)


def _pictures(name: str, empty: bool = False) -> Iterator[np.ndarray]:
    """Pictures of a set at their own size, drawn by seed 0: of its signs, or of no sign."""
    dataset = find_dataset(name)
    source = download.find(dataset) or download.fetch(dataset)
    folder = source if source.is_dir() else archives.extract(dataset, source)
    assert dataset.pattern is not None
    names = [
        each
        for each in list_pictures(folder, dataset.pattern)[0]
        if (normalize(dataset.pattern.findall(each)[0]) == "nothing") == empty
    ]
    for row in np.random.default_rng(0).permutation(len(names))[:PICTURES]:
        yield read_image(folder / names[row])


def _letters() -> Iterator[np.ndarray]:
    images = load("letters").images
    for row in np.random.default_rng(0).permutation(len(images))[:PICTURES]:
        yield images[row]


def _share(found: list[list[Hand]]) -> dict:
    count = sum(map(bool, found))
    return text(f"{count:,}/{len(found):,} = {percent(count / len(found), 1)}")


def _speed(pictures: list[np.ndarray]) -> dict:
    """Pictures a second with OpenCV on one thread, as it would take the others' processor."""
    before = cv2.getNumThreads()
    cv2.setNumThreads(1)
    rates = {
        count: len(pictures) / seconds(lambda n=count: list(find_in_each(pictures, threads=n)), 3)
        for count in (1, min(2, os.cpu_count() or 1))
    }
    cv2.setNumThreads(before)
    return {
        f"640×480, {count} thread{'s' * (count > 1)}": figure(
            rate, "pictures/s", "at least 40" if count == 1 else ""
        )
        for count, rate in rates.items()
    }


def _steadiness(pictures: list[np.ndarray]) -> dict:
    """How far the points move, in shares of the palm (wrist to middle knuckle)."""
    first = list(find_in_each(pictures))
    rows = {}
    for name, change in CHANGES.items():
        changed = [change(picture) for picture in pictures]
        moved, lost = [], 0
        again = find_in_each(picture for picture, _ in changed)
        for before, after, (_, back) in zip(first, again, changed, strict=True):
            if not before:
                continue
            if not after:
                lost += 1
                continue
            points = before[0].points[:, :2]
            far = np.linalg.norm(
                after[0].points[:, :2] @ back[:, :2].T + back[:, 2] - points, axis=1
            )
            moved.append(far.mean() / np.linalg.norm(points[9] - points[0]))
        middle, most = np.percentile(moved, [50, 95])
        rows[f"{name}: the points move"] = text(
            f"{percent(middle, 1)} of the palm (median), {percent(most, 1)} (95th percentile); "
            f"{lost} of {lost + len(moved)} hands lost"
        )
    return rows


Changed = tuple[np.ndarray, np.ndarray]  # a picture, and the matrix (2, 3) that leads back


def _turn(degrees: float) -> Callable[[np.ndarray], Changed]:
    def turn(picture: np.ndarray) -> Changed:
        height, width = picture.shape[:2]
        matrix = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, 1)
        corners = np.array([[0, 0, 1], [width, 0, 1], [0, height, 1], [width, height, 1]])
        low, high = (corners @ matrix.T).min(axis=0), (corners @ matrix.T).max(axis=0)
        matrix[:, 2] -= low  # a larger picture, so that nothing of it is lost
        pixels = matrix.copy()
        pixels[:, 2] += matrix[:, :2].sum(axis=1) / 2 - 0.5  # which OpenCV counts from their middle
        size = np.ceil(high - low).astype(int).tolist()
        turned = cv2.warpAffine(picture, pixels, size, borderMode=cv2.BORDER_REPLICATE)
        return turned, cv2.invertAffineTransform(matrix)

    return turn


def _halve(picture: np.ndarray) -> Changed:
    half = cv2.resize(picture, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    return half, np.diag([picture.shape[1] / half.shape[1], picture.shape[0] / half.shape[0], 0])[
        :2
    ]


def _blur(picture: np.ndarray) -> Changed:
    return cv2.GaussianBlur(picture, (0, 0), max(picture.shape) / 100), np.eye(2, 3)


def _darken(picture: np.ndarray) -> Changed:
    return (picture * 0.35).astype(np.uint8), np.eye(2, 3)


CHANGES: dict[str, Callable[[np.ndarray], Changed]] = {
    "turned by 15°": _turn(15),
    "turned by 30°": _turn(30),
    "half as large": _halve,
    "blurred, 1 % of the picture": _blur,
    "darkened to 35 %": _darken,
}
