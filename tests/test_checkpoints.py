"""Checkpoints: what is written is read back, what is damaged is refused, and the split that a
network was trained on is made again.
"""

import json
import shutil
import zipfile
from dataclasses import fields, replace

import numpy as np
import pytest
from PIL import Image

import asl
from asl import AslError, build, checkpoints, files, load_model, predict, replay_split
from asl.checkpoints import read_metadata, save_model
from asl.data.hand_poses import LETTERS
from asl.data.rendered_hands import draw_hand
from asl.data.samples import SplitRecipe
from asl.data.split import with_groups
from asl.keras_setup import BACKEND, keras
from asl.models.metadata import Metadata, Threshold

pytestmark = pytest.mark.usefixtures("eager")  # to compile takes longer here than to run


def metadata_of(parts, **known):
    names = parts.train.class_names
    basis = {"dataset": parts.train.dataset, "model": "cnn", "class_names": names, "seed": 0}
    return Metadata(**basis, split=parts.recipe, **known)


@pytest.fixture(scope="module")
def saved_once(parts, tmp_path_factory):
    """An untrained network, saved as if it were trained: it, and its folder."""
    folder, model = tmp_path_factory.mktemp("saved"), build("cnn", (28, 28, 1), 24)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(files, "MODEL", folder)
        save_model(model, "tiny-cnn", metadata_of(parts))
    return model, folder


@pytest.fixture
def saved(saved_once, home):
    """The network, and its file in the home folder."""
    model, folder = saved_once
    shutil.copytree(folder, files.MODEL)
    return model, files.MODEL / "tiny-cnn.keras"


def edit(file, **changes):
    beside = file.with_suffix(".json")
    beside.write_text(json.dumps(json.loads(beside.read_text()) | changes))


@pytest.mark.parametrize("by", ["name", "path"])
def test_saved_and_loaded_by_name_and_by_path(saved, parts, by):
    model, file = saved
    loaded, metadata = load_model("tiny-cnn" if by == "name" else file)
    np.testing.assert_array_equal(
        predict(model, parts.test.images), predict(loaded, parts.test.images)
    )
    assert metadata.input_shape == (28, 28, 1)
    assert metadata.parameters == model.count_params()
    assert set(metadata.versions) == {BACKEND, "keras", "numpy"}
    assert checkpoints.list_names() == ["tiny-cnn"]


def test_metadata_is_read_back_as_it_was_written(home, parts):
    """Every field, those inside the recipe of the split and the threshold as well."""
    recipe = SplitRecipe(
        "group",
        seed=3,
        validation_split=0.2,
        test_split=0.2,
        test_group=4,
        group_unit="signer",
        split_by_row={"test": ("A", "B"), "validation": ("C",)},
        counts={"train": 6, "validation": 2, "test": 2},
        names_sha256={"train": "a1", "validation": "b2", "test": "c3"},
    )
    metadata = Metadata(
        dataset="tiny",
        model="cnn",
        class_names=LETTERS,
        seed=3,
        split=recipe,
        datasets=("tiny", "sample"),
        weights="some.weights.h5",
        initial_sha256="1" * 64,
        batch_size=16,
        augmented=True,
        fine_tune=2,
        steps=100,
        epochs=2,
        best_epoch=1,
        validation={"val_loss": 0.25, "val_accuracy": 0.5},
        pixels_share=0.25,
        temperature=0.75,
        threshold=Threshold(precision=0.99, confidence=0.625, coverage=0.5),
        training_seconds=12.5,
        features_seconds=2.5,
        history={"val_accuracy": [0.25, 0.5], "seconds": [1.5, 1.25]},
        left_out={"rooms": {"correct": 1, "images": 2, "groups": 2, "low": 0.1, "high": 0.9}},
        litert_sha256="0" * 64,
    )
    added = ("saved", "input_shape", "parameters", "versions", "weights_sha256", "arrays_sha256")
    for field in fields(Metadata):  # so that no field is forgotten here
        assert field.name in added or getattr(metadata, field.name) != field.default, field.name
    file = save_model(build("cnn", (28, 28, 1), 24), "tiny-cnn", metadata)
    _, read = load_model("tiny-cnn")
    assert read == replace(metadata, **{name: getattr(read, name) for name in added})
    assert all(getattr(read, name) for name in added)
    json.loads(file.with_suffix(".json").read_text(), parse_constant=pytest.fail)  # no NaN


