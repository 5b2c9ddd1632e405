"""What is known of a data set before any of it is read: the type of the catalogue's entries."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

UNKNOWN_SIGNERS = (
    "Who signed is not known: the same hand may be on both sides of the split, and the test figure "
    "may promise too much for hands that the network has never seen."
)
DUPLICATE_GROUP = "duplicate group"


@dataclass(frozen=True)
class Dataset:
    """What a data set is, what to expect of it, and how it is read."""

    name: str
    title: str
    class_names: tuple[str, ...]
    train_counts: tuple[int, ...]  # images a class, in the order of class_names; () if unknown
    source: str
    licence: str
    image_shape: tuple[int, int, int] = (28, 28, 1)  # height, width, channels it is trained at
    picture_size: int = 0  # pixels of a side of its pictures; larger would show no more
    test_counts: tuple[int, ...] = ()  # of the publisher's own test rows, where there are any
    citation: str = ""
    read: Callable[..., dict[str, np.ndarray]] | None = None  # of tables: (dataset, source)
    files: tuple[str, ...] = ()  # tables that must be found; none for a rendered set
    sha256: tuple[str, ...] = ()  # of the files, in their order
    pattern: re.Pattern | None = None  # of pictures: which files, and the class in their path
    layout: str = ""  # the same in words
    steps: int = 2400  # a small set gets more epochs, until there are this many batches
    size: int = 0  # bytes of all files; an archive of ten times as many is refused
    archives: tuple[str, ...] = ()  # names under which the archive is looked for
    kaggle: str = ""  # owner/name on Kaggle
    caveat: str = UNKNOWN_SIGNERS  # what its figures say, and what they do not
    group_unit: str = DUPLICATE_GROUP  # what a group is: rows that belong together ("signer")
    # from names, int64 (n,); without, near-duplicates are looked for
    group_of: Callable[[np.ndarray], np.ndarray] | None = None
    overlaps: tuple[str, ...] = ()  # sets that show the same hands: neither tests the other
    folder: Path | None = None  # of folder:PATH

    @property
    def slug(self) -> str:
        """The name as part of a file's name: `letters`, or `hands-3f2a` for folder:…/hands."""
        if self.folder is None:
            return self.name
        digest = hashlib.sha256(str(self.folder).encode()).hexdigest()[:4]
        return f"{re.sub(r'[^A-Za-z0-9_]+', '_', self.folder.stem)}-{digest}"

    def label_of(self, spelled: str) -> int:
        """The label of a class as a folder spells it, or -1."""
        spellings = [normalize(name) for name in self.class_names]
        spelled = normalize(spelled)
        return spellings.index(spelled) if spelled in spellings else -1


def normalize(class_name: str) -> str:
    """A class name without what spellings differ in: case, blanks, leading zeros."""
    text = re.sub(r"[\s_-]+", " ", class_name).strip().casefold()
    return re.sub(r"\b0+(?=\d)", "", text)
