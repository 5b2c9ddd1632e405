"""The architectures that begin with ImageNet's weights: a function gives the backbone and what
brings bytes into the range that it was trained on; `add_head` makes a network of them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from asl.errors import AslError
from asl.models.registry import Pretrained, register

if TYPE_CHECKING:
    import keras

Preprocessing = Callable[["keras.KerasTensor"], "keras.KerasTensor"]
Backbone = tuple["keras.Model", Preprocessing]
PREPARED = "prepared"  # the layer that gives the images as the backbone takes them
FEATURES = "features"  # the layer after which only the head comes

# Of batch normalisation where all is trained: the published 0.99 and 0.999 forget the random start
# only after thousands of batches, which a small set does not have
TRAINING_MOMENTUM = 0.9

# The large networks are trained alike, as published
PUBLISHED: dict[str, Any] = {
    "batch_size": 64,
    "learning_rate": 1e-3,
    "epochs": 10,
    "input_size": 224,
    "min_size": 32,
}
WITHOUT_HEAD: dict[str, Any] = {"include_top": False, "weights": None}
RESIDUAL_BLOCKS = (2, 4, 5, 7, 8, 9, 11, 12, 14, 15)  # of MobileNetV2, which end with a sum


@register(
    title="from ImageNet, narrow (α 0.35), 0.4 million parameters: for a laptop",
    reference="Sandler et al.: MobileNetV2: Inverted Residuals and Linear Bottlenecks. CVPR 2018",
    batch_size=64,
    learning_rate=5e-3,
    epochs=10,
    cosine_schedule=True,
    label_smoothing=0.1,
    input_size=96,
    min_size=32,
    pretrained=Pretrained(
        parameters=410_208,
        fine_tune=8,
        fine_tune_rate=3e-3,
        blocks=(
            "Conv1_relu",
            "expanded_conv_project_BN",
            *(f"block_{k}_{'add' if k in RESIDUAL_BLOCKS else 'project_BN'}" for k in range(1, 17)),
            "out_relu",
        ),
    ),
)
def mobilenetv2(size: int) -> Backbone:
    from asl.keras_setup import keras

    backbone = keras.applications.MobileNetV2((size, size, 3), alpha=0.35, **WITHOUT_HEAD)
    return backbone, keras.layers.Rescaling(1 / 127.5, offset=-1)


@register(
    **PUBLISHED,
    title="from ImageNet, 11 million parameters",
    reference="He et al.: Deep Residual Learning for Image Recognition. CVPR 2016",
    pretrained=Pretrained(
        parameters=11_186_112,
        blocks=("maxpool", *(f"layer{s}_{b}" for s in range(1, 5) for b in range(2))),
    ),
)
def resnet18(size: int) -> Backbone:
    """As torchvision has it, without its last layer. The name of a layer that has weights is the
    one that torchvision has for it, with _ for the point.
    """
    from asl.keras_setup import keras

    layers = keras.layers

    def convolve(x, filters: int, side: int, stride: int, conv: str, norm: str):
        # torch pads both sides alike; Keras, where it strides, the far side more
        x = layers.ZeroPadding2D(side // 2)(x) if stride > 1 and side > 1 else x
        padding = "valid" if stride > 1 else "same"
        plain = {"strides": stride, "padding": padding, "use_bias": False}
        x = layers.Conv2D(filters, side, **plain, name=conv)(x)
        return layers.BatchNormalization(momentum=0.9, epsilon=1e-5, name=norm)(x)

    inputs = keras.Input((size, size, 3))
    x = layers.ReLU()(convolve(inputs, 64, 7, 2, "conv1", "bn1"))
    x = layers.MaxPooling2D(3, strides=2, name="maxpool")(layers.ZeroPadding2D(1)(x))
    for stage, filters in enumerate((64, 128, 256, 512), start=1):
        for block in range(2):
            name, stride = f"layer{stage}_{block}", 2 if stage > 1 and block == 0 else 1
            shortcut = x
            if stride > 1:
                names = f"{name}_downsample_0", f"{name}_downsample_1"
                shortcut = convolve(x, filters, 1, stride, *names)
            x = layers.ReLU()(convolve(x, filters, 3, stride, f"{name}_conv1", f"{name}_bn1"))
            x = convolve(x, filters, 3, 1, f"{name}_conv2", f"{name}_bn2")
            x = layers.ReLU(name=name)(layers.Add()([shortcut, x]))
    return keras.Model(inputs, x), _standardize()


@register(
    **PUBLISHED | {"batch_size": 128, "min_size": 63},
    title="from ImageNet, 57 million parameters",
    reference="Krizhevsky: One weird trick for parallelizing convolutional neural networks. "
    "arXiv:1404.5997, 2014",
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
    ),
)
def alexnet(size: int) -> Backbone:
    """As torchvision has it, without its last layer. The name of a layer that has weights is the
    one that torchvision has for it, with _ for the point.
    """
    from asl.keras_setup import keras

    layers = keras.layers
    inputs = keras.Input((size, size, 3))
    x = layers.ZeroPadding2D(2)(inputs)
    x = layers.Conv2D(64, 11, strides=4, activation="relu", name="features_0")(x)
    x = layers.MaxPooling2D(3, strides=2, name="pool1")(x)
    x = layers.Conv2D(192, 5, padding="same", activation="relu", name="features_3")(x)
    x = layers.MaxPooling2D(3, strides=2, name="pool2")(x)
    for filters, name in ((384, "features_6"), (256, "features_8"), (256, "features_10")):
        x = layers.Conv2D(filters, 3, padding="same", activation="relu", name=name)(x)
    x = layers.MaxPooling2D(3, strides=2, name="pool5")(x)
    x = layers.Flatten(name="flat")(_to_six(x))
    for name in ("classifier_1", "classifier_4"):
        x = layers.Dropout(0.5)(x)
        x = layers.Dense(4096, activation="relu", name=name)(x)
    return keras.Model(inputs, x), _standardize()


@register(
    **PUBLISHED,
    title="from ImageNet, 7 million parameters, 121 layers",
    reference="Huang et al.: Densely Connected Convolutional Networks. CVPR 2017",
    pretrained=Pretrained(
        parameters=7_037_504, blocks=("pool1", "pool2_pool", "pool3_pool", "pool4_pool", "relu")
    ),
)
def densenet121(size: int) -> Backbone:
    from asl.keras_setup import keras

    backbone = keras.applications.DenseNet121(input_shape=(size, size, 3), **WITHOUT_HEAD)
    return backbone, _standardize()


@register(
    **PUBLISHED,
    title="from ImageNet, 15 million parameters, 15 billion multiply-adds",
    reference="Simonyan, Zisserman: Very Deep Convolutional Networks for Large-Scale Image "
    "Recognition. ICLR 2015",
    pretrained=Pretrained(
        parameters=14_714_688, blocks=tuple(f"block{k}_pool" for k in range(1, 6))
    ),
)
def vgg16(size: int) -> Backbone:
    from asl.keras_setup import keras

    backbone = keras.applications.VGG16(input_shape=(size, size, 3), **WITHOUT_HEAD)
    # Trained with Caffe, which has blue first, and takes off the mean alone
    centred = keras.layers.Rescaling(1.0, offset=[-103.939, -116.779, -123.68])
    return backbone, lambda images: centred(keras.ops.flip(images, axis=-1))


def add_head(
    backbone: keras.Model,
    preprocessing: Preprocessing,
    input_shape: tuple[int, int, int],
    class_count: int,
    frozen: bool,
    name: str,
) -> keras.Model:
    """A network of a backbone and a new head: images 0–255 of any size, grey or in colour, in;
    probabilities (n, class_count) out. A frozen backbone is not trained, and its batch
    normalisation uses what it knows of ImageNet, also where parts of it are unfrozen later.
    """
    from asl.keras_setup import keras

    layers = keras.layers
    backbone.trainable = not frozen
    for layer in backbone.layers:
        if isinstance(layer, layers.BatchNormalization) and not frozen:
            layer.momentum = TRAINING_MOMENTUM
    size, channels = backbone.input_shape[1:3], input_shape[2]
    inputs = keras.Input(input_shape)
    x = inputs if input_shape[:2] == size else layers.Resizing(*size)(inputs)
    x = layers.Concatenate()([x, x, x]) if channels == 1 else x
    x = layers.Identity(name=PREPARED)(preprocessing(x))
    x = backbone(x, training=False) if frozen else backbone(x)
    if x.ndim == 4:
        x = layers.Identity(name="maps")(x)
        x = layers.GlobalAveragePooling2D(name=FEATURES)(x)
        x = layers.Dropout(0.2)(x)
    else:
        x = layers.Identity(name=FEATURES)(x)
    return keras.Model(inputs, layers.Dense(class_count, activation="softmax")(x), name=name)


def _to_six(maps: keras.KerasTensor) -> keras.KerasTensor:
    """Maps of 6×6, by torchvision's adaptive pooling. They have that size at 224×224 already."""
    from asl.keras_setup import keras

    side = maps.shape[1]
    if side == 6:
        return maps
    if 6 % side == 0:  # each value several times
        return keras.layers.UpSampling2D(6 // side)(maps)
    if not hasattr(keras.layers, "AdaptiveAveragePooling2D"):
        raise AslError(
            f"alexnet at this size needs a newer Keras than {keras.__version__}: "
            "python -m pip install --upgrade keras, or leave it at its own size, 224."
        )
    return keras.layers.AdaptiveAveragePooling2D(6)(maps)


def _standardize() -> Preprocessing:
    """Bytes as mean 0 and deviation 1 of all ImageNet's images, each colour by itself."""
    from asl.keras_setup import keras

    # Red, green, blue, in units of 255 (torchvision, timm and Keras alike)
    means, deviations = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
    return keras.layers.Rescaling(
        [1 / (255 * deviation) for deviation in deviations],
        [-mean / deviation for mean, deviation in zip(means, deviations, strict=True)],
    )
