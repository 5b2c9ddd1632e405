"""The architectures: one function each, under the name of its entry in `models.MODELS`.

A network of the project's own takes the shape of the images and the number of classes and gives
the whole of it. One that comes from ImageNet takes the side of the images and gives its base, all
below the classes, and what brings bytes into the range that the base was trained on; `on_base`
makes a network of them.
"""

from collections.abc import Callable

from asl.backend import keras
from asl.errors import AslError

layers = keras.layers
Preprocessing = Callable[[keras.KerasTensor], keras.KerasTensor]
PREPARED = "prepared"  # the layer that gives the images as the base takes them
FEATURES = "features"  # the layer after which only the classes come

# Of batch normalisation where all is learned: the published 0.99 and 0.999 forget the random start
# only after thousands of batches, which a small set does not have
LEARNING_MOMENTUM = 0.9

# Of all ImageNet's images, red, green, blue, in units of 255 (torchvision, timm and Keras alike)
MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def cnn(input_shape: tuple[int, int, int], class_count: int) -> keras.Model:
    """The project's own network, explained layer by layer in notebook 04."""
    model = keras.Sequential(name="cnn")
    model.add(keras.Input(input_shape))
    model.add(layers.Rescaling(1 / 255))
    model.add(layers.LayerNormalization(axis=(1, 2, 3), center=False, scale=False))
    for filters in (16, 48, 64, 96):
        if filters > 16:
            model.add(layers.AveragePooling2D(2, padding="same"))
            model.add(layers.BatchNormalization(momentum=0.9))
        model.add(layers.Conv2D(filters, 3, padding="same", activation="relu"))
    model.add(layers.BatchNormalization(momentum=0.9))
    model.add(layers.GlobalAveragePooling2D())
    model.add(layers.Dropout(0.3))
    model.add(layers.Dense(class_count, activation="softmax"))
    return model


def conv1d_lstm(
    input_shape: tuple[int, int, int], class_count: int, even_light: bool = False
) -> keras.Model:
    """Reads the image like a text, row by row from top to bottom (each row a step in time)."""
    height, width, channels = input_shape
    model = keras.Sequential(name="conv1d_lstm")
    model.add(keras.Input(input_shape))
    model.add(layers.Rescaling(1 / 255))
    if even_light:
        model.add(layers.LayerNormalization(axis=(1, 2, 3), center=False, scale=False))
    model.add(layers.Reshape((height, width * channels)))
    model.add(layers.Conv1D(64, 3, padding="same", activation="relu"))
    model.add(layers.MaxPooling1D(2))
    model.add(layers.Dropout(0.3))
    model.add(layers.LSTM(64, return_sequences=True, dropout=0.3, recurrent_dropout=0.2))
    model.add(layers.LSTM(64, dropout=0.3))
    model.add(layers.Dense(64, activation="relu"))
    model.add(layers.Dropout(0.3))
    model.add(layers.Dense(class_count, activation="softmax"))
    return model


def conv1d_lstm_tuned(input_shape: tuple[int, int, int], class_count: int) -> keras.Model:
    """The same layers on images brought to mean 0 and deviation 1, as the cnn has them."""
    return conv1d_lstm(input_shape, class_count, even_light=True)


def mobilenetv2(size: int) -> tuple[keras.Model, Preprocessing]:
    base = keras.applications.MobileNetV2(
        (size, size, 3), alpha=0.35, include_top=False, weights=None
    )
    return base, layers.Rescaling(1 / 127.5, offset=-1)


def vgg16(size: int) -> tuple[keras.Model, Preprocessing]:
    base = keras.applications.VGG16(input_shape=(size, size, 3), include_top=False, weights=None)
    # Trained with Caffe, which has blue first, and takes off the mean alone
    centred = layers.Rescaling(1.0, offset=[-103.939, -116.779, -123.68])
    return base, lambda images: centred(keras.ops.flip(images, axis=-1))


def densenet121(size: int) -> tuple[keras.Model, Preprocessing]:
    base = keras.applications.DenseNet121(
        input_shape=(size, size, 3), include_top=False, weights=None
    )
    return base, _standardised()


