"""Landmark rows: the 21 points of hands that sign letters, as nine teams recorded and shared them.

Other people's hands and cameras without a picture: a row is what MediaPipe's hand landmarks found
in a frame. The reader trains on them besides photographs. They lie in the files named below, which
are found like the archives of pictures; who has none of them trains without. How widths were
measured and letters judged stands in data/README.md.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np

from asl import files
from asl.data import landmark_files
from asl.data.hand_poses import LETTERS
from asl.errors import AslError, printable

FOUR_TO_THREE, SIXTEEN_TO_NINE = 4 / 3, 16 / 9  # shares of such a frame look squeezed


class LandmarkRows(NamedTuple):
    """Hands as points, and the letter that each of them signs."""

    points: np.ndarray  # float32 (n, 21, 3): x to the right, y down, depth (0 where unknown)
    labels: np.ndarray  # int64 (n,), into LETTERS


@dataclass(frozen=True)
class LandmarkSet:
    """What is known of a source of landmark rows, and how it is read."""

    name: str
    source: str  # address of the repository at the commit
    licence: str
    people: str  # what is known of who signed
    hashes: Mapping[str, str]  # the files that it is read from, and the SHA-256 of each
    read: Callable[..., landmark_files.Rows]  # from the content of these files
    columns: int  # numbers in a row
    rows: int  # that are used
    width: float = 1.0  # what x and depth are multiplied by, to be true to the picture's aspect
    left_out: Mapping[str, str] = field(default_factory=dict)  # letters that are not used, and why


def load_landmarks(name: str) -> LandmarkRows:
    """The rows of a source that show still letters: points float32 (n, 21, 3), true to the aspect
    of the picture, in units that mean nothing but relative to each other within a row, and labels.

    AslError for an unknown name, and for files that are missing, damaged or no such rows.
    """
    if name not in LANDMARK_SETS:
        raise AslError(
            f"{name!r} is no set of landmark rows; there are {', '.join(LANDMARK_SETS)}."
        )
    entry = LANDMARK_SETS[name]
    contents = [_content(entry, file) for file in entry.hashes]
    try:
        rows, letters = entry.read(*contents)
        points = landmark_files.points(rows, entry.columns)
        if len(points) != len(letters):
            raise ValueError(f"{len(points):,} rows, but {len(letters):,} labels")
    except landmark_files.UNREADABLE as error:
        why = printable(next(iter(str(error).splitlines()), "") or type(error).__name__)[:200]
        raise AslError(
            f"{' and '.join(entry.hashes)} cannot be read as the landmark rows of {name} ({why}). "
            f"They come from {entry.source}."
        ) from error
    unused = "".join(entry.left_out)
    used = [row for row, each in enumerate(letters) if each in LETTERS and each not in unused]
    labels = np.array([LETTERS.index(letters[row]) for row in used], np.int64)
    if len(labels) != entry.rows:
        raise AslError(
            f"{name} has {len(labels):,} landmark rows of the letters that are used, instead of "
            f"{entry.rows:,}. It is another version; the one that is read is {entry.source}."
        )
    return LandmarkRows(points[used] * np.array([entry.width, 1, entry.width], np.float32), labels)


def find_landmark_sets() -> list[str]:
    """The names of the sources whose files are on this machine; their content is not looked at."""
    return [
        name
        for name, entry in LANDMARK_SETS.items()
        if all(any(True for _ in _places(file)) for file in entry.hashes)
    ]


def _places(file: str) -> Iterator[Path]:
    """Where a file of this name lies: in the folders of ASL_ARCHIVES and data/, or in a folder
    `landmarks` inside these.
    """
    for folder in files.archive_folders():
        for place in (folder / "landmarks" / file, folder / file):
            if os.path.isfile(place):  # False also where one may not look
                yield place


def _content(entry: LandmarkSet, file: str) -> bytes:
    """The content of a file that is what it should be; AslError where there is none."""
    flaws = []
    for place in _places(file):
        try:
            whole = place.stat().st_size <= landmark_files.LARGEST
            content = place.read_bytes() if whole else b""
        except OSError as error:
            flaws.append(f"{files.shown(place)} cannot be read ({error.strerror}).")
            continue
        if hashlib.sha256(content).hexdigest() == entry.hashes[file]:
            return content
        flaws.append(
            f"{files.shown(place)} is not the file that {entry.name} is read from (its SHA-256 is "
            "another one): it is damaged, cut short or another version."
        )
    if flaws:
        raise AslError(
            f"{flaws[0]} Get it again (data/README.md says where from), or move it away to go on "
            f"without the landmark rows of {entry.name}."
        )
    raise AslError(
        f"the landmark rows of {entry.name} are not on this machine. Put {file} into "
        f"{files.shown(files.DATA / 'landmarks')} (data/README.md says where from), or go on "
        "without them."
    )


BUNDLE = {"more-landmarks.zip": "1828295e403e9c91f4db15f90be3e2c68cfe9e973159626e332e8c15c4a7af9c"}
HUB = "https://github.com"
LANDMARK_SETS = {
    entry.name: entry
    for entry in (
        LandmarkSet(
            name="signn",
            source=f"{HUB}/AriAlavi/SigNN at dffe0049",
            licence="Apache-2.0",
            people="a team of students",
            hashes={
                "signn-training_data.json": (
                    "9b97bdf1da142aa4537a0e78f2f1955b83d4af89ca732f0a0b2deea067db3142"
                )
            },
            read=landmark_files.signn,
            columns=landmark_files.FLAT,
            rows=472,
            left_out={
                "AEMNST": "fists, in which the index finger stands up whatever the letter",
                "Q": "two rows remain",
            },
        ),
        LandmarkSet(
            name="asl_ai",
            source=f"{HUB}/borisgraudt/asl-ai at fa1dcdb4",
            licence="MIT",
            people="one person",
            hashes={
                "asl-ai-fa1dcdb4.zip": (
                    "fba05bb2a05b96d806247ab1c0b8fe06b6643e6da2998e24ce481b678b99f6d3"
                )
            },
            read=landmark_files.asl_ai,
            columns=landmark_files.DEEP,
            rows=9703,
            width=SIXTEEN_TO_NINE,
        ),
        LandmarkSet(
            name="m_alateegi",
            source=f"{HUB}/M-AlAteegi/Sign-Language-recognition at a5ba1920",
            licence="MIT",
            people="people unknown",
            hashes={
                "m-alateegi-asl_dataset.csv": (
                    "eb87302b798df83f5c991c5538f65d94ccf05b9cfa839f6a0cf701dcbd967b7b"
                )
            },
            read=landmark_files.m_alateegi,
            columns=landmark_files.FLAT,
            rows=665,
            width=FOUR_TO_THREE,
            left_out={"GPQ": "G and Q show the same hand, and so do a third of the rows of P"},
        ),
        LandmarkSet(
            name="hands_on_fluency",
            source=f"{HUB}/13lack13lood/Hands-On-Fluency-backend at c712701c",
            licence="Apache-2.0",
            people="people unknown",
            hashes={
                "hands-on-fluency-keypoint.csv": (
                    "43b6598905f05c9d7ef2351a1fcbe413d58c20724ae427d69b457068da5b3031"
                ),
                "hands-on-fluency-labels.csv": (
                    "fbd74bf21631ed4d457c0a622ce39c3eca0c0830869dbd3f2ea2a53380ea7d8a"
                ),
            },
            read=landmark_files.hands_on_fluency,
            columns=landmark_files.FLAT,
            rows=502,
        ),
        LandmarkSet(
            name="kelhuynh",
            source=f"{HUB}/kelhuynh/CapstoneProject at 800ded63",
            licence="MIT",
            people="six students",
            hashes=BUNDLE,
            read=landmark_files.kelhuynh,
            columns=landmark_files.FLAT,
            rows=4676,
        ),
        LandmarkSet(
            name="alishlaibah",
            source=f"{HUB}/alishlaibah/SignLanguageSubtitleAI at 90373d0a",
            licence="MIT",
            people="mostly one person",
            hashes=BUNDLE,
            read=landmark_files.file_per_letter("alishlaibah__SignLanguageSubtitleAI/dataset"),
            columns=landmark_files.DEEP,
            rows=6987,
            width=FOUR_TO_THREE,
            left_out={"H": "a third of the rows point up, as U and K do"},
        ),
        LandmarkSet(
            name="glyph",
            source=f"{HUB}/Flexcrit/Glyph-Real-Time-Sign-Language-Translator at 81d3f373",
            licence="MIT",
            people="mostly one person",
            hashes=BUNDLE,
            read=landmark_files.file_per_letter(
                "Flexcrit__Glyph-Real-Time-Sign-Language-Translator/letter_data", {"K": 11}
            ),  # these show I
            columns=landmark_files.DEEP,
            rows=1189,
            width=FOUR_TO_THREE,
        ),
        LandmarkSet(
            name="mahamfatima",
            source=f"{HUB}/Mahamfatima17/Sign_languange_detector at cca80062",
            licence="MIT",
            people="mostly one person",
            hashes=BUNDLE,
            read=landmark_files.file_per_letter(
                "Mahamfatima17__Sign_languange_detector/letter_data"
            ),
            columns=landmark_files.DEEP,
            rows=1437,
            width=FOUR_TO_THREE,
            left_out={
                "KV": "K shows V, and V shows K or U",
                "P": "in half of the rows only the index finger is stretched, as in D or G",
            },
        ),
        LandmarkSet(
            name="siruyy",
            source=f"{HUB}/Siruyy/realtime-asl-recognizer at 74b976b5",
            licence="MIT",
            people="mostly one person",
            hashes=BUNDLE,
            read=landmark_files.siruyy,
            columns=landmark_files.DEEP,
            rows=4480,
            width=SIXTEEN_TO_NINE,
            left_out={
                "E": "two in five show O from its side",
                "P": "index and middle finger point sideways, as in H",
            },
        ),
    )
}
