"""Reader of data sets that are folders of pictures, one folder a class."""

from __future__ import annotations

import os
import re
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from asl import arrays, download, paths
from asl.errors import AslError
from asl.images import SUFFIXES

if TYPE_CHECKING:
    from asl.datasets import Dataset

STRETCHES = 10  # of a film, each a tenth of its time
ANY_FOLDER = r"(?P<class>[^/]+)/.+"  # for folder:PATH, the first folder is the class


def read(dataset: Dataset) -> dict[str, np.ndarray]:
    """All pictures of a data set as columns: images, labels, names, and groups where known.

    Names are paths inside the data set's folder. What was left out is counted and said, and files
    of equal bytes under two classes are listed. AslError for a class without pictures.
    """
    cache = paths.DATA / "cache" / f"{dataset.slug}-{'x'.join(map(str, dataset.image_shape))}"
    folder = dataset.folder or download.find_folder(dataset)
    kept = None if folder else arrays.stored(cache)
    if kept:
        names, pictures = kept
        left_out, where = {}, paths.shown(cache)
    else:
        folder = folder or download.fetch_folder(dataset)
        where = paths.shown(folder)
        names, stamps, left_out = list_pictures(folder, dataset.pattern)
        if not names:
            raise AslError(
                f"{where} holds no pictures of {dataset.title}: none lies where it should "
                f"({dataset.layout}). Left out: {_told(left_out)}."
            )
        pictures = arrays.read(folder, names, stamps, dataset.image_shape, cache)
    if pictures.bad:
        left_out["cannot be read"] = [pictures.bad[row] for row in sorted(pictures.bad)]

    spelled = [dataset.pattern.search(name)["class"] for name in names]
    label_of = {each: dataset.label_of(each) for each in set(spelled)}
    labels = np.array([label_of[each] for each in spelled])
    good = np.ones(len(names), bool)
    good[list(pictures.bad)] = False
    if (labels < 0).any():
        foreign = [name for name, label in zip(names, labels, strict=True) if label < 0]
        left_out["in a folder that is no class"] = foreign
        good &= labels >= 0
    _tell_twins(dataset, names, labels, pictures.digests, good)
    _check_classes(dataset, labels[good], where)

    rows = np.flatnonzero(good)
    known = sum(dataset.train_counts)
    of = f" of {known:,}" if known and known != len(rows) else ""
    print(f"{dataset.name}: {len(rows):,}{of} images from {where}", end="")
    print(f"; left out: {_told(left_out)}" if left_out else "")
    columns = {
        "images": pictures.images if good.all() else arrays.take(pictures.images, rows),
        "labels": labels[rows],
        "names": np.array(names)[rows],
    }
    if dataset.group_of:
        columns["groups"] = dataset.group_of(columns["names"])
    return columns


def list_pictures(
    folder: Path, pattern: re.Pattern
) -> tuple[list[str], np.ndarray, dict[str, list[str]]]:
    """The pictures below a folder whose path inside it fits the pattern, sorted.

    Gives their paths with /, sizes and times int64 (n, 2), and what was left out: reason → files.
    No link is followed out of the folder. Of a picture that lies twice under the same last two
    names (Kaggle's `signers` holds a copy of itself), the one with the shorter path is taken.
    """
    root = os.path.realpath(folder)
    found: dict[str, os.stat_result] = {}
    left_out: dict[str, list[str]] = {}
    waiting = [""]
    while waiting:
        place = waiting.pop()
        with os.scandir(os.path.join(root, place)) as entries:
            for entry in entries:
                name = place + entry.name
                if entry.name.startswith("."):
                    continue  # what systems leave behind, and nobody put there
                if entry.is_symlink() and not _inside(entry.path, root):
                    left_out.setdefault("a link that leads out of the folder", []).append(name)
                elif entry.is_dir(follow_symlinks=False):
                    waiting.append(name + "/")
                elif "." + entry.name.rpartition(".")[2].lower() not in SUFFIXES:
                    left_out.setdefault("no picture", []).append(name)
                elif pattern.search(name) is None:
                    left_out.setdefault("in no class folder", []).append(name)
                else:
                    found[name] = entry.stat()
    names = sorted(found)
    if len({name.count("/") for name in names}) > 1:
        first_of: dict[str, str] = {}  # by the last two parts of the path
        for name in sorted(names, key=lambda name: name.count("/")):
            first = first_of.setdefault("/".join(name.rsplit("/", 2)[-2:]), name)
            if first != name and name.endswith("/" + first):
                left_out.setdefault("a second copy", []).append(name)
        copies = set(left_out.get("a second copy", ()))
        names = [name for name in names if name not in copies]
    stamps = np.array([(found[name].st_size, found[name].st_mtime_ns) for name in names], np.int64)
    return names, stamps.reshape(-1, 2), left_out


