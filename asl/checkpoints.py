"""Checkpoints: model/<name>.keras, and beside it model/<name>.json, its metadata.

The metadata says what the weights cannot: the class names in order, the data and the split they
were trained on, the best epoch with its figures, the versions of the libraries. Notebooks 06 to 08
start from these two files alone.
"""

from __future__ import annotations

import hashlib
import importlib
import json
import os
from contextlib import suppress
from dataclasses import replace
from datetime import date
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from asl import files
from asl.data.catalog import find_dataset
from asl.data.load import load
from asl.data.samples import Split, SplitRecipe
from asl.errors import AslError
from asl.models.inputs import takes_joints
from asl.models.keras_files import load_keras_file
from asl.models.metadata import Metadata, from_json, to_json
from asl.models.reader import random_reader

if TYPE_CHECKING:
    import keras

SHIPPED = ("letters-cnn", "reader")  # that come with the project


def checkpoint_name(dataset: str, model: str) -> str:
    """What a network trained on a data set is called in model/: `letters-cnn`."""
    return f"{find_dataset(dataset).slug}-{model}"


def find(name: str | Path) -> Path:
    """The .keras file of a checkpoint, from a name such as `letters-cnn` or from a path.

    Raises AslError that says which notebook makes it, and which there are.
    """
    file = Path(name) if Path(name).suffix == ".keras" else files.MODEL / f"{name}.keras"
    if name in SHIPPED and not file.is_file():
        file = files.REPOSITORY / "model" / f"{name}.keras"
    if file.is_file():
        return file
    if file.stem.startswith("reader"):
        raise AslError(f"{files.shown(file)} is not there: python -m asl reader makes it.")
    dataset, _, network = (file.stem if "-" in file.stem else f"{file.stem}-cnn").rpartition("-")
    dataset = "folder:PATH" if "-" in dataset else dataset
    raise AslError(
        f"{files.shown(file)} is not there. Notebook 05_train makes it; in the shell: "
        f"python -m asl train --dataset {dataset} --model {network}. "
        f"Trained so far: {', '.join(list_names()) or 'none yet'}."
    )


def list_names() -> list[str]:
    """Names of the checkpoints in model/."""
    return sorted(file.stem for file in files.MODEL.glob("*.keras") if file.stem[0] != ".")


def read_metadata(file: Path) -> Metadata:
    """What model/<name>.json says; AslError if it is missing, damaged, or not of these weights."""
    beside = file.with_suffix(".json")
    digest = files.sha256(file)
    _finish_saving(file, digest)
    again = "Train the network again (notebook 05_train), or put back both files of one training."
    if not beside.is_file():
        raise AslError(f"{files.shown(beside)} is missing beside {file.name}. {again}")
    try:
        metadata = from_json(beside.read_text(encoding="utf-8"))
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise AslError(f"{files.shown(beside)} is damaged ({error}). {again}") from error
    if metadata.weights_sha256 != digest:
        raise AslError(
            f"{files.shown(beside)} does not belong to {file.name}: the weights are damaged or of "
            f"another training. {again}"
        )
    return metadata


def load_model(name: str | Path) -> tuple[keras.Model, Metadata]:
    """A checkpoint, the network and its metadata, from a name or a path.

    AslError for a file that is missing, damaged, carries code, or does not fit its metadata.
    """
    file = find(name)
    metadata = read_metadata(file)  # before Keras, whose import takes seconds
    model = load_keras_file(file, rebuild=partial(_rebuild, metadata))
    shapes = (_image_shape(model) or metadata.input_shape, model.output_shape[-1])
    if shapes != (metadata.input_shape, len(metadata.class_names)):
        raise AslError(
            f"{files.shown(file)} takes {shapes[0]} and gives {shapes[1]} classes, but its "
            f"metadata says {metadata.input_shape} and {len(metadata.class_names)}. Train it again."
        )
    if metadata.parameters not in (0, model.count_params()):
        raise AslError(
            f"{files.shown(file)} has {model.count_params():,} parameters, but its metadata says "
            f"{metadata.parameters:,}. Train it again."
        )
    if not all(np.isfinite(weights).all() for weights in model.get_weights()):
        raise AslError(
            f"{files.shown(file)} holds weights that are no numbers (NaN or infinite): a training "
            "that went astray. Train it again, with a lower learning rate if that happens again."
        )
    return model, metadata


