"""The architectures: counted, and held against the packages that they come from."""

import math
import re

import numpy as np
import pytest
from torch_weights import REFERENCE, picture, random_state, shapes

from asl import MODELS, AslError, all_layers, build, layer_table
from asl.keras_setup import keras
from asl.models import backbones, pretrained

FROM_IMAGENET = [name for name, entry in MODELS.items() if entry.pretrained]
SMALL = {"alexnet": 63}  # the others take 32 pixels
TORCH = np.load(REFERENCE / "torch_answers.npz")  # by tests/parity/make_reference.py


@pytest.fixture(scope="module")
def small():
    """The backbone of each architecture with random weights, at a small size, and what prepares
    its images.
    """
    return {name: MODELS[name].function(SMALL.get(name, 32)) for name in FROM_IMAGENET}


def with_head(backbone, preprocessing, input_shape, class_count, frozen):
    return backbones.add_head(
        backbone, preprocessing, input_shape, class_count, frozen, name="network"
    )


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("vgg16", 14_714_688),
        ("densenet121", 7_037_504),
        ("resnet18", 11_186_112),
        ("mobilenetv2", 410_208),
        ("alexnet", 61_100_840 - 4097 * 1000),
    ],
)
def test_parameters_of_the_references(name, parameters, small):
    backbone, _ = small[name]
    assert backbone.count_params() == parameters == MODELS[name].pretrained.parameters


def test_alexnet_has_torchvisions_count_with_its_thousand_classes():
    ours = build("alexnet", (224, 224, 3), 1000, weights=None)
    theirs = sum(int(np.prod(shape)) for shape in shapes("alexnet").values())
    assert ours.count_params() == theirs == 61_100_840


@pytest.mark.parametrize("name", FROM_IMAGENET)
def test_frozen_means_that_the_head_alone_is_trained(name, small):
    backbone, preprocessing = small[name]
    model = with_head(backbone, preprocessing, (28, 28, 1), 24, frozen=True)
    features = backbone.output_shape[-1]
    trainable = sum(math.prod(weights.shape) for weights in model.trainable_variables)
    assert trainable == (features + 1) * 24
    frozen = sum(math.prod(weights.shape) for weights in model.non_trainable_variables)
    assert frozen - MODELS[name].pretrained.parameters in range(10)  # and the state of dropout
    open_ = with_head(backbone, preprocessing, (28, 28, 1), 24, frozen=False)
    moving = sum(
        2 * layer.gamma.shape[0]
        for layer in backbone.layers
        if isinstance(layer, keras.layers.BatchNormalization)
    )
    trainable = sum(math.prod(weights.shape) for weights in open_.trainable_variables)
    assert trainable == backbone.count_params() - moving + (features + 1) * 24


@pytest.mark.parametrize("name", FROM_IMAGENET)
def test_the_blocks_are_places_where_the_backbone_may_be_split(name, small):
    backbone, _ = small[name]
    x = np.random.default_rng(0).normal(size=(2, *backbone.input_shape[1:])).astype(np.float32)
    expected = backbone(x, training=False)
    *blocks, top = MODELS[name].pretrained.blocks
    assert backbone.get_layer(top).output is backbone.outputs[0]
    for block in blocks:
        middle = backbone.get_layer(block).output
        lower = keras.Model(backbone.inputs[0], middle)
        upper = keras.Model(middle, backbone.outputs[0])
        found = upper(lower(x, training=False), training=False)
        np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-4)


def test_batch_normalisation_of_a_frozen_backbone_stays_with_what_it_knows(small, eager):
    backbone, preprocessing = small["mobilenetv2"]
    model = with_head(backbone, preprocessing, (32, 32, 3), 3, frozen=True)
    images = np.random.default_rng(0).integers(0, 256, (16, 32, 32, 3), dtype=np.uint8)
    before = [np.array(weights) for weights in backbone.weights]
    model.compile("adam", "categorical_crossentropy")
    model.fit(images, np.eye(3)[np.arange(16) % 3], epochs=2, verbose=0)
    for one, two in zip(before, backbone.weights, strict=True):
        np.testing.assert_array_equal(one, np.array(two))


@pytest.mark.parametrize(
    ("name", "reference"),
    [
        ("vgg16", keras.applications.vgg16),
        ("densenet121", keras.applications.densenet),
        ("mobilenetv2", keras.applications.mobilenet_v2),
    ],
)
def test_preprocessing_is_that_of_keras(name, reference, small):
    _, preprocessing = small[name]
    found = np.array(preprocessing(picture().astype(np.float32)))
    expected = reference.preprocess_input(picture().astype(np.float32))
    np.testing.assert_allclose(found, expected, atol=1e-4)


@pytest.mark.parametrize("name", ["alexnet", "resnet18"])
def test_preprocessing_is_that_of_torchvision(name, small):
    _, preprocessing = small[name]
    found = np.array(preprocessing(picture().astype(np.float32)))[0, ::32, ::32]
    np.testing.assert_allclose(found.transpose(2, 0, 1), TORCH["prepared"], atol=1e-5)


