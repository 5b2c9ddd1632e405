"""Frozen features: computed once, kept on the disk, and as good as the plain way."""

import json
import zlib

import numpy as np
import pytest

from asl import MODELS, AslError, build, calibrate, encode, files, load_model, predict, train
from asl.data import feature_cache
from asl.keras_setup import keras
from asl.models import backbones, transfer
from asl.models.registry import Architecture, Pretrained
from asl.training import resume

pytestmark = pytest.mark.usefixtures("eager")  # to compile takes longer here than to run
SIZE = 32
WIDTH = 48  # of the features
BLOCKS = ("stem_relu", "block_1_bn", "block_2_add", "block_3_add", "out_relu")


def small(size):
    """A backbone like mobilenetv2's, with five of its nineteen blocks, so that tests are quick."""
    layers = keras.layers
    inputs = keras.Input((size, size, 3))
    x = layers.Conv2D(16, 3, strides=2, padding="same", use_bias=False)(inputs)
    x = layers.ReLU(6, name="stem_relu")(layers.BatchNormalization()(x))
    x = layers.DepthwiseConv2D(3, strides=2, padding="same", use_bias=False)(x)
    x = layers.BatchNormalization(name="block_1_bn")(x)
    for name in BLOCKS[2:4]:
        within = layers.ReLU(6)(layers.Conv2D(16, 1, use_bias=False)(x))
        within = layers.BatchNormalization()(layers.DepthwiseConv2D(3, padding="same")(within))
        x = layers.Add(name=name)([x, within])
    x = layers.ReLU(6, name="out_relu")(layers.BatchNormalization()(layers.Conv2D(WIDTH, 1)(x)))
    return keras.Model(inputs, x), layers.Rescaling(1 / 127.5, offset=-1)


ARCHITECTURE = Architecture(
    name="small",
    title="",
    reference="",
    function=small,
    batch_size=64,
    learning_rate=5e-3,
    epochs=10,
    cosine_schedule=True,
    label_smoothing=0.1,
    input_size=SIZE,
    pretrained=Pretrained(parameters=0, blocks=BLOCKS, fine_tune=2, fine_tune_rate=3e-3),
)
NAME = ARCHITECTURE.name


@pytest.fixture(autouse=True)
def registered(monkeypatch):
    monkeypatch.setitem(MODELS, NAME, ARCHITECTURE)


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    """A file of weights to begin with; they know nothing, but are the same for all."""
    keras.utils.set_random_seed(7)
    path = tmp_path_factory.mktemp("weights") / "backbone.weights.h5"
    small(SIZE)[0].save_weights(path)
    return path


@pytest.fixture
def model(weights):
    return build(NAME, (28, 28, 1), 24, weights=weights, size=SIZE)


def run(parts, model, **options):
    return train(model, parts, weights="imagenet", **{"epochs": 3, **options})


def features_of(model):
    return keras.Model(model.inputs[0], model.get_layer(backbones.FEATURES).output)


@pytest.mark.parametrize("blocks", [0, 1, 3, 4, 5])
def test_split_in_two_it_is_the_same_network(blocks, model, parts):
    frozen, trainable = transfer.split_frozen(model, ARCHITECTURE, blocks)
    images = parts.test.images[:4].astype(np.float32)
    between = images if frozen is None else frozen(images, training=False)
    assert (frozen is None) == (blocks == 5)
    found = trainable(between, training=False)
    np.testing.assert_allclose(found, model(images, training=False), atol=1e-6)


