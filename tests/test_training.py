"""Training on rendered hands, small but whole; interrupted at any moment, it goes on."""

import dataclasses
import json
import os
import signal
import subprocess
import sys

import numpy as np
import pytest
from conftest import REPOSITORY, shell

from asl import (
    about,
    arrays,
    build,
    calibrate,
    encode,
    fit_temperature,
    load_model,
    models,
    paths,
    predict,
    sure_threshold,
    train,
    training,
)

EPOCHS = 3


def run(parts, name="tiny-cnn", epochs=EPOCHS, seed=0):
    model = build("cnn", (28, 28, 1), 24, seed=seed)
    history = train(
        model,
        parts.train.images,
        encode(parts.train.labels, 24),
        parts.validation.images,
        encode(parts.validation.labels, 24),
        name=name,
        about=about(parts, "cnn"),
        epochs=epochs,
        seed=seed,
    )
    return model, history


@pytest.fixture(scope="module")
def whole(parts, tmp_path_factory):
    """A training without interruption: its folder, model and history."""
    with pytest.MonkeyPatch.context() as patch:
        home = tmp_path_factory.mktemp("whole")
        patch.setattr(paths, "HOME", home)
        patch.setattr(paths, "MODEL", home / "model")
        return home / "model", *run(parts)


def test_history_sidecar_and_weights_fit_together(whole, parts):
    folder, model, history = whole
    assert list(history.index) == list(range(1, EPOCHS + 1))
    sidecar = json.loads((folder / "tiny-cnn.json").read_text())
    best = history["val_loss"].idxmin()
    assert sidecar["best_epoch"] == best
    assert sidecar["validation"]["val_loss"] == pytest.approx(history.loc[best, "val_loss"], 1e-4)
    assert sidecar["class_names"] == list(parts.train.class_names)
    assert not (folder / "tiny-cnn.training").exists()
    saved, _ = load_model(folder / "tiny-cnn.keras")
    answers = predict(saved, parts.validation.images)
    np.testing.assert_array_equal(answers, predict(model, parts.validation.images))
    labels, temperature = parts.validation.labels, sidecar["temperature"]
    assert fit_temperature(answers, labels) == pytest.approx(1, rel=1e-2)  # they are calibrated
    answers = calibrate(answers, 1 / temperature)  # as they were in training
    assert fit_temperature(answers, labels) == pytest.approx(temperature, rel=1e-2)
    confidence, unread = sure_threshold(calibrate(answers, temperature), labels, 0.99)
    assert sidecar["sure"]["confidence"] == pytest.approx(confidence, abs=1e-3)
    assert sidecar["sure"]["unread"] == pytest.approx(unread, abs=1e-3)
    # The loss by hand: cross-entropy with a tenth of each target spread over all classes
    targets = 0.9 * encode(parts.validation.labels, 24) + 0.1 / 24
    loss = -(targets * np.log(answers)).sum(axis=1).mean()
    assert loss == pytest.approx(history.loc[best, "val_loss"], rel=1e-3)


def test_interrupted_it_goes_on_as_if_it_had_not_been(whole, parts, home, monkeypatch, capsys):
    class Interrupted(training.KeepProgress):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 2:
                raise KeyboardInterrupt
            super().on_epoch_begin(epoch, logs)

    with monkeypatch.context() as patch:
        patch.setattr(training, "KeepProgress", Interrupted)
        with pytest.raises(KeyboardInterrupt):
            run(parts)
    assert (paths.MODEL / "tiny-cnn.training/progress.json").exists()
    assert not (paths.MODEL / "tiny-cnn.keras").exists()
    model, history = run(parts)
    assert "going on after epoch 2 of 3" in capsys.readouterr().out
    _, uninterrupted, expected = whole
    np.testing.assert_allclose(
        history.drop(columns="seconds"), expected.drop(columns="seconds"), rtol=1e-5
    )
    for one, two in zip(model.get_weights(), uninterrupted.get_weights(), strict=True):
        np.testing.assert_allclose(one, two, rtol=1e-4, atol=1e-6)


def test_what_another_training_left_is_not_taken_up(tmp_path, capsys):
    folder = tmp_path / "tiny-cnn.training"
    for text, message in (
        ('{"key": "other", "history": [], "best_epoch": 1}', "is of another training"),
        ('{"key": ', "is damaged; training starts anew"),
        ('{"key": "mine", "history": [{}], "best_epoch": 1}', "lacks epoch-001.keras"),
    ):
        folder.mkdir()
        (folder / "progress.json").write_text(text)
        assert training._read_progress(folder, "mine") == {"key": "mine", "history": []}
        assert message in capsys.readouterr().out
        assert not folder.exists()
    assert training._read_progress(folder, "mine") == {"key": "mine", "history": []}
    assert capsys.readouterr().out == ""


def test_it_stops_early_when_validation_gets_no_better(parts, home, monkeypatch):
    hasty = dataclasses.replace(models.find("cnn"), patience=1)
    monkeypatch.setitem(models.MODELS, "cnn", hasty)
    _, history = run(parts, epochs=40)
    losses = history["val_loss"].to_numpy()
    assert len(losses) < 40
    assert losses[-1] > losses[:-1].min()


def test_killed_and_started_again(tmp_path):
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
    progress = json.loads((tmp_path / "model/tiny-cnn.training/progress.json").read_text())
    assert len(progress["history"]) in (2, 3)

    done = shell(*command[3:], home=tmp_path)
    assert done.returncode == 0, done.stderr
    assert f"going on after epoch {len(progress['history'])} of 4" in done.stdout
    sidecar = json.loads((tmp_path / "model/tiny-cnn.json").read_text())
    assert sidecar["epochs"] == 4
    assert sorted(path.name for path in (tmp_path / "model").iterdir()) == [
        "tiny-cnn.json",
        "tiny-cnn.keras",
    ]


def test_images_on_the_disk_train_as_those_in_memory(parts, home, tmp_path):
    def on_disk(images, name):
        images.tofile(tmp_path / name)
        return arrays.Rows(np.memmap(tmp_path / name, np.uint8, "r", shape=images.shape))

    parts = parts._replace(train=parts.train.take(slice(0, 48)))
    _, in_memory = run(parts, epochs=1)
    train_part, validation = (
        dataclasses.replace(part, images=on_disk(part.images, name))
        for part, name in ((parts.train, "train"), (parts.validation, "validation"))
    )
    _, mapped = run(parts._replace(train=train_part, validation=validation), epochs=1)
    figures = ["loss", "val_loss", "accuracy"]
    np.testing.assert_allclose(mapped[figures], in_memory[figures], rtol=1e-5)


def test_batches_of_validation_are_the_images_as_they_are(parts):
    images, targets = parts.validation.images, encode(parts.validation.labels, 24)
    batches = training.Batches(images, targets, batch_size=10, augmented=False, shuffled=False)
    shown = [batches[number] for number in range(len(batches))]
    np.testing.assert_array_equal(np.concatenate([each for each, _ in shown]), images)
    np.testing.assert_array_equal(np.concatenate([each for _, each in shown]), targets)
