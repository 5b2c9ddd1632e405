"""Checkpoints that no training can have written, and trainings that are ended at a bad moment."""

import json
import os
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from conftest import REPOSITORY, step_by_step

from asl import AslError, build, files, load_model, train
from asl.checkpoints import read_metadata, save_model
from asl.data.hand_poses import LETTERS
from asl.data.samples import SplitRecipe
from asl.models.metadata import Metadata, Threshold
from asl.training import resume

METADATA = Metadata(
    dataset="tiny",
    model="cnn",
    class_names=LETTERS,
    seed=0,
    split=SplitRecipe(counts={"train": 3}),
    epochs=2,
    best_epoch=1,
    validation={"val_loss": 0.5, "val_accuracy": 0.75},
    threshold=Threshold(0.99, 0.5, 0.25),
    history={"val_accuracy": [0.5, 0.75], "seconds": [1.0, 1.0]},
)


@pytest.fixture
def saved(home):
    """An untrained network with whole metadata: its .keras file and what the .json holds."""
    file = save_model(build("cnn", (28, 28, 1), 24), "tiny-cnn", METADATA)
    return file, json.loads(file.with_suffix(".json").read_text())


NAN, INFINITE = float("nan"), float("inf")
WRONG = [
    {"class_names": [*LETTERS[:-1], "A"]},
    {"class_names": ["A"] * 24},
    {"class_names": [*LETTERS[:-1], ""]},
    {"class_names": [*LETTERS[:-1], 3]},
    {"class_names": [*LETTERS, "J"]},
    {"class_names": LETTERS[:-1]},
    {"class_names": []},
    {"class_names": "ABC"},
    {"class_names": None},
    {"input_shape": [28, 28]},
    {"input_shape": [28, 28, 3]},
    {"input_shape": [28, 0, 1]},
    {"input_shape": [28, -28, 1]},
    {"input_shape": [28.0, 28.5, 1]},
    {"input_shape": "28x28"},
    {"temperature": 0},
    {"temperature": -1.5},
    {"pixels_share": 1.5},
    {"temperature": NAN},
    {"temperature": INFINITE},
    {"temperature": "warm"},
    {"best_epoch": 3},
    {"best_epoch": -1},
    {"best_epoch": "last"},
    {"epochs": 7},
    {"epochs": 0},
    {"history": {"val_accuracy": [0.5], "seconds": [1.0, 1.0]}},
    {"history": {"val_accuracy": [0.5, 0.75, 0.8], "seconds": [1.0, 1.0, 1.0]}},
    {"history": [1, 2]},
    {"validation": {"val_loss": NAN}},
    {"validation": {"val_accuracy": INFINITE}},
    {"validation": {"val_accuracy": "high"}},
    {"threshold": {"precision": 1.5, "confidence": 0.5, "coverage": 0.5}},
    {"threshold": {"precision": 0.9, "confidence": -0.5, "coverage": 0.5}},
    {"threshold": {"precision": 0.9, "confidence": 0.5, "coverage": NAN}},
    {"threshold": {"precision": 0.9}},
    {"threshold": {"confidence": 0.9, "precision": 0.9, "coverage": 0.9, "more": 1}},
    {"split": {"names_sha256": {}, "counts": {"train": -4}}},
    {"split": {"names_sha256": {}, "colour": "red"}},
    {"split": "random"},
    {"parameters": 17},
    {"weights_sha256": "0" * 64},
    {"weights_sha256": 5},
    {"dataset": 3},
]


@pytest.mark.fault("networks")
@pytest.mark.parametrize("changes", WRONG, ids=lambda changes: str(changes)[:50])
def test_metadata_that_disagrees_with_itself_or_its_network_is_refused(changes, saved):
    file, known = saved
    load_model(file)  # as it was, it is fine
    file.with_suffix(".json").write_text(json.dumps(known | changes))
    with pytest.raises(AslError) as raised:
        load_model(file)
    assert "tiny-cnn" in str(raised.value)
    assert "rain" in str(raised.value)  # train it again
    assert len(str(raised.value)) < 400


@pytest.mark.fault("networks")
@pytest.mark.parametrize("value", [NAN, INFINITE, -INFINITE])
@pytest.mark.parametrize("layer", [2, -1])
def test_weights_that_are_no_numbers_are_refused(value, layer, home):
    model = build("cnn", (28, 28, 1), 24)
    weights = model.layers[layer].get_weights()
    weights[0].flat[3] = value
    model.layers[layer].set_weights(weights)
    save_model(model, "tiny-cnn", METADATA)
    with pytest.raises(AslError, match=r"model/tiny-cnn\.keras holds weights that are no numbers"):
        load_model("tiny-cnn")


MOMENTS = ["saving", "metadata", "weights", "rename", "done"]


def save_and_end_at(moment, monkeypatch):
    """Save other weights; end, as kill -9 does it, before one of the renames."""
    real, done = os.replace, []

    def rename(source, target):
        name = {"tiny-cnn.keras": "weights", ".tiny-cnn.next.json": "metadata"}.get(
            os.path.basename(target), "rename"
        )
        if name == moment:
            raise SystemExit
        done.append(name)
        real(source, target)

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", rename)
        model = build("cnn", (28, 28, 1), 24, seed=5)
        if moment == "saving":
            patch.setattr(type(model), "save", lambda *_: sys.exit())
        try:
            save_model(model, "tiny-cnn", replace(METADATA, seed=5))
        except SystemExit:
            return model, done
    return model, done