def save_model(model: keras.Model, name: str, metadata: Metadata) -> Path:
    """Write model/<name>.keras and its metadata, both or neither; gives the .keras path.

    The day, input shape, parameters, versions and the weights' hash are added to the metadata; the
    shape of the images stays as the metadata says where the network takes joints.
    """
    file = files.MODEL / f"{name}.keras"
    # The new metadata lies ready before the weights get their name: killed in between, whoever
    # reads them next finds it there
    with files.write_beside(file) as new:
        model.save(new)
        metadata = replace(
            metadata,
            saved=date.today().isoformat(),
            input_shape=_image_shape(model) or metadata.input_shape,
            parameters=model.count_params(),
            versions=_versions(),
            weights_sha256=files.sha256(new),
            arrays_sha256=arrays_sha256(model),
        )
        with files.write_beside(_pending(file)) as pending:
            pending.write_text(to_json(metadata), encoding="utf-8")
    os.replace(_pending(file), file.with_suffix(".json"))
    return file


def _image_shape(model: keras.Model) -> tuple[int, ...]:
    """Height, width and channels of the images; they are the last of several inputs. Empty where
    the network takes joints.
    """
    return () if takes_joints(model) else tuple(model.inputs[-1].shape[1:])


def arrays_sha256(model: keras.Model) -> str:
    """A hash of the weights of a network, array by array."""
    found = hashlib.sha256()
    for array in model.get_weights():
        found.update(
            f"{array.dtype} {array.shape}".encode() + np.ascontiguousarray(array).tobytes()
        )
    return found.hexdigest()


def _pending(file: Path) -> Path:
    """Where metadata waits for its weights to be there."""
    return file.with_name(f".{file.stem}.next.json")


def _finish_saving(file: Path, digest: str) -> None:
    """Give metadata its name where a process was killed between it and its weights."""
    with suppress(OSError, ValueError, KeyError, TypeError):
        pending = json.loads(_pending(file).read_text(encoding="utf-8"))
        if pending["weights_sha256"] == digest:
            os.replace(_pending(file), file.with_suffix(".json"))


def _rebuild(metadata: Metadata) -> keras.Model:
    """The architecture of a checkpoint, its weights random. AslError for one that `build` does not
    know.
    """
    from asl.models.build import build  # here, since Keras takes seconds

    height, width, channels = metadata.input_shape
    shape, classes = (height, width, channels), len(metadata.class_names)
    if metadata.pixels_share is not None:
        return random_reader(classes, metadata.pixels_share, metadata.temperature)
    return build(metadata.model, shape, classes, weights=None)


def _versions() -> dict[str, str]:
    """As the packages say themselves: tensorflow-cpu and tf-nightly are tensorflow too."""
    from asl.keras_setup import BACKEND, keras

    computing = importlib.import_module(BACKEND)
    return {each.__name__: each.__version__ for each in (computing, keras, np)}


def replay_split(metadata: Metadata) -> Split:
    """The split that a checkpoint was trained on, made again from its data set and its recipe.

    Its test part holds no image that was trained on. AslError where that cannot be had: the data
    set changed, or knows other classes.
    """
    if metadata.datasets:
        raise AslError(
            f"this checkpoint was trained on several data sets ({', '.join(metadata.datasets)}), "
            "which have no split in common."
        )
    known = find_dataset(metadata.dataset).class_names
    if known != metadata.class_names:
        raise AslError(
            f"the checkpoint knows other classes ({len(metadata.class_names)}) than "
            f"{metadata.dataset} has ({len(known)}): train it again."
        )
    recipe = metadata.split or SplitRecipe(seed=metadata.seed)
    if not recipe.names_sha256:
        print(
            "CAUTION: this checkpoint is of an older version, which did not record its split. It "
            f"is taken to be by {recipe.by} with seed {recipe.seed}. If it was not, images that "
            "were trained on are counted as a test. Train again to be sure."
        )
    from asl.data.split import replay  # here, since predicting needs no scikit-learn

    height, width, channels = metadata.input_shape
    return replay(load(metadata.dataset, image_shape=(height, width, channels)), recipe)
