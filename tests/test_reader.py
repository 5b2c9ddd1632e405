"""The reader: what it is trained on, test-time augmentation, and what is left out."""

import numpy as np
import pytest

from asl import AslError, calibrate, files, load, load_model, predict
from asl.checkpoints import read_metadata
from asl.data.hand_poses import LETTERS
from asl.data.rendered_hands import draw_hands
from asl.evaluation.confidence import fit_temperature
from asl.keras_setup import keras
from asl.reader import sources, train
from asl.reader.domain_randomization import SIZE, randomize
from asl.reader.train import with_test_time_augmentation


@pytest.fixture
def few(monkeypatch, parts):
    """One small data set in place of all, few rendered hands, and short epochs."""
    few = {
        "SHARES": {"tiny": 1, "drawn": 1},
        "LEFT_OUT": {"small": ("tiny",)},
        "DRAWN": 48,
        "DRAWN_ANEW": 5,
        "STEPS_PER_EPOCH": 2,
        "BATCH": 8,
    }
    for name, value in few.items():
        for module in (sources, train):
            if hasattr(module, name):
                monkeypatch.setattr(module, name, value)


@pytest.fixture
def small_network(monkeypatch):
    """A network of one layer in place of MobileNetV2, and no file of weights."""

    def network(seed: int = 0) -> keras.Model:
        inputs = keras.Input((SIZE, SIZE, 3))
        x = keras.layers.AveragePooling2D(16)(inputs)
        x = keras.layers.Dense(24, activation="softmax")(keras.layers.Flatten()(x))
        return keras.Model(inputs, x)

    monkeypatch.setattr(train, "build_reader", network)
    monkeypatch.setattr(train.pretrained, "find_weights", lambda name: files.HOME / "w.h5")
    return network


def test_letters_are_matched_by_name_and_other_classes_left_out():
    names = ("a", "B", "J", "del", "Y", "0")
    assert sources.letter_labels(names).tolist() == [0, 1, -1, -1, 23, -1]


def test_sources_are_the_training_rows_without_what_is_left_out(few, home):
    found, _ = sources.gather()
    assert sorted(found) == ["drawn", "tiny"]
    assert len(found["tiny"].labels) == 288  # of 384, without the publisher's test rows
    assert found["drawn"].images.shape == (48, SIZE, SIZE, 4)
    assert sorted(sources.gather("small")[0]) == ["drawn"]


def test_a_hand_is_cut_out_of_black():
    hand = draw_hands(["B"], signers=[3], seed=1, size=96, cutout=True)[0]
    cut = sources.cut_out(np.where(hand[..., 3:] > 128, np.maximum(hand[..., :3], 60), 0))
    assert cut.shape == (96, 96, 4)
    assert ((cut[..., 3] > 128) == (hand[..., 3] > 128)).mean() > 0.96


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_randomized_images_are_pictures_still(channels):
    image = draw_hands(["L"], signers=[1], seed=1, size=60, cutout=True)[0][..., :channels]
    rooms = [np.full((80, 80, 3), 120, np.uint8)]
    found = [randomize(image, np.random.default_rng(k), rooms) for k in range(20)]
    for each in found:
        assert each.shape == (SIZE, SIZE, 3)
        assert each.dtype == np.float32
        assert each.min() >= 0 and each.max() <= 255
    np.testing.assert_array_equal(found[3], randomize(image, np.random.default_rng(3), rooms))
    assert np.std([each.mean() for each in found]) > 5