@pytest.mark.parametrize("blocks", [0, 1, 3, 5])
def test_the_last_blocks_are_unfrozen_and_nothing_else(blocks, model):
    transfer.unfreeze(model, ARCHITECTURE, blocks)
    backbone = transfer.backbone_of(model)
    names = [layer.name for layer in backbone.layers]
    edge = names.index(ARCHITECTURE.pretrained.blocks[-blocks - 1]) if blocks < 5 else 0
    for place, layer in enumerate(backbone.layers):
        is_trained = bool(layer.trainable_variables)
        has_kernel = hasattr(layer, "kernel")
        assert is_trained == (has_kernel and blocks > 0 and place > edge), layer.name
    *_, kernel, bias = model.trainable_variables
    assert (kernel.shape, bias.shape) == ((WIDTH, 24), (24,))


@pytest.mark.parametrize("blocks", [-1, 6])
def test_blocks_that_are_not_there(blocks, model):
    with pytest.raises(AslError, match="has 5 blocks"):
        transfer.unfreeze(model, ARCHITECTURE, blocks)


def test_blocks_that_are_not_there_are_said_before_anything_is_trained(model, parts, home):
    with pytest.raises(AslError, match="fine_tune=6 is not there"):
        run(parts, model, fine_tune=6)
    assert not list(home.iterdir())


def test_fine_tuning_wants_weights(parts, home):
    with pytest.raises(AslError, match="fine_tune wants a network with ImageNet weights"):
        run(parts, build(NAME, (28, 28, 1), 24, weights=None, size=SIZE), fine_tune=1)


def test_frozen_features_train_as_the_plain_way_does(weights, parts, home, monkeypatch):
    """The plain way: every epoch all images through the whole network."""
    histories, predictions = [], []
    for plain in (False, True):
        model = build(NAME, (28, 28, 1), 24, weights=weights, size=SIZE)
        with monkeypatch.context() as patch:
            if plain:
                whole = keras.Model(model.inputs[0], model.outputs[0])
                patch.setattr(transfer, "split_frozen", lambda *_, whole=whole: (None, whole))
            histories.append(run(parts, model, fine_tune=0).drop(columns="seconds"))
        predictions.append(predict(model, parts.test.images))
    np.testing.assert_allclose(histories[0], histories[1], rtol=1e-3)
    np.testing.assert_allclose(predictions[0], predictions[1], atol=1e-4)
    assert (predictions[0].argmax(axis=1) == predictions[1].argmax(axis=1)).all()


def test_a_second_run_computes_nothing(weights, parts, home, monkeypatch):
    first = build(NAME, (28, 28, 1), 24, weights=weights, size=SIZE)
    run(parts, first, fine_tune=0)
    kept = sorted((home / "data/cache/features").glob("*.f32"))
    assert len(kept) == 2  # of training and validation images
    monkeypatch.setattr(feature_cache, "_compute", None)  # a call would raise
    second = build(NAME, (28, 28, 1), 24, weights=weights, size=SIZE)
    run(parts, second, fine_tune=0)
    np.testing.assert_array_equal(first.get_weights()[-2], second.get_weights()[-2])


def test_other_images_other_weights_other_sizes_have_other_features(model, parts, home):
    images = parts.test.images[:6]
    values = transfer.frozen_features(features_of(model), images, "x").values
    assert values.shape == (6, WIDTH)
    other = images.copy()
    other[5, 0, 0] ^= 1  # one pixel
    assert (transfer.frozen_features(features_of(model), other, "x").values[:5] == values[:5]).all()
    transfer.frozen_features(features_of(model), images[::-1], "x")
    kernel = transfer.backbone_of(model).layers[1].kernel
    kernel.assign(kernel * 1.5)
    assert (transfer.frozen_features(features_of(model), images, "x").values != values).any()
    larger = build(NAME, (28, 28, 1), 24, weights=None, size=64)
    larger.set_weights(model.get_weights())
    assert (transfer.frozen_features(features_of(larger), images, "x").values != values).any()
    assert len(list((home / "data/cache/features").glob("*.f32"))) == 5


