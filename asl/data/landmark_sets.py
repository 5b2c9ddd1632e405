"""Landmark rows: the 21 points of hands that sign letters, as nine teams recorded and shared them.

Other people's hands and cameras without a picture: a row is what MediaPipe's hand landmarks found
in a frame. The reader trains on them besides photographs. They are kept in the archives named
below and found like those of pictures; who has none of them trains without.
"""

from __future__ import annotations

import io
import json
import string
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from asl import files
from asl.data.hand_poses import LETTERS
from asl.errors import AslError

POINTS = 21
Rows = tuple[np.ndarray, list[str]]


@dataclass(frozen=True)
class LandmarkSet:
    """What is known of a source of landmark rows, and how it is read."""

    name: str
    source: str  # repository and commit
    licence: str
    people: str  # what is known of who signed
    archive: str  # the file, or the archive that holds it
    sha256: str  # of that file
    read: Callable[[Path], Rows]  # points (n, 21, 2 or 3) and the letter of each row
    rows: int  # of still letters
    width: float = 1.0  # what x is multiplied by: shares of a 4:3 frame look squeezed
    left_out: str = ""  # letters that are not used, as they show something else


def _signn(file: Path) -> Rows:
    known = json.loads(file.read_text(encoding="utf-8"))
    letters = [letter for letter, rows in known.items() for _ in rows]
    return np.array([row for rows in known.values() for row in rows]).reshape(-1, 21, 2), letters


def _asl_ai(file: Path) -> Rows:
    with zipfile.ZipFile(file) as archive:
        names = sorted(name for name in archive.namelist() if name.endswith(".npy"))
        rows = [np.load(io.BytesIO(archive.read(name))) for name in names]
    return np.stack(rows).reshape(-1, 21, 3), [name.split("/")[-2] for name in names]


def _m_alateegi(file: Path) -> Rows:
    lines = file.read_text(encoding="utf-8").split("\n")[1:]
    cells = [line.split(",") for line in lines if line]
    points = np.array([row[:-1] for row in cells], float).reshape(-1, 21, 2)
    return points, [row[-1].strip() for row in cells]


def _hands_on_fluency(file: Path) -> Rows:
    labels = file.with_name(file.name.replace("keypoint", "labels"))
    names = labels.read_text(encoding="utf-8-sig").split("\n")
    rows = np.loadtxt(file, delimiter=",")
    return rows[:, 1:].reshape(-1, 21, 2), [names[int(k)].strip() for k in rows[:, 0]]


def _kelhuynh(file: Path) -> Rows:
    with zipfile.ZipFile(file) as archive:
        name = next(name for name in archive.namelist() if name.endswith("keypoint.csv"))
        rows = np.loadtxt(io.StringIO(archive.read(name).decode()), delimiter=",")
    letters = [string.ascii_uppercase[int(label)] for label in rows[:, 0]]
    return rows[:, 1:].reshape(-1, 21, 2), letters


def _a_file_a_letter(owner: str) -> Callable[[Path], Rows]:
    def read(file: Path) -> Rows:
        points, letters = [], []
        with zipfile.ZipFile(file) as archive:
            for name in sorted(archive.namelist()):
                if name.startswith(owner) and name.endswith(".npy"):
                    rows = np.load(io.BytesIO(archive.read(name)))
                    points.append(rows[:, :63].reshape(-1, 21, 3))
                    letters += [Path(name).stem] * len(rows)
        return np.concatenate(points), letters

    return read


def _siruyy(file: Path) -> Rows:
    with zipfile.ZipFile(file) as archive:
        folder = next(n for n in archive.namelist() if n.endswith("X_train.npy"))[
            : -len("X_train.npy")
        ]

        def part(name: str) -> np.ndarray:
            return np.load(io.BytesIO(archive.read(f"{folder}{name}.npy")), allow_pickle=False)

        rows = np.concatenate([part("X_train"), part("X_test")])
        labels = np.concatenate([part("y_train"), part("y_test")])
        rows = rows * part("std") + part("mean")
    return rows[:, :63].reshape(-1, 21, 3), [str(label) for label in labels]
