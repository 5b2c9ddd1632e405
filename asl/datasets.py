"""The data sets: one entry each, and `load`, which turns a name into arrays.

A data set is declared, not coded: its entry says what it is, what to expect and how it is read.
What was read once is kept under data/cache, so that the next notebook starts at once. How to add
one: data/README.md.
"""

import hashlib
import re
import string
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from filelock import FileLock
from sklearn.model_selection import train_test_split

from asl import arrays, download, folders, hands, models, paths, sign_mnist, twins
from asl.errors import AslError

UNKNOWN_SIGNERS = (
    "Who signed is not known: the same hand may be on both sides of the split, and the test figure "
    "may promise too much for hands that the network has never seen."
)
FILM = (
    "These are frames of one film of one hand. It is cut by time, so that only frames at the edges "
    "of a cut have near-equal neighbours on the other side; hand, room and camera stay the same. "
    "The test figure says how well the film is known, and nothing of other hands."
)


@dataclass(frozen=True)
class Dataset:
    """What is known of a data set before any of it is read."""

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
    read: Callable[["Dataset", Path | None], dict[str, np.ndarray]] | None = None  # of tables
    files: tuple[str, ...] = ()  # tables that must be found; none for a rendered set
    sha256: tuple[str, ...] = ()  # of the files, in their order
    pattern: re.Pattern | None = None  # of pictures: which files, and the class in their path
    layout: str = ""  # the same in words
    steps: int = 2400  # a small set gets more epochs, until there are this many batches
    size: int = 0  # bytes of all files; an archive of ten times as many is refused
    archives: tuple[str, ...] = ()  # names under which the archive is looked for
    kaggle: str = ""  # owner/name on Kaggle
    caveat: str = UNKNOWN_SIGNERS  # what its figures say, and what they do not
    groups: str = "group of twins"  # what a group is: rows that belong together ("signer")
    # from names, int64 (n,); without, twins are looked for
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
        return self._labels.get(folders.plain(spelled), -1)

    @cached_property
    def _labels(self) -> dict[str, int]:
        return {folders.plain(name): label for label, name in enumerate(self.class_names)}


@dataclass(frozen=True)
class Samples:
    """Images with what is known of them; row i of each array is the same image."""

    dataset: str
    class_names: tuple[str, ...]
    images: np.ndarray | arrays.Rows  # uint8 (n, height, width, channels), 0–255
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
            arrays.take(self.images, rows),
            *(
                None if column is None else column[rows]
                for column in (self.labels, self.names, self.groups, self.is_test)
            ),
        )


class Split(NamedTuple):
    train: Samples
    validation: Samples
    test: Samples


def find_dataset(name: str) -> Dataset:
    """The entry of a data set, or one made for `folder:PATH`. An unknown name raises AslError with
    the names there are.
    """
    if name.startswith(OWN):
        return _own(Path(name.removeprefix(OWN)))
    if name not in DATASETS:
        raise AslError(
            f"there is no data set {name!r}. There are: {', '.join(DATASETS)}, and folder:PATH for "
            "pictures of your own, a folder a class."
        )
    return DATASETS[name]


def load(
    name: str, model: str | None = None, *, image_shape: tuple[int, int, int] | None = None
) -> Samples:
    """All images of a data set, from the cache, this machine's files, or the network.

    Pictures come at the size of the data set's entry or, where `model` names a network that works
    at a size of its own, at that, but no larger than the pictures are. With `image_shape` they come
    at just that. Tables have one size; `predict_fitted` brings them to another.
    Says in one line which way it went. Raises AslError for an unknown name, for files that are not
    what the entry declares, and where the data can be neither found nor fetched. A set larger than
    `arrays.IN_MEMORY` stays on the disk: its images are `arrays.Rows`, read as they are used.
    """
    dataset = find_dataset(name)
    wanted = models.find(model).size if model else None
    if dataset.pattern:
        if wanted and not image_shape:
            side = min(wanted, dataset.picture_size or wanted)
            image_shape = (side, side, dataset.image_shape[2])
        columns = folders.read(replace(dataset, image_shape=image_shape or dataset.image_shape))
    else:
        columns = _load_table(dataset)
    return Samples(dataset.name, dataset.class_names, **columns)