def test_a_pass_that_was_interrupted_goes_on(model, parts, home, monkeypatch):
    images = parts.train.images[:80]
    frozen = features_of(model)
    expected = frozen.predict_on_batch(images)
    seen, calls = [], []
    predict_on_batch = frozen.predict_on_batch

    def interrupted(block):
        calls.append(len(block))
        if len(calls) == 3:
            raise KeyboardInterrupt
        return predict_on_batch(block)

    monkeypatch.setattr(frozen, "predict_on_batch", interrupted)
    with pytest.raises(KeyboardInterrupt):
        transfer.frozen_features(frozen, images, "x")
    unfinished = next((home / "data/cache/features").glob("*.part"))
    kept = bytearray(unfinished.read_bytes())
    assert len(kept) == 64 * WIDTH * 4
    for damaged, expected_calls in ((None, [16]), (5, [32, 32, 16]), (40, [32, 16])):
        data = bytearray(kept)
        if damaged is not None:
            data[damaged * WIDTH * 4] ^= 1
        unfinished.write_bytes(data + b"half a row")
        checks = [
            f"32:{zlib.crc32(kept[start : start + 32 * WIDTH * 4])}"
            for start in (0, 32 * WIDTH * 4)
        ]
        unfinished.with_suffix(".checks").write_text("\n".join(checks) + "\n")
        unfinished.with_suffix(".f32").unlink(missing_ok=True)
        seen.clear()
        monkeypatch.setattr(
            frozen,
            "predict_on_batch",
            lambda block: seen.append(len(block)) or predict_on_batch(block),
        )
        found = transfer.frozen_features(frozen, images, "x").values
        assert seen == expected_calls
        assert {each.suffix for each in unfinished.parent.iterdir()} == {".f32", ".json", ".lock"}
        np.testing.assert_allclose(found, expected, atol=1e-5)


def test_fine_tuning_is_a_second_phase(model, weights, parts, home, capsys):
    """It never ends worse, in validation loss, than it began; what is frozen stays as it was."""
    history = run(parts, model, fine_tune=2, epochs=2)
    assert list(history.index) == [1, 2, 3, 4]
    told = capsys.readouterr().out.splitlines()
    first, second = (
        next(i for i, line in enumerate(told) if f"{each} phase: " in line)
        for each in ("first", "second")
    )
    assert second - first == 3  # two epochs
    assert "the head alone" in told[first] and "2 of the backbone" in told[second]
    saved, metadata = load_model("tiny-small")
    assert metadata.fine_tune == 2
    assert metadata.weights == "imagenet"
    assert metadata.features_seconds <= metadata.training_seconds
    best = history["val_loss"].idxmin()
    assert metadata.best_epoch == best
    assert len(metadata.history["seconds"]) == 4
    answers = calibrate(predict(saved, parts.validation.images), 1 / metadata.temperature)
    targets = encode(parts.validation.labels, 24)
    smoothing = ARCHITECTURE.label_smoothing
    targets = (1 - smoothing) * targets + smoothing / 24
    loss = -(targets * np.log(answers)).sum(axis=1).mean()
    assert loss == pytest.approx(history.loc[best, "val_loss"], rel=1e-3)
    before = transfer.backbone_of(build(NAME, (28, 28, 1), 24, weights=weights, size=SIZE))
    edge = ARCHITECTURE.pretrained.blocks[-3]
    for old, new in zip(before.layers, transfer.backbone_of(saved).layers, strict=True):
        for one, two in zip(old.get_weights(), new.get_weights(), strict=True):
            np.testing.assert_array_equal(one, two)
        if old.name == edge:
            break
    assert not (files.MODEL / "tiny-small.training").exists()
    assert transfer.is_frozen(model, ARCHITECTURE)  # so that the cell can be run again


