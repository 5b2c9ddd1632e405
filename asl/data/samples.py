"""Images with what is known of them, and their split into training, validation and test."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd

from asl.data.dataset import DUPLICATE_GROUP
from asl.data.mapped_images import Images, take

PARTS = ("train", "validation", "test")


@dataclass(frozen=True)
class Samples:
    """Images with what is known of them; row i of each array is the same image."""

    dataset: str
    class_names: tuple[str, ...]
    images: Images  # uint8 (n, height, width, channels), 0–255
    labels: np.ndarray  # int64 (n,), an index into class_names
    names: np.ndarray  # str (n,), how results.csv calls the image
    groups: np.ndarray | None = None  # int64 (n,), rows of one group stay on one side of a split
    is_test: np.ndarray | None = None  # bool (n,), the publisher's own test rows
    group_unit: str = DUPLICATE_GROUP  # what a group is
    digests: np.ndarray | None = None  # uint64 (n,), of the picture files

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, rows: np.ndarray) -> Samples:
        """The same samples, these rows only; `rows` is an index array or a mask of (n,)."""
        return replace(
            self,
            images=take(self.images, rows),
            labels=self.labels[rows],
            names=self.names[rows],
            groups=None if self.groups is None else self.groups[rows],
            is_test=None if self.is_test is None else self.is_test[rows],
            digests=None if self.digests is None else self.digests[rows],
        )


@dataclass(frozen=True)
class SplitRecipe:
    """How a split was made, and what came of it: enough to make the same split again.

    It goes into a checkpoint's metadata, so that what was trained on is never taken for a test.
    """

    by: str = "group"  # or "row"
    seed: int = 0
    validation_split: float = 0.1  # share of what is not test
    test_split: float | None = None  # share of all; None where test is given otherwise
    test_group: int | None = None  # the group that was left out as test
    group_unit: str = ""  # what a group is: "signer", "duplicate group"
    # classes that are one group alone, of which single rows were held out, by part
    split_by_row: dict[str, tuple[str, ...]] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)  # images of each part
    names_sha256: dict[str, str] = field(default_factory=dict)  # of each part, see `names_sha256`


@dataclass(frozen=True)
class Split:
    """Training, validation and test, and the recipe that they were made by.

    It unpacks into its three parts: train, validation, test = split(samples).
    """

    train: Samples
    validation: Samples
    test: Samples
    recipe: SplitRecipe

    def __iter__(self) -> Iterator[Samples]:
        return iter((self.train, self.validation, self.test))

    @property
    def parts(self) -> dict[str, Samples]:
        """The three parts by name."""
        return dict(zip(PARTS, self, strict=True))


def names_sha256(samples: Samples) -> str:
    """What tells the images of a part from others: a hash of their names, in order."""
    text = "\n".join(samples.names.tolist()).encode(errors="surrogateescape")
    return hashlib.sha256(text).hexdigest()


def count(split: Split) -> pd.DataFrame:
    """Images of each class (row) in training, validation and test (columns)."""
    class_names = pd.Index(split.train.class_names, name="class")
    counts = {
        name: np.bincount(part.labels, minlength=len(class_names))
        for name, part in split.parts.items()
    }
    return pd.DataFrame(counts, class_names)