def model_name(dataset: str, model: str) -> str:
    """What a network trained on a data set is called in model/: `letters-cnn`."""
    return f"{find_dataset(dataset).slug}-{model}"


def split(
    samples: Samples,
    validation_split: float = 0.1,
    seed: int = 0,
    test_group: int | None = None,
    by: str = "group",
) -> Split:
    """Cut samples into training, validation and test, the same way every time for one seed.

    Test is the publisher's own where there is one, else `validation_split` of all, or the one group
    (signer) `test_group`. Validation is `validation_split` of what remains, and of each class, as
    nearly as whole groups allow. Rows of one group stay on one side: signer, student or stretch of
    film where the data set knows them, else twins (`asl.groups`), looked for once and kept in
    data/cache; but a publisher's own test rows stay where they are. `by="row"` is the cut that
    most projects make, single rows at random, which promises too much. No side is chosen by looking
    at results. AslError for classes with too few images, for groups that are not as many as the
    images, and for a group that is not there.
    """
    if not 0 < validation_split < 0.5:
        raise AslError(f"validation_split is {validation_split}; it must lie between 0 and 0.5.")
    if by not in ("group", "row"):
        raise AslError(f"by is {by!r}; a split is by 'group' or by 'row'.")
    if samples.groups is not None and len(samples.groups) != len(samples):
        raise AslError(
            f"{samples.dataset}: {len(samples.groups):,} groups for {len(samples):,} images; each "
            "image needs the number of its group."
        )
    samples = replace(samples, groups=None) if by == "row" else with_groups(samples)
    rows = np.arange(len(samples))
    if test_group is not None:
        there = [] if samples.groups is None else np.unique(samples.groups).tolist()
        if test_group not in there:
            raise AslError(f"{samples.dataset} has no group {test_group}; it has: {there}.")
        is_test = samples.groups == test_group
        rest, test = rows[~is_test], rows[is_test]
    elif samples.is_test is not None:
        rest, test = rows[~samples.is_test], rows[samples.is_test]
    else:
        rest, test = _cut(samples, rows, validation_split, seed)
    train, validation = _cut(samples, rest, validation_split, seed)
    return Split(samples.take(train), samples.take(validation), samples.take(test))


def with_groups(samples: Samples) -> Samples:
    """The samples with what belongs together: as the data set says, else twins."""
    return samples if samples.groups is not None else replace(samples, groups=twins.kept(samples))


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


def about(
    parts: Split, model: str, weights: str | Path | None = None, validation_split: float = 0.1
) -> dict:
    """What a network's sidecar says of where it comes from: data set, model, what weights it began
    with, class names, and the split.
    """
    train = parts.train
    groups = "" if train.groups is None else find_dataset(train.dataset).groups
    trained = str(weights).endswith(".keras")
    begins_elsewhere = weights and (models.find(model).pretrained or trained)
    return {
        "dataset": train.dataset,
        "model": model,
        "weights": Path(weights).name if begins_elsewhere else None,
        "class_names": list(train.class_names),
        "split": {
            "validation_split": validation_split,
            "by": groups or "random rows of each class",
            **{part: len(rows) for part, rows in zip(parts._fields, parts, strict=True)},
        },
    }


