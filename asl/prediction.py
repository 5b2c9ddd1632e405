"""From images and picture files to probabilities."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from tqdm import tqdm

from asl.data.images import find_inputs, fit, read_images
from asl.data.mapped_images import Images
from asl.errors import AslError
from asl.models.layers import largest_output
from asl.results import results_table

if TYPE_CHECKING:
    import keras

BATCH = 512
PREDICTION_MEMORY = 1 << 27  # bytes of maps at a time: more would not fit the cache
BLOCK = 1024  # pictures in memory at a time, so that any number fits


def predict(model: keras.Model, images: Images) -> np.ndarray:
    """Probabilities float32 (n, classes) of images uint8 (n, height, width, channels), 0–255."""
    if images.shape[1:] != model.input_shape[1:]:
        raise AslError(
            f"the images are {images.shape[1:]}, but the network takes {model.input_shape[1:]}: "
            "it was trained on another data set, or the images still need asl.fit."
        )
    return run(model, images)


def predict_fitted(model: keras.Model, images: Images) -> np.ndarray:
    """As `predict`, of images of any size and colour, brought to what the network takes."""
    shape = model.input_shape[1:]
    if images.shape[1:] == shape:
        return predict(model, images)
    found = []
    for start in range(0, max(len(images), 1), BLOCK):
        fitted = [fit(image, shape) for image in images[start : start + BLOCK]]
        found.append(predict(model, np.stack(fitted)))
    return np.concatenate(found)


def run(model: keras.Model, images: Images) -> np.ndarray:
    """The outputs of any Keras model, a row an image; `model.predict` with less ado about it."""
    batch = min(BATCH, max(1, PREDICTION_MEMORY // (3 * largest_output(model))))
    starts = range(0, max(len(images), 1), batch)
    return np.concatenate(
        [model.predict_on_batch(images[start : start + batch]) for start in starts]
    )


def predict_files(
    model: keras.Model, class_names: Sequence[str], inputs: Sequence[str | Path]
) -> tuple[pd.DataFrame, list[str]]:
    """Read picture files and folders of them; give the results and what could not be read.

    A picture is called what it was given as, one in a folder by its path inside that folder. A
    sub-folder that has the name of a class says what its pictures are (column `actual`). Each
    message of the second list names a file. AslError for a path that does not exist and a folder
    without pictures.
    """
    names, pictures = find_inputs(inputs)
    tables, bad = [], []

    def read(start: int) -> list[np.ndarray | AslError]:
        return list(read_images(pictures[start : start + BLOCK], model.input_shape[1:]))

    with ThreadPoolExecutor(1) as reader:  # reads a block while the network looks at the last one
        reading = reader.submit(read, 0)
        starts = range(0, len(pictures), BLOCK)
        for start in tqdm(starts, desc="reading pictures", unit="block", delay=1, leave=False):
            block, reading = reading.result(), reader.submit(read, start + BLOCK)
            kept_names, images, actual = [], [], []
            for row, image in enumerate(block, start):
                if isinstance(image, AslError):
                    bad.append(str(image))
                    continue
                name, folder = names[row], Path(names[row]).parent.name
                known = folder in class_names and name != str(pictures[row])
                kept_names.append(name)
                images.append(image)
                actual.append(folder if known else "")
            if images:
                probabilities = predict(model, np.stack(images))
                tables.append(results_table(kept_names, probabilities, class_names, actual))
    if not tables:
        raise AslError(f"none of {len(pictures):,} pictures could be read: " + "; ".join(bad[:5]))
    return pd.concat(tables, ignore_index=True), bad
