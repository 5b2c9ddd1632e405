"""What a network takes of images: the images themselves or, of `joints`, the hands in them.

How images become joints stands here alone: training, prediction, evaluation and explanation ask
`network_input`, whatever the network.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from asl.data.augmentation import augment
from asl.data.dataset import normalize
from asl.data.image_formats import PictureError, Stored
from asl.data.images import read_image, read_images
from asl.data.mapped_images import Images
from asl.data.processors import threads
from asl.data.samples import Samples, Split
from asl.errors import AslError, few
from asl.landmarks import joints
from asl.landmarks.augmentation import augment_points, normalize_points
from asl.landmarks.hands import LARGEST, find_hands
from asl.landmarks.joint_store import stored_joints
from asl.models.joints import POINTS

if TYPE_CHECKING:
    import keras

FEW = 16  # images; the hands of so few are looked for each time
NOTHING = "nothing"  # a class of pictures without a hand


class NetworkInput(NamedTuple):
    """What a network takes of images; row i of each is image i."""

    # The images, or the joints of the hand in each: float32 (n, 21, 3), in its pixels, else zeros
    values: Images
    found: np.ndarray  # bool (n,), whether there is anything to look at: always, but for joints
    seconds: float = 0.0  # that finding the hands took, whenever that was

    @property
    def joints(self) -> np.ndarray | None:
        """The joints float32 (n, 21, 3) in pixels of the images, None for a network of pixels."""
        return self.values if is_joints(self.values) else None  # type: ignore[return-value]


def is_joints(values: Images) -> bool:
    """Whether these are joints, and not images."""
    return values.ndim == 3 and values.shape[1:] == (POINTS, 3)


def takes_joints(model: keras.Model) -> bool:
    """Whether a network takes the joints of a hand in place of an image."""
    return model.input_shape[1:] == (POINTS, 3)


def network_input(
    model: keras.Model, images: Images, name: str = "hands", *, stored: bool = True
) -> NetworkInput:
    """What a network takes of images uint8 (n, h, w, 1 or 3).

    The hands of many images are looked for once and kept in the cache, unless `stored` is False.
    `name` is for progress. AslError where hands have to be found and the networks that find them
    are neither on this machine nor can be fetched.
    """
    if not takes_joints(model):
        return NetworkInput(images, np.ones(len(images), bool))
    if stored and len(images) > FEW:
        hands, seconds = stored_joints(images, name)
    else:
        hands, seconds = joints.of_rows(joints.look(images[:])), 0.0
    return NetworkInput(hands.points, hands.found, seconds)


def read_inputs(
    model: keras.Model, files: Sequence[Path | Stored], shape: tuple[int, int, int]
) -> Iterator[np.ndarray | PictureError]:
    """What a network takes of each picture file, or why it cannot be read: the image at `shape`,
    or the joints, zeros where no hand was found. Hands are looked for in the whole picture at its
    own size: the smaller they are, the more that shows of them.
    """
    if not takes_joints(model):
        yield from read_images(files, shape)
        return
    with ThreadPoolExecutor(min(8, threads())) as pool:
        yield from pool.map(_read_joints, files)


def _read_joints(file: Path | Stored) -> np.ndarray | PictureError:
    try:
        found = find_hands(read_image(file, largest=LARGEST))
    except PictureError as error:
        return error
    return found[0].points if found else np.zeros((POINTS, 3), np.float32)


def augment_input(values: np.ndarray, seed: Sequence[int]) -> np.ndarray:
    """Images, or joints, augmented: as `augment` and `augment_points` say."""
    if is_joints(values):
        return augment_points(normalize_points(values), np.random.default_rng(seed))
    return augment(values, seed)


def augment_rows(values: Images, batch: np.ndarray, own: slice, seed: Sequence[int]) -> np.ndarray:
    """The images, or joints, of the `own` rows of a batch, augmented as in the whole batch; of
    images, only these are read. `batch` int (b,) holds the rows of `values` that are in it.
    """
    if is_joints(values):
        return augment_input(values[batch], seed)[own]
    return augment(values[batch[own]], seed, first=own.start, of=len(batch))


def training_input(model: keras.Model, parts: Split) -> tuple[Split, float]:
    """A split as a network takes it in training, and the seconds that finding hands took: of one
    that takes joints they stand in place of the images, and images without a hand are left out of
    training and validation, which is said. The test stays as it is.

    AslError for a class without a hand in training; only one that is called "nothing" may be.
    """
    if not takes_joints(model):
        return parts, 0.0
    taken, seconds, missed, count = [], 0.0, [], 0
    for part in (parts.train, parts.validation):
        seen = network_input(model, part.images, part.dataset)
        seconds += seen.seconds
        missed += part.names[~seen.found].tolist()
        count += len(part)
        taken.append(replace(_rows(part, seen.found), images=seen.values[seen.found]))
    if missed:
        print(
            f"no hand was found in {len(missed):,} of {count:,} images for training and "
            f"validation ({few(missed)}): they are left out. In what is told of validation "
            "afterwards, and in a test, such images count as wrong."
        )
    _check(*taken)
    return replace(parts, train=taken[0], validation=taken[1]), seconds


def _rows(part: Samples, rows: np.ndarray) -> Samples:
    return replace(part, images=np.zeros(len(part))).take(rows)  # type: ignore[arg-type]


def _check(train: Samples, validation: Samples) -> None:
    there = np.bincount(train.labels, minlength=len(train.class_names))
    without = [
        name
        for name, count in zip(train.class_names, there, strict=True)
        if not count and normalize(name) != NOTHING
    ]
    what_to_do = (
        "Look at the pictures (asl.hands and plots.hand show what is found): the whole hand should "
        "be in them, in good light. Add others, or train a network of pixels (--model cnn)."
    )
    if without:
        raise AslError(
            f"{train.dataset}: no hand was found in any training image of {few(without, 8)}, so "
            f"that joints say nothing of {'them' if len(without) > 1 else 'it'}. {what_to_do}"
        )
    if not len(validation):
        raise AslError(f"{train.dataset}: no hand was found in any validation image. {what_to_do}")