def _load_table(dataset: Dataset) -> dict[str, np.ndarray]:
    """The columns of a data set that its `read` makes whole: rendered, or from a few tables."""
    cache = paths.DATA / "cache" / f"{dataset.slug}.npz"
    with FileLock(paths.locked(cache)):
        source = dataset.folder or (download.find(dataset) if dataset.files else None)
        columns = _read_cache(cache, source, dataset)
        if columns is not None:
            count = len(columns["labels"])
            print(f"{dataset.name}: {count:,} images from {paths.shown(cache)}")
            return columns
        if dataset.files and source is None:
            source = download.fetch(dataset)
        columns = dataset.read(dataset, source)
        _check_counts(dataset, columns)
        with paths.write_beside(cache) as temporary:
            np.savez(temporary, fingerprint=_fingerprint(source), **columns)
    way = f"read from {paths.shown(source)}" if source else "drawn by asl.hands"
    count = len(columns["labels"])
    print(f"{dataset.name}: {count:,} images, {way}, kept in {paths.shown(cache)}")
    return columns


def _own(path: Path) -> Dataset:
    """The entry of folder:PATH, whose sub-folders are the classes, or of CSVs of one's own."""
    path = (paths.HOME / path.expanduser()).resolve()
    common = {
        "name": f"{OWN}{path}",
        "title": f"Images in {path.name}",
        "train_counts": (),
        "source": str(path),
        "licence": "yours",
        "folder": path,
    }
    if not path.exists():
        raise AslError(f"{path} does not exist: folder:PATH wants a folder with a folder a class.")
    tables = sign_mnist.tables(path)
    if tables:
        return Dataset(
            **common,
            class_names=sign_mnist.letters_in(tables),
            read=sign_mnist.read_own,
        )
    return Dataset(
        **common,
        class_names=folders.class_folders(path),
        image_shape=OWN_SHAPE,
        pattern=re.compile(folders.ANY_FOLDER),
        layout="<class>/<picture>",
    )


