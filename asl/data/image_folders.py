"""Reader of data sets that are folders of pictures, one folder a class."""

import os
import re
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from asl import files
from asl.data import archives, download, image_cache
from asl.data.dataset import Dataset, normalize
from asl.data.image_cache import Pictures
from asl.data.image_formats import NEEDS_HEIF, heif_reader
from asl.data.images import LARGEST_FILE, LeftOut, noun, scan, summary
from asl.data.mapped_images import take
from asl.errors import AslError, few, printable

SEGMENTS = 10  # of a film, each a tenth of its time
LAST_NUMBER = re.compile(r"(\d+)\D*$")
ANY_FOLDER = r"(?s)(?P<class>[^/]+)/.+"  # for folder:PATH, the first folder is the class


def read(dataset: Dataset) -> dict[str, Any]:
    """All pictures of a data set as columns: images, labels, names, and groups where known.

    Names are paths inside the data set's folder. What was left out is counted and said, and files
    of equal bytes under two classes are listed. AslError for a class without pictures.
    """
    assert dataset.pattern is not None
    found, pictures, left_out, where = _find(dataset, dataset.pattern)
    names, label_of = np.array(found), cache(dataset.label_of)
    labels = np.array([label_of(dataset.pattern.findall(name)[0]) for name in found])
    if pictures.bad:
        left_out["cannot be read"] = [*pictures.bad.values()]
    if (labels < 0).any():
        strays = [printable(name) for name in names[labels < 0]]
        left_out["in a folder that is no class"] = strays
    good = labels >= 0
    good[list(pictures.bad)] = False
    rows = np.flatnonzero(good)
    _report_duplicates(dataset, names[rows], labels[rows], pictures.digests[rows])
    _check_classes(dataset, labels[rows], where, left_out)

    known = sum(dataset.train_counts)
    of = f" of {known:,}" if known and known != len(rows) else ""
    but = f"; left out: {summary(left_out)}" if left_out else ""
    print(f"{dataset.name}: {len(rows):,}{of} images from {where}{but}")
    return {
        "images": pictures.images if good.all() else take(pictures.images, rows),
        "labels": labels[rows],
        "names": names[rows],
        "groups": dataset.group_of(names[rows]) if dataset.group_of else None,
        "digests": pictures.digests[rows],
    }


def _find(dataset: Dataset, pattern: re.Pattern) -> tuple[list[str], Pictures, LeftOut, str]:
    """Names and pictures of a data set, what was left out (reason → files), and where they lie."""
    cache = files.DATA / "cache" / f"{dataset.slug}-{'x'.join(map(str, dataset.image_shape))}"
    source = dataset.folder or download.find(dataset)
    if source is None:
        kept = image_cache.stored(cache)
        if kept:
            return *kept, {}, files.shown(cache)
        with files.lock(files.DATA / dataset.name):
            source = download.find(dataset) or download.fetch(dataset)
    folder = source if source.is_dir() else archives.extract(dataset, source)
    names, stamps, left_out = list_pictures(folder, pattern)
    if not names:
        raise AslError(
            f"{files.shown(folder)} holds no pictures of {dataset.title}: none lies where it "
            f"should ({dataset.layout}). Left out: {summary(left_out) or 'nothing'}."
        )
    pictures = image_cache.read(folder, names, stamps, dataset.image_shape, cache)
    if heif_reader() and any(NEEDS_HEIF in reason for reason in pictures.bad.values()):
        (cache / "index.npz").unlink(missing_ok=True)  # made before the package was installed
        pictures = image_cache.read(folder, names, stamps, dataset.image_shape, cache)
    return names, pictures, left_out, files.shown(folder)


def list_pictures(folder: Path, pattern: re.Pattern) -> tuple[list[str], np.ndarray, LeftOut]:
    """The pictures below a folder whose path inside it fits the pattern, sorted.

    Gives their paths with /, sizes and times int64 (n, 2), and what was left out: reason → files.
    No link is followed out of the folder. Of a picture that lies twice under the same last two
    names (Kaggle's `signers` holds a copy of itself), the one with the shorter path is taken.
    """
    root = os.path.realpath(folder)
    found: dict[str, os.stat_result] = {}
    left_out: LeftOut = {}
    for name, entry, reason in scan(root):
        if entry is not None and entry.is_symlink() and os.path.exists(entry.path):
            outside = not Path(entry.path).resolve().is_relative_to(root)
            reason = "a link that leads out of the folder" if outside else reason
        if not reason and pattern.search(name) is None:
            reason = "in no class folder"
        if not reason and entry is not None:
            found[name] = entry.stat()
            if found[name].st_size > LARGEST_FILE:
                del found[name]
                reason = f"larger than {LARGEST_FILE >> 20:,} MB"
        if reason:
            left_out.setdefault(noun(reason), []).append(printable(name))
    for name in _second_copies(found):
        left_out.setdefault("a second copy", []).append(printable(name))
        del found[name]
    names = sorted(found)
    stamps = np.array([files.stamp(found[name]) for name in names], np.int64)
    return names, stamps.reshape(-1, 3), left_out