def test_the_least_that_metadata_can_be_is_read_back(saved, parts):
    _, metadata = load_model(saved[1])
    assert metadata == replace(
        metadata_of(parts),
        saved=metadata.saved,
        input_shape=(28, 28, 1),
        parameters=metadata.parameters,
        versions=metadata.versions,
        weights_sha256=metadata.weights_sha256,
        arrays_sha256=metadata.arrays_sha256,
    )
    assert (metadata.split, metadata.threshold) == (parts.recipe, None)
    assert metadata.trained_on == ("tiny",)
    assert replace(metadata, datasets=("abc", "rooms")).trained_on == ("abc", "rooms")


def test_a_missing_checkpoint_says_which_notebook_makes_it(saved):
    with pytest.raises(AslError) as caught:
        load_model("abc-cnn")
    for part in ("model/abc-cnn.keras", "05_train", "--dataset abc", "tiny-cnn"):
        assert part in str(caught.value)
    with pytest.raises(AslError, match="python -m asl reader makes it"):
        load_model(files.MODEL / "reader.keras")


def test_what_came_with_the_project_is_found_from_every_home(home):
    _, metadata = load_model("letters-cnn")
    assert metadata.dataset == "letters"
    assert sum(metadata.split.counts.values()) == 34_627
    _, metadata = load_model("reader")
    assert metadata.trained_on[:5] == ("letters", "alphabet", "abc", "signers", "rooms")


def test_missing_metadata(saved):
    saved[1].with_suffix(".json").unlink()
    with pytest.raises(AslError, match=r"tiny-cnn\.json is missing"):
        load_model("tiny-cnn")


@pytest.mark.parametrize("text", ["", "{", "[]", '"text"', "{}", '{"dataset": "tiny"}'])
def test_damaged_metadata(saved, text):
    saved[1].with_suffix(".json").write_text(text)
    with pytest.raises(AslError, match=r"tiny-cnn\.json (is damaged|lacks)"):
        load_model("tiny-cnn")


@pytest.mark.parametrize(
    "changes",
    [
        {"split": "by signer"},
        {"split": {"names_sha256": {}, "colour": "blue"}},
        {"threshold": {"confidence": 0.5}},
        {"sure": {"precision": 0.99}},
        {"class_names": 24},
    ],
)
def test_metadata_of_another_form_is_damaged(saved, changes):
    edit(saved[1], **changes)
    with pytest.raises(AslError, match=r"tiny-cnn\.json is damaged"):
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
    edit(file, weights_sha256=files.sha256(file))
    with pytest.raises(AslError, match="cannot be read"):
        load_model("tiny-cnn")


def test_metadata_with_other_classes(saved):
    edit(saved[1], class_names=["A", "B"])
    with pytest.raises(AslError, match=r"gives 24 classes, but its metadata says .* and 2"):
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
    save_model(model, "evil-cnn", metadata_of(parts))
    ran.unlink()  # building ran it
    with pytest.raises(AslError, match="carries code of its own, which is not run"):
        load_model("evil-cnn")
    assert not ran.exists()


def test_a_folder_that_cannot_be_written_to_keeps_what_was_there(saved, parts, monkeypatch):
    model, file = saved
    before = file.read_bytes(), file.with_suffix(".json").read_bytes()
    (files.MODEL.parent / "blocked").write_text("a file")
    monkeypatch.setattr(files, "MODEL", files.MODEL.parent / "blocked")
    with pytest.raises(AslError, match="cannot write"):
        save_model(model, "tiny-cnn", replace(metadata_of(parts), seed=1))
    assert before == (file.read_bytes(), file.with_suffix(".json").read_bytes())


def test_the_file_is_small(saved):
    assert saved[1].stat().st_size < 2_000_000
    with zipfile.ZipFile(saved[1]) as archive:
        assert "model.weights.h5" in archive.namelist()


# The split that was trained on


def same_images(split, other):
    for part, again in zip(split, other, strict=True):
        np.testing.assert_array_equal(part.names, again.names)
        np.testing.assert_array_equal(part.images, again.images)
        np.testing.assert_array_equal(part.labels, again.labels)


def check_replayed(split, metadata, capsys):
    """The replayed split is `split`, and its test holds no image that was trained on."""
    capsys.readouterr()
    again = replay_split(metadata)
    assert "CAUTION" not in capsys.readouterr().out
    same_images(split, again)
    assert again.recipe == split.recipe
    trained_on = set(split.train.names) | set(split.validation.names)
    assert len(set(again.test.names) & trained_on) == 0
    assert len(again.test) and trained_on


