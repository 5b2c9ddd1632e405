"""The weights that a network begins with: where they come from; ImageNet's into a backbone."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING

from asl import files
from asl.data.weights import WeightsFile, find_file
from asl.errors import AslError
from asl.landmarks import networks
from asl.models import registry
from asl.models.torch_files import read_tensors

if TYPE_CHECKING:
    import keras

_KERAS = "https://storage.googleapis.com/tensorflow/keras-applications/"
_TORCH = "https://download.pytorch.org/models/"

BATCH_NORMALIZATION = ("weight", "bias", "running_mean", "running_var")  # in Keras' order
ADVICE = (
    ", or name a file of them (weights=PATH, in the shell --weights PATH). With None (in the shell "
    "none) it is initialised at random and trains everything, which takes long and reaches less."
)

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
    folders that ASL_ARCHIVES names, or the network; those of `joints` come with the project. None
    where there are none to be read.

    AslError for a path that does not exist, and where there is neither a file nor a network; of
    `joints` also where the networks that find hands cannot be had.
    """
    if registry.find(name).takes_joints:
        for each in (networks.PALM, networks.LITE):
            networks.network_file(each)
    return weights_file(name, weights)


def weights_file(name: str, weights: str | Path | None) -> Path | None:
    """As `find_weights`, but hands need not be found yet."""
    architecture = registry.find(name)
    if not architecture.brings_weights or weights is None:
        return None
    if str(weights) != "imagenet":
        path = Path(weights).expanduser()
        if not path.is_file():
            raise AslError(
                f"{weights} does not exist: weights are 'imagenet', a file of them, or none."
            )
        return path
    if architecture.hidden:
        return _find_hidden(architecture.hidden)
    return find_file(WEIGHTS[name], f"the ImageNet weights of {name}", ADVICE)


def _find_hidden(name: str) -> Path:
    places = [folder / name for folder in (files.MODEL, files.REPOSITORY / "model")]
    for file in places:
        if file.is_file():
            return file
    raise AslError(
        f"{files.shown(places[0])} is not there: python -m asl reader makes it, and it came with "
        "the project. Or train from random weights: weights=None, in the shell --weights none."
    )


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


def _reason(error: Exception) -> str:
    """The first line of an error."""
    return next(iter(str(error).strip().splitlines()), type(error).__name__)[:160]
