"""Trained networks on the disk: model/<name>.keras and its sidecar model/<name>.json.

The sidecar says what the weights cannot: the class names in order, the data and the split they
were trained on, the best epoch with its figures, the versions of the libraries. Notebooks 06 to 08
start from these two files alone.
"""

from __future__ import annotations

import hashlib
import json
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from asl import paths
from asl.errors import AslError

if TYPE_CHECKING:
    import keras

NEEDED = ("dataset", "model", "class_names", "input_shape", "seed", "weights_sha256")


def find(name: str | Path) -> Path:
    """The .keras file of a trained network, from a name such as `letters-cnn` or from a path.

    Raises AslError that says which notebook makes it, and which there are.
    """
    given = Path(name)
    file = given if given.suffix == ".keras" else paths.MODEL / f"{name}.keras"
    stored = paths.REPOSITORY / "model" / f"{name}.keras"  # that came with the project
    for place in (file, stored):
        if place.is_file():
            return place
    there = ", ".join(list_names()) or "none yet"
    dataset, _, network = (file.stem if "-" in file.stem else f"{file.stem}-cnn").rpartition("-")
    dataset = "folder:PATH" if "-" in dataset else dataset
    if file.stem.startswith("reader"):
        raise AslError(f"{paths.shown(file)} is not there: python -m asl reader makes it.")
    raise AslError(
        f"{paths.shown(file)} is not there. Notebook 05_train makes it; in the shell: "
        f"python -m asl train --dataset {dataset} --model {network}. "
        f"Trained so far: {there}."
    )


def list_names() -> list[str]:
    """Names of the trained networks in model/."""
    return sorted(file.stem for file in paths.MODEL.glob("*.keras") if file.stem[0] != ".")


def read_sidecar(file: Path) -> dict[str, Any]:
    """What model/<name>.json says; AslError if it is missing, damaged, or not of these weights."""
    sidecar = file.with_suffix(".json")
    again = "Train the network again (notebook 05_train), or put back both files of one training."
    if not sidecar.is_file():
        raise AslError(f"{paths.shown(sidecar)} is missing beside {file.name}. {again}")
    try:
        about = json.loads(sidecar.read_text(encoding="utf-8"))
        missing = [key for key in NEEDED if key not in about]
    except (ValueError, TypeError, UnicodeDecodeError) as error:
        raise AslError(f"{paths.shown(sidecar)} is damaged ({error}). {again}") from error
    if not isinstance(about, dict) or missing:
        raise AslError(f"{paths.shown(sidecar)} lacks {', '.join(missing)}. {again}")
    if about["weights_sha256"] != _sha256(file):
        raise AslError(
            f"{paths.shown(sidecar)} does not belong to {file.name}: the weights are damaged or of "
            f"another training. {again}"
        )
    about.setdefault("temperature", 1.0)  # networks of before these were measured
    about.setdefault("sure", {"precision": 1.0, "confidence": 1.0, "unread": 1.0})
    return about


def load_model(name: str | Path) -> tuple[keras.Model, dict[str, Any]]:
    """A trained network and its sidecar, from a name or a path.

    Only layers that Keras knows are built: a file that carries code of its own is refused. AslError
    for a file that is missing, damaged, or does not fit its sidecar.
    """
    file = find(name)
    about = read_sidecar(file)  # before Keras, whose import takes seconds

    from asl.backend import keras

    try:
        model = keras.saving.load_model(file, compile=False, safe_mode=True)
    except Exception as error:  # Keras raises whatever the damage meets first
        unsafe = "safe_mode" in str(error) or "deserializ" in str(error)
        reason = (
            "carries code of its own, which is not run"
            if unsafe
            else f"cannot be read ({str(error).splitlines()[0][:160]})"
        )
        raise AslError(
            f"{paths.shown(file)} {reason}. Train it again (notebook 05_train)."
        ) from error
    shapes = (list(model.input_shape[1:]), model.output_shape[-1])
    if shapes != (list(about["input_shape"]), len(about["class_names"])):
        raise AslError(
            f"{paths.shown(file)} takes {shapes[0]} and gives {shapes[1]} classes, but its sidecar "
            f"says {about['input_shape']} and {len(about['class_names'])}. Train it again."
        )
    return model, about


def save_model(model: keras.Model, name: str, about: dict[str, Any]) -> Path:
    """Write model/<name>.keras and its sidecar, each whole or not at all; gives the .keras path.

    `about` becomes the sidecar, with input_shape, versions and the weights' hash added.
    """
    file = paths.MODEL / f"{name}.keras"
    sidecar = file.with_suffix(".json")
    # The weights are renamed first: killed in between, the old sidecar does not fit them, and the
    # training's folder, still there, makes both again.
    with paths.write_beside(sidecar) as new_sidecar, paths.write_beside(file) as new_file:
        model.save(new_file)
        about = {
            **about,
            "input_shape": list(model.input_shape[1:]),
            "parameters": model.count_params(),
            "versions": versions(),
            "weights_sha256": _sha256(new_file),
        }
        text = json.dumps(about, indent=2, ensure_ascii=False)
        new_sidecar.write_text(text + "\n", encoding="utf-8")
    return file


def versions() -> dict[str, str]:
    """The versions of the libraries that a result may depend on."""
    return {package: version(package) for package in ("tensorflow", "keras", "numpy")}


def _sha256(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()