@pytest.mark.fault("interruptions")
@pytest.mark.parametrize("moment", MOMENTS)
def test_ended_between_the_files_of_a_pair_one_whole_pair_is_there(moment, saved, monkeypatch):
    before = load_model("tiny-cnn")
    after, done = save_and_end_at(moment, monkeypatch)
    model, metadata = load_model("tiny-cnn")
    is_new = "weights" in done
    assert metadata.seed == (5 if is_new else 0)
    expected = (after if is_new else before[0]).get_weights()
    for one, two in zip(model.get_weights(), expected, strict=True):
        np.testing.assert_array_equal(one, two)
    save_model(after, "tiny-cnn", replace(METADATA, seed=6))
    assert read_metadata(saved[0]).seed == 6
    names = {file.name for file in files.MODEL.iterdir()}
    assert names == {"tiny-cnn.keras", "tiny-cnn.json"}


def run(parts, name="tiny-cnn"):
    few = replace(parts, train=parts.train.take(np.arange(64)))
    model = build("cnn", (28, 28, 1), 24)
    with step_by_step():
        history = train(model, few, name=name, epochs=4)
    return model.get_weights(), history["val_loss"].to_numpy()


@pytest.fixture(scope="module")
def once(parts, tmp_path_factory):
    """The files of a training of four epochs, ended after three; and what it gives whole."""

    class Ended(resume.KeepProgress):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 3:
                raise KeyboardInterrupt
            super().on_epoch_begin(epoch, logs)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(files, "MODEL", tmp_path_factory.mktemp("model"))
        expected = run(parts, "whole")
        patch.setattr(resume, "KeepProgress", Ended)
        with pytest.raises(KeyboardInterrupt):
            run(parts)
        folder = files.MODEL / "tiny-cnn.training"
        return {file.name: file.read_bytes() for file in folder.iterdir()}, expected


@pytest.fixture
def interrupted(once, home):
    folder = files.MODEL / "tiny-cnn.training"
    folder.mkdir(parents=True)
    for name, data in once[0].items():
        (folder / name).write_bytes(data)
    return folder, once[1]


DAMAGES = {
    "cut": lambda file: file.write_bytes(file.read_bytes()[:-200]),
    "flipped": lambda file: file.write_bytes(
        file.read_bytes()[:900] + b"\x55" + file.read_bytes()[901:]
    ),
    "empty": lambda file: file.write_bytes(b""),
    "missing": lambda file: file.unlink(),
}


@pytest.mark.fault("interruptions")
@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("suffix", [".keras", ".json"])
def test_a_damaged_last_epoch_is_done_again_from_the_one_before(
    damage, suffix, interrupted, parts, capsys
):
    folder, (weights, losses) = interrupted
    assert {f"epoch-00{epoch}.keras" for epoch in (2, 3)} <= {
        each.name for each in folder.iterdir()
    }
    DAMAGES[damage](folder / f"epoch-003{suffix}")
    capsys.readouterr()
    found, history = run(parts)
    assert "going on after epoch 2 of 4" in capsys.readouterr().out
    np.testing.assert_allclose(history, losses, rtol=1e-5)
    for one, two in zip(found, weights, strict=True):
        np.testing.assert_allclose(one, two, rtol=1e-4, atol=1e-6)


@pytest.mark.fault("interruptions")
def test_a_second_training_of_one_name_is_refused_and_harms_nothing(interrupted, parts):
    folder, (weights, _) = interrupted
    code = f"""
import sys, time
from pathlib import Path
from asl import files
with files.lock(Path({str(folder)!r}), "busy"):
    print("ready", flush=True)
    sys.stdin.read()
"""
    with subprocess.Popen(
        [sys.executable, "-c", code],
        cwd=REPOSITORY,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as other:
        assert other.stdout.readline() == "ready\n"
        before = {file: file.read_bytes() for file in folder.iterdir()}
        with pytest.raises(AslError, match=rf"being trained by another process \({other.pid}\)"):
            run(parts)
        assert {file: file.read_bytes() for file in folder.iterdir()} == before
        other.stdin.close()
    found, _ = run(parts)  # its end, however it came, gives the name back
    for one, two in zip(found, weights, strict=True):
        np.testing.assert_allclose(one, two, rtol=1e-4, atol=1e-6)


@pytest.mark.fault("interruptions")
def test_what_a_killed_process_was_writing_is_swept(home):
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    files.MODEL.mkdir()
    left = files.MODEL / f".tiny-cnn-{dead.pid}-0123abcd.keras"
    alive = files.MODEL / f".tiny-cnn-{os.getppid()}-0123abcd.keras"
    mine = files.MODEL / ".my-notes-2024-draft.txt"
    for file in (left, alive, mine):
        file.write_bytes(b"half")
    save_model(build("cnn", (28, 28, 1), 24), "tiny-cnn", METADATA)
    assert not left.exists()
    assert alive.exists() and mine.exists()
