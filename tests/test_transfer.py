"""Features computed once, kept on the disk, and as good as the plain way."""

import json

import numpy as np
import pytest

from asl import (
    MODELS,
    AslError,
    about,
    build,
    calibrate,
    encode,
    load_model,
    models,
    networks,
    paths,
    predict,
    train,
    transfer,
)
from asl.backend import keras

NAME = "mobilenetv2"
NETWORK = MODELS[NAME]
SIZE = 32  # as small as it goes, so that the tests are quick


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    """A file of weights to begin with; they know nothing, but are the same for all."""
    keras.utils.set_random_seed(7)
    path = tmp_path_factory.mktemp("weights") / "base.weights.h5"
    networks.mobilenetv2(SIZE)[0].save_weights(path)
    return path


@pytest.fixture
def model(weights):
    return build(NAME, (28, 28, 1), 24, weights=weights, size=SIZE)


def run(parts, model, **options):
    return train(
        model,
        parts.train.images,
        encode(parts.train.labels, 24),
        parts.validation.images,
        encode(parts.validation.labels, 24),
        name="tiny-mobilenetv2",
        about=about(parts, NAME, "imagenet"),
        **{"epochs": 3, **options},
    )


def features_of(model):
    return keras.Model(model.inputs[0], model.get_layer(networks.FEATURES).output)


@pytest.mark.parametrize("blocks", [0, 1, 7, 18, 19])
def test_cut_in_two_it_is_the_same_network(blocks, model, parts):
    trunk, learner = transfer.cut(model, NETWORK, blocks)
    images = parts.test.images[:4].astype(np.float32)
    between = images if trunk is None else trunk(images, training=False)
    assert (trunk is None) == (blocks == 19)
    found = learner(between, training=False)
    np.testing.assert_allclose(found, model(images, training=False), atol=1e-6)


@pytest.mark.parametrize("blocks", [0, 1, 7, 19])
def test_the_last_blocks_are_unfrozen_and_nothing_else(blocks, model):
    transfer.unfreeze(model, NETWORK, blocks)
    base = transfer.base_of(model)
    names = [layer.name for layer in base.layers]
    edge = names.index(NETWORK.pretrained.blocks[-blocks - 1]) if blocks < 19 else 0
    for place, layer in enumerate(base.layers):
        learns = bool(layer.trainable_variables)
        has_kernel = hasattr(layer, "kernel")
        assert learns == (has_kernel and blocks > 0 and place > edge), layer.name
    *_, kernel, bias = model.trainable_variables
    assert (kernel.shape, bias.shape) == ((1280, 24), (24,))


@pytest.mark.parametrize("blocks", [-1, 20])
def test_blocks_that_are_not_there(blocks, model):
    with pytest.raises(AslError, match="has 19 blocks"):
        transfer.unfreeze(model, NETWORK, blocks)


def test_blocks_that_are_not_there_are_said_before_anything_is_trained(model, parts, home):
    with pytest.raises(AslError, match="fine_tune=20 is not there"):
        run(parts, model, fine_tune=20)
    assert not list(home.iterdir())


def test_fine_tuning_wants_weights(parts, home):
    with pytest.raises(AslError, match="fine_tune wants a network with ImageNet weights"):
        run(parts, build(NAME, (28, 28, 1), 24, weights=None, size=SIZE), fine_tune=1)


def test_cached_features_train_as_the_plain_way_does(weights, parts, home, monkeypatch):
    """The plain way: every epoch all images through the whole network."""
    histories, readings = [], []
    for plain in (False, True):
        model = build(NAME, (28, 28, 1), 24, weights=weights, size=SIZE)
        with monkeypatch.context() as patch:
            if plain:
                whole = keras.Model(model.inputs[0], model.outputs[0])
                patch.setattr(transfer, "cut", lambda *_, whole=whole: (None, whole))
            histories.append(run(parts, model, fine_tune=0).drop(columns="seconds"))
        readings.append(predict(model, parts.test.images))
    np.testing.assert_allclose(histories[0], histories[1], rtol=1e-3)
    np.testing.assert_allclose(readings[0], readings[1], atol=1e-4)
    assert (readings[0].argmax(axis=1) == readings[1].argmax(axis=1)).all()


def test_a_second_run_computes_nothing(weights, parts, home, monkeypatch):
    first = build(NAME, (28, 28, 1), 24, weights=weights, size=SIZE)
    run(parts, first, fine_tune=0)
    kept = sorted((home / "data/cache/features").glob("*.f32"))
    assert len(kept) == 2  # of training and validation images
    monkeypatch.setattr(transfer, "_compute", None)  # a call would raise
    second = build(NAME, (28, 28, 1), 24, weights=weights, size=SIZE)
    run(parts, second, fine_tune=0)
    np.testing.assert_array_equal(first.get_weights()[-2], second.get_weights()[-2])


def test_other_images_other_weights_other_sizes_have_other_features(model, parts, home):
    images = parts.test.images[:6]
    values = transfer.features(features_of(model), images, "x").values
    assert values.shape == (6, 1280)
    other = images.copy()
    other[5, 0, 0] ^= 1  # one pixel
    assert (transfer.features(features_of(model), other, "x").values[:5] == values[:5]).all()
    transfer.features(features_of(model), images[::-1], "x")
    kernel = transfer.base_of(model).layers[1].kernel
    kernel.assign(kernel * 1.5)
    assert (transfer.features(features_of(model), images, "x").values != values).any()
    larger = build(NAME, (28, 28, 1), 24, weights=None, size=64)
    larger.set_weights(model.get_weights())
    assert (transfer.features(features_of(larger), images, "x").values != values).any()
    assert len(list((home / "data/cache/features").glob("*.f32"))) == 5


