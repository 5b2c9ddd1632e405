"""Reading photographs: find the hand, look at its joints and its pixels, say the letter.

Nothing here needs TensorFlow, whose import takes longer than many photographs: the networks are
run by LiteRT. Where Google's networks that find hands can be neither found nor fetched, an older
network looks at the whole picture instead.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import numpy as np

from asl import files
from asl.data.image_formats import PictureError, Stored
from asl.data.images import fit, read_image
from asl.data.processors import threads
from asl.errors import AslError
from asl.landmarks import interpreter, networks
from asl.landmarks.augmentation import normalize_points
from asl.landmarks.crops import AROUND, CROP, NO_POINTS, crop_of, is_tiny
from asl.landmarks.hands import Hand, find_hands
from asl.landmarks.looks import LOOKS, look_again
from asl.models.metadata import Metadata, from_json
from asl.reader.signs import SIGNS, read_as

READER, WHOLE = "reader", "reader-whole-picture"
LARGEST = 1600  # pixels of a side at which pictures of more than 16 million are read
BLOCK = 32  # pictures that go through the network together
NO_HAND, NO_SIGN = "no hand was found", "the hand signs no {}"
NO_LOOKS = np.stack([NO_POINTS] * LOOKS)


class Reading(NamedTuple):
    """What is read in a picture, or of one of its hands."""

    row: int  # of the picture
    size: tuple[int, int]  # width and height of the picture, as it was read
    hand: Hand | None  # None where none was found, or the whole picture was looked at
    probabilities: np.ndarray  # float (signs,); zeros where there is nothing to say
    reason: str = ""  # why there is nothing to say


class Network(NamedTuple):
    """A network of the reader, run without TensorFlow."""

    file: Path
    metadata: Metadata

    @property
    def sees_hands(self) -> bool:
        """Whether it takes points and crop, not a whole picture."""
        return self.file.stem == READER

    @property
    def signs(self) -> tuple[str, ...]:
        """What it can take signs for."""
        return tuple(SIGNS) if self.sees_hands else ("letters",)


def find_network() -> Network:
    """The reader, or the network for whole pictures where hands cannot be looked for, which is
    said. AslError where neither is there.
    """
    try:
        for network in (networks.PALM, networks.LITE):
            networks.network_file(network)
    except AslError as error:
        why = " ".join(str(error).split("\n"))
        print(f"{why} Instead, each picture is looked at as a whole, which is less exact.")
        return _network(WHOLE)
    return _network(READER)


def _network(name: str) -> Network:
    places = [folder / f"{name}.tflite" for folder in (files.MODEL, files.REPOSITORY / "model")]
    file = next((each for each in places if each.is_file()), None)
    if file is None:
        raise AslError(
            f"{files.shown(places[0])} is not there: python -m asl reader makes it, and it came "
            "with the project."
        )
    beside = file.with_suffix(".json")
    again = "Put back both files of one training, or train it again: python -m asl reader."
    try:
        metadata = from_json(beside.read_text(encoding="utf-8"))
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise AslError(f"{files.shown(beside)} is missing or damaged ({error}). {again}") from error
    if metadata.litert_sha256 != files.sha256(file):
        raise AslError(f"{files.shown(file)} is damaged, or not of {beside.name}. {again}")
    return Network(file, metadata)


def read_pictures(
    network: Network,
    pictures: Sequence[Path | Stored],
    *,
    signs: str = "letters",
    every: bool = False,
    landmarks: str = networks.LITE,
) -> Iterator[list[Reading] | PictureError]:
    """What each picture shows, in their order: one reading, or with `every` one of each hand; or
    why it could not be read.
    """
    if signs not in SIGNS:
        raise AslError(f"there are no signs {signs!r}. There are: {', '.join(SIGNS)}.")
    if signs not in network.signs:
        raise AslError(f"the network for whole pictures knows no {signs}, only letters.")

    def look(row: int) -> list[_Seen] | PictureError:
        try:
            picture = read_image(pictures[row], largest=LARGEST)
        except PictureError as error:
            return error
        reading = Reading(row, picture.shape[1::-1], None, np.zeros(len(SIGNS[signs])))
        if network.sees_hands:
            return _hands_in(picture, reading, every, landmarks)
        height, width, channels = network.metadata.input_shape
        return [_Seen(reading, fit(picture, (height, width, channels)))]

    with ThreadPoolExecutor(min(8, threads())) as pool:
        looked = pool.map(look, range(len(pictures)))
        try:
            while block := list(islice(looked, BLOCK)):
                yield from _read_block(network, block, signs)
        finally:
            pool.shutdown(cancel_futures=True)  # whoever asked may have stopped asking


class _Seen(NamedTuple):
    """A reading to be, and what the network takes for it; without pixels there is none to be."""

    reading: Reading
    pixels: np.ndarray | None = None  # uint8 (h, w, 3): the crop of a hand, or the whole picture
    looks: np.ndarray | None = None  # float32 (LOOKS, 21, 3)
    tiny: bool = False  # see `is_tiny`


def _hands_in(picture: np.ndarray, reading: Reading, every: bool, landmarks: str) -> list[_Seen]:
    """The largest hand in a picture, or all. Where there is none, all of a tiny picture."""
    tiny = is_tiny(picture)
    found = find_hands(picture, landmarks, every=every)
    if not found:
        pixels = crop_of(picture, NO_POINTS, CROP, AROUND) if tiny else None
        return [_Seen(reading._replace(reason=NO_HAND), pixels, NO_LOOKS, tiny)]
    return [
        _Seen(
            reading._replace(hand=hand),
            crop_of(picture, hand.points, CROP, AROUND),
            normalize_points(look_again(picture, hand.points, landmarks)),
            tiny,
        )
        for hand in (found if every else found[:1])
    ]


def _read_block(
    network: Network, block: list[list[_Seen] | PictureError], signs: str
) -> Iterator[list[Reading] | PictureError]:
    seen = [
        one for each in block if isinstance(each, list) for one in each if one.pixels is not None
    ]
    told = iter(_run(network, seen, signs))
    for each in block:
        if isinstance(each, PictureError):
            yield each
        else:
            yield [one.reading if one.pixels is None else next(told) for one in each]


def _run(network: Network, seen: list[_Seen], signs: str) -> list[Reading]:
    """The readings with their probabilities."""
    if not seen:
        return []
    pixels = np.stack([each.pixels for each in seen if each.pixels is not None]).astype(np.float32)
    if not network.sees_hands:
        known, is_sign = interpreter.run(network.file, pixels)[0], np.ones(len(seen), bool)
    else:
        looks = np.stack([each.looks for each in seen if each.looks is not None])
        told = interpreter.run(network.file, joints=looks, pixels=pixels)
        found = np.array([each.reading.hand is not None for each in seen])
        tiny = np.array([each.tiny for each in seen])
        known, is_sign = read_as(told[0], network.metadata.class_names, signs, found, tiny)
    reason = NO_SIGN.format(signs.removesuffix("s"))
    return [
        each.reading._replace(probabilities=row, reason="")
        if signs_one
        else each.reading._replace(probabilities=0 * row, reason=each.reading.reason or reason)
        for each, row, signs_one in zip(seen, known, is_sign, strict=True)
    ]