def _cut(
    samples: Samples, rows: np.ndarray, share: float, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Rows in two parts, sorted; the second holds about `share` of them."""
    labels = samples.labels[rows]
    try:
        if samples.groups is not None:
            mask = _held_out(labels, samples.groups[rows], share, seed, samples.class_names)
            return rows[~mask], rows[mask]
        first, second = train_test_split(rows, test_size=share, random_state=seed, stratify=labels)
    except ValueError as error:
        counts = np.bincount(labels, minlength=len(samples.class_names))
        least = int(counts.argmin())
        raise AslError(
            f"{samples.dataset}: {len(rows):,} images are too few to put {share:.0%} aside with "
            f"every class on both sides; {samples.class_names[least]} has the fewest, "
            f"{counts[least]:,} ({error}). Add images, or use a larger validation_split."
        ) from error
    return np.sort(first), np.sort(second)


def _held_out(
    labels: np.ndarray, groups: np.ndarray, share: float, seed: int, class_names: tuple[str, ...]
) -> np.ndarray:
    """Which rows to put aside, bool (n,): whole groups, about `share` of the rows.

    Groups of several classes (signers) are drawn at random; of groups that have one class each,
    some of each class. A class that is one group alone is cut by rows, and that is said.
    """
    pairs = np.unique(np.stack([groups, labels]), axis=1)
    if len(pairs[0]) > len(np.unique(groups)):
        _, drawn = train_test_split(np.unique(groups), test_size=share, random_state=seed)
        return np.isin(groups, drawn)
    random, mask = np.random.default_rng(seed), np.zeros(len(labels), bool)
    for label in np.unique(labels):
        rows = np.flatnonzero(labels == label)
        parts = groups[rows] if len(np.unique(groups[rows])) > 1 else rows
        if len(rows) < 2:
            raise ValueError("one image cannot be on both sides")
        if parts is rows:
            print(
                f"CAUTION: the {len(rows):,} images of {class_names[label]} come from one "
                "photograph or one moment: cut by rows, they promise too much."
            )
        names, sizes = np.unique(parts, return_counts=True)
        wanted, drawn = share * len(rows), []
        for place in random.permutation(len(names)):  # each that brings the share nearer
            if abs(wanted - sizes[place]) < abs(wanted):
                wanted -= sizes[place]
                drawn.append(names[place])
        mask[rows] = np.isin(parts, drawn or names[sizes.argmin()])
    return mask


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
    if not dataset.train_counts:
        return
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
        caveat="Signers of the test part have no image in training; but all are drawn by one "
        "program, and hands in photographs look different.",
        groups="signer",
        overlaps=("tiny" if name == "sample" else "sample",),
        steps=1200,  # so that a first run is short
        read=_draw(images_per_letter, signer_count),
    )


def _pictures(name: str, *, pattern: str, counts: int | tuple[int, ...], **known) -> Dataset:
    """An entry for folders of pictures; `counts` may be one number for all classes."""
    classes = known["class_names"]
    return Dataset(
        name=name,
        pattern=re.compile(r"(?:^|/)" + pattern),
        train_counts=(counts,) * len(classes) if isinstance(counts, int) else counts,
        **known,
    )


def _signers(names: np.ndarray) -> np.ndarray:
    return np.array([int(re.search(r"/hand(\d+)_", name)[1]) for name in names], np.int64)


OWN = "folder:"
OWN_SHAPE = (48, 48, 3)
DIGITS = tuple(string.digits)
KAGGLE = "https://www.kaggle.com/datasets/"

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
            source=KAGGLE + "datamunge/sign-language-mnist",
            licence="CC0 (public domain)",
            citation="tecperson: Sign Language MNIST. Kaggle, 2017",
            read=sign_mnist.read,
            files=("sign_mnist_train.csv", "sign_mnist_test.csv"),
            sha256=("b7ff39ad5f1210fa765ce11aa5f20c2e97fe467ffc22231aac923c863eef75c4",
                    "178c0dd21c4b0e86d58df12f14ea1e9efa795ad19d146802b3b28094a16d56ae"),
            size=105_000_000,
            caveat="Test is the publisher's own: the same few people and rooms as in training, and "
                   "more than two of five test images have a twin there. About twenty images come "
                   "from each photograph, so intervals are counted by groups of twins.",
            archives=("sign-language-mnist.zip", "letters.zip", "archive.zip"),
            kaggle="datamunge/sign-language-mnist",
        ),
        _pictures(
            "digits",
            title="American Sign Language Digit Dataset",
            class_names=DIGITS,
            counts=500,
            image_shape=(48, 48, 3),
            picture_size=400,
            source=KAGGLE + "rayeed045/american-sign-language-digit-dataset",
            licence="see the page",
            citation="Rayeed: American Sign Language Digit Dataset. Kaggle, 2021",
            # Output Images are the same hands with landmarks painted on
            pattern=r"(?P<class>\d)/Input Images - Sign \d/[^/]+$",
            layout="<digit>/Input Images - Sign <digit>/Sign <digit> (1).jpeg …",
            size=500_000_000,
            archives=("american-sign-language-digit-dataset.zip", "digits.zip", "archive.zip"),
            kaggle="rayeed045/american-sign-language-digit-dataset",
        ),
        _pictures(
            "student_digits",
            title="Sign Language Digits",
            class_names=DIGITS,
            counts=(205, 206, 206, 206, 207, 207, 207, 206, 208, 204),
            image_shape=(48, 48, 3),
            picture_size=100,
            source="https://github.com/ardamavi/Sign-Language-Digits-Dataset",
            licence="Apache-2.0",
            citation="Mavi: A New Dataset and Proposed Convolutional Neural Network Architecture "
                     "for Classification of American Sign Language Digits. arXiv:2011.08927, 2020",
            pattern=r"Dataset/(?P<class>\d)/[^/]+$",
            layout="Dataset/<digit>/IMG_1118.JPG …",
            size=25_000_000,
            archives=("sign-language-digits.zip", "Sign-Language-Digits-Dataset-master.zip",
                      "student_digits.zip"),
            caveat="Students of the test part have no picture in training (files are numbered one "
                   "student after another). All were photographed before plain walls.",
            groups="student",
            group_of=folders.runs,
        ),
        _pictures(
            "abc",
            title="A, B and C of DataCamp's project ASL Recognition with Deep Learning",
            class_names=("A", "B", "C"),
            counts=1000,
            image_shape=(50, 50, 3),
            picture_size=100,
            source="https://www.datacamp.com/projects/509",
            licence="none stated",
            citation="DataCamp: ASL Recognition with Deep Learning. Project 509",
            pattern=r"(?P<class>[ABC])/[ABC]\d+\.jpg$",
            layout="<letter>/A1.jpg …",
            size=15_000_000,
            archives=("datacamp-abc.zip", "abc.zip"),
            caveat=FILM,
            groups="stretch of film",
            group_of=folders.stretches,
            overlaps=("alphabet",),
        ),
        _pictures(
            "alphabet",
            title="ASL Alphabet",
            class_names=(*string.ascii_uppercase, "del", "nothing", "space"),
            counts=3000,
            image_shape=(48, 48, 3),
            picture_size=200,
            source=KAGGLE + "grassknoted/asl-alphabet",
            licence="GPL-2",
            citation="Nagaraj: ASL Alphabet. Kaggle, 2018. doi:10.34740/kaggle/dsv/29550",
            pattern=r"asl_alphabet_train/(?P<class>[^/]+)/[^/]+$",
            layout="asl_alphabet_train/asl_alphabet_train/<class>/A1.jpg …",
            size=1_100_000_000,
            archives=("asl-alphabet.zip", "alphabet.zip", "archive.zip"),
            kaggle="grassknoted/asl-alphabet",
            caveat=FILM,
            groups="stretch of film",
            group_of=folders.stretches,
            overlaps=("abc",),
        ),
        _pictures(
            "signers",
            title="Hands of five signers, cut out on black (Massey University)",
            class_names=(*DIGITS, *string.ascii_lowercase),
            counts=tuple(65 if name == "t" else 70 for name in (*DIGITS, *string.ascii_lowercase)),
            image_shape=(48, 48, 3),
            picture_size=400,
            source=KAGGLE + "ayuraj/asl-dataset",
            licence="CC0 (public domain)",
            citation="Barczak, Reyes, Abastillas, Piccio, Susnjak: A new 2D static hand gesture "
                     "colour image dataset for ASL gestures. Research Letters in the Information "
                     "and Mathematical Sciences 15, 2011",
            pattern=r"asl_dataset/(?P<class>\w)/hand\d+_[^/]+$",
            layout="asl_dataset/<class>/hand1_a_bot_seg_1_cropped.jpeg …",
            size=35_000_000,
            archives=("asl-dataset.zip", "signers.zip", "archive.zip"),
            kaggle="ayuraj/asl-dataset",
            caveat="The test signer has no picture in training: one person of five, cut out on "
                   "black. Who is left out makes a difference of many points.",
            groups="signer",
            group_of=_signers,
        ),
        _pictures(
            "rooms",
            title="ASL Alphabets: one signer in many rooms",
            class_names=(*string.ascii_uppercase, "Del", "Nothing", "Space"),
            counts=(),
            image_shape=(48, 48, 3),
            picture_size=128,
            source="https://github.com/keptsecret/ASLAlphabets",
            licence="Apache-2.0",
            citation="keptsecret: ASLAlphabets. GitHub",
            pattern=r"train/(?P<class>[^/]+)/[^/]+$",
            layout="train/<class>/….jpg",
            size=100_000_000,
            archives=("asl-alphabets-rooms.zip", "ASLAlphabets.zip", "rooms.zip"),
            caveat="One person before many backgrounds, numbered as they were taken, and cut by "
                   "those numbers: rooms of the test part are mostly new, the hand is the same.",
            groups="stretch of the series",
            group_of=folders.stretches,
        ),
    )
}
# fmt: on
