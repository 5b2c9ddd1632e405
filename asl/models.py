"""The networks: one entry each in MODELS, and `build`, which sizes one to the data.

An entry says what is known of a network before any of it is made, so that neither this file nor a
look at the list needs the seconds that Keras takes. The architectures are in networks.py.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd
import psutil

from asl.errors import AslError

if TYPE_CHECKING:
    import keras

FLOAT = 4  # bytes


@dataclass(frozen=True)
class Network:
    """How a network is built, and how it is trained unless told otherwise."""

    name: str  # also of its function in networks.py
    title: str
    reference: str
    batch_size: int
    learning_rate: float  # where it rises and falls, the highest one
    epochs: int
    cosine: bool = False  # whether it rises and falls, see `compile`
    label_smoothing: float = 0.0  # share of each target spread over all classes
    patience: int = 8  # epochs without a lower validation loss before training stops
    augmented: bool = False  # whether it trains on changed images, see `images.augment`
    adapts: bool = False  # to a small set: half the batch, epochs until its `steps` are reached
    least_size: int = 1  # height and width below which nothing of an image is left
    size: int | None = None  # height and width that it works at; None: as the images are
    pretrained: Pretrained | None = None


@dataclass(frozen=True)
class Pretrained:
    """What a network brings from ImageNet."""

    parameters: int  # of the base: all of the network but its classes
    # Layers after which the base may be cut, from the images up: what lies between two is a block
    blocks: tuple[str, ...]
    files: tuple[File, ...]  # any of them will do; the first that has an address is fetched
    fine_tune: int = 0  # how many blocks learn, in a second phase
    fine_tune_rate: float = 1e-4


@dataclass(frozen=True)
class File:
    """A file of weights: what it is called, its hash as far as it is known, its address."""

    name: str
    digest: str = ""  # algorithm:hexadecimal digits, all of them or the first
    url: str = ""


def _published(name: str, batch_size: int = 64, least_size: int = 32, **known) -> Network:
    """An entry of one of the large networks, which are trained alike: as published."""
    return Network(
        name=name,
        batch_size=batch_size,
        learning_rate=1e-3,
        epochs=10,
        size=224,
        least_size=least_size,
        **known,
    )


_KERAS = "https://storage.googleapis.com/tensorflow/keras-applications/"

MODELS: dict[str, Network] = {
    network.name: network
    for network in (
        Network(
            name="cnn",
            title="four convolutions, 93 thousand parameters",
            reference="this project, notebook 04",
            batch_size=64,
            learning_rate=4e-3,
            epochs=12,
            cosine=True,
            label_smoothing=0.1,
            augmented=True,
            adapts=True,
            least_size=8,
        ),
        Network(
            name="conv1d_lstm",
            title="reads the rows of an image one after the other, 77 thousand parameters",
            reference="as published for Sign Language MNIST",
            batch_size=32,
            learning_rate=1e-3,
            epochs=20,
            patience=5,
            least_size=2,
        ),
        Network(
            name="conv1d_lstm_tuned",
            title="the same layers; images of even light, augmented, the rate rises and falls",
            reference="this project, after conv1d_lstm",
            batch_size=32,
            learning_rate=3e-3,
            epochs=20,
            cosine=True,
            augmented=True,
            least_size=2,
        ),
        Network(
            name="mobilenetv2",
            title="from ImageNet, narrow (α 0.35), 0.4 million parameters: for a laptop",
            reference="Sandler et al.: MobileNetV2: Inverted Residuals and Linear Bottlenecks. "
            "CVPR 2018",
            batch_size=64,
            learning_rate=5e-3,
            epochs=10,
            cosine=True,
            label_smoothing=0.1,
            size=96,
            least_size=32,
            pretrained=Pretrained(
                parameters=410_208,
                fine_tune=8,
                fine_tune_rate=3e-3,
                blocks=(
                    "Conv1_relu",
                    "expanded_conv_project_BN",
                    "block_1_project_BN",
                    "block_2_add",
                    "block_3_project_BN",
                    "block_4_add",
                    "block_5_add",
                    "block_6_project_BN",
                    "block_7_add",
                    "block_8_add",
                    "block_9_add",
                    "block_10_project_BN",
                    "block_11_add",
                    "block_12_add",
                    "block_13_project_BN",
                    "block_14_add",
                    "block_15_add",
                    "block_16_project_BN",
                    "out_relu",
                ),
                files=(
                    File(
                        "mobilenet_v2_weights_tf_dim_ordering_tf_kernels_0.35_96_no_top.h5",
                        url=_KERAS + "mobilenet_v2/"
                        "mobilenet_v2_weights_tf_dim_ordering_tf_kernels_0.35_96_no_top.h5",
                    ),
                    File(
                        "mobilenet_v2_0.35_224_no_top.weights.h5",
                        "sha256:04af0032331eca800a501cbd14b1861ef1d07bfa5728325084bbe295e7ffaecb",
                    ),
                ),
            ),
        ),
        _published(
            "resnet18",
            title="from ImageNet, 11 million parameters (needs keras-hub)",
            reference="He et al.: Deep Residual Learning for Image Recognition. CVPR 2016",
            pretrained=Pretrained(
                parameters=11_186_112,
                blocks=(
                    "pool1_pool",
                    *(f"stack{s}_block{b}_out" for s in range(4) for b in range(2)),
                ),
                files=(File("resnet_18_imagenet.weights.h5", url="keras-hub:resnet_18_imagenet"),),
            ),
        ),
        _published(
            "alexnet",
            title="from ImageNet, 57 million parameters (needs torch to read the weights)",
            reference="Krizhevsky: One weird trick for parallelizing convolutional neural "
            "networks. arXiv:1404.5997, 2014",
            batch_size=128,
            least_size=63,
            pretrained=Pretrained(
                parameters=57_003_840,
                blocks=(
                    "pool1",
                    "pool2",
                    "features_6",
                    "features_8",
                    "pool5",
                    "classifier_1",
                    "classifier_4",
                ),
                files=(
                    File(
                        "alexnet-owt-7be5be79.pth",
                        "sha256:7be5be79",
                        "https://download.pytorch.org/models/alexnet-owt-7be5be79.pth",
                    ),
                ),
            ),
        ),
        _published(
            "densenet121",
            title="from ImageNet, 7 million parameters, 121 layers",
            reference="Huang et al.: Densely Connected Convolutional Networks. CVPR 2017",
            pretrained=Pretrained(
                parameters=7_037_504,
                blocks=("pool1", "pool2_pool", "pool3_pool", "pool4_pool", "relu"),
                files=(
                    File(
                        "densenet121_weights_tf_dim_ordering_tf_kernels_notop.h5",
                        "md5:30ee3e1110167f948a6b9946edeeb738",
                        _KERAS + "densenet/densenet121_weights_tf_dim_ordering_tf_kernels_notop.h5",
                    ),
                ),
            ),
        ),
        _published(
            "vgg16",
            title="from ImageNet, 15 million parameters, 15 billion multiply-adds",
            reference="Simonyan, Zisserman: Very Deep Convolutional Networks for Large-Scale "
            "Image Recognition. ICLR 2015",
            pretrained=Pretrained(
                parameters=14_714_688,
                blocks=tuple(f"block{k}_pool" for k in range(1, 6)),
                files=(
                    File(
                        "vgg16_weights_tf_dim_ordering_tf_kernels_notop.h5",
                        "md5:6d6bbae143d832006294945121d1f1fc",
                        _KERAS + "vgg16/vgg16_weights_tf_dim_ordering_tf_kernels_notop.h5",
                    ),
                ),
            ),
        ),
    )
}


def find(name: str) -> Network:
    """The entry of a network. An unknown name raises AslError with the names there are."""
    if name not in MODELS:
        raise AslError(f"there is no model {name!r}. There are: {', '.join(MODELS)}.")
    return MODELS[name]


def build(
    name: str,
    input_shape: tuple[int, int, int],
    class_count: int,
    seed: int = 0,
    weights: str | Path | None = "imagenet",
    size: int | None = None,
) -> keras.Model:
    """A network by name: uint8 or float images of `input_shape`, 0–255, in; probabilities
    (n, class_count) out. The seed makes the random weights the same every time.

    A network that comes from ImageNet has its base frozen and brings each image to `size`, unless
    given its entry's. Its weights: "imagenet", found on this machine or fetched; a file of them;
    None for random ones, nothing frozen. Other networks begin at random, whatever `weights` says,
    unless it names a trained network (.keras) of the same kind, which any of them goes on from.
    AslError for an unknown name, images that are too small, and weights that do not fit.
    """
    network = find(name)
    input_shape = tuple(input_shape)
    worked_at = size or network.size  # of one from ImageNet
    side = worked_at if network.pretrained else min(input_shape[:2])
    if side < network.least_size:
        raise AslError(
            f"images of {side} pixels are too small for {name}, which needs "
            f"{network.least_size}: nothing would be left of them."
        )
    from asl import networks, pretrained, trained
    from asl.backend import keras

    keras.utils.set_random_seed(seed)
    given = Path(weights) if weights else None
    trained_before = given is not None and given.suffix == ".keras"
    if network.pretrained is None:
        model = getattr(networks, name)(input_shape, class_count)
    else:
        file = None if trained_before else pretrained.find_weights(name, weights)
        base, preprocessing = getattr(networks, name)(worked_at)
        if file:
            pretrained.load_weights(base, file, network)
        model = networks.on_base(
            base, preprocessing, input_shape, class_count, frozen=weights is not None
        )
    if trained_before:
        before, about = trained.load_model(given)
        if (about["model"], before.input_shape, before.output_shape) != (
            name,
            model.input_shape,
            model.output_shape,
        ):
            raise AslError(
                f"{given} is {about['model']} for images {before.input_shape[1:]} of "
                f"{before.output_shape[-1]} classes; {name} for {input_shape} of {class_count} "
                "classes cannot begin with its weights."
            )
        model.set_weights(before.get_weights())
    return model


def set_temperature(model: keras.Model, temperature: float) -> None:
    """Divide what the last layer adds up by the temperature, which calibrates all probabilities
    that the network gives from then on (`evaluation.fit_temperature`).
    """
    last = model.layers[-1]
    last.set_weights([weights / temperature for weights in last.get_weights()])


def compile(
    model: keras.Model, network: Network, steps: int, learning_rate: float | None = None
) -> None:
    """Set loss, optimiser and metric for a training of `steps` batches in all.

    Adam at one learning rate, the network's unless another is given; or, where its entry says
    `cosine`, AdamW with a rate that rises over the first tenth, so that the first, random gradients
    do no harm, and then falls along a cosine, so that the weights settle (Loshchilov and Hutter:
    SGDR, ICLR 2017; Decoupled Weight Decay Regularization, ICLR 2019).
    """
    from asl.backend import keras

    rate = learning_rate or network.learning_rate
    if network.cosine:
        warmup = max(1, steps // 10)
        schedule = keras.optimizers.schedules.CosineDecay(
            initial_learning_rate=rate / 20,
            warmup_target=rate,
            warmup_steps=warmup,
            decay_steps=max(1, steps - warmup),
            alpha=0.01,
        )
        optimizer = keras.optimizers.AdamW(schedule, weight_decay=1e-4)
    else:
        optimizer = keras.optimizers.Adam(rate)
    model.compile(
        optimizer=optimizer,
        loss=keras.losses.CategoricalCrossentropy(label_smoothing=network.label_smoothing),
        metrics=["accuracy"],
    )


def all_layers(model: keras.Model) -> list[keras.Layer]:
    """The layers of a network, those of a base inside it among them, from the images up."""
    return [
        inner
        for layer in model.layers
        for inner in (all_layers(layer) if hasattr(layer, "layers") else [layer])
    ]


def layer_table(model: keras.Model) -> pd.DataFrame:
    """A row a layer: kind, shape of its output, parameters, multiply-adds for one image.

    Multiply-adds by definition: a convolution uses each weight once at each place of its output, a
    dense layer once, a recurrent one at each step. Biases, batch normalisation, pooling and
    activations are left out, as usual.
    """
    rows = []
    for layer in all_layers(model):
        shape = layer.output.shape[1:]
        if hasattr(layer, "cell"):
            uses, kernels = layer.input.shape[1], (layer.cell.kernel, layer.cell.recurrent_kernel)
        else:
            kernel = getattr(layer, "kernel", None)
            uses, kernels = math.prod(shape[:-1]), () if kernel is None else (kernel,)
        rows.append(
            {
                "layer": type(layer).__name__,
                "output": " × ".join(map(str, shape)),
                "parameters": layer.count_params(),
                "multiply-adds": sum(uses * math.prod(kernel.shape) for kernel in kernels),
            }
        )
    return pd.DataFrame(rows)


def memory_an_image(model: keras.Model, training: bool = False) -> int:
    """About how many bytes a network needs for each image of a batch.

    Training keeps every layer's output, and as much again for its gradient; prediction the largest
    output beside what made it.
    """
    sizes = [math.prod(layer.output.shape[1:]) for layer in all_layers(model)]
    return FLOAT * (2 * sum(sizes) if training else 3 * max(sizes))


def check_memory(model: keras.Model, batch_size: int, training: bool) -> None:
    """AslError, naming a batch that would fit, where a batch needs more memory than is free.

    Weights count four times in training: Adam keeps two more numbers of each, and the gradient.
    """
    an_image = memory_an_image(model, training)
    weights = FLOAT * model.count_params() * (4 if training else 1)
    free = psutil.virtual_memory().available
    needed = weights + batch_size * an_image
    if needed <= free:
        return
    fitting = int((free - weights) // an_image)
    advice = (
        f"batch_size={2 ** int(math.log2(fitting))} would fit"
        if fitting > 0
        else "not even one image at a time fits"
    )
    raise AslError(
        f"batches of {batch_size} need about {needed / 1e9:,.1f} GB of memory, and "
        f"{free / 1e9:,.1f} GB are free: {advice}."
    )