def test_batches_draw_sets_and_letters_evenly(few, home, monkeypatch):
    monkeypatch.setattr(sources, "BATCH", 64)
    images = np.zeros((240, 28, 28, 1), np.uint8)
    labels = np.repeat([0, 1], [200, 40])  # A five times as often as B, the others missing
    mixed = {"tiny": sources.Source(images, labels), "drawn": sources.gather()[0]["drawn"]}
    mixture = sources.Mixture(mixed, [])
    of_tiny = np.concatenate([mixture[k][1].argmax(axis=1) for k in range(10)])
    assert 0.2 < (of_tiny == 0).mean() < 0.35  # half of one half, and a 48th
    assert 0.2 < (of_tiny == 1).mean() < 0.35
    np.testing.assert_array_equal(mixture[3][0], mixture[3][0])
    before = mixed["drawn"].images.copy()
    mixture.on_epoch_end()
    changed = (mixed["drawn"].images != before).any(axis=(1, 2, 3))
    assert np.flatnonzero(changed).tolist() == [5, 6, 7, 8, 9]


def test_test_time_augmentation_by_hand(small_network, tmp_path):
    model = small_network()
    whole = with_test_time_augmentation(model, temperature=2.0)
    images = np.random.default_rng(0).integers(0, 256, (3, 96, 96, 3)).astype(np.float32)
    middle = keras.layers.Resizing(96, 96)(images[:, 8:-8, 8:-8])
    views = [images, np.asarray(middle), images[:, :, ::-1], np.asarray(middle)[:, :, ::-1]]
    mean = np.mean([model.predict(view, verbose=0) for view in views], axis=0)
    found = whole.predict(images, verbose=0)
    np.testing.assert_allclose(found, calibrate(mean, 2.0), atol=1e-4)
    whole.save(tmp_path / "r.keras")
    again = keras.saving.load_model(tmp_path / "r.keras", safe_mode=True)
    np.testing.assert_allclose(again.predict(images, verbose=0), found, atol=1e-6)


def test_a_set_is_left_out_predicted_and_told_in_the_metadata(few, small_network, home):
    with pytest.raises(AslError, match="first run: python -m asl reader --leave-out small"):
        train.train_reader(steps=2)
    file = train.train_reader("small", steps=2)
    assert file == home / "model/reader-without-small.keras"
    assert read_metadata(file).datasets == ("sample",)  # of which the rendered hands are
    probabilities, labels, groups = train.left_out_predictions("small")
    samples = load("tiny")
    np.testing.assert_array_equal(labels, samples.labels)
    assert len(np.unique(groups)) == 8
    correct = probabilities.argmax(axis=1) == labels

    file = train.train_reader(steps=2)
    model, metadata = load_model("reader")
    assert metadata.datasets == ("tiny", "sample")
    told = metadata.left_out["small"]
    assert (told["correct"], told["images"], told["groups"]) == (correct.sum(), 384, 8)
    expected = fit_temperature(probabilities, labels)
    assert metadata.temperature == pytest.approx(expected, rel=1e-3)
    assert metadata.threshold.precision == 0.95
    assert metadata.class_names == LETTERS
    assert predict(model, np.zeros((2, 96, 96, 3), np.uint8)).shape == (2, 24)


def test_an_unknown_set_is_said_at_once(home):
    with pytest.raises(AslError, match="no set 'kitchen' to leave out: letters, film"):
        train.train_reader("kitchen")
    assert not list(home.iterdir())


def test_the_stored_reader_says_what_it_reached():
    """Its metadata's figures are of sets that were left out, and its classes are the letters."""
    file = files.REPOSITORY / "model/reader.keras"
    metadata = read_metadata(file)
    assert file.stat().st_size < 5_000_000
    assert metadata.class_names == LETTERS
    assert sorted(metadata.left_out) == ["film", "letters", "rooms", "signers"]
    assert metadata.left_out["letters"]["images"] == 34_627
    assert metadata.threshold.precision == 0.95
    model, _ = load_model(file)
    names = [letter for letter in LETTERS for _ in range(3)]
    drawn = draw_hands(names, signers=range(900, 972), seed=99, size=96)
    correct = np.array(names) == np.array(LETTERS)[predict(model, drawn).argmax(axis=1)]
    assert correct.mean() > 0.6
