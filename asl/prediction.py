"""Reading images and writing what was read: results.csv, a row an image."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from tqdm import tqdm

from asl import models, paths
from asl.arrays import Rows
from asl.errors import AslError
from asl.images import find_inputs, fit, read_images

if TYPE_CHECKING:
    import keras

COLUMNS = ["image", "actual", "predicted", "confidence", "second", "second_confidence"]
BATCH = 512
PREDICTION_MEMORY = 1 << 27  # bytes of maps at a time: more would not fit the cache
BLOCK = 1024  # pictures in memory at a time, so that any number fits


def predict(model: keras.Model, images: np.ndarray | Rows) -> np.ndarray:
    """Probabilities float32 (n, classes) of images uint8 (n, height, width, channels), 0–255."""
    if images.shape[1:] != model.input_shape[1:]:
        raise AslError(
            f"the images are {images.shape[1:]}, but the network takes {model.input_shape[1:]}: "
            "it was trained on another data set, or the images still need asl.fit."
        )
    return run(model, images)


def predict_fitted(model: keras.Model, images: np.ndarray | Rows) -> np.ndarray:
    """As `predict`, of images of any size and colour, brought to what the network takes."""
    shape = model.input_shape[1:]
    if images.shape[1:] == shape:
        return predict(model, images)
    starts = range(0, max(len(images), 1), BLOCK)
    blocks = (images[start : start + BLOCK] for start in starts)
    return np.concatenate(
        [predict(model, np.stack([fit(each, shape) for each in block])) for block in blocks]
    )


def run(model: keras.Model, images: np.ndarray | Rows) -> np.ndarray:
    """The outputs of any Keras model, a row an image; `model.predict` with less ado about it."""
    batch = min(BATCH, max(1, PREDICTION_MEMORY // models.memory_an_image(model)))
    starts = range(0, max(len(images), 1), batch)
    return np.concatenate(
        [model.predict_on_batch(images[start : start + batch]) for start in starts]
    )


def results_table(
    names: Sequence[str],
    probabilities: np.ndarray,
    class_names: Sequence[str],
    actual: Sequence[str] | None = None,
) -> pd.DataFrame:
    """The two most likely classes of each image with their probabilities, as in results.csv.

    names (n,), probabilities (n, classes), actual class names (n,) where they are known.
    """
    class_array = np.array([*class_names])
    first, second = np.argsort(-probabilities, axis=1, kind="stable")[:, :2].T
    rows = np.arange(len(probabilities))
    columns = [
        names,
        [""] * len(rows) if actual is None else actual,
        class_array[first],
        probabilities[rows, first],
        class_array[second],
        probabilities[rows, second],
    ]
    return pd.DataFrame(dict(zip(COLUMNS, columns, strict=True)))


def predict_files(
    model: keras.Model, class_names: Sequence[str], inputs: Sequence[str | Path]
) -> tuple[pd.DataFrame, list[str]]:
    """Read picture files and folders of them; give the results and what could not be read.

    A picture is called what it was given as, one in a folder by its path inside that folder. A
    sub-folder that has the name of a class says what its pictures are (column `actual`). Each
    message of the second list names a file. AslError for a path that does not exist and a folder
    without pictures.
    """
    names, files = find_inputs(inputs)
    shape = model.input_shape[1:]
    tables, bad = [], []
    with ThreadPoolExecutor(1) as reader:  # reads a block while the network looks at the last one
        reading = reader.submit(list, read_images(files[:BLOCK], shape))
        starts = range(0, len(files), BLOCK)
        for start in tqdm(starts, desc="reading pictures", unit="block", delay=1, leave=False):
            here, block = slice(start, start + BLOCK), reading.result()
            reading = reader.submit(
                list, read_images(files[start + BLOCK : start + 2 * BLOCK], shape)
            )
            kept_names, images, actual = [], [], []
            for name, file, image in zip(names[here], files[here], block, strict=True):
                if isinstance(image, AslError):
                    bad.append(str(image))
                    continue
                kept_names.append(name)
                images.append(image)
                parent = Path(name).parent.name if name != str(file) else ""
                actual.append(parent if parent in class_names else "")
            if images:
                probabilities = predict(model, np.stack(images))
                tables.append(results_table(kept_names, probabilities, class_names, actual))
    if not tables:
        raise AslError(f"none of {len(files):,} pictures could be read: " + "; ".join(bad[:5]))
    return pd.concat(tables, ignore_index=True), bad


def write_results(table: pd.DataFrame, path: str | Path | None = None) -> Path:
    """Write the table as results.csv, or to `path`: UTF-8, no index, four decimals, cut and not
    rounded up to 1; whole or not at all. Gives the path.
    """
    path = Path(path or paths.RESULTS)
    shares = ["confidence", "second_confidence"]
    table = table.assign(**{name: np.floor(table[name] * 1e4 + 1e-6) / 1e4 for name in shares})
    with paths.write_beside(path) as temporary:
        table.to_csv(
            temporary, columns=COLUMNS, index=False, float_format="%.4f", lineterminator="\n"
        )
    return path


def read_results(path: str | Path | None = None) -> pd.DataFrame:
    """The table that `write_results` wrote; unknown `actual` is the empty string."""
    path = Path(path or paths.RESULTS)
    if not path.is_file():
        raise AslError(f"{paths.shown(path)} is not there: notebook 08_predict writes it.")
    text = {column: str for column in ("image", "actual", "predicted", "second")}
    return pd.read_csv(path, dtype=text, keep_default_na=False)