def _second_copies(found: Iterable[str]) -> list[str]:
    """Those of the paths that end with another one of the same last two names."""
    depths = {name: name.count("/") for name in found}
    if len({*depths.values()}) < 2:  # so that the 87,000 of `alphabet` take no time
        return []
    first_of: dict[str, str] = {}  # by the last two parts of the path
    copies = []
    for name in sorted(depths, key=lambda name: (depths[name], name)):
        first = first_of.setdefault("/".join(name.rsplit("/", 2)[-2:]), name)
        if name.endswith("/" + first):
            copies.append(name)
    return copies


def class_folders(folder: Path) -> tuple[str, ...]:
    """The classes of a folder of one's own: its sub-folders, numbers in their order, then words.

    AslError for fewer than two, and for two spellings of one class.
    """
    if not folder.is_dir():
        raise AslError(f"{folder} is no folder: give one that holds a folder of pictures a class.")
    try:
        names = [each.name for each in folder.iterdir() if each.is_dir() and each.name[0] != "."]
    except OSError as error:
        raise AslError(f"{printable(folder)} cannot be opened: {error.strerror}.") from error
    names.sort(key=lambda name: (not name.isdecimal(), int(name) if name.isdecimal() else 0, name))
    if len(names) < 2:
        raise AslError(
            f"{folder} holds {len(names)} folder{'s' * (len(names) != 1)}"
            f"{' (' + printable(names[0]) + ')' if names else ''}; a network needs at least two "
            "classes to tell apart. Put the pictures of each class into a folder of its own."
        )
    spellings: dict[str, str] = {}
    for name in names:
        other = spellings.setdefault(normalize(name), name)
        if other != name:
            raise AslError(
                f"{folder} holds {other!r} and {name!r}, two spellings of one class. Move the "
                "pictures into one of the two folders and delete the other."
            )
    return tuple(names)


def people_in_sequence(names: np.ndarray) -> np.ndarray:
    """Groups int64 (n,) of files numbered one person after another, who signs 0, 1, … 9 in turn.

    names are `<digit>/…NNNN.JPG`. A digit that is not larger than the one before it begins the
    next person.
    """
    numbers = np.array([int(re.findall(r"\d+", name)[-1]) for name in names])
    digits = np.array([int(name.split("/")[-2]) for name in names])
    order = np.lexsort((digits, numbers))
    groups = np.empty(len(names), np.int64)
    groups[order] = np.cumsum(np.diff(digits[order], prepend=10) <= 0)
    return groups


def film_segments(names: np.ndarray) -> np.ndarray:
    """Groups int64 (n,) of frames that are numbered through a film a class: film segments.

    names are `…<class>/…N.jpg`; one without a number counts as 0. The frames of each class, in
    their order, make SEGMENTS groups.
    """
    folders, _, stems = zip(*[name.rpartition("/") for name in names.tolist()], strict=True)
    numbers = [LAST_NUMBER.search(stem) for stem in stems]
    table = pd.DataFrame(
        {"class": folders, "number": [int(found[1]) if found else 0 for found in numbers]}
    )
    classes = table.groupby("class")
    order = classes["number"].rank("first").astype(int) - 1
    segments = order * SEGMENTS // classes["number"].transform("size")
    return (classes.ngroup() * SEGMENTS + segments).to_numpy(np.int64)


def _report_duplicates(
    dataset: Dataset, names: np.ndarray, labels: np.ndarray, digests: np.ndarray
) -> None:
    """List files of equal bytes under two classes: at least one of the labels is wrong."""
    order = np.argsort(digests, kind="stable")
    one, next_one = order[:-1], order[1:]
    twice = (digests[one] == digests[next_one]) & (labels[one] != labels[next_one])
    pairs = zip(names[one[twice]], names[next_one[twice]], strict=True)
    told = [f"{printable(a)} = {printable(b)}" for a, b in pairs]
    if told:
        print(f"{dataset.name}: {len(told):,} files lie under two classes: {few(told)}")


def _check_classes(dataset: Dataset, labels: np.ndarray, where: str, left_out: LeftOut) -> None:
    counts = np.bincount(labels, minlength=len(dataset.class_names))
    empty = [name for name, count in zip(dataset.class_names, counts, strict=True) if not count]
    if empty:
        but = f" Left out: {summary(left_out)}." if left_out else ""
        raise AslError(
            f"{where} holds no pictures of {len(empty)} of {len(counts)} classes "
            f"({few(map(printable, empty))}); {len(labels):,} of the others. Put some there "
            f"({dataset.layout})"
            + (" or delete the empty folders." if dataset.folder else ", or get the set again.")
            + but
        )
