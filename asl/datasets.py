"""The data sets: one entry each, and `load`, which turns a name into arrays.

A data set is declared, not coded: its entry says what it is, what to expect and which reader
turns it into arrays. What was read once is kept under data/cache, so that the next notebook
starts at once.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from sklearn.model_selection import train_test_split

from asl import download, hands, paths, sign_mnist
from asl.errors import AslError


@dataclass(frozen=True)
class Dataset:
    """What is known of a data set before any of it is read."""

    name: str
    title: str
    class_names: tuple[str, ...]
    train_counts: tuple[int, ...]  # images a class, in the order of class_names
    test_counts: tuple[int, ...]
    source: str
    licence: str
    read: Callable[["Dataset", Path | None], dict[str, np.ndarray]]
    files: tuple[str, ...] = ()  # what must be found; none for a rendered set
    sha256: tuple[str, ...] = ()  # of the files, in their order
    archives: tuple[str, ...] = ()  # names under which the archive is looked for
    kaggle: str = ""  # owner/name on Kaggle
    groups: str = ""  # what a group is, where rows belong together ("signer")


@dataclass(frozen=True)
class Samples:
    """Images with what is known of them; row i of each array is the same image."""

    dataset: str
    class_names: tuple[str, ...]
    images: np.ndarray  # uint8 (n, height, width, channels), 0–255
    labels: np.ndarray  # int64 (n,), an index into class_names
    names: np.ndarray  # str (n,), how results.csv calls the image
    groups: np.ndarray | None = None  # int64 (n,), rows of one group stay on one side of a split
    is_test: np.ndarray | None = None  # bool (n,), the publisher's own test rows

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, rows: np.ndarray) -> "Samples":
        """The same samples, these rows only; `rows` is an index array or a mask of (n,)."""
        return Samples(
            self.dataset,
            self.class_names,
            *(
                None if column is None else column[rows]
                for column in (self.images, self.labels, self.names, self.groups, self.is_test)
            ),
        )


class Split(NamedTuple):
    train: Samples
    validation: Samples
    test: Samples


def find(name: str) -> Dataset:
    """The entry of a data set. An unknown name raises AslError with the names there are."""
    if name not in DATASETS:
        raise AslError(f"there is no data set {name!r}. There are: {', '.join(DATASETS)}.")
    return DATASETS[name]


def load(name: str) -> Samples:
    """All images of a data set, from the cache, this machine's files, or the network.

    Says in one line which way it went. Raises AslError for an unknown name, for files that are
    not what the entry declares, and where the data can be neither found nor fetched.
    """
    dataset = find(name)
    cache = paths.DATA / "cache" / f"{name}.npz"
    source = download.find(dataset) if dataset.files else None
    columns = _read_cache(cache, source, dataset)
    if columns is not None:
        print(f"{name}: {len(columns['labels']):,} images from {paths.shown(cache)}")
        return Samples(name, dataset.class_names, **columns)

    if dataset.files and source is None:
        source = download.fetch(dataset)
    columns = dataset.read(dataset, source)
    _check_counts(dataset, columns)
    with paths.write_beside(cache) as temporary:
        np.savez(temporary, fingerprint=_fingerprint(source), **columns)
    way = f"read from {paths.shown(source)}" if source else "drawn by asl.hands"
    print(f"{name}: {len(columns['labels']):,} images, {way}, kept in {paths.shown(cache)}")
    return Samples(name, dataset.class_names, **columns)


def split(samples: Samples, validation_split: float = 0.1, seed: int = 0) -> Split:
    """Cut samples into training, validation and test, the same way every time for one seed.

    Test is the publisher's own where there is one, else `validation_split` of the rest.
    Validation is `validation_split` of what remains, as many of each class as of all. Rows of one
    group (one signer) stay on one side. No side is chosen by looking at results.
    """
    if not 0 < validation_split < 0.5:
        raise AslError(f"validation_split is {validation_split}; it must lie between 0 and 0.5.")
    rows = np.arange(len(samples))
    if samples.is_test is not None:
        rest, test = rows[~samples.is_test], rows[samples.is_test]
    else:
        rest, test = _cut(samples, rows, validation_split, seed)
    train, validation = _cut(samples, rest, validation_split, seed)
    return Split(samples.take(train), samples.take(validation), samples.take(test))


def count(parts: Split) -> pd.DataFrame:
    """Images of each class (row) in training, validation and test (columns)."""
    class_names = parts.train.class_names
    return pd.DataFrame(
        {
            name: np.bincount(part.labels, minlength=len(class_names))
            for name, part in parts._asdict().items()
        },
        index=pd.Index(class_names, name="class"),
    )


def about(parts: Split, model: str, validation_split: float = 0.1) -> dict:
    """What a network's sidecar says of its data: data set, model, class names, and the split."""
    train = parts.train
    groups = DATASETS[train.dataset].groups if train.groups is not None else ""
    return {
        "dataset": train.dataset,
        "model": model,
        "class_names": list(train.class_names),
        "split": {
            "validation_split": validation_split,
            "by": groups or "random rows of each class",
            **{part: len(rows) for part, rows in zip(parts._fields, parts, strict=True)},
        },
    }