RECIPES = [{"test_group": 2}, {"validation_split": 0.2}, {"seed": 3}, {"by": "row"}]
NAMES = [next(iter(each)) for each in RECIPES]


@pytest.mark.parametrize("asked", RECIPES, ids=NAMES)
def test_a_replayed_test_shares_no_image_with_what_was_trained_on(asked, home, capsys, eager):
    """Trained, with another seed than the split's; what the network was given is written down."""
    samples = asl.load("tiny")
    parts = asl.split(samples, **asked)
    usual = asl.split(samples).recipe
    assert parts.recipe.names_sha256 != usual.names_sha256  # that a guess would make
    asl.train_split(parts, "cnn", seed=0, epochs=1)
    metadata = read_metadata(home / "model/tiny-cnn.keras")
    assert metadata.seed == 0
    assert metadata.split == parts.recipe
    check_replayed(parts, metadata, capsys)


@pytest.fixture
def folder(home):
    """folder:PATH of three classes, without groups of its own: near-duplicates are looked for."""
    for sign in "ABL":
        for signer in range(6):
            for seed in range(4):
                place = home / "signs" / sign / f"{signer}-{seed}.png"
                place.parent.mkdir(parents=True, exist_ok=True)
                Image.fromarray(draw_hand(sign, signer=signer, seed=seed, size=48)).save(place)
    return home / "signs"


def trained_on_folder(folder, **asked):
    """The split of a folder, and the metadata of a network that was saved as trained on it."""
    parts = asl.split(asl.load(f"folder:{folder}"), **asked)
    model = build("cnn", parts.train.images.shape[1:], 3)
    return parts, read_metadata(save_model(model, "signs-cnn", metadata_of(parts)))


@pytest.mark.parametrize("asked", RECIPES, ids=NAMES)
def test_a_folder_of_ones_own_is_split_again_the_same(asked, folder, capsys):
    if "test_group" in asked:  # numbers as numpy has them
        asked = {"test_group": with_groups(asl.load(f"folder:{folder}")).groups[0]}
    check_replayed(*trained_on_folder(folder, **asked), capsys)


def test_a_network_that_works_at_another_size_has_the_same_split(folder, capsys):
    parts = asl.split(asl.load(f"folder:{folder}", 96))
    assert parts.train.images.shape[1:] == (96, 96, 3)
    model = build("cnn", (96, 96, 3), 3)
    check_replayed(parts, read_metadata(save_model(model, "x-cnn", metadata_of(parts))), capsys)


@pytest.mark.parametrize("change", ["added", "removed", "renamed", "another class"])
def test_images_that_changed_are_no_longer_a_test(change, folder):
    _, metadata = trained_on_folder(folder)
    picture = folder / "A/0-0.png"
    if change == "added":
        Image.fromarray(draw_hand("A", signer=9, seed=9, size=48)).save(folder / "A/new.png")
    if change == "removed":
        picture.unlink()
    if change == "renamed":
        picture.rename(folder / "A/a-new-name.png")
    if change == "another class":
        (folder / "C").mkdir()
        picture.rename(folder / "C/0-0.png")
    expected = {
        "added": "72 images then, 73 now",
        "removed": "72 images then, 71 now",
        "renamed": r"would hold other images \(other images\)",
        "another class": r"knows other classes \(3\) than .* has \(4\): train it again",
    }
    with pytest.raises(AslError, match=expected[change]):
        replay_split(metadata)


def test_checkpoints_of_several_data_sets_have_no_split(saved):
    metadata = replace(read_metadata(saved[1]), datasets=("tiny", "sample"))
    with pytest.raises(AslError, match=r"several data sets \(tiny, sample\), which have no split"):
        replay_split(metadata)


# Metadata of earlier versions

