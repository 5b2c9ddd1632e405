"""Weights from ImageNet: found on this machine or fetched, checked, and read into a base."""

from __future__ import annotations

import hashlib
import os
import tempfile
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

from filelock import FileLock

from asl import models, paths
from asl.errors import AslError

if TYPE_CHECKING:
    import keras

HUB = "keras-hub:"  # what the address of a preset of keras-hub begins with


def folder() -> Path:
    """Where weights are kept once they were fetched, and may be put by hand."""
    return paths.DATA / "weights"


def find_weights(name: str, weights: str | Path | None = "imagenet") -> Path | None:
    """The file of a network's weights: `weights` where that is a path, else from data/weights, the
    folders that ASL_ARCHIVES names, or the network. None where there are none to be read.

    AslError for a path that does not exist, a file that is not what its name says, and where there
    is neither a file nor a network.
    """
    network = models.find(name)
    if network.pretrained is None or weights is None:
        return None
    if str(weights) != "imagenet":
        path = Path(weights).expanduser()
        if not path.is_file():
            raise AslError(
                f"{weights} does not exist: weights are 'imagenet', a file of them, or none."
            )
        return path
    for place in (folder(), *paths.archive_folders()):
        for known in network.pretrained.files:
            if (place / known.name).is_file():
                _check(place / known.name, known)
                return place / known.name
    known = network.pretrained.files[0]
    file = folder() / known.name
    with FileLock(paths.locked(file)):
        if not file.is_file():  # whoever held the lock may have fetched it
            _fetch(known, file, network)
    return file


def random_weights(name: str) -> Path:
    """A file of random weights in data/weights, to try the way of transfer learning without a
    network: nothing is gained by them.
    """
    from asl import networks
    from asl.backend import keras

    network = models.find(name)
    file = folder() / f"random-{name}.weights.h5"
    keras.utils.set_random_seed(0)
    base, _ = getattr(networks, name)(network.size)
    with paths.explained(file):
        file.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=file.parent) as temporary:
            base.save_weights(Path(temporary, file.name))
            os.replace(Path(temporary, file.name), file)
    return file


def load_weights(base: keras.Model, file: Path, network: models.Network) -> None:
    """Read a file of weights into a base. AslError for a damaged one and for another network's."""
    again = f"It is damaged, or of another network than {network.name}."
    try:
        if file.suffix in {".pth", ".pt"}:
            _load_torch(base, file)
        else:
            with warnings.catch_warnings(action="ignore"):  # what does not fit, raises
                base.load_weights(file)
    except AslError:
        raise
    except Exception as error:  # Keras, h5py and torch raise whatever does not fit first
        reason = next(iter(str(error).strip().splitlines()), type(error).__name__)[:160]
        raise AslError(f"{paths.shown(file)} cannot be read ({reason}). {again}") from error


def _load_torch(base: keras.Model, file: Path) -> None:
    """A checkpoint of torchvision's: each layer `a_1` of the base takes `a.1.weight`, `a.1.bias`.

    torch keeps a convolution as (out, in, height, width), Keras as (height, width, in, out); and
    torch flattens maps channel by channel, Keras place by place.
    """
    try:
        import torch
    except ImportError as error:
        raise AslError(
            f"{paths.shown(file)} was written by torch, which is not installed: pip install torch "
            "(the build for the processor alone will do)."
        ) from error
    state = torch.load(file, map_location="cpu", weights_only=True)
    for layer in base.layers:
        if not layer.weights:
            continue
        name = ".".join(layer.name.rsplit("_", 1))
        kernel, bias = (state[f"{name}.{part}"].numpy() for part in ("weight", "bias"))
        if kernel.ndim == 4:
            kernel = kernel.transpose(2, 3, 1, 0)
        else:
            kernel = kernel.T
            height, width, channels = base.get_layer("flat").input.shape[1:]
            if len(kernel) == height * width * channels:
                kernel = kernel.reshape(channels, height, width, -1).transpose(1, 2, 0, 3)
                kernel = kernel.reshape(height * width * channels, -1)
        layer.set_weights([kernel, bias])


def _check(file: Path, known: models.File) -> None:
    """AslError unless the file has the digest that is known of it."""
    algorithm, _, digest = known.digest.partition(":")
    if not digest:
        return
    with file.open("rb") as opened:
        found = hashlib.file_digest(opened, algorithm).hexdigest()
    if not found.startswith(digest):
        raise AslError(
            f"{paths.shown(file)} is damaged, or not what its name says ({algorithm} {found[:8]}…, "
            f"not {digest[:8]}…). Delete it; it will be fetched again."
        )


def _fetch(known: models.File, file: Path, network: models.Network) -> None:
    """Download with progress, check, and only then give the file its name."""
    print(f"{network.name}: fetching its ImageNet weights, {known.url} …")
    try:
        with paths.explained(file), tempfile.TemporaryDirectory(dir=file.parent) as temporary:
            if known.url.startswith(HUB):
                fetched = Path(temporary, known.name)
                import keras_hub

                preset = known.url.removeprefix(HUB)
                keras_hub.models.Backbone.from_preset(preset).save_weights(fetched)
            else:
                from asl.backend import keras

                fetched = Path(
                    keras.utils.get_file(
                        known.name, known.url, cache_dir=temporary, cache_subdir="."
                    )
                )
            _check(fetched, known)
            os.replace(fetched, file)
    except (AslError, KeyboardInterrupt):
        raise
    except ImportError as error:
        raise AslError(
            f"{network.name} needs keras-hub: pip install 'keras-hub~=0.29.1'."
        ) from error
    except Exception as error:  # the clients raise their own
        reason = next(iter(str(error).strip().splitlines()), type(error).__name__)
        reason = reason.rpartition(" -- ")[2][:160]  # Keras repeats the address first
        names = " or ".join(each.name for each in network.pretrained.files)
        raise AslError(
            f"the ImageNet weights of {network.name} are not on this machine and cannot be fetched "
            f"({reason}).\nPut {names} into {paths.shown(file.parent)}, or name a file of them "
            "(weights=PATH, in the shell --weights PATH). Without any (None, in the shell none) it "
            "begins at random and trains everything, which takes long and reaches less."
        ) from error