def test_killed_in_the_second_phase_it_goes_on(model, weights, parts, home, monkeypatch, capsys):
    expected = run(parts, model, fine_tune=1, epochs=2)
    real = resume.compile_model
    monkeypatch.setattr(resume, "compile_model", _once_then_interrupt(real))
    with pytest.raises(KeyboardInterrupt):
        again = build(NAME, (28, 28, 1), 24, weights=weights, size=SIZE)
        run(parts, again, fine_tune=1, epochs=2)
    monkeypatch.setattr(resume, "compile_model", real)
    progress = json.loads((files.MODEL / "tiny-small.training/epoch-002.json").read_text())
    assert len(progress["history"]) == 2
    capsys.readouterr()
    again = build(NAME, (28, 28, 1), 24, weights=weights, size=SIZE)
    history = run(parts, again, fine_tune=1, epochs=2)
    assert "going on after epoch 2 of 2" in capsys.readouterr().out
    np.testing.assert_allclose(history["val_loss"], expected["val_loss"], rtol=1e-4)


def _once_then_interrupt(real):
    calls = []

    def compile_model(*arguments):
        calls.append(1)
        if len(calls) > 1:
            raise KeyboardInterrupt
        real(*arguments)

    return compile_model


def test_augmented_a_frozen_backbone_sees_each_image_anew(model, parts, home):
    before = [np.array(each) for each in transfer.backbone_of(model).weights]
    run(parts, model, augmented=True, epochs=1, fine_tune=0)
    assert not (home / "data/cache/features").exists()
    for one, two in zip(before, transfer.backbone_of(model).weights, strict=True):
        np.testing.assert_array_equal(one, np.array(two))


def test_a_checkpoint_is_a_beginning(model, parts, home):
    run(parts, model, epochs=1, fine_tune=0)
    file = files.MODEL / "tiny-small.keras"
    again = build(NAME, (28, 28, 1), 24, weights=file, size=SIZE)
    np.testing.assert_array_equal(again.get_weights()[-2], model.get_weights()[-2])
    with pytest.raises(
        AslError, match=r"has 24 classes .*; small .* of 10 classes, .* cannot begin"
    ):
        build(NAME, (28, 28, 1), 10, weights=file, size=SIZE)
    with pytest.raises(AslError, match=r"cnn for \(28, 28, 1\) of 24 classes, .* cannot begin"):
        build("cnn", (28, 28, 1), 24, weights=file)


@pytest.mark.parametrize("blocks", [0, 2, 5])
def test_the_trainable_part_goes_on_from_what_is_kept(blocks, model, parts, home):
    images = [parts.test.images[:4], parts.test.images[4:6]]
    trainable, kept = transfer.trainable_part(model, ARCHITECTURE, blocks, images)
    for given, each in zip(kept, images, strict=True):
        found = trainable(np.asarray(given, np.float32), training=False)
        expected = model(each.astype(np.float32), training=False)
        np.testing.assert_allclose(found, expected, atol=1e-6)


def test_block_outputs_are_those_of_the_layers(model, parts):
    images = parts.test.images[:2]
    found = transfer.block_outputs(model, images, BLOCKS[1:4])
    assert list(found) == list(BLOCKS[1:4])
    backbone = transfer.backbone_of(model)
    middle = keras.Model(backbone.inputs[0], backbone.get_layer(BLOCKS[2]).output)
    prepared = keras.Model(model.inputs[0], model.get_layer("prepared").output)
    expected = middle(prepared(images.astype(np.float32)))
    np.testing.assert_allclose(found[BLOCKS[2]], expected, atol=1e-6)


def test_without_weights_random_ones_are_taken_and_that_is_said(home, monkeypatch, capsys):
    def missing(name, weights):
        raise AslError("there are none")

    with monkeypatch.context() as patch:
        patch.setattr(transfer.pretrained, "find_weights", missing)
        file = transfer.weights_or_random(NAME)
    assert file.is_relative_to(home / "data/weights")
    told = capsys.readouterr().out
    assert "there are none" in told and "RANDOM" in told
    assert transfer.weights_or_random(NAME, file) == file
    assert capsys.readouterr().out == f"weights: {file.name}\n"