def resnet18(size: int) -> tuple[keras.Model, Preprocessing]:
    """AslError where keras-hub is not installed, the only package that has this network."""
    try:
        import keras_hub
    except ImportError as error:
        raise AslError(
            "resnet18 comes from the package keras-hub, which is not installed: "
            "pip install 'keras-hub~=0.29.1'."
        ) from error
    base = keras_hub.models.ResNetBackbone(
        input_conv_filters=[64],
        input_conv_kernel_sizes=[7],
        stackwise_num_filters=[64, 128, 256, 512],
        stackwise_num_blocks=[2, 2, 2, 2],
        stackwise_num_strides=[1, 2, 2, 2],
        block_type="basic_block",
        image_shape=(size, size, 3),
    )
    return base, _standardised()


def alexnet(size: int) -> tuple[keras.Model, Preprocessing]:
    """As torchvision has it (Krizhevsky: One weird trick for parallelizing convolutional neural
    networks, arXiv:1404.5997), without its last layer. The name of a layer that has weights is the
    one that torchvision has for it, with _ for the point.
    """
    inputs = keras.Input((size, size, 3))
    x = layers.ZeroPadding2D(2)(inputs)
    x = layers.Conv2D(64, 11, strides=4, activation="relu", name="features_0")(x)
    x = layers.MaxPooling2D(3, strides=2, name="pool1")(x)
    x = layers.Conv2D(192, 5, padding="same", activation="relu", name="features_3")(x)
    x = layers.MaxPooling2D(3, strides=2, name="pool2")(x)
    x = layers.Conv2D(384, 3, padding="same", activation="relu", name="features_6")(x)
    x = layers.Conv2D(256, 3, padding="same", activation="relu", name="features_8")(x)
    x = layers.Conv2D(256, 3, padding="same", activation="relu", name="features_10")(x)
    x = layers.MaxPooling2D(3, strides=2, name="pool5")(x)
    x = layers.AdaptiveAveragePooling2D(6)(x)  # changes nothing at 224×224
    x = layers.Flatten(name="flat")(x)
    x = layers.Dropout(0.5)(x)
    x = layers.Dense(4096, activation="relu", name="classifier_1")(x)
    x = layers.Dropout(0.5)(x)
    x = layers.Dense(4096, activation="relu", name="classifier_4")(x)
    return keras.Model(inputs, x), _standardised()


def on_base(
    base: keras.Model,
    preprocessing: Preprocessing,
    input_shape: tuple[int, int, int],
    class_count: int,
    frozen: bool,
) -> keras.Model:
    """A network on top of a base: images 0–255 of any size, grey or in colour, in; probabilities
    (n, class_count) out.

    A frozen base does not learn, and its batch normalisation uses what it knows of ImageNet, also
    where parts of it are unfrozen later.
    """
    base.trainable = not frozen
    for layer in base.layers if not frozen else ():
        if isinstance(layer, layers.BatchNormalization):
            layer.momentum = LEARNING_MOMENTUM
    size, channels = base.input_shape[1:3], input_shape[2]
    inputs = keras.Input(input_shape)
    x = inputs if input_shape[:2] == size else layers.Resizing(*size)(inputs)
    x = layers.Concatenate()([x, x, x]) if channels == 1 else x
    x = layers.Identity(name=PREPARED)(preprocessing(x))
    x = base(x, training=False) if frozen else base(x)
    if x.ndim == 4:
        x = layers.Identity(name="maps")(x)
        x = layers.GlobalAveragePooling2D(name=FEATURES)(x)
        x = layers.Dropout(0.2)(x)
    else:
        x = layers.Identity(name=FEATURES)(x)
    return keras.Model(inputs, layers.Dense(class_count, activation="softmax")(x), name=base.name)


def _standardised() -> Preprocessing:
    """Bytes as ImageNet's mean 0 and deviation 1, each colour by itself."""
    return layers.Rescaling(
        [1 / (255 * deviation) for deviation in DEVIATION],
        [-mean / deviation for mean, deviation in zip(MEAN, DEVIATION, strict=True)],
    )
