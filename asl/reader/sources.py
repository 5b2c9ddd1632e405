"""What the reader is trained on: the hands of all data sets, rendered hands, and landmark rows."""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np

from asl.data import landmark_sets, rendered_hands
from asl.data.dataset import normalize
from asl.data.hand_poses import LETTERS
from asl.data.load import load
from asl.data.samples import Samples
from asl.keras_setup import BACKEND, keras
from asl.landmarks.augmentation import augment_points, normalize_points, turn_points
from asl.landmarks.crops import HAND_SIZE, TINY, crop_of, cut_crops
from asl.landmarks.joint_store import stored_joints
from asl.landmarks.joints import Joints
from asl.models.devices import own_rows
from asl.reader.domain_randomization import KEPT, KEPT_AROUND, degrade_all, randomize
from asl.reader.open_hands import draw_open_hands
from asl.reader.signs import NO_SIGN, OTHER, SHAPES, shape_labels

# Sets that show the same hands are left out together
LEFT_OUT = {
    "letters": ("letters",),
    "film": ("alphabet", "abc"),
    "signers": ("signers",),
    "rooms": ("rooms",),
}
# How often a batch draws from each; `abc` shows three letters of the film of `alphabet`, and
# `student_digits` ten digits
SHARES = {
    "letters": 1.0,
    "alphabet": 1.0,
    "abc": 0.12,
    "signers": 1.0,
    "rooms": 1.0,
    "student_digits": 0.6,
}
RENDERED, OPEN = "rendered", "open hands"
SCORED = 1000  # of each class of a set that was left out
ROOMS = 300  # pictures of empty rooms, for backgrounds
PER_CLASS = 200  # images of each class of a set; more of one person and room teach little more
DRAWN = 120  # rendered hands of each shape
DRAWN_SIZE = 160
OPEN_SIGNERS, OPEN_SHARE = 120, 0.2
# Hands that sign something upright, and nothing when they hang down, some of which are shown so
UPRIGHT = [SHAPES.index(shape) for shape in "ABDEFILORSTUVWXY1345678" if shape in SHAPES]
TURNED = 0.06
# Weights against a letter's. Other hands are of many shapes, and few in each batch otherwise:
# with the weight of one digit, a third of those in the training images were still given a letter.
DIGIT, ANY_OTHER = 0.5, 6.0


class Hands(NamedTuple):
    """Hands with what they sign."""

    points: np.ndarray  # float32 (n, 21, 3), normalized
    labels: np.ndarray  # int64 (n,), an index into SHAPES
    share: float  # how often they are drawn, against the other sources
    crops: np.ndarray | None = None  # uint8 (n, KEPT, KEPT, 3 or 4 with what is hand)
    rooms: tuple[np.ndarray, ...] = ()  # pictures without a hand, for backgrounds


class KnownHands(NamedTuple):
    """Images of a data set and the hands in them; row i of each is image i."""

    samples: Samples
    labels: np.ndarray  # int64 (n,), an index into SHAPES
    joints: Joints


def read_set(name: str, is_scored: bool) -> KnownHands:
    """The images of a data set that show a shape, or no sign, and the hands in them; no more than
    SCORED of a class. Of one with a test part of its publisher's, that part to be scored, and of
    the other only what is trained on.
    """
    samples = load(name, size=HAND_SIZE)
    labels = shape_labels(samples.class_names)[samples.labels]
    chosen, most = labels >= 0, SCORED
    if samples.is_test is not None:
        chosen &= samples.is_test == is_scored
        most = SCORED if is_scored else PER_CLASS
    rows = np.sort(_evenly(samples.labels, np.flatnonzero(chosen), most))
    samples = samples.take(rows)
    return KnownHands(samples, labels[rows], stored_joints(samples.images, name)[0])