OLD = {
    "dataset": "letters",
    "model": "cnn",
    "weights": None,
    "class_names": [*LETTERS],
    "split": {
        "validation_split": 0.1,
        "by": "group of twins",
        "train": 24604,
        "validation": 2851,
        "test": 7172,
    },
    "seed": 0,
    "batch_size": 64,
    "augmented": True,
    "fine_tune": 0,
    "best_epoch": 2,
    "epochs": 2,
    "validation": {"accuracy": 1.0, "loss": 0.65, "val_accuracy": 1.0, "val_loss": 0.67},
    "temperature": 0.2581,
    "sure": {"precision": 0.99, "confidence": 0.5627471900393312, "unread": 0.25},
    "training_seconds": 204.0,
    "features_seconds": 0.0,
    "history": {"val_accuracy": [0.9228, 0.959], "seconds": [24.1694, 13.1316]},
    "input_shape": [28, 28, 1],
    "parameters": 93448,
    "versions": {"tensorflow": "2.21.0", "keras": "3.15.1", "numpy": "2.4.6"},
}
OLD_READER = {
    "dataset": "letters+alphabet+abc+signers+rooms+sample",
    "datasets": ["letters", "alphabet", "abc", "signers", "rooms", "sample"],
    "model": "reader",
    "weights": "mobilenet_v2_0.35_224_no_top.weights.h5",
    "class_names": [*LETTERS],
    "seed": 0,
    "steps": 1500,
    "batch_size": 64,
    "training_seconds": 444.9,
    "temperature": 0.8158,
    "sure": {"precision": 0.95, "confidence": 0.8218731000447218, "unread": 0.5771641791044776},
    "left_out": {
        "letters": {"correct": 23751, "images": 34627, "groups": 1142, "low": 0.656, "high": 0.7156}
    },
    "input_shape": [28, 28, 1],
    "parameters": 440952,
    "versions": {"tensorflow": "2.21.0", "keras": "3.15.1", "numpy": "2.4.6"},
}


def written_before(file, old, **changes):
    """The metadata of an earlier version in place of those of this checkpoint."""
    stored = {**old, **changes, "weights_sha256": files.sha256(file)}
    file.with_suffix(".json").write_text(json.dumps(stored))
    return read_metadata(file)


def test_metadata_of_an_earlier_version_is_read(saved):
    metadata = written_before(saved[1], OLD)
    assert metadata.threshold == Threshold(0.99, 0.5627471900393312, coverage=0.75)
    counts = {"train": 24604, "validation": 2851, "test": 7172}
    assert metadata.split == SplitRecipe("group", seed=0, validation_split=0.1, counts=counts)
    assert metadata.class_names == LETTERS
    assert metadata.input_shape == (28, 28, 1)
    assert (metadata.temperature, metadata.best_epoch) == (0.2581, 2)
    assert metadata.validation["val_accuracy"] == 1
    assert metadata.history == OLD["history"]


def test_metadata_of_an_earlier_reader_is_read(saved):
    metadata = written_before(saved[1], OLD_READER)
    assert metadata.threshold.precision == 0.95
    assert metadata.threshold.confidence == 0.8218731000447218
    assert metadata.threshold.coverage == pytest.approx(1 - 0.5771641791044776)
    assert metadata.trained_on == tuple(OLD_READER["datasets"])
    assert metadata.left_out["letters"]["images"] == 34_627
    assert (metadata.split, metadata.steps) == (None, 1500)


def test_the_oldest_metadata_knows_neither_threshold_nor_split(saved):
    needed = {key: OLD[key] for key in ("dataset", "model", "class_names", "input_shape", "seed")}
    metadata = written_before(saved[1], needed)
    assert (metadata.threshold, metadata.split, metadata.temperature) == (None, None, 1.0)


@pytest.mark.parametrize("by", ["signer", "random rows of each class"])
def test_a_split_that_was_not_recorded_is_guessed_with_a_caution(by, saved, capsys):
    expected = asl.split(asl.load("tiny"), seed=5, by="row" if by.startswith("random") else "group")
    split = {"validation_split": 0.1, "by": by, **expected.recipe.counts}
    metadata = written_before(saved[1], OLD, dataset="tiny", seed=5, split=split)
    capsys.readouterr()
    again = replay_split(metadata)
    printed = capsys.readouterr().out
    assert "CAUTION: this checkpoint is of an older version, which did not record its" in printed
    assert f"by {'row' if by.startswith('random') else 'group'} with seed 5" in printed
    same_images(expected, again)


def test_no_split_at_all_is_guessed_with_a_caution(saved, capsys):
    metadata = replace(read_metadata(saved[1]), split=None)
    same_images(asl.split(asl.load("tiny")), replay_split(metadata))
    assert "CAUTION: " in capsys.readouterr().out


def test_a_guessed_split_must_have_as_many_images(saved):
    split = {"validation_split": 0.1, "by": "signer", "train": 200, "validation": 88, "test": 96}
    metadata = written_before(saved[1], OLD, dataset="tiny", split=split)
    with pytest.raises(AslError, match="its train and validation part would hold other images"):
        replay_split(metadata)
