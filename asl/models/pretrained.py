"""ImageNet's weights: where they come from, found on this machine or fetched, checked, and read."""

from __future__ import annotations

import hashlib
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from asl import files
from asl.errors import AslError
from asl.models import registry
from asl.models.torch_files import read_tensors

if TYPE_CHECKING:
    import keras

_KERAS = "https://storage.googleapis.com/tensorflow/keras-applications/"
_TORCH = "https://download.pytorch.org/models/"


BATCH_NORMALIZATION = ("weight", "bias", "running_mean", "running_var")  # in Keras' order


@dataclass(frozen=True)
class WeightsFile:
    """A file of weights: what it is called, its hash as far as it is known, its address."""

    name: str
    digest: str = ""  # algorithm:hexadecimal digits, all of them or the first
    url: str = ""


# Any file of an architecture will do; the first one, which has an address, is fetched
WEIGHTS: dict[str, tuple[WeightsFile, ...]] = {
    "mobilenetv2": (
        WeightsFile(
            "mobilenet_v2_weights_tf_dim_ordering_tf_kernels_0.35_96_no_top.h5",
            url=_KERAS + "mobilenet_v2/"
            "mobilenet_v2_weights_tf_dim_ordering_tf_kernels_0.35_96_no_top.h5",
        ),
        WeightsFile(
            "mobilenet_v2_0.35_224_no_top.weights.h5",
            "sha256:04af0032331eca800a501cbd14b1861ef1d07bfa5728325084bbe295e7ffaecb",
        ),
    ),
    "resnet18": (
        WeightsFile("resnet18-f37072fd.pth", "sha256:f37072fd", _TORCH + "resnet18-f37072fd.pth"),
        WeightsFile("resnet_18_imagenet.weights.h5"),  # as keras-hub keeps it
    ),
    "alexnet": (
        WeightsFile(
            "alexnet-owt-7be5be79.pth",
            "sha256:7be5be79",
            _TORCH + "alexnet-owt-7be5be79.pth",
        ),
    ),
    "densenet121": (
        WeightsFile(
            "densenet121_weights_tf_dim_ordering_tf_kernels_notop.h5",
            "md5:30ee3e1110167f948a6b9946edeeb738",
            _KERAS + "densenet/densenet121_weights_tf_dim_ordering_tf_kernels_notop.h5",
        ),
    ),
    "vgg16": (
        WeightsFile(
            "vgg16_weights_tf_dim_ordering_tf_kernels_notop.h5",
            "md5:6d6bbae143d832006294945121d1f1fc",
            _KERAS + "vgg16/vgg16_weights_tf_dim_ordering_tf_kernels_notop.h5",
        ),
    ),
}


def find_weights(name: str, weights: str | Path | None = "imagenet") -> Path | None:
    """The file of a network's weights: `weights` where that is a path, else from data/weights, the
    folders that ASL_ARCHIVES names, or the network. None where there are none to be read.

    AslError for a path that does not exist, a file that is not what its name says, and where there
    is neither a file nor a network.
    """
    if registry.find(name).pretrained is None or weights is None:
        return None
    if str(weights) != "imagenet":
        path = Path(weights).expanduser()
        if not path.is_file():
            raise AslError(
                f"{weights} does not exist: weights are 'imagenet', a file of them, or none."
            )
        return path
    kept = files.DATA / "weights"  # once they were fetched; they may be put there by hand
    for place in (kept, *files.archive_folders()):
        for known in WEIGHTS[name]:
            file = place / known.name
            if file.is_file():
                _check(file, known)
                return file
    known = WEIGHTS[name][0]
    file = kept / known.name
    with files.lock(file):
        if not file.is_file():  # whoever held the lock may have fetched it
            _fetch(known, file, name)
    return file


def random_weights(name: str) -> Path:
    """A file of random weights in data/weights, to try the way of transfer learning without a
    connection: nothing is gained by them.
    """
    from asl.keras_setup import keras

    architecture = registry.find(name)
    file = files.DATA / f"weights/random-{name}.weights.h5"
    keras.utils.set_random_seed(0)
    backbone, _ = architecture.function(architecture.input_size)
    with files.write_beside(file) as temporary:
        backbone.save_weights(temporary)
    return file


def load_weights(backbone: keras.Model, file: Path, name: str) -> None:
    """Read a file of weights into a backbone. AslError where it is damaged or does not fit."""
    try:
        if file.suffix in {".pth", ".pt"}:
            _load_torch(backbone, file)
        else:
            with warnings.catch_warnings(action="ignore"):  # what does not fit, raises
                backbone.load_weights(file)
    except AslError:
        raise
    except Exception as error:  # Keras and h5py raise whatever does not fit first
        raise AslError(
            f"{files.shown(file)} cannot be read ({_reason(error)}). It is damaged, or of another "
            f"network than {name}."
        ) from error


def _load_torch(backbone: keras.Model, file: Path) -> None:
    """A checkpoint of torchvision's: each layer `a_1` takes the arrays of `a.1`.

    torch keeps a convolution as (out, in, height, width), Keras as (height, width, in, out); and
    torch flattens maps channel by channel, Keras place by place.
    """
    state = read_tensors(file)
    for layer in backbone.layers:
        if not layer.weights:
            continue
        parts = BATCH_NORMALIZATION if len(layer.weights) == 4 else ("weight", "bias")
        name = layer.name.replace("_", ".")
        arrays = [state[f"{name}.{part}"] for part, _ in zip(parts, layer.weights, strict=False)]
        kernel = arrays[0]
        if kernel.ndim == 2 and backbone.get_layer("flat").output.shape[1:] == kernel.shape[1:]:
            height, width, channels = backbone.get_layer("flat").input.shape[1:]
            kernel = kernel.reshape(-1, channels, height, width)
        kernel = kernel.transpose(2, 3, 1, 0) if kernel.ndim == 4 else kernel.T
        layer.set_weights([kernel.reshape(layer.weights[0].shape), *arrays[1:]])


def _check(file: Path, known: WeightsFile) -> None:
    """AslError unless the file has the digest that is known of it."""
    algorithm, _, digest = known.digest.partition(":")
    if not digest:
        return
    with file.open("rb") as opened:
        found = hashlib.file_digest(opened, algorithm).hexdigest()
    if not found.startswith(digest):
        raise AslError(
            f"{files.shown(file)} is damaged, or not what its name says ({algorithm} {found[:8]}…, "
            f"not {digest[:8]}…). Delete it; it will be fetched again."
        )


def _fetch(known: WeightsFile, file: Path, name: str) -> None:
    """Download with progress, check, and only then give the file its name."""
    from asl.keras_setup import keras

    print(f"{name}: fetching its ImageNet weights, {known.url} …")
    try:
        with files.write_beside(file) as temporary:
            place = {"cache_dir": temporary.parent, "cache_subdir": "."}
            keras.utils.get_file(temporary.name, known.url, **place)
            _check(temporary, known)
    except AslError:
        raise
    except Exception as error:  # the clients raise their own
        names = " or ".join(each.name for each in WEIGHTS[name])
        raise AslError(
            f"the ImageNet weights of {name} are not on this machine and cannot be fetched "
            f"({_reason(error)}).\nPut {names} into {files.shown(file.parent)}, or name a file of "
            "them (weights=PATH, in the shell --weights PATH). With None (in the shell none) it "
            "is initialised at random and trains everything, which takes long and reaches less."
        ) from error


def _reason(error: Exception) -> str:
    """The first line of an error, without the address that Keras repeats at its beginning."""
    line = next(iter(str(error).strip().splitlines()), type(error).__name__)
    return line.rpartition(" -- ")[2][:160]
