"""The joints of the hand in each image; joint_store.py keeps them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from asl.landmarks import networks
from asl.landmarks.hands import find_in_each

VERSION = 1  # of the way hands are looked for: what another one found is looked for again
POINTS = 21
SHAPE = (POINTS + 1, 3)  # the points, then presence, right, and nothing
BATCH = 64


class Joints(NamedTuple):
    """The hand of each image: row i is that of image i, zeros where none was found."""

    points: np.ndarray  # float32 (n, 21, 3), in pixels, see landmarks.hands
    presence: np.ndarray  # float32 (n,), 0 where there is no hand
    right: np.ndarray  # float32 (n,)

    @property
    def found(self) -> np.ndarray:
        """Whether there is a hand: bool (n,)."""
        return self.presence > 0

    def take(self, rows: np.ndarray | slice) -> Joints:
        """The same, these rows only; `rows` is an index array, a mask of (n,) or a slice."""
        return Joints(*(each[rows] for each in self))


def key() -> bytes:
    """A digest of all that decides which hands are found: the networks, and how they are used."""
    found = hashlib.sha256(f"joints {VERSION}".encode())
    for network in (networks.PALM, networks.LITE):
        found.update(networks.NETWORKS[network].digest.encode())
    return found.digest()


def of_rows(rows: np.ndarray) -> Joints:
    """Joints of rows as `look` gives them."""
    return Joints(rows[:, :POINTS], rows[:, POINTS, 0], rows[:, POINTS, 1])


def look(images: Iterable[np.ndarray]) -> np.ndarray:
    """The largest sure hand of each image, which may be of any size, looked for now: float32
    (n, 22, 3), its points, then presence, right and nothing; zeros where there is none.
    """
    images = [*images]
    rows = np.zeros((len(images), *SHAPE), np.float32)
    for row, found in zip(rows, find_in_each(images), strict=True):
        if found:
            row[:POINTS] = found[0].points
            row[POINTS] = found[0].presence, found[0].right, 0
    return rows
