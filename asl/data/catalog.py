"""The data sets: one declared entry each. How to add one: data/README.md."""

import re
import string
from pathlib import Path

import numpy as np

from asl import files
from asl.data import csv_tables, image_folders, rendered_hands
from asl.data.dataset import Dataset
from asl.errors import AslError

FILM = {
    "caveat": "These are frames of one film of one hand. It is split by time, so that only frames "
    "at the edges of a part have near-equal neighbours on the other side; hand, room and camera "
    "stay the same. The test figure says how well the film is known, and nothing of other hands.",
    "group_unit": "film segment",
    "group_of": image_folders.film_segments,
}


def find_dataset(name: str) -> Dataset:
    """The entry of a data set, or one made for `folder:PATH`. An unknown name raises AslError."""
    name = str(name)
    if name.startswith(OWN):
        return _own(Path(name.removeprefix(OWN)))
    if name not in DATASETS:
        raise AslError(
            f"there is no data set {name!r}. There are: {', '.join(DATASETS)}, and folder:PATH for "
            "pictures of your own, a folder a class."
        )
    return DATASETS[name]


def _own(path: Path) -> Dataset:
    """The entry of folder:PATH, whose sub-folders are the classes, or of CSVs of one's own."""
    path = (files.HOME / path.expanduser()).resolve()
    if not path.exists():
        raise AslError(f"{path} does not exist: folder:PATH wants a folder with a folder a class.")
    tables = csv_tables.tables(path)
    return Dataset(
        name=f"{OWN}{path}",
        title=f"Images in {path.name}",
        class_names=csv_tables.letters_in(tables) if tables else image_folders.class_folders(path),
        train_counts=(),
        source=str(path),
        licence="yours",
        image_shape=Dataset.image_shape if tables else PICTURE_SHAPE,
        read=csv_tables.read_own if tables else None,
        pattern=None if tables else re.compile(image_folders.ANY_FOLDER),
        layout="<class>/<picture>",
        folder=path,
    )


def _rendered(name: str, title: str, images_per_letter: int, signer_count: int) -> Dataset:
    """An entry for hands that are drawn; the last quarter of the signers is the test part."""
    test_count = images_per_letter // 4
    letters = rendered_hands.LETTERS

    def read(dataset: Dataset, _: None) -> dict[str, np.ndarray]:
        images, labels, signers = rendered_hands.draw_sample(
            images_per_letter=images_per_letter, signer_count=signer_count
        )
        return {
            "images": images,
            "labels": labels,
            "names": np.array([f"{name}/{row:05d}" for row in range(len(labels))]),
            "groups": signers,
            "is_test": signers >= signer_count * 3 // 4,
        }

    return Dataset(
        name=name,
        title=title,
        class_names=letters,
        train_counts=(images_per_letter - test_count,) * len(letters),
        test_counts=(test_count,) * len(letters),
        source="rendered by asl/data/rendered_hands.py",
        licence="MIT, as the project",
        caveat="Signers of the test part have no image in training; but all are drawn by one "
        "program, and hands in photographs look different.",
        group_unit="signer",
        overlaps=("tiny" if name == "sample" else "sample",),
        steps=1200,  # so that a first run is short
        read=read,
    )


def _pictures(name: str, *, pattern: str, counts: int | tuple[int, ...], **known) -> Dataset:
    """An entry for folders of pictures; `counts` may be one number for all classes."""
    if isinstance(counts, int):
        counts = (counts,) * len(known["class_names"])
    known = {"image_shape": PICTURE_SHAPE, "source": KAGGLE + known.get("kaggle", "")} | known
    return Dataset(name, pattern=re.compile(r"(?:^|/)" + pattern), train_counts=counts, **known)


def _signers(names: np.ndarray) -> np.ndarray:
    return np.array([int(re.findall(r"/hand(\d+)_", name)[0]) for name in names], np.int64)


OWN = "folder:"
PICTURE_SHAPE = (48, 48, 3)  # unless an entry says otherwise
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
            class_names=rendered_hands.LETTERS,  # J and Z are movements
            train_counts=(1126, 1010, 1144, 1196, 957, 1204, 1090, 1013, 1162, 1114, 1241, 1055,
                          1151, 1196, 1088, 1279, 1294, 1199, 1186, 1161, 1082, 1225, 1164, 1118),
            test_counts=(331, 432, 310, 245, 498, 247, 348, 436, 288, 331, 209, 394,
                         291, 246, 347, 164, 144, 246, 248, 266, 346, 206, 267, 332),
            source=KAGGLE + "datamunge/sign-language-mnist",
            licence="CC0 (public domain)",
            citation="tecperson: Sign Language MNIST. Kaggle, 2017",
            read=csv_tables.read,
            files=("sign_mnist_train.csv", "sign_mnist_test.csv"),
            sha256=("b7ff39ad5f1210fa765ce11aa5f20c2e97fe467ffc22231aac923c863eef75c4",
                    "178c0dd21c4b0e86d58df12f14ea1e9efa795ad19d146802b3b28094a16d56ae"),
            size=105_000_000,
            caveat="Test is the publisher's own: the same few people and rooms as in training, and "
                   "more than two of five test images have a near-duplicate there. About twenty "
                   "images come from each photograph, so intervals count duplicate groups.",
            archives=("sign-language-mnist.zip", "letters.zip", "archive.zip"),
            kaggle="datamunge/sign-language-mnist",
        ),
        _pictures(
            "digits",
            title="American Sign Language Digit Dataset",
            class_names=DIGITS,
            counts=500,
            picture_size=400,
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
            group_unit="student",
            group_of=image_folders.people_in_sequence,
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
            **FILM,
            overlaps=("alphabet",),
        ),
        _pictures(
            "alphabet",
            title="ASL Alphabet",
            class_names=(*string.ascii_uppercase, "del", "nothing", "space"),
            counts=3000,
            picture_size=200,
            licence="GPL-2",
            citation="Nagaraj: ASL Alphabet. Kaggle, 2018. doi:10.34740/kaggle/dsv/29550",
            pattern=r"asl_alphabet_train/(?P<class>[^/]+)/[^/]+$",
            layout="asl_alphabet_train/asl_alphabet_train/<class>/A1.jpg …",
            size=1_100_000_000,
            archives=("asl-alphabet.zip", "alphabet.zip", "archive.zip"),
            kaggle="grassknoted/asl-alphabet",
            **FILM,
            overlaps=("abc",),
        ),
        _pictures(
            "signers",
            title="Hands of five signers, cut out on black (Massey University)",
            class_names=(*DIGITS, *string.ascii_lowercase),
            counts=(70,) * 29 + (65,) + (70,) * 6,  # 65 of t
            picture_size=400,
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
            group_unit="signer",
            group_of=_signers,
        ),
        _pictures(
            "rooms",
            title="ASL Alphabets: one signer in many rooms",
            class_names=(*string.ascii_uppercase, "Del", "Nothing", "Space"),
            counts=(),
            picture_size=128,
            source="https://github.com/keptsecret/ASLAlphabets",
            licence="Apache-2.0",
            citation="keptsecret: ASLAlphabets. GitHub",
            pattern=r"train/(?P<class>[^/]+)/[^/]+$",
            layout="train/<class>/….jpg",
            size=100_000_000,
            archives=("asl-alphabets-rooms.zip", "ASLAlphabets.zip", "rooms.zip"),
            caveat="One person before many backgrounds, numbered as they were taken, split by "
                   "those numbers: rooms of the test part are mostly new, the hand is the same.",
            group_unit="series segment",
            group_of=image_folders.film_segments,
        ),
    )
}
# fmt: on