def class_folders(folder: Path) -> tuple[str, ...]:
    """The classes of a folder of one's own: its sub-folders, numbers in their order, then words.

    AslError for fewer than two, and for two spellings of one class.
    """
    if not folder.is_dir():
        raise AslError(f"{folder} is no folder: give one that holds a folder of pictures a class.")
    names = [each.name for each in folder.iterdir() if each.is_dir() and each.name[0] != "."]
    names.sort(key=lambda name: (not name.isdecimal(), int(name) if name.isdecimal() else 0, name))
    if len(names) < 2:
        raise AslError(
            f"{folder} holds {len(names)} folder{'s' * (len(names) != 1)}"
            f"{' (' + names[0] + ')' if names else ''}; a network needs at least two classes to "
            "tell apart. Put the pictures of each class into a folder of its own."
        )
    spellings: dict[str, str] = {}
    for name in names:
        other = spellings.setdefault(plain(name), name)
        if other != name:
            raise AslError(
                f"{folder} holds {other!r} and {name!r}, two spellings of one class. Move the "
                "pictures into one of the two folders and delete the other."
            )
    return tuple(names)


def plain(class_name: str) -> str:
    """A class name without what spellings differ in: case, blanks, leading zeros."""
    text = re.sub(r"[\s_-]+", " ", class_name).strip().casefold()
    return re.sub(r"\b0+(?=\d)", "", text)


def runs(names: np.ndarray) -> np.ndarray:
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


def stretches(names: np.ndarray) -> np.ndarray:
    """Groups int64 (n,) of frames that are numbered through a film a class: stretches of time.

    names are `…<class>/…N.jpg`. The frames of each class, in their order, make STRETCHES groups.
    """
    classes = np.unique([name.rpartition("/")[0] for name in names], return_inverse=True)[1]
    numbers = np.array([int(re.findall(r"\d+", name)[-1]) for name in names])
    groups = np.empty(len(names), np.int64)
    for label in np.unique(classes):
        rows = np.flatnonzero(classes == label)
        order = np.argsort(np.argsort(numbers[rows], kind="stable"), kind="stable")
        groups[rows] = label * STRETCHES + order * STRETCHES // len(rows)
    return groups


def _inside(path: str, root: str) -> bool:
    return os.path.realpath(path).startswith(root + os.sep)


def _told(left_out: dict[str, list[str]]) -> str:
    """How many were left out, and why, with the first of each."""
    return (
        "; ".join(
            f"{len(names):,} {reason} ({', '.join(names[:3])}{', …' if len(names) > 3 else ''})"
            for reason, names in left_out.items()
        )
        or "nothing"
    )


def _tell_twins(
    dataset: Dataset, names: list[str], labels: np.ndarray, digests: np.ndarray, good: np.ndarray
) -> None:
    """List files of equal bytes under two classes: at least one of the labels is wrong."""
    order = np.argsort(digests, kind="stable")
    order = order[good[order]]
    same = digests[order][1:] == digests[order][:-1]
    pairs = [
        (names[a], names[b])
        for a, b in zip(order[:-1][same], order[1:][same], strict=True)
        if labels[a] != labels[b]
    ]
    if pairs:
        shown = ", ".join(f"{a} = {b}" for a, b in pairs[:5])
        more = ", …" if len(pairs) > 5 else ""
        print(f"{dataset.name}: {len(pairs):,} files lie under two classes: {shown}{more}")


def _check_classes(dataset: Dataset, labels: np.ndarray, where: str) -> None:
    counts = Counter(labels.tolist())
    empty = [name for k, name in enumerate(dataset.class_names) if not counts[k]]
    if empty:
        raise AslError(
            f"{where} holds no pictures of {len(empty)} of {len(dataset.class_names)} classes "
            f"({', '.join(empty[:8])}{', …' if len(empty) > 8 else ''}); {len(labels):,} of the "
            f"others. Put some there ({dataset.layout})"
            + (" or delete the empty folders." if dataset.folder else ", or get the set again.")
        )