def _evenly(labels: np.ndarray, rows: np.ndarray, most: int) -> np.ndarray:
    """At most so many of these rows of each label, spread evenly over them."""
    chosen = []
    for label in np.unique(labels[rows]):
        own = rows[labels[rows] == label]
        chosen.append(own[np.linspace(0, len(own) - 1, min(len(own), most)).astype(int)])
    return np.concatenate(chosen)


def gather(degraded: bool = True) -> dict[str, Hands]:
    """The hands of all sources: data sets, rendered hands, and the landmark rows that are on this
    machine. Of `letters`, what its publisher calls training; with `degraded`, hands in copies as a
    poor camera takes them besides. AslError where a data set cannot be had.
    """
    sources = {name: _hands_of(name, share, degraded) for name, share in SHARES.items()}
    sources |= {RENDERED: draw(), OPEN: _open_hands()}
    for name in landmark_sets.find_landmark_sets():
        rows = landmark_sets.load_landmarks(name)
        sources[name] = Hands(normalize_points(rows.points), rows.labels, 1.0)
    return sources


def _hands_of(name: str, share: float, degraded: bool) -> Hands:
    samples, labels, joints = read_set(name, is_scored=False)
    rows = _evenly(labels, np.flatnonzero(joints.found), PER_CLASS)
    images = np.asarray(samples.images[rows])
    crops = cut_crops(images, joints.take(rows), KEPT, KEPT_AROUND)
    if name == "signers":
        crops = np.stack([cut_out(crop) for crop in crops])
    views = [(normalize_points(joints.points[rows]), labels[rows], crops)]
    if degraded and images.shape[1] >= TINY:
        some = np.arange(0, len(rows), 2)
        views.append(_degraded(images[some], labels[rows][some], crops.shape[-1], name))
    points, labels_found, crops = (np.concatenate(column) for column in zip(*views, strict=True))
    nothing = np.array([normalize(each) in NO_SIGN for each in samples.class_names])
    empty = np.flatnonzero(~joints.found & nothing[samples.labels])[:ROOMS]
    rooms = tuple(np.asarray(samples.images[row]) for row in empty)
    return Hands(points, labels_found, share, crops, rooms)