def _cut(
    samples: Samples, rows: np.ndarray, share: float, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Rows in two parts, sorted; the second holds about `share` of them."""
    try:
        if samples.groups is not None:
            groups = np.unique(samples.groups[rows])
            _, held_out = train_test_split(groups, test_size=share, random_state=seed)
            mask = np.isin(samples.groups[rows], held_out)
            return rows[~mask], rows[mask]
        first, second = train_test_split(
            rows, test_size=share, random_state=seed, stratify=samples.labels[rows]
        )
    except ValueError as error:
        raise AslError(
            f"{samples.dataset}: {len(rows):,} images are too few to put {share:.0%} aside with "
            f"every class on both sides ({error}). Add images, or use a larger validation_split."
        ) from error
    return np.sort(first), np.sort(second)


def _fingerprint(source: Path | None) -> str:
    """What the cache was made from: a source that changes makes it stale."""
    if source is None:  # rendered: the drawing code is the source
        return hashlib.sha256(Path(hands.__file__).read_bytes()).hexdigest()
    files = [source] if source.is_file() else sorted(source.rglob("*.csv"))
    return str([(file.name, file.stat().st_size, file.stat().st_mtime_ns) for file in files])


def _read_cache(cache: Path, source: Path | None, dataset: Dataset) -> dict | None:
    """The cached columns, or None if there is no cache, or a stale or damaged one."""
    if not cache.exists():
        return None
    try:
        with np.load(cache) as stored:
            columns = {key: stored[key] for key in stored.files}
    except Exception:  # a damaged zip raises whatever the damage meets first
        print(f"{dataset.name}: {paths.shown(cache)} is damaged and is made again")
        return None
    fingerprint = str(columns.pop("fingerprint", ""))
    # A cache whose source was deleted is still the data that was checked.
    fresh = (dataset.files and source is None) or fingerprint == _fingerprint(source)
    return columns if fresh else None


def _check_counts(dataset: Dataset, columns: dict[str, np.ndarray]) -> None:
    is_test = columns["is_test"]
    for part, mask, known in (
        ("training", ~is_test, dataset.train_counts),
        ("test", is_test, dataset.test_counts),
    ):
        counts = np.bincount(columns["labels"][mask], minlength=len(known))
        for class_name, count, expected in zip(dataset.class_names, counts, known, strict=True):
            if count != expected:
                raise AslError(
                    f"{dataset.name}: {count:,} {part} images of {class_name} instead of "
                    f"{expected:,}, {counts.sum():,} instead of {sum(known):,} in all. "
                    f"This is not the whole data set; get it again from {dataset.source}."
                )


def _draw(images_per_letter: int, signer_count: int) -> Callable:
    def read(dataset: Dataset, _: None) -> dict[str, np.ndarray]:
        images, labels, signers = hands.draw_sample(
            images_per_letter=images_per_letter, signer_count=signer_count, progress=True
        )
        names = np.array([f"{dataset.name}/{row:05d}" for row in range(len(labels))])
        last_train_signer = np.unique(signers)[signer_count * 3 // 4 - 1]
        return {
            "images": images,
            "labels": labels,
            "names": names,
            "groups": signers,
            "is_test": signers > last_train_signer,
        }

    return read


def _rendered(name: str, title: str, images_per_letter: int, signer_count: int) -> Dataset:
    test_count = images_per_letter // 4
    return Dataset(
        name=name,
        title=title,
        class_names=hands.LETTERS,
        train_counts=(images_per_letter - test_count,) * len(hands.LETTERS),
        test_counts=(test_count,) * len(hands.LETTERS),
        source="rendered by asl.hands",
        licence="MIT, as the project",
        groups="signer",
        read=_draw(images_per_letter, signer_count),
    )


# fmt: off
DATASETS: dict[str, Dataset] = {
    dataset.name: dataset
    for dataset in (
        _rendered("sample", "Rendered hands, 24 letters", images_per_letter=200, signer_count=40),
        _rendered("tiny", "Rendered hands, a few of each letter, to try things on in seconds",
                  images_per_letter=16, signer_count=8),
        Dataset(
            name="letters",
            title="Sign Language MNIST",
            class_names=hands.LETTERS,  # J and Z are movements
            train_counts=(1126, 1010, 1144, 1196, 957, 1204, 1090, 1013, 1162, 1114, 1241, 1055,
                          1151, 1196, 1088, 1279, 1294, 1199, 1186, 1161, 1082, 1225, 1164, 1118),
            test_counts=(331, 432, 310, 245, 498, 247, 348, 436, 288, 331, 209, 394,
                         291, 246, 347, 164, 144, 246, 248, 266, 346, 206, 267, 332),
            source="https://www.kaggle.com/datasets/datamunge/sign-language-mnist",
            licence="CC0 (public domain)",
            read=sign_mnist.read,
            files=("sign_mnist_train.csv", "sign_mnist_test.csv"),
            sha256=("b7ff39ad5f1210fa765ce11aa5f20c2e97fe467ffc22231aac923c863eef75c4",
                    "178c0dd21c4b0e86d58df12f14ea1e9efa795ad19d146802b3b28094a16d56ae"),
            archives=("sign-language-mnist.zip", "letters.zip", "archive.zip"),
            kaggle="datamunge/sign-language-mnist",
        ),
    )
}
# fmt: on
