"""What the reader is trained on: all data sets of letters, rendered hands, and empty rooms."""

from typing import NamedTuple

import cv2
import numpy as np

from asl.data import rendered_hands
from asl.data.dataset import normalize
from asl.data.encoding import encode
from asl.data.hand_poses import LETTERS
from asl.data.load import load
from asl.keras_setup import keras
from asl.reader.domain_randomization import SIZE, randomize

# Sets that show the same hands are left out together
LEFT_OUT = {
    "letters": ("letters",),
    "film": ("alphabet", "abc"),
    "signers": ("signers",),
    "rooms": ("rooms",),
}
# How often a batch draws from each; `abc` shows three letters of the film of `alphabet`
SHARES = {"letters": 1, "alphabet": 1, "abc": 0.12, "signers": 1, "rooms": 1, "drawn": 1}
PICTURE = 112  # pixels of a side at which pictures are kept, so that a part may be enlarged
FRAME = {"alphabet": 4, "abc": 4}  # pixels of a coloured line around each picture, cropped
BATCH = 64
STEPS_PER_EPOCH = 250
DRAWN, DRAWN_ANEW = 4800, 480  # rendered hands at a time, and how many are replaced each epoch
PER_CLASS = 1300  # images of each class of a set are enough, and 87,000 would fill the memory


class Source(NamedTuple):
    """Images of one data set, uint8 (n, h, w, 1, 3, or 4 with what is hand), and their labels."""

    images: np.ndarray
    labels: np.ndarray


def gather(left_out: str | None = None) -> tuple[dict[str, Source], list[np.ndarray]]:
    """All data sets but those left out, and empty rooms for backgrounds. Of `letters`, what its
    publisher calls training; of the others all, as a set is tested by leaving it out.

    Labels are indices into LETTERS. AslError where a data set cannot be had.
    """
    without = LEFT_OUT[left_out] if left_out else ()
    sources, rooms = {}, []
    for name in SHARES:
        if name == "drawn" or name in without:
            continue
        part = load(name, image_shape=(PICTURE, PICTURE, 3))
        if part.is_test is not None:
            part = part.take(~part.is_test)
        letter_of = letter_labels(part.class_names)
        is_nothing = np.array([normalize(each) == "nothing" for each in part.class_names])
        chosen = []
        for label in np.flatnonzero((letter_of >= 0) | is_nothing):
            rows = np.flatnonzero(part.labels == label)
            some = np.linspace(0, len(rows) - 1, min(len(rows), PER_CLASS)).astype(int)
            chosen.append(rows[some])
        part = part.take(np.sort(np.concatenate(chosen)))
        images, edge = np.asarray(part.images[:]), FRAME.get(name, 0)
        images = images[:, edge : images.shape[1] - edge, edge : images.shape[2] - edge]
        empty = is_nothing[part.labels]
        rooms += list(images[empty])
        images, labels = images[~empty], letter_of[part.labels[~empty]]
        if name == "signers":
            images = np.stack([cut_out(image) for image in images])
        sources[name] = Source(images, labels)
    labels = np.arange(DRAWN) % len(LETTERS)
    sources["drawn"] = Source(draw(labels, seed=0), labels)
    return sources, rooms


def letter_labels(class_names: tuple[str, ...]) -> np.ndarray:
    """The index in LETTERS of each class of a data set, or -1: int64 (classes,)."""
    index = {normalize(letter): place for place, letter in enumerate(LETTERS)}
    return np.array([index.get(normalize(name), -1) for name in class_names])


def draw(labels: np.ndarray, seed: int) -> np.ndarray:
    """Rendered hands in colour, a new signer every 24, cut out: uint8 (n, SIZE, SIZE, 4)."""
    names = [LETTERS[label] for label in labels]
    signers = 1000 + seed * 100_000 + np.arange(len(labels)) // len(LETTERS)
    return rendered_hands.draw_hands(names, signers=signers, seed=seed, size=SIZE, cutout=True)


def cut_out(image: np.ndarray) -> np.ndarray:
    """A hand on black, uint8 (h, w, 3), with a fourth channel that says what of it is hand."""
    mask = (image.max(axis=2) > 24).astype(np.uint8)
    mask = cv2.morphologyEx(mask, cv2.MORPH_CLOSE, np.ones((5, 5), np.uint8))
    _, parts, figures, _ = cv2.connectedComponentsWithStats(mask)
    if len(figures) > 1:  # the largest part is the hand, the rest is dirt
        mask = (parts == 1 + figures[1:, cv2.CC_STAT_AREA].argmax()).astype(np.uint8)
    mask = cv2.GaussianBlur(cv2.erode(255 * mask, np.ones((3, 3), np.uint8)), (3, 3), 0)
    return np.dstack([image, mask])


class Mixture(keras.utils.PyDataset):
    """Batches of all sources, set and letter drawn evenly, each image randomized.

    A batch depends on the seed, the epoch and its number alone. After each epoch some rendered
    hands are replaced by new ones.
    """

    def __init__(self, sources: dict[str, Source], rooms: list[np.ndarray], seed: int = 0) -> None:
        super().__init__(workers=2, max_queue_size=16)
        self.sources, self.rooms, self.seed, self.epoch = sources, rooms, seed, 0
        shares = np.array([SHARES[name] for name in sources], float)
        self.shares = shares / shares.sum()
        self.rows = [  # of each letter that a source has
            {label: np.flatnonzero(source.labels == label) for label in np.unique(source.labels)}
            for source in sources.values()
        ]

    def __len__(self) -> int:
        return STEPS_PER_EPOCH

    def on_epoch_end(self) -> None:
        self.epoch += 1
        images, labels = self.sources["drawn"]
        rows = (np.arange(DRAWN_ANEW) + self.epoch * DRAWN_ANEW) % len(labels)
        images[rows] = draw(labels[rows], seed=self.epoch)

    def __getitem__(self, number: int) -> tuple[np.ndarray, np.ndarray]:
        random = np.random.default_rng([self.seed, self.epoch, number])
        images, labels = np.empty((BATCH, SIZE, SIZE, 3), np.float32), np.empty(BATCH, int)
        sources = list(self.sources.values())
        for row, k in enumerate(random.choice(len(sources), BATCH, p=self.shares)):
            labels[row] = random.choice([*self.rows[k]])
            chosen = random.choice(self.rows[k][labels[row]])
            images[row] = randomize(sources[k].images[chosen], random, self.rooms)
        return images, encode(labels, len(LETTERS))
