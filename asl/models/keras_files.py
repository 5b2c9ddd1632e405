"""A .keras file as a network: read by Keras, or, where this Keras is older than the one that wrote
it and does not know all of its settings, built anew and given the weights of the file.
"""

from __future__ import annotations

import json
import re
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from asl import files
from asl.environment import is_older
from asl.errors import AslError

if TYPE_CHECKING:
    import keras

# What may stand in a file besides layers: everything else that Keras could look up by its name, it
# could be made to run. Versions of Keras before 3.11 do not check this themselves.
HARMLESS = {
    "activations",
    "constraints",
    "dtype_policies",
    "initializers",
    "layers",
    "losses",
    "metrics",
    "models",
    "ops",
    "optimizers",
    "regularizers",
}
# Layers that hold code, or fetch it from another file
CODE = {"Lambda", "__lambda__", "TFSMLayer", "TorchModuleWrapper", "JaxLayer", "FlaxLayer"}
# Settings that may differ between two builds of one architecture: they matter in training alone
OF_TRAINING = {"trainable", "momentum", "seed"}


def load_keras_file(file: Path, rebuild: Callable[[], keras.Model] | None = None) -> keras.Model:
    """A network as Keras saved it. Only layers that Keras knows are built: a file that carries code
    of its own is refused.

    `rebuild` gives the architecture as this version builds it. Where Keras cannot read the file's
    settings, because a newer one wrote them, and the two have the same layers, it takes the file's
    weights. AslError for code, for a damaged file, and for one that only a newer Keras can read.
    """
    if not file.is_file():
        raise AslError(f"{files.shown(file)} does not exist.")
    again = "Train it again (notebook 05_train)."
    try:
        config, written_by = _read_settings(file)
    except Exception as error:  # zipfile and json raise whatever the damage meets first
        raise AslError(f"{files.shown(file)} cannot be read ({_reason(error)}). {again}") from error
    if _carries_code(config):
        raise AslError(f"{files.shown(file)} carries code of its own, which is not run. {again}")
    from asl.keras_setup import keras

    try:
        return keras.saving.load_model(file, compile=False, safe_mode=True)
    except Exception as error:  # as above
        model = _with_weights_of(file, config, rebuild) if rebuild else None
        if model is not None:
            return model
        raise AslError(f"{files.shown(file)} {_unread(error, written_by)} {again}") from error


def _read_settings(file: Path) -> tuple[dict[str, Any], str]:
    """What the file says of its layers, and which Keras wrote it. Every part is checked."""
    with zipfile.ZipFile(file) as archive:
        if damaged := archive.testzip():
            raise ValueError(f"its part {damaged} is damaged")
        config = json.loads(archive.read("config.json"))
        written_by = json.loads(archive.read("metadata.json")).get("keras_version", "")
    if not isinstance(config, dict):
        raise ValueError("its config.json is damaged")
    return config, str(written_by)


def _carries_code(part: object) -> bool:
    """Whether a part of the settings names a layer that holds code, or anything but Keras' own."""
    if isinstance(part, list):
        return any(_carries_code(each) for each in part)
    if not isinstance(part, dict):
        return False
    if "class_name" in part and _is_foreign(part):
        return True
    return any(_carries_code(each) for each in part.values())


def _is_foreign(part: dict[str, Any]) -> bool:
    """Whether an object of the settings is no plain one of Keras' own."""
    kind, module = part["class_name"], str(part.get("module") or "")
    if kind in CODE:
        return True
    if kind == "function":  # of Keras, which it looks up by its name, or of someone else
        return module not in ("", "builtins")
    if not module:  # registered by someone's code, or a plain value
        return ">" in str(part.get("registered_name") or "")
    package, *rest = module.split(".")
    rest = [name for name in rest if name != "src"]
    return package != "keras" or bool(rest and rest[0] not in HARMLESS)


def _with_weights_of(
    file: Path, config: dict[str, Any], rebuild: Callable[[], keras.Model]
) -> keras.Model | None:
    """The architecture that `rebuild` gives, with the weights of the file; None where the file is
    of another architecture.
    """
    try:
        model = rebuild()
        if not _alike(config, json.loads(model.to_json())):
            return None
        with tempfile.TemporaryDirectory() as folder, zipfile.ZipFile(file) as archive:
            model.load_weights(archive.extract("model.weights.h5", folder))
    except Exception:  # an unknown architecture, weights that do not fit: Keras' error says more
        return None
    return model


def _alike(config: dict[str, Any], other: dict[str, Any]) -> bool:
    """Whether two networks have the same layers in the same order, with the same settings as far as
    both name them. Which settings there are depends on the version of Keras.
    """
    ours, theirs = list(_outline(config)), list(_outline(other))
    return len(ours) == len(theirs) and all(
        kind == other_kind and all(known[key] == also[key] for key in known.keys() & also.keys())
        for (kind, known), (other_kind, also) in zip(ours, theirs, strict=True)
    )


def _outline(network: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Kind and plain settings of each layer, those of a backbone inside the network among them, and
    the numbers that it computes with.
    """
    for layer in network["config"]["layers"]:
        settings = layer["config"]
        if "layers" in settings:
            yield from _outline(layer)
            continue
        plain = {
            key: value
            for key, value in settings.items()
            if key not in OF_TRAINING and not isinstance(value, dict) and key != "dtype"
        }
        # Keras numbers the names that it gives: conv2d_8 here may be conv2d there
        plain["name"] = re.sub(r"_\d+$", "", str(layer.get("name") or settings.get("name")))
        arguments = [each for node in layer.get("inbound_nodes", ()) for each in node["args"]]
        plain["numbers"] = [each for each in arguments if isinstance(each, int | float)]
        yield layer["class_name"], plain


def _unread(error: Exception, written_by: str) -> str:
    """Why Keras could not read a file."""
    from asl.keras_setup import keras

    if is_older(keras.__version__, written_by):
        return (
            f"was written by Keras {written_by} and cannot be read by Keras {keras.__version__}, "
            f'which is here. Install the newer one: python -m pip install "keras>={written_by}" '
            "(in a notebook %pip in place of python -m pip), then start Python again. Or:"
        )
    return f"cannot be read ({_reason(error)})."


def _reason(error: Exception) -> str:
    """The last line of an error: Keras tells first where it was, and at last what went wrong."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    last = lines[-1] if lines else type(error).__name__
    return last.removeprefix("Exception encountered: ")[:160]
