"""The reader: what it learns from, how it looks, and what is left out."""

import json

import numpy as np
import pytest

from asl import AslError, datasets, evaluation, hands, load_model, paths, predict, reader
from asl.backend import keras
from asl.trained import read_sidecar


@pytest.fixture
def few(monkeypatch, parts):
    """One small data set in place of all, few drawn hands, random weights, and short epochs."""
    monkeypatch.setattr(reader, "SHARES", {"tiny": 1, "drawn": 1})
    monkeypatch.setattr(reader, "LEFT_OUT", {"small": ("tiny",)})
    for name, value in {"DRAWN": 48, "DRAWN_ANEW": 5, "STEPS_PER_EPOCH": 2, "BATCH": 8}.items():
        monkeypatch.setattr(reader, name, value)


@pytest.fixture
def small_network(monkeypatch):
    def network(seed: int = 0) -> keras.Model:
        inputs = keras.Input((reader.SIZE, reader.SIZE, 3))
        x = keras.layers.AveragePooling2D(16)(inputs)
        x = keras.layers.Dense(24, activation="softmax")(keras.layers.Flatten()(x))
        return keras.Model(inputs, x)

    monkeypatch.setattr(reader, "build_reader", network)
    monkeypatch.setattr(reader.pretrained, "find_weights", lambda name: paths.HOME / "w.h5")


def test_letters_are_matched_by_name_and_other_classes_left_out():
    names = ("a", "B", "J", "del", "Y", "0")
    assert reader.letter_labels(names).tolist() == [0, 1, -1, -1, 23, -1]


def test_sources_are_the_training_rows_without_what_is_left_out(few, home):
    sources, _ = reader.gather()
    assert sorted(sources) == ["drawn", "tiny"]
    assert len(sources["tiny"].labels) == 288  # of 384; the publisher's test rows are not learned
    assert sources["drawn"].images.shape == (48, reader.SIZE, reader.SIZE, 4)
    assert sorted(reader.gather("small")[0]) == ["drawn"]


def test_a_hand_is_cut_out_of_black():
    names = hands.draw_hands(["B"], signers=[3], seed=1, size=96, cutout=True)[0]
    cut = reader.cut_out(np.where(names[..., 3:] > 128, np.maximum(names[..., :3], 60), 0))
    assert cut.shape == (96, 96, 4)
    assert ((cut[..., 3] > 128) == (names[..., 3] > 128)).mean() > 0.96


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_varied_images_are_pictures_still(channels):
    image = hands.draw_hands(["L"], signers=[1], seed=1, size=60, cutout=True)[0][..., :channels]
    rooms = [np.full((80, 80, 3), 120, np.uint8)]
    found = [reader.vary(image, np.random.default_rng(k), rooms) for k in range(20)]
    for each in found:
        assert each.shape == (reader.SIZE, reader.SIZE, 3)
        assert each.dtype == np.float32
        assert each.min() >= 0 and each.max() <= 255
    np.testing.assert_array_equal(found[3], reader.vary(image, np.random.default_rng(3), rooms))
    assert np.std([each.mean() for each in found]) > 5


def test_batches_draw_sets_and_letters_evenly(few, home, monkeypatch):
    monkeypatch.setattr(reader, "BATCH", 64)
    images = np.zeros((240, 28, 28, 1), np.uint8)
    labels = np.repeat([0, 1], [200, 40])  # A five times as often as B, the others missing
    sources = {"tiny": reader.Source(images, labels), "drawn": reader.gather()[0]["drawn"]}
    mixture = reader.Mixture(sources, [])
    of_tiny = np.concatenate([mixture[k][1].argmax(axis=1) for k in range(10)])
    assert 0.2 < (of_tiny == 0).mean() < 0.35  # half of one half, and a 48th
    assert 0.2 < (of_tiny == 1).mean() < 0.35
    np.testing.assert_array_equal(mixture[3][0], mixture[3][0])
    before = sources["drawn"].images.copy()
    mixture.on_epoch_end()
    changed = (sources["drawn"].images != before).any(axis=(1, 2, 3))
    assert np.flatnonzero(changed).tolist() == [5, 6, 7, 8, 9]


def test_four_looks_by_hand(small_network, tmp_path):
    model = reader.build_reader()
    whole = reader.with_four_looks(model, temperature=2.0)
    images = np.random.default_rng(0).integers(0, 256, (3, 96, 96, 3)).astype(np.float32)
    middle = keras.layers.Resizing(96, 96)(images[:, 8:-8, 8:-8])
    looks = [images, np.asarray(middle), images[:, :, ::-1], np.asarray(middle)[:, :, ::-1]]
    mean = np.mean([model.predict(look, verbose=0) for look in looks], axis=0)
    found = whole.predict(images, verbose=0)
    np.testing.assert_allclose(found, evaluation.calibrate(mean, 2.0), atol=1e-4)
    whole.save(tmp_path / "r.keras")
    again = keras.saving.load_model(tmp_path / "r.keras", safe_mode=True)
    np.testing.assert_allclose(again.predict(images, verbose=0), found, atol=1e-6)


def test_a_set_is_left_out_read_and_told_in_the_sidecar(few, small_network, home):
    with pytest.raises(AslError, match="first run: python -m asl reader --leave-out small"):
        reader.train_reader(steps=2)
    file = reader.train_reader("small", steps=2)
    assert file == home / "model/reader-without-small.keras"
    assert read_sidecar(file)["datasets"] == ["sample"]  # of which the drawn hands are
    probabilities, labels, groups = reader.left_out_readings("small")
    samples = datasets.load("tiny")
    np.testing.assert_array_equal(labels, samples.labels)
    assert len(np.unique(groups)) == 8
    right = probabilities.argmax(axis=1) == labels

    file = reader.train_reader(steps=2)
    model, about = load_model("reader")
    assert about["datasets"] == ["tiny", "sample"]
    told = about["left_out"]["small"]
    assert (told["correct"], told["images"], told["groups"]) == (right.sum(), 384, 8)
    expected = evaluation.fit_temperature(probabilities, labels)
    assert about["temperature"] == pytest.approx(expected, rel=1e-3)
    assert about["class_names"] == list(hands.LETTERS)
    assert predict(model, np.zeros((2, 96, 96, 3), np.uint8)).shape == (2, 24)


def test_an_unknown_set_is_said_at_once(home):
    with pytest.raises(AslError, match="no set 'kitchen' to leave out: letters, film"):
        reader.train_reader("kitchen")
    assert not list(home.iterdir())


def test_the_stored_reader_says_what_it_reached():
    """Its sidecar's figures are of sets that were left out, and its classes are the letters."""
    file = paths.REPOSITORY / "model/reader.keras"
    about = read_sidecar(file)
    assert file.stat().st_size < 5_000_000
    assert about["class_names"] == list(hands.LETTERS)
    assert sorted(about["left_out"]) == ["film", "letters", "rooms", "signers"]
    assert about["left_out"]["letters"]["images"] == 34_627
    json.dumps(about)
    model, _ = load_model(file)
    names = [letter for letter in hands.LETTERS for _ in range(3)]
    drawn = hands.draw_hands(names, signers=range(900, 972), seed=99, size=96)
    right = np.array(names) == np.array(hands.LETTERS)[predict(model, drawn).argmax(axis=1)]
    assert right.mean() > 0.6
