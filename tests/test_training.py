"""Training on rendered hands, small but whole; interrupted at any moment, it goes on."""

import dataclasses
import json
import math
import os
import shutil
import signal
import subprocess
import sys

import numpy as np
import pytest
from conftest import REPOSITORY, step_by_step

from asl import (
    AslError,
    EpochLog,
    build,
    calibrate,
    encode,
    files,
    find_or_train,
    load_model,
    predict,
    save_trained,
    split,
    train,
    training_recipe,
)
from asl.__main__ import main
from asl.checkpoints import read_metadata
from asl.data.mapped_images import MappedImages
from asl.evaluation.confidence import confidence_threshold, fit_temperature
from asl.keras_setup import keras
from asl.models import registry
from asl.training import options, resume
from asl.training.batches import Batches
from asl.training.options import compile_model, settle

EPOCHS = 3


def run(parts, name="tiny-cnn", epochs=EPOCHS, seed=0):
    model = build("cnn", (28, 28, 1), 24, seed=seed)
    return model, train(model, parts, name=name, epochs=epochs, seed=seed)


def few(parts):
    """A split with two batches of training images, where more would only take longer."""
    return dataclasses.replace(parts, train=parts.train.take(np.arange(48)))


@pytest.fixture(scope="module")
def whole(parts, tmp_path_factory):
    """A training without interruption: its folder, model and history."""
    with pytest.MonkeyPatch.context() as patch:
        home = tmp_path_factory.mktemp("whole")
        patch.setattr(files, "HOME", home)
        patch.setattr(files, "MODEL", home / "model")
        with step_by_step():
            return home / "model", *run(parts)


def test_history_metadata_and_weights_fit_together(whole, parts):
    folder, model, history = whole
    assert list(history.index) == list(range(1, EPOCHS + 1))
    metadata = read_metadata(folder / "tiny-cnn.keras")
    best = history["val_loss"].idxmin()
    assert metadata.best_epoch == best
    assert metadata.validation["val_loss"] == pytest.approx(history.loc[best, "val_loss"], 1e-4)
    assert metadata.class_names == parts.train.class_names
    assert metadata.split == parts.recipe
    assert (metadata.batch_size, metadata.augmented, metadata.weights) == (32, True, None)
    assert not (folder / "tiny-cnn.training").exists()
    saved, _ = load_model(folder / "tiny-cnn.keras")
    answers = predict(saved, parts.validation.images)
    np.testing.assert_array_equal(answers, predict(model, parts.validation.images))
    labels, temperature = parts.validation.labels, metadata.temperature
    assert fit_temperature(answers, labels) == pytest.approx(1, rel=1e-2)  # they are calibrated
    answers = calibrate(answers, 1 / temperature)  # as they were in training
    assert fit_temperature(answers, labels) == pytest.approx(temperature, rel=1e-2)
    expected = confidence_threshold(calibrate(answers, temperature), labels, 0.99)
    assert metadata.threshold.precision == 0.99
    assert metadata.threshold.confidence == pytest.approx(expected.confidence, abs=1e-3)
    assert metadata.threshold.coverage == pytest.approx(expected.coverage, abs=1e-3)
    # The loss by hand: cross-entropy with a tenth of each target spread over all classes
    targets = 0.9 * encode(parts.validation.labels, 24) + 0.1 / 24
    loss = -(targets * np.log(answers)).sum(axis=1).mean()
    assert loss == pytest.approx(history.loc[best, "val_loss"], rel=1e-3)


@pytest.fixture
def by_hand(parts, home, eager):
    """A network that was fitted without `train`: it, the split, its recipe and its history."""
    parts = few(parts)
    model = build("cnn", (28, 28, 1), 24)
    smoothed = keras.losses.CategoricalCrossentropy(label_smoothing=0.1)
    model.compile("adam", loss=smoothed, metrics=["accuracy"])
    history = model.fit(
        parts.train.images,
        encode(parts.train.labels, 24),
        validation_data=(parts.validation.images, encode(parts.validation.labels, 24)),
        verbose=0,
        callbacks=[EpochLog()],
    ).history
    return model, parts, training_recipe(model, parts, epochs=1), history


