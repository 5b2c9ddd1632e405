"""The same pictures before two networks: one that was just trained, and the reader."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from PIL import Image

from asl.data.images import find_inputs, read_image, told
from asl.data.rendered_hands import draw_hand
from asl.data.rendered_rooms import draw_in_room
from asl.landmarks.hands import Hand
from asl.models.inputs import NetworkInput, read_inputs
from asl.models.metadata import Metadata
from asl.prediction import predict_input
from asl.reader import tables
from asl.reader.read import LARGEST, Network
from asl.reader.signs import SIGNS

if TYPE_CHECKING:
    import keras

EASY = ("B", "L", "1", "5")  # signs that are easy to tell apart
SIGNER, SEED = 99, 7  # of the drawings; no data set has this signer


class Asked(NamedTuple):
    """Pictures and what two networks said of them; row i of each is picture i."""

    pictures: list[np.ndarray]  # uint8 (h, w, 3)
    actual: np.ndarray  # the true classes, in capitals, "" where they are not known
    seen: np.ndarray  # what the network takes of them: images, or joints
    hands: list[Hand | None]  # that the reader found
    ours: np.ndarray  # the network's probabilities (n, its classes)
    readers: np.ndarray  # the reader's (n, its signs)
    signs: tuple[str, ...]  # of the reader


def kind_of(class_names: Sequence[str]) -> str:
    """Which signs the reader should look for: "digits" where all classes are digits."""
    return "digits" if all(name.isdigit() for name in class_names) else "letters"


def draw_pictures(folder: Path, class_names: Sequence[str]) -> list[str]:
    """Draw two signs, of the classes where they are signs, into folders of their names: each once
    close up, and once before a bookshelf. Gives the two.
    """
    known = [name for name in class_names if name.upper() in SIGNS[kind_of(class_names)]]
    signs = sorted(known or ["B", "L"], key=lambda name: name.upper() not in EASY)[:2]
    for sign in signs:
        (folder / sign).mkdir(parents=True, exist_ok=True)
        for name, draw in (("close up", draw_hand), ("in a room", draw_in_room)):
            size = {"size": 200} if draw is draw_hand else {}
            picture = draw(sign.upper(), signer=SIGNER, seed=SEED, **size)
            Image.fromarray(picture).save(folder / sign / f"{name}.png")
    return signs


def ask_both(model: keras.Model, metadata: Metadata, reader: Network, folder: Path) -> Asked:
    """What a network and the reader say of the pictures in a folder; what cannot be read is said.

    A sub-folder that is named after a sign says what its pictures are. AslError for a folder
    without pictures.
    """
    kind = kind_of(metadata.class_names)
    found = tables.read_inputs(reader, find_inputs([folder]), signs=kind)
    lines, _ = told(found.left_out)
    print(*lines, sep="\n", end="\n" if lines else "")
    paths = [folder / name for name in found.table["image"]]
    height, width, channels = metadata.input_shape
    values = read_inputs(model, paths, (height, width, channels))
    seen = np.stack([value for value in values if isinstance(value, np.ndarray)])
    there = np.array([value.any() for value in seen])  # only zeros: no hand was found
    return Asked(
        pictures=[read_image(path, largest=LARGEST) for path in paths],
        actual=found.table["actual"].to_numpy(),
        seen=seen,
        hands=[reading.hand for reading in found.readings],
        ours=predict_input(model, NetworkInput(seen, there)),
        readers=np.stack([reading.probabilities for reading in found.readings]),
        signs=SIGNS[kind],
    )