def _degraded(
    images: np.ndarray, labels: np.ndarray, channels: int, name: str
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Points, labels and crops of the hands that are found in the images when they are poorer."""
    images = degrade_all(images, seed=0)
    joints, _ = stored_joints(images, f"{name}, degraded")
    crops = cut_crops(images, joints, KEPT, KEPT_AROUND)
    if channels == 4:  # all of it stays as it is
        crops = np.concatenate([crops, np.full_like(crops[..., :1], 255)], axis=3)
    return normalize_points(joints.points[joints.found]), labels[joints.found], crops


def draw(count: int = DRAWN, seed: int = 0) -> Hands:
    """Rendered hands of all shapes, cut out, `count` of each, by a new signer each; their points
    come straight from the bones. First ways to hold a sign only: no images had a say in these.
    """
    names = [name for name in SHAPES if name in rendered_hands.SIGNS]
    labels = np.repeat([SHAPES.index(name) for name in names], count)
    signers = 1000 + 100_000 * seed + np.tile(np.arange(count), len(names))
    signs = [SHAPES[label] for label in labels]
    points = DRAWN_SIZE * rendered_hands.hand_points(
        signs, signers=signers, seed=seed, first_only=True
    )
    images = rendered_hands.draw_hands(
        signs, signers=signers, seed=seed, size=DRAWN_SIZE, cutout=True, first_only=True
    )
    crops = [
        crop_of(image, place, KEPT, KEPT_AROUND)
        for image, place in zip(images, points, strict=True)
    ]
    return Hands(normalize_points(points), labels, 1.0, np.stack(crops))


def _open_hands() -> Hands:
    """Open hands from all sides: the digit 5, and no letter."""
    images, points = draw_open_hands(OPEN_SIGNERS, DRAWN_SIZE)
    crops = [crop_of(*each, KEPT, KEPT_AROUND) for each in zip(images, points, strict=True)]
    labels = np.full(len(points), SHAPES.index("5"))
    return Hands(normalize_points(points), labels, OPEN_SHARE, np.stack(crops))


def cut_out(image: np.ndarray) -> np.ndarray:
    """A hand on black, uint8 (h, w, 3), with a fourth channel that says what of it is hand."""
    mask = (image.max(axis=2) > 24).astype(np.uint8)
    mask = cv2.morphologyEx(mask, cv2.MORPH_CLOSE, np.ones((5, 5), np.uint8))
    _, parts, figures, _ = cv2.connectedComponentsWithStats(mask)
    if len(figures) > 1:  # the largest part is the hand, the rest is dirt
        mask = (parts == 1 + figures[1:, cv2.CC_STAT_AREA].argmax()).astype(np.uint8)
    mask = cv2.GaussianBlur(cv2.erode(255 * mask, np.ones((3, 3), np.uint8)), (3, 3), 0)
    return np.dstack([image, mask])


class Batches(keras.utils.PyDataset):
    """Batches of points, or with `pixels` of crops: sources and shapes drawn evenly, augmented.

    A batch depends on the seed, the epoch and its number alone, so that a training that goes on
    sees what it would have seen. With JAX, of whose processes each reads its own rows, a crop
    depends on its row besides, and not on the crops before it.
    """

    def __init__(
        self,
        sources: dict[str, Hands],
        batch: int,
        steps: int,
        seed: int = 0,
        pixels: bool = False,
    ) -> None:
        super().__init__(workers=2, max_queue_size=16)
        chosen = [each for each in sources.values() if not pixels or each.crops is not None]
        self.points = [each.points for each in chosen]
        self.crops = [each.crops for each in chosen]
        self.labels = np.concatenate([each.labels for each in chosen])
        self.place = np.array(
            [(k, row) for k, each in enumerate(chosen) for row in range(len(each.labels))]
        )
        self.reach = np.cumsum(np.concatenate([_weights(each) for each in chosen]))
        self.rooms = [room for each in chosen for room in each.rooms]
        self.batch, self.steps, self.seed, self.pixels, self.epoch = batch, steps, seed, pixels, 0

    def __len__(self) -> int:
        return self.steps

    def on_epoch_end(self) -> None:
        self.epoch += 1

    def __getitem__(self, number: int) -> tuple[np.ndarray, np.ndarray]:
        random = np.random.default_rng([self.seed, self.epoch, number])
        rows = np.searchsorted(self.reach, random.random(self.batch) * self.reach[-1])
        targets = np.eye(len(SHAPES), dtype=np.float32)[self.labels[rows]]
        if not self.pixels:
            points = np.stack([self.points[k][row] for k, row in self.place[rows]])
            upside_down = np.isin(self.labels[rows], UPRIGHT) & (random.random(len(rows)) < TURNED)
            targets[upside_down] = np.eye(len(SHAPES))[-1]
            turn = np.where(upside_down, np.pi + random.uniform(-1, 1, len(rows)), 0)
            points = augment_points(turn_points(points, turn), random)
            return points[own_rows(len(rows))], targets[own_rows(len(rows))]
        crops = []
        for row in range(len(rows))[own_rows(len(rows))]:
            if BACKEND == "jax":
                random = np.random.default_rng([self.seed, self.epoch, number, row])
            source, place = self.place[rows[row]]
            crops.append(randomize(self.crops[source][place], random, self.rooms))
        return np.stack(crops), targets[own_rows(len(rows))]


def _weights(hands: Hands) -> np.ndarray:
    """How often each hand is drawn: all letters alike, digits less, other hands more."""
    counts = np.bincount(hands.labels, minlength=len(SHAPES))
    weights = np.where(np.arange(len(SHAPES)) < len(LETTERS), 1.0, DIGIT)
    weights[SHAPES.index(OTHER)] = ANY_OTHER
    weights *= counts > 0
    return hands.share * (weights / weights.sum() / np.maximum(counts, 1))[hands.labels]