def test_a_pass_that_was_interrupted_goes_on(model, parts, home, monkeypatch):
    images = parts.test.images[:40]
    trunk = features_of(model)
    expected = transfer.features(trunk, images, "x").values
    file = next((home / "data/cache/features").glob("*.f32"))
    whole = file.read_bytes()
    unfinished = file.with_suffix(".part")
    unfinished.write_bytes(whole[: 33 * 1280 * 4 + 17])  # 33 rows and a bit
    file.write_bytes(b"damaged")
    seen = []
    predict_on_batch = trunk.predict_on_batch
    monkeypatch.setattr(
        trunk, "predict_on_batch", lambda block: seen.append(len(block)) or predict_on_batch(block)
    )
    found = transfer.features(trunk, images, "x").values
    assert seen == [7]
    assert not unfinished.exists()
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_fine_tuning_is_a_second_phase(model, weights, parts, home):
    """It never ends worse, in validation loss, than it began; what is frozen stays as it was."""
    history = run(parts, model, fine_tune=2, epochs=2)
    assert list(history.index) == [1, 2, 3, 4]
    saved, sidecar = load_model("tiny-mobilenetv2")
    assert sidecar["fine_tune"] == 2
    assert sidecar["weights"] == "imagenet"
    assert sidecar["features_seconds"] <= sidecar["training_seconds"]
    best = history["val_loss"].idxmin()
    assert sidecar["best_epoch"] == best
    assert len(sidecar["history"]["seconds"]) == 4
    answers = calibrate(predict(saved, parts.validation.images), 1 / sidecar["temperature"])
    targets = encode(parts.validation.labels, 24)
    smoothing = NETWORK.label_smoothing
    targets = (1 - smoothing) * targets + smoothing / 24
    loss = -(targets * np.log(answers)).sum(axis=1).mean()
    assert loss == pytest.approx(history.loc[best, "val_loss"], rel=1e-3)
    before = transfer.base_of(build(NAME, (28, 28, 1), 24, weights=weights, size=SIZE))
    edge = NETWORK.pretrained.blocks[-3]
    for old, new in zip(before.layers, transfer.base_of(saved).layers, strict=True):
        for one, two in zip(old.get_weights(), new.get_weights(), strict=True):
            np.testing.assert_array_equal(one, two)
        if old.name == edge:
            break
    assert not (paths.MODEL / "tiny-mobilenetv2.training").exists()
    assert transfer.is_frozen(model, NETWORK)  # so that the cell can be run again


def test_killed_in_the_second_phase_it_goes_on(model, weights, parts, home, monkeypatch, capsys):
    expected = run(parts, model, fine_tune=1, epochs=2)
    real = models.compile
    monkeypatch.setattr(models, "compile", _once_then_interrupt(real))
    with pytest.raises(KeyboardInterrupt):
        again = build(NAME, (28, 28, 1), 24, weights=weights, size=SIZE)
        run(parts, again, fine_tune=1, epochs=2)
    monkeypatch.setattr(models, "compile", real)
    progress = json.loads((paths.MODEL / "tiny-mobilenetv2.training/progress.json").read_text())
    assert len(progress["history"]) == 2
    capsys.readouterr()
    again = build(NAME, (28, 28, 1), 24, weights=weights, size=SIZE)
    history = run(parts, again, fine_tune=1, epochs=2)
    assert "going on after epoch 2 of 2" in capsys.readouterr().out
    np.testing.assert_allclose(history["val_loss"], expected["val_loss"], rtol=1e-4)


def _once_then_interrupt(real):
    calls = []

    def compile(*arguments):
        calls.append(1)
        if len(calls) > 1:
            raise KeyboardInterrupt
        real(*arguments)

    return compile


def test_augmented_a_frozen_base_sees_each_image_anew(model, parts, home):
    before = [np.array(each) for each in transfer.base_of(model).weights]
    run(parts, model, augmented=True, epochs=1, fine_tune=0)
    assert not (home / "data/cache/features").exists()
    for one, two in zip(before, transfer.base_of(model).weights, strict=True):
        np.testing.assert_array_equal(one, np.array(two))


def test_a_trained_network_is_a_beginning(model, parts, home):
    run(parts, model, epochs=1, fine_tune=0)
    file = paths.MODEL / "tiny-mobilenetv2.keras"
    again = build(NAME, (28, 28, 1), 24, weights=file, size=SIZE)
    np.testing.assert_array_equal(again.get_weights()[-2], model.get_weights()[-2])
    with pytest.raises(AslError, match=r"of 24 classes; mobilenetv2 .* of 10 classes cannot"):
        build(NAME, (28, 28, 1), 10, weights=file, size=SIZE)
    with pytest.raises(AslError, match="is mobilenetv2 for images"):
        build("cnn", (28, 28, 1), 24, weights=file)


def test_too_little_memory_is_said_before_time_is_spent(model, parts, home, monkeypatch):
    class Memory:
        available = 100_000_000

    monkeypatch.setattr(models.psutil, "virtual_memory", lambda: Memory)
    with pytest.raises(AslError, match=r"batches of 100000 need .* batch_size=\d+ would fit"):
        run(parts, model, batch_size=100_000)
    assert not (home / "data").exists()
