"""The architectures: counted, and held against the packages that they come from."""

import numpy as np
import pytest
import torch
from torch_networks import AlexNet, ResNet18, normalize

from asl import MODELS, AslError, all_layers, build, layer_table
from asl.keras_setup import keras
from asl.models import backbones
from asl.models.pretrained import load_weights

FROM_IMAGENET = [name for name, entry in MODELS.items() if entry.pretrained]
SMALL = {"alexnet": 63}  # the others take 32 pixels


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


@pytest.fixture(scope="module")
def picture():
    return np.random.default_rng(3).integers(0, 256, (1, 224, 224, 3), dtype=np.uint8)


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
    theirs = sum(weights.numel() for weights in AlexNet().parameters())
    assert ours.count_params() == theirs == 61_100_840


@pytest.mark.parametrize("name", FROM_IMAGENET)
def test_frozen_means_that_the_head_alone_is_trained(name, small):
    backbone, preprocessing = small[name]
    model = with_head(backbone, preprocessing, (28, 28, 1), 24, frozen=True)
    features = backbone.output_shape[-1]
    trainable = sum(weights.shape.num_elements() for weights in model.trainable_variables)
    assert trainable == (features + 1) * 24
    frozen = sum(weights.shape.num_elements() for weights in model.non_trainable_variables)
    assert frozen - MODELS[name].pretrained.parameters in range(10)  # and the state of dropout
    open_ = with_head(backbone, preprocessing, (28, 28, 1), 24, frozen=False)
    moving = sum(
        2 * layer.gamma.shape[0]
        for layer in backbone.layers
        if isinstance(layer, keras.layers.BatchNormalization)
    )
    trainable = sum(weights.shape.num_elements() for weights in open_.trainable_variables)
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


def test_batch_normalisation_of_a_frozen_backbone_stays_with_what_it_knows(small):
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
def test_preprocessing_is_that_of_keras(name, reference, picture):
    _, preprocessing = MODELS[name].function(32)
    found = np.array(preprocessing(picture.astype(np.float32)))
    expected = reference.preprocess_input(picture.astype(np.float32))
    np.testing.assert_allclose(found, expected, atol=1e-4)


@pytest.mark.parametrize("name", ["alexnet", "resnet18"])
def test_preprocessing_is_that_of_torchvision(name, picture):
    _, preprocessing = MODELS[name].function(64)
    expected = normalize(torch.tensor(picture))
    found = np.array(preprocessing(picture.astype(np.float32))).transpose(0, 3, 1, 2)
    np.testing.assert_allclose(found, expected.numpy(), atol=1e-5)


def test_alexnet_computes_what_torchvisions_does_with_the_same_weights(tmp_path, picture):
    """Random weights, written as torchvision's are and read as those are, a picture in, 1e-4."""
    torch.manual_seed(0)
    theirs = AlexNet(10).eval()
    for name, weights in theirs.named_parameters():  # torch's own vanish on the way to the top
        if weights.ndim > 1 and name != "classifier.6.weight":
            torch.nn.init.kaiming_normal_(weights)
    torch.save(theirs.state_dict(), tmp_path / "alexnet.pth")

    backbone, preprocessing = backbones.alexnet(224)
    load_weights(backbone, tmp_path / "alexnet.pth", "alexnet")
    model = with_head(backbone, preprocessing, (224, 224, 3), 10, frozen=True)
    last = theirs.classifier[6]
    model.layers[-1].set_weights([last.weight.detach().numpy().T, last.bias.detach().numpy()])
    found = model.predict_on_batch(picture)

    with torch.no_grad():
        expected = theirs(normalize(torch.tensor(picture))).softmax(1)
    assert expected.max() < 0.99  # there is something to compare
    np.testing.assert_allclose(found, expected.numpy(), atol=1e-4)


def test_resnet18_computes_what_torchvisions_does_with_the_same_weights(small, picture):
    torch.manual_seed(0)
    theirs = ResNet18().eval()
    for name, values in theirs.named_buffers():
        if name.endswith(("mean", "var")):
            values.uniform_(0.1, 1)
    backbone, _ = backbones.resnet18(224)

    def give(layer: str, module: torch.nn.Module) -> None:
        arrays = [each.detach().numpy() for each in module.state_dict().values()]
        if isinstance(module, torch.nn.Conv2d):
            arrays = [arrays[0].transpose(2, 3, 1, 0)]
        backbone.get_layer(layer).set_weights(arrays[:4])

    give("conv1_conv", theirs.conv1)
    give("conv1_bn", theirs.bn1)
    for s, stage in enumerate(theirs.stages):
        for b, block in enumerate(stage):
            for k, (conv, norm) in enumerate(
                ((block.conv1, block.bn1), (block.conv2, block.bn2)), start=1
            ):
                give(f"stack{s}_block{b}_{k}_conv", conv)
                give(f"stack{s}_block{b}_{k}_bn", norm)
            if block.downsample is not None:
                give(f"stack{s}_block{b}_0_conv", block.downsample[0])
                give(f"stack{s}_block{b}_0_bn", block.downsample[1])
    x = picture.astype(np.float32) / 255
    with torch.no_grad():
        expected = theirs(torch.tensor(x).permute(0, 3, 1, 2)).numpy()
    found = backbone.predict_on_batch(x).mean(axis=(1, 2))
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)


def test_grey_images_become_three_equal_channels(small):
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


def test_the_tuned_one_has_the_same_layers_but_for_per_image_standardization():
    tuned = [type(layer).__name__ for layer in build("conv1d_lstm_tuned", (28, 28, 1), 24).layers]
    plain = [type(layer).__name__ for layer in build("conv1d_lstm", (28, 28, 1), 24).layers]
    assert tuned == [plain[0], "LayerNormalization", *plain[1:]]


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