def test_a_network_that_was_trained_elsewhere_is_saved_as_train_saves_one(by_hand, home):
    model, parts, recipe, history = by_hand
    before = model.get_weights()
    file = save_trained(model, parts, recipe, history)
    assert file == home / "model/tiny-cnn.keras"
    saved, metadata = load_model("tiny-cnn")
    assert (metadata.best_epoch, metadata.epochs, metadata.batch_size) == (1, 1, 32)
    assert metadata.validation["val_loss"] == pytest.approx(history["val_loss"][0], abs=1e-6)
    assert metadata.history["seconds"] == [round(history["seconds"][0], 4)]
    assert metadata.split == parts.recipe
    assert not keras.saving.load_model(file).compiled  # without what only training needs
    for one, two, old in zip(saved.get_weights(), model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(one, two)
        calibrated = old / metadata.temperature if old.shape[-1] == 24 else old
        np.testing.assert_allclose(one, calibrated, rtol=1e-3, atol=1e-7)


def test_what_is_no_best_epoch_or_no_history_is_not_saved(by_hand, home):
    model, parts, recipe, history = by_hand
    with pytest.raises(AslError, match=r"the history lacks seconds\..*EpochLog"):
        save_trained(model, parts, recipe, {k: v for k, v in history.items() if k != "seconds"})
    better = {figure: [*values, 0.01] for figure, values in history.items()}
    with pytest.raises(AslError, match=r"but that of the best epoch, 2, was 0\.0100: load the"):
        save_trained(model, parts, recipe, better)
    frozen = dataclasses.replace(recipe, frozen=True)
    with pytest.raises(AslError, match="cnn is trained in parts of its own"):
        save_trained(model, parts, frozen, history)
    assert not (home / "model").exists()


def test_interrupted_it_goes_on_as_if_it_had_not_been(
    whole, parts, home, monkeypatch, capsys, eager
):
    class Interrupted(resume.KeepProgress):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 2:
                raise KeyboardInterrupt
            super().on_epoch_begin(epoch, logs)

    model = build("cnn", (28, 28, 1), 24)
    with monkeypatch.context() as patch:
        patch.setattr(resume, "KeepProgress", Interrupted)
        with pytest.raises(KeyboardInterrupt):
            train(model, parts, name="tiny-cnn", epochs=EPOCHS)
    assert (files.MODEL / "tiny-cnn.training/epoch-002.json").exists()
    assert not (files.MODEL / "tiny-cnn.keras").exists()
    # The same network, as where a cell of a notebook is stopped and run again
    history = train(model, parts, name="tiny-cnn", epochs=EPOCHS)
    assert "going on after epoch 2 of 3" in capsys.readouterr().out
    _, uninterrupted, expected = whole
    np.testing.assert_allclose(
        history.drop(columns="seconds"), expected.drop(columns="seconds"), rtol=1e-5
    )
    for one, two in zip(model.get_weights(), uninterrupted.get_weights(), strict=True):
        np.testing.assert_allclose(one, two, rtol=1e-4, atol=1e-6)


def test_what_another_training_left_is_not_taken_up(tmp_path, capsys):
    folder = tmp_path / "tiny-cnn.training"
    fresh = {"key": "mine", "history": [], "sha256": {}}
    for text, message in (
        ('{"key": "other", "history": [], "best_epoch": 1}', "is of another training"),
        ('{"key": ', "is damaged; training starts anew"),
        ('{"key": "mine", "history": [{}], "best_epoch": 1}', "is damaged or lacks a part"),
    ):
        folder.mkdir()
        (folder / "epoch-001.json").write_text(text)
        assert resume._read_progress(folder, "mine") == fresh
        assert message in capsys.readouterr().out
        assert not folder.exists()
    assert resume._read_progress(folder, "mine") == fresh
    assert capsys.readouterr().out == ""


def test_the_last_of_very_many_epochs_is_gone_on_from(tmp_path):
    for epoch in (950, 999, 1000, 1001):
        file = tmp_path / f"epoch-{epoch}.keras"
        file.write_bytes(b"weights")
        progress = {"key": "mine", "history": [{}] * epoch, "best_epoch": epoch}
        progress["sha256"] = {str(epoch): files.sha256(file)}
        file.with_suffix(".json").write_text(json.dumps(progress))
    assert len(resume._read_progress(tmp_path, "mine")["history"]) == 1001


def test_it_stops_early_when_validation_gets_no_better(parts, home, monkeypatch):
    hasty = dataclasses.replace(registry.find("cnn"), patience=1)
    monkeypatch.setitem(registry.MODELS, "cnn", hasty)
    _, history = run(parts, epochs=40)
    losses = history["val_loss"].to_numpy()
    assert len(losses) < 40
    assert losses[-1] > losses[:-1].min()


@pytest.mark.parametrize(("epochs", "patience"), [(20, 8), (80, 8), (81, 9), (1200, 120)])
def test_a_training_is_not_stopped_while_its_rate_still_rises(parts, epochs, patience):
    recipe = training_recipe(build("cnn", (28, 28, 1), 24), parts, epochs=epochs)
    assert recipe.patience == patience >= epochs // 10


def test_killed_and_started_again(tmp_path, capsys):
    """kill -9 in the middle of an epoch, in the shell; what an older training left stays."""
    (tmp_path / "model").mkdir()
    for name in ("tiny-cnn.keras", "tiny-cnn.json"):
        (tmp_path / "model" / name).write_text("older")
    command = [sys.executable, "-m", "asl", "train", "--dataset", "tiny", "--epochs", "4"]
    environment = {**os.environ, "ASL_HOME": str(tmp_path), "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(
        command, cwd=REPOSITORY, env=environment, stdout=subprocess.PIPE, text=True
    ) as process:
        for line in process.stdout:
            if line.startswith("epoch   2/4"):
                process.send_signal(signal.SIGKILL)
                break
    assert process.wait() == -signal.SIGKILL
    assert (tmp_path / "model/tiny-cnn.keras").read_text() == "older"
    last = max((tmp_path / "model/tiny-cnn.training").glob("epoch-*.json"))
    progress = json.loads(last.read_text())
    assert len(progress["history"]) in (2, 3)

    with step_by_step():
        assert main(command[3:]) == 0
    assert f"going on after epoch {len(progress['history'])} of 4" in capsys.readouterr().out
    metadata = json.loads((tmp_path / "model/tiny-cnn.json").read_text())
    assert metadata["epochs"] == 4
    names = (path.name for path in (tmp_path / "model").iterdir() if path.suffix != ".lock")
    assert sorted(names) == ["tiny-cnn.json", "tiny-cnn.keras"]


def test_images_on_the_disk_train_as_those_in_memory(parts, home, tmp_path, eager):
    def on_disk(images, name):
        images.tofile(tmp_path / name)
        return MappedImages(np.memmap(tmp_path / name, np.uint8, "r", shape=images.shape))

    parts = few(parts)
    _, in_memory = run(parts, epochs=1)
    train_part, validation = (
        dataclasses.replace(part, images=on_disk(part.images, name))
        for part, name in ((parts.train, "train"), (parts.validation, "validation"))
    )
    _, mapped = run(dataclasses.replace(parts, train=train_part, validation=validation), epochs=1)
    figures = ["loss", "val_loss", "accuracy"]
    np.testing.assert_allclose(mapped[figures], in_memory[figures], rtol=1e-5)


def test_several_steps_in_one_call_are_the_same_steps(monkeypatch):
    layers, random = keras.layers, np.random.default_rng(0)
    images = random.integers(0, 256, (8 * 18 + 3, 4, 4, 1), np.uint8)  # the last batch is not full
    targets = np.eye(3, dtype=np.float32)[random.integers(0, 3, len(images))]
    weights = []
    for long in (math.inf, 1):
        monkeypatch.setattr(options, "LONG_TRAINING", long)
        keras.utils.set_random_seed(0)
        model = keras.Sequential([keras.Input((4, 4, 1)), layers.Rescaling(1 / 255)])
        for layer in (layers.Flatten(), layers.Dropout(0.3, seed=0), layers.Dense(3, "softmax")):
            model.add(layer)
        compile_model(model, registry.find("cnn"), steps=38)
        at_once = 16 if long == 1 and keras.backend.backend() == "tensorflow" else 1
        assert model.steps_per_execution == at_once
        model.fit(Batches(images, targets, 8, augmented=False), epochs=2, shuffle=False, verbose=0)
        weights.append(model.get_weights())
    for one, two in zip(*weights, strict=True):
        np.testing.assert_array_equal(one, two)


def test_batches_of_validation_are_the_images_as_they_are(parts):
    images, targets = parts.validation.images, encode(parts.validation.labels, 24)
    batches = Batches(images, targets, batch_size=10, augmented=False, shuffled=False)
    shown = [batches[number] for number in range(len(batches))]
    found = [np.concatenate(column)[: len(images)] for column in zip(*shown, strict=True)]
    np.testing.assert_array_equal(found[0], images)  # with JAX the last batch is filled
    np.testing.assert_array_equal(found[1], targets)


@pytest.mark.parametrize("size, batch", [(28, 512), (224, 13)])
def test_of_large_validation_images_fewer_are_predicted_at_a_time(parts, size, batch):
    """A third of 128 MB for the first convolution's 16 maps, four bytes a value; 512 at most."""
    recipe = training_recipe(build("cnn", (size, size, 3), 24), parts)
    assert recipe.validation_batch_size == batch == min(512, 2**27 // (3 * 4 * 16 * size**2))


def test_what_is_not_asked_for_is_as_the_architecture_says(parts):
    models = {name: build(name, (28, 28, 1), 24) for name in ("cnn", "conv1d_lstm")}

    def settled(name, **options):
        recipe = settle(models[name], registry.find(name), parts, seed=0, options=options)
        return recipe.epochs, recipe.batch_size, recipe.augmented, recipe.phases

    epochs = math.ceil(1200 / math.ceil(len(parts.train) / 32))  # until the data set's `steps`
    assert settled("cnn") == (epochs, 32, True, (0,))  # a small set: half of its 64 images
    assert settled("cnn", epochs=None, batch_size=None, augmented=None) == settled("cnn")
    assert settled("cnn", epochs=2, batch_size=7, augmented=False) == (2, 7, False, (0,))
    assert settled("conv1d_lstm") == (20, 32, False, (0,))
    with pytest.raises(AslError, match="fine_tune wants a network with ImageNet weights; cnn"):
        settled("cnn", fine_tune=1)


def test_a_checkpoint_of_just_this_training_is_found_and_others_stay(
    samples, parts, home, capsys, eager
):
    parts, other = few(parts), few(split(samples, seed=3))  # with one seed of the training
    assert find_or_train(parts, "cnn", epochs=1) == "tiny-cnn"
    before = (home / "model/tiny-cnn.keras").read_bytes()
    capsys.readouterr()
    assert find_or_train(parts, "cnn", epochs=3) == "tiny-cnn"
    assert capsys.readouterr().out == "cnn: as it was trained, model/tiny-cnn.keras\n"
    assert find_or_train(other, "cnn", epochs=1) == "tiny-cnn-seed0"
    assert read_metadata(home / "model/tiny-cnn-seed0.keras").split == other.recipe
    assert find_or_train(other, "cnn") == "tiny-cnn-seed0"
    assert find_or_train(parts, "cnn", seed=1, epochs=1) == "tiny-cnn-seed1"
    assert find_or_train(parts, "cnn") == "tiny-cnn"
    assert (home / "model/tiny-cnn.keras").read_bytes() == before


def test_weights_that_changed_under_their_name_are_other_weights(parts, home, eager, capsys):
    parts, begun = few(parts), {"weights": home / "begun.keras", "epochs": 1}
    shutil.copy(home / "model" / f"{find_or_train(parts, 'cnn', epochs=1)}.keras", begun["weights"])
    assert find_or_train(parts, "cnn", **begun) == "tiny-cnn-seed0"
    first = read_metadata(home / "model/tiny-cnn-seed0.keras")
    assert first.initial_sha256 == files.sha256(begun["weights"])
    shutil.copy(home / "model/tiny-cnn-seed0.keras", begun["weights"])
    capsys.readouterr()
    assert find_or_train(parts, "cnn", **begun) == "tiny-cnn-seed0"
    second = read_metadata(home / "model/tiny-cnn-seed0.keras")
    assert second.arrays_sha256 != first.arrays_sha256
    assert find_or_train(parts, "cnn", **begun) == "tiny-cnn-seed0"
    assert capsys.readouterr().out.count("as it was trained") == 1