@pytest.mark.parametrize("name", ["alexnet", "resnet18"])
def test_it_computes_what_torchvisions_does_with_the_same_weights(name, monkeypatch):
    """Random weights under torch's names, a picture in; what torch made of them is kept."""
    state = random_state(shapes(name))
    monkeypatch.setattr(pretrained, "read_tensors", lambda _: state)
    backbone, preprocessing = MODELS[name].function(224)
    pretrained.load_weights(backbone, REFERENCE / f"{name}.pth", name)
    found = np.asarray(backbone(preprocessing(picture().astype(np.float32)), training=False))
    if name == "alexnet":  # torch's has its thousand classes
        found = found @ state["classifier.6.weight"].T + state["classifier.6.bias"]
    else:
        found = found.mean(axis=(1, 2))
    assert np.std(TORCH[name]) > 0.1  # there is something to compare
    np.testing.assert_allclose(found, TORCH[name], rtol=1e-3, atol=1e-3)


def test_grey_images_become_three_equal_channels(small, eager):
    backbone, preprocessing = small["mobilenetv2"]
    grey, colour = (
        with_head(backbone, preprocessing, (28, 28, channels), 5, frozen=True)
        for channels in (1, 3)
    )
    colour.set_weights(grey.get_weights())
    images = np.random.default_rng(0).integers(0, 256, (3, 28, 28, 1), dtype=np.uint8)
    np.testing.assert_allclose(
        grey.predict_on_batch(images),
        colour.predict_on_batch(np.repeat(images, 3, axis=3)),
        atol=1e-6,
    )


def test_conv1d_lstm_is_as_published():
    model = build("conv1d_lstm", (28, 28, 1), 24)
    found = [
        (type(layer).__name__, getattr(layer, "units", getattr(layer, "filters", None)))
        for layer in model.layers
    ]
    assert found == [
        ("Rescaling", None),
        ("Reshape", None),
        ("Conv1D", 64),
        ("MaxPooling1D", None),
        ("Dropout", None),
        ("LSTM", 64),
        ("LSTM", 64),
        ("Dense", 64),
        ("Dropout", None),
        ("Dense", 24),
    ]
    convolution, first, second = (model.layers[k] for k in (2, 5, 6))
    assert (convolution.kernel_size, convolution.padding) == ((3,), "same")
    assert convolution.activation is keras.activations.relu
    assert (first.return_sequences, first.dropout, first.recurrent_dropout) == (True, 0.3, 0.2)
    assert (second.return_sequences, second.dropout, second.recurrent_dropout) == (False, 0.3, 0)
    assert [layer.rate for layer in model.layers if isinstance(layer, keras.layers.Dropout)] == [
        0.3,
        0.3,
    ]
    assert model.count_params() == 77_208
    entry = MODELS["conv1d_lstm"]
    assert (entry.batch_size, entry.epochs, entry.patience, entry.augmented) == (32, 20, 5, False)


def test_the_tuned_one_has_the_same_layers_after_standardization_and_drops_nothing():
    tuned, plain = (build(f"conv1d_lstm{end}", (28, 28, 1), 24) for end in ("_tuned", ""))
    found = [type(layer).__name__ for layer in tuned.layers]
    there = [type(layer).__name__ for layer in plain.layers]
    assert found == [there[0], "LayerNormalization", *there[1:]]
    assert tuned.count_params() == plain.count_params()
    settings = [layer["config"] for layer in tuned.get_config()["layers"]]
    dropped = [each[key] for each in settings for key in each if re.search("dropout$|^rate$", key)]
    assert dropped == [0.0] * 6


def test_multiply_adds_of_the_rows_by_hand():
    """A convolution over 28 rows, then 14 steps of 4 gates, each from input and memory."""
    table = layer_table(build("conv1d_lstm", (28, 28, 1), 24)).set_index("layer")
    assert table.loc["Conv1D", "multiply-adds"] == 28 * 3 * 28 * 64
    assert table.loc["LSTM", "multiply-adds"].tolist() == [14 * 4 * 64 * (64 + 64)] * 2


@pytest.mark.parametrize(
    ("name", "millions", "size"),
    [("vgg16", 15_346.6, 224), ("alexnet", 714.2, 224), ("densenet121", 2_834.2, 224)],
)
def test_multiply_adds_as_the_literature_counts_them(name, millions, size):
    """torchvision's documents give 15.47, 0.71 and 2.83 billion, VGG16 with its three dense layers
    (0.12 billion), DenseNet121 with its thousand classes (1 million).
    """
    backbone, _ = MODELS[name].function(size)
    assert layer_table(backbone)["multiply-adds"].sum() / 1e6 == pytest.approx(millions, rel=0.01)


@pytest.mark.parametrize(("name", "side"), [("cnn", 7), ("conv1d_lstm", 1)])
def test_images_that_are_too_small(name, side):
    with pytest.raises(AslError, match=f"images of {side} pixels are too small for {name}"):
        build(name, (side, 28, 1), 3)


@pytest.mark.parametrize(("name", "least"), [("alexnet", 63), ("vgg16", 32)])
def test_a_size_that_is_too_small(name, least):
    with pytest.raises(AslError, match=f"needs {least}"):
        build(name, (28, 28, 1), 3, weights=None, size=least - 1)


def test_all_layers_go_into_the_backbone(small):
    backbone, preprocessing = small["vgg16"]
    model = with_head(backbone, preprocessing, (32, 32, 3), 4, frozen=True)
    kinds = [type(layer).__name__ for layer in all_layers(model)]
    assert kinds.count("Conv2D") == 13
    assert layer_table(model)["parameters"].sum() == model.count_params()
