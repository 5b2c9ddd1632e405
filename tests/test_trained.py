import json
import zipfile

import numpy as np
import pytest

from asl import AslError, about, build, load_model, paths, predict, trained
from asl.backend import keras


@pytest.fixture
def saved(home, parts):
    """An untrained network, saved as if it were trained."""
    model = build("cnn", (28, 28, 1), 24)
    file = trained.save_model(model, "tiny-cnn", {**about(parts, "cnn"), "seed": 0})
    return model, file


def edit(file, **changes):
    sidecar = file.with_suffix(".json")
    sidecar.write_text(json.dumps(json.loads(sidecar.read_text()) | changes))


@pytest.mark.parametrize("by", ["name", "path"])
def test_saved_and_loaded_by_name_and_by_path(saved, parts, by):
    model, file = saved
    loaded, sidecar = load_model("tiny-cnn" if by == "name" else file)
    np.testing.assert_array_equal(
        predict(model, parts.test.images), predict(loaded, parts.test.images)
    )
    assert sidecar["input_shape"] == [28, 28, 1]
    assert sidecar["parameters"] == model.count_params()
    assert set(sidecar["versions"]) == {"tensorflow", "keras", "numpy"}
    assert trained.list_names() == ["tiny-cnn"]


def test_a_missing_model_says_which_notebook_makes_it(saved):
    with pytest.raises(AslError) as caught:
        load_model("abc-cnn")
    for part in ("model/abc-cnn.keras", "05_train", "--dataset abc", "tiny-cnn"):
        assert part in str(caught.value)
    with pytest.raises(AslError, match="python -m asl reader makes it"):
        load_model("reader-without-rooms")


def test_what_came_with_the_project_is_found_from_every_home(home):
    assert load_model("letters-cnn")[1]["dataset"] == "letters"


def test_a_missing_sidecar(saved):
    saved[1].with_suffix(".json").unlink()
    with pytest.raises(AslError, match=r"tiny-cnn\.json is missing"):
        load_model("tiny-cnn")


@pytest.mark.parametrize("text", ["", "{", "[]", '"text"', "{}", '{"dataset": "tiny"}'])
def test_a_damaged_sidecar(saved, text):
    saved[1].with_suffix(".json").write_text(text)
    with pytest.raises(AslError, match=r"tiny-cnn\.json (is damaged|lacks)"):
        load_model("tiny-cnn")


def test_damaged_weights_and_those_of_another_training(saved):
    _, file = saved
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 0xFF
    file.write_bytes(content)
    with pytest.raises(AslError, match="the weights are damaged or of another training"):
        load_model("tiny-cnn")


def test_a_file_that_is_no_model(saved):
    _, file = saved
    file.write_bytes(b"not a model")
    edit(file, weights_sha256=trained._sha256(file))
    with pytest.raises(AslError, match="cannot be read"):
        load_model("tiny-cnn")


def test_a_sidecar_with_other_classes(saved):
    edit(saved[1], class_names=["A", "B"])
    with pytest.raises(AslError, match=r"gives 24 classes, but its sidecar says .* and 2"):
        load_model("tiny-cnn")


def test_a_model_that_carries_code_is_refused(home, parts):
    ran = home / "code-ran"
    path = str(ran)
    model = keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            keras.layers.Lambda(lambda x: (open(path, "w").close(), x)[1]),
            keras.layers.Flatten(),
            keras.layers.Dense(24, activation="softmax"),
        ]
    )
    trained.save_model(model, "evil-cnn", {**about(parts, "cnn"), "seed": 0})
    ran.unlink()  # building ran it
    with pytest.raises(AslError, match="carries code of its own, which is not run"):
        load_model("evil-cnn")
    assert not ran.exists()


def test_a_folder_that_cannot_be_written_to_keeps_what_was_there(saved, parts, monkeypatch):
    model, file = saved
    before = file.read_bytes(), file.with_suffix(".json").read_bytes()
    (paths.MODEL.parent / "blocked").write_text("a file")
    monkeypatch.setattr(paths, "MODEL", paths.MODEL.parent / "blocked")
    with pytest.raises(AslError, match="cannot write"):
        trained.save_model(model, "tiny-cnn", {**about(parts, "cnn"), "seed": 1})
    assert before == (file.read_bytes(), file.with_suffix(".json").read_bytes())


def test_the_file_is_small(saved):
    assert saved[1].stat().st_size < 2_000_000
    with zipfile.ZipFile(saved[1]) as archive:
        assert "model.weights.h5" in archive.namelist()
