"""From images and picture files to probabilities."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from tqdm import tqdm

from asl.data.image_formats import PictureError
from asl.data.images import (
    NO_PICTURE,
    Inputs,
    LeftOut,
    find_inputs,
    fit,
    summary,
)
from asl.data.load import load
from asl.data.mapped_images import Images
from asl.data.samples import Samples
from asl.errors import AslError
from asl.export.network import ExportedNetwork
from asl.landmarks.augmentation import normalize_points
from asl.landmarks.crops import AROUND, HAND_SIZE, NO_POINTS, SURE, cut_crops, is_tiny
from asl.landmarks.joint_store import stored_joints
from asl.landmarks.looks import LOOKS, look_again_in_each
from asl.models.inputs import NetworkInput, network_input, read_inputs, takes_joints
from asl.models.layers import prediction_batch
from asl.models.registry import input_size
from asl.results import NO_HAND, results_table

if TYPE_CHECKING:
    import keras

BLOCK = 1024  # pictures in memory at a time, so that any number fits


def predict(model: keras.Model, images: Images) -> np.ndarray:
    """Probabilities float32 (n, classes) of images uint8 (n, height, width, channels), 0–255.

    A network that takes joints has hands looked for in them first, once for the same images: where
    there is none, all probabilities are 0 (`most_likely` gives -1).
    """
    if not takes_joints(model) and images.shape[1:] != model.input_shape[1:]:
        raise AslError(
            f"the images are {images.shape[1:]}, but the network takes {model.input_shape[1:]}: "
            "it was trained on another data set, or the images still need asl.fit."
        )
    return predict_input(model, network_input(model, images))


def predict_input(model: keras.Model | ExportedNetwork, seen: NetworkInput) -> np.ndarray:
    """Probabilities float32 (n, classes) of what a network takes of images; zeros where it found
    nothing to look at.
    """
    probabilities = run(model, seen.values)
    return probabilities if seen.found.all() else probabilities * seen.found[:, None]


def predict_fitted(model: keras.Model, images: Images) -> np.ndarray:
    """As `predict`, of images of any size and colour, brought to what the network takes.

    The reader and `joints` look for hands in them first, at the size that they have: where there
    is none, all probabilities are 0, but for what the reader is SURE of in tiny images.
    """
    if len(model.inputs) > 1:
        return _predict_hands(model, images)
    if takes_joints(model):
        return predict(model, images)
    shape = model.input_shape[1:]
    if images.shape[1:] == shape:
        return predict(model, images)
    found = []
    for start in range(0, max(len(images), 1), BLOCK):
        fitted = [fit(image, shape) for image in images[start : start + BLOCK]]
        found.append(predict(model, np.stack(fitted)))
    return np.concatenate(found)


def load_for(model: keras.Model, dataset: str) -> Samples:
    """A data set as a network wants to see it, see `load`."""
    if len(model.inputs) > 1:
        return load(dataset, size=HAND_SIZE)
    if takes_joints(model):
        return load(dataset, size=input_size("joints"))
    return load(dataset, image_shape=model.input_shape[1:])


def _predict_hands(model: keras.Model, images: Images) -> np.ndarray:
    joints, _ = stored_joints(images)
    told = np.zeros((len(images), model.output_shape[-1]), np.float32)
    side = model.inputs[1].shape[1]
    for start in range(0, len(images), BLOCK):
        block, hands = images[start : start + BLOCK], joints.take(slice(start, start + BLOCK))
        looks = np.zeros((len(block), LOOKS, *NO_POINTS.shape), np.float32)
        looks[hands.found] = normalize_points(look_again_in_each(block, hands))
        seen = hands.found | np.array([is_tiny(image) for image in block])  # see reader.read
        crops = cut_crops(block, hands._replace(presence=seen), side, AROUND).astype(np.float32)
        if seen.any():
            probabilities = model.predict_on_batch([looks[seen], crops])
            sure = hands.found[seen] | (probabilities.max(axis=1) >= SURE)
            told[start + np.flatnonzero(seen)] = probabilities * sure[:, None]
    return told


def run(model: keras.Model | ExportedNetwork, images: Images) -> np.ndarray:
    """The outputs of any Keras model, a row an image; `model.predict` with less ado about it."""
    batch = model.batch if isinstance(model, ExportedNetwork) else prediction_batch(model)
    starts = range(0, max(len(images), 1), batch)
    return np.concatenate(
        [model.predict_on_batch(images[start : start + batch]) for start in starts]
    )


def predict_files(
    model: keras.Model, class_names: Sequence[str], inputs: Sequence[str | Path]
) -> tuple[pd.DataFrame, list[str]]:
    """Read picture files and folders of them; give the results and what could not be read.

    A picture is called what it was given as; where one folder alone was given, by its path inside
    that folder. A sub-folder that has the name of a class says what its pictures are (column
    `actual`). Each message of the second list names a file that looks like a picture. AslError for
    a path that does not exist and a folder without pictures.
    """
    table, left_out = predict_inputs(model, class_names, find_inputs(inputs))
    missed = {reason: names for reason, names in left_out.items() if reason != NO_PICTURE}
    return table, [f"{name} {reason}" for reason, names in missed.items() for name in names]


def predict_inputs(
    model: keras.Model | ExportedNetwork, class_names: Sequence[str], inputs: Inputs
) -> tuple[pd.DataFrame, LeftOut]:
    """The results of what `find_inputs` found, and all that was left out: reason → names.

    Of a network that takes joints, a picture without a hand has a row with an empty prediction,
    and a column `note` says why.
    """
    tables = []
    left_out = {reason: [*names] for reason, names in inputs.left_out.items()}

    def read(start: int) -> list[np.ndarray | PictureError]:
        files = inputs.files[start : start + BLOCK]
        return list(read_inputs(model, files, model.input_shape[1:]))

    with ThreadPoolExecutor(1) as reader:  # reads a block while the network looks at the last one
        reading = reader.submit(read, 0)
        starts = range(0, len(inputs.files), BLOCK)
        for start in tqdm(starts, desc="reading pictures", unit="block", delay=1, leave=False):
            block, reading = reading.result(), reader.submit(read, start + BLOCK)
            kept, images = [], []
            for row, image in enumerate(block, start):
                if isinstance(image, PictureError):
                    left_out.setdefault(image.reason, []).append(image.name)
                else:
                    kept.append(row)
                    images.append(image)
            if images:
                names = [inputs.names[row] for row in kept]
                folders = [inputs.folders[row] for row in kept]
                actual = [folder if folder in class_names else "" for folder in folders]
                tables.append(_table(model, np.stack(images), names, class_names, actual))
    if not tables:
        count = len(inputs.files) + sum(map(len, inputs.left_out.values()))
        raise AslError(f"none of {count:,} pictures could be read: {summary(left_out)}")
    table = pd.concat(tables, ignore_index=True)
    return table.fillna({"note": ""}) if "note" in table else table, left_out


def _table(
    model: keras.Model | ExportedNetwork,
    values: np.ndarray,
    names: Sequence[str],
    class_names: Sequence[str],
    actual: Sequence[str],
) -> pd.DataFrame:
    """The results of pictures that were read as the network takes them."""
    found = np.ones(len(values), bool)
    if takes_joints(model):
        found[:] = values.any(axis=(1, 2))
    probabilities = predict_input(model, NetworkInput(values, found))
    table = results_table(names, probabilities, class_names, actual)
    return table if found.all() else table.assign(note=np.where(found, "", NO_HAND))
