"""The reader: what it is trained on, its networks, its training, and sets that are left out."""

import json
from functools import partial

import numpy as np
import pytest
from PIL import Image

import asl
from asl import AslError, files, load_model
from asl.__main__ import main
from asl.checkpoints import read_metadata, save_model
from asl.data.hand_poses import LETTERS
from asl.data.rendered_hands import draw_hand, draw_hands
from asl.evaluation.confidence import calibrate, fit_temperature
from asl.evaluation.cross_dataset import predict_dataset
from asl.evaluation.intervals import accuracy_interval
from asl.export import convert
from asl.keras_setup import keras
from asl.landmarks import interpreter
from asl.landmarks import joints as finding
from asl.landmarks.hands import Hand
from asl.landmarks.looks import LOOKS
from asl.models import joints as joints_module
from asl.models import reader as reader_module
from asl.models.metadata import Metadata
from asl.models.reader import both
from asl.prediction import predict_fitted
from asl.reader import fit as reader_fit
from asl.reader import left_out, open_hands, read, sources, train
from asl.reader.domain_randomization import KEPT, SIZE, background, degrade_all, randomize
from asl.reader.left_out import LeftOut
from asl.reader.signs import OTHER, SAME_SHAPE, SHAPES
from asl.reader.sources import Batches, Hands

layers = keras.layers
MIRRORED = np.float32([[1, 1, 1], [-1, 1, 1]])  # a hand, and its mirror image
DARK = 6  # mean of an image below which the stand-in finds no hand


def find_in_each(images):
    """A stand-in of the search: a hand wherever an image is not dark, posed by its content."""
    for image in images:
        if image.mean() < DARK:
            yield []
            continue
        random = np.random.default_rng(int(image.sum()))
        side = image.shape[0]
        points = (random.uniform(0.2, 0.8, (21, 3)) * side).astype(np.float32)
        yield [Hand(np.zeros(4), points, 0.9, 0.95)]


def pixel_network(class_count, seed=0):
    """One layer in place of MobileNetV2."""
    keras.utils.set_random_seed(seed)
    inputs = keras.Input((SIZE, SIZE, 3), name="pixels")
    x = layers.Flatten()(layers.AveragePooling2D(28)(layers.Rescaling(1 / 255)(inputs)))
    x = layers.Dense(class_count, "softmax")(layers.Dropout(0.2)(x))
    return keras.Model(inputs, x, name="pixels")


@pytest.fixture
def own(home):
    """A folder of two letters, a movement, an empty room, and a B in the dark."""
    folder = home / "own"
    for name, sign in (("A", "A"), ("b", "B"), ("J", "I"), ("nothing", None)):
        (folder / name).mkdir(parents=True)
        for seed in range(6):
            image = np.full((40, 40, 3), 3, np.uint8)
            if sign:
                image = draw_hand(sign, signer=seed, seed=seed, size=40)
            image[0, 0] = seed  # so that none is another one
            Image.fromarray(image).save(folder / f"{name}/{seed}.png")
    Image.fromarray(np.full((40, 40, 3), 2, np.uint8)).save(folder / "b/dark.png")
    return f"folder:{folder}"


@pytest.fixture
def small(own, monkeypatch, no_further_looks):
    """Two small sets in place of all, small networks, and trainings of two steps."""
    changed = {
        "LEFT_OUT": {"drawn": ("tiny",), "own": (own,)},
        "SHARES": {"tiny": 1.0, own: 1.0},
        "draw": partial(sources.draw, count=1),
        "OPEN_SIGNERS": 2,
        "JOINTS": train.Settings(16, 2, 1e-2, 1e-2),
        "PIXELS": train.Settings(8, 2, 1e-2, 1e-2),
        "EPOCHS": 2,
        "pixel_network": pixel_network,
    }
    for name, value in changed.items():
        for module in (sources, left_out, reader_fit, train):
            if hasattr(module, name):
                monkeypatch.setattr(module, name, value)
    monkeypatch.setattr(joints_module, "UNITS", 8)
    monkeypatch.setattr(finding, "find_in_each", find_in_each)
    monkeypatch.setattr(train.pretrained, "find_weights", lambda name: files.HOME / "w.h5")


# What it is trained on


def test_images_of_a_set_with_their_shapes_and_hands(small, own):
    samples, labels, joints = sources.read_set(own, is_scored=True)
    assert sorted(np.array(SHAPES)[labels]) == ["A"] * 6 + ["B"] * 7 + [OTHER] * 6  # no J
    assert len(samples) == len(joints.found) == 19
    assert joints.found.sum() == 12  # not in the dark, nor in empty rooms
    of_test = sources.read_set("tiny", is_scored=True).samples
    of_training = sources.read_set("tiny", is_scored=False).samples
    assert (len(of_test), len(of_training)) == (96, 288)
    assert of_test.is_test.all() and not of_training.is_test.any()


def test_few_images_of_a_class_are_enough(small, monkeypatch):
    monkeypatch.setattr(sources, "SCORED", 2)
    _, labels, _ = sources.read_set("tiny", is_scored=True)
    assert np.bincount(labels).tolist() == [2] * 24


def test_sources_are_all_sets_and_rendered_hands(small, own):
    found = sources.gather()
    assert list(found) == ["tiny", own, "rendered", "open hands"]
    rooms = found[own].rooms  # of the set itself: they go where it is left out
    assert len(rooms) == 6 and rooms[0].shape[2] == 3 and rooms[0].max() <= 6
    assert found["tiny"].rooms == found["rendered"].rooms == ()
    for hands in found.values():
        assert hands.points.shape[1:] == (21, 3) and hands.points.dtype == np.float32
        assert len(hands.points) == len(hands.labels) == len(hands.crops)
        assert hands.crops.dtype == np.uint8 and hands.crops.shape[1:3] == (KEPT, KEPT)
        size = (hands.points[..., :2] ** 2).sum(axis=2).mean(axis=1)
        np.testing.assert_allclose(size, 1, rtol=1e-4)
    assert set(found[own].labels) == {0, 1}
    assert set(found["rendered"].labels) >= set(range(24))
    assert found["rendered"].crops.shape[3] == 4  # cut out
    assert set(found["open hands"].labels) == {SHAPES.index("5")}


def test_open_hands_are_spread_and_drawn_where_their_points_are():
    images, points = open_hands.draw_open_hands(3, 80)
    assert images.shape == (15, 80, 80, 4) and images.dtype == np.uint8
    assert points.shape == (15, 21, 3)
    tips, knuckles = points[:, (8, 12, 16, 20), :2], points[:, (5, 9, 13, 17), :2]
    wrist = points[:, :1, :2]
    assert (np.linalg.norm(tips - wrist, axis=2) > np.linalg.norm(knuckles - wrist, axis=2)).all()
    columns, rows = np.moveaxis(points[..., :2].round().astype(int).clip(0, 79), 2, 0)
    drawn = images[np.arange(15)[:, None], rows, columns, 3] > 128
    assert drawn.mean() > 0.95
    assert len(np.unique(points[:, 8, 0])) == 15  # no two are held alike


def test_other_hands_weigh_more_than_a_letter():
    labels = np.array([0, 0, SHAPES.index("5"), SHAPES.index(OTHER), SHAPES.index(OTHER)])
    weights = sources._weights(Hands(np.zeros((5, 21, 3), np.float32), labels, 2.0))
    of_label = weights[:2].sum(), weights[2], weights[3:].sum()
    np.testing.assert_allclose(of_label, 2 * np.array([1, 0.5, 6]) / 7.5)


def test_landmark_rows_are_a_source_without_pixels(small, own, monkeypatch):
    rows = np.random.default_rng(0).uniform(3, 9, (5, 21, 3)).astype(np.float32)
    known = sources.landmark_sets.LandmarkRows(rows, np.arange(5))
    monkeypatch.setattr(sources.landmark_sets, "find_landmark_sets", lambda: ["rows"])
    monkeypatch.setattr(sources.landmark_sets, "load_landmarks", lambda name: known)
    found = sources.gather()
    assert list(found) == ["tiny", own, "rendered", "open hands", "rows"]
    assert found["rows"].crops is None
    of_points = Batches({"rows": found["rows"]}, 8, 1)
    assert of_points[0][0].shape == (8, 21, 3)
    with_pixels = sum(len(each.labels) for each in found.values() if each.crops is not None)
    assert len(Batches(found, 8, 1, pixels=True).labels) == with_pixels
    assert len(Batches(found, 8, 1).labels) == with_pixels + 5


def test_a_hand_is_cut_out_of_black():
    hand = draw_hands(["B"], signers=[3], seed=1, size=96, cutout=True)[0]
    cut = sources.cut_out(np.where(hand[..., 3:] > 128, np.maximum(hand[..., :3], 60), 0))
    assert cut.shape == (96, 96, 4)
    assert ((cut[..., 3] > 128) == (hand[..., 3] > 128)).mean() > 0.94


@pytest.mark.parametrize("channels", [3, 4])
def test_randomized_images_are_pictures_still(channels):
    image = draw_hands(["L"], signers=[1], seed=1, size=KEPT, cutout=True)[0][..., :channels]
    kept, rooms = image.copy(), [np.full((80, 80, 3), 120, np.uint8)]
    found = [randomize(image, np.random.default_rng(k), rooms) for k in range(20)]
    for each in found:
        assert each.shape == (SIZE, SIZE, 3) and each.dtype == np.float32
        assert each.min() >= 0 and each.max() <= 255
    np.testing.assert_array_equal(image, kept)
    np.testing.assert_array_equal(found[3], randomize(image, np.random.default_rng(3), rooms))
    assert np.std([each.mean() for each in found]) > 5


@pytest.mark.parametrize("shape", [(60, 90), (60, 90, 1), (90, 60, 3), (1, 1, 1)])
def test_a_room_of_any_kind_is_a_background(shape):
    room = np.random.default_rng(0).integers(90, 110, shape).astype(np.uint8)
    randoms = (np.random.default_rng(seed) for seed in range(400))
    shown = [background(random, [room]) for random in randoms]
    for each in shown:
        assert each.shape == (SIZE, SIZE, 3) and each.dtype == np.float32
    of_room = np.mean([each.min() >= 90 and each.max() < 110 for each in shown])
    assert 0.55 < of_room < 0.75  # the rest are walls, clouds and tiles
    image = draw_hands(["L"], signers=[1], seed=1, size=KEPT, cutout=True)[0]
    assert randomize(image, np.random.default_rng(3), [room]).shape == (SIZE, SIZE, 3)


def test_degraded_images_are_worse_and_as_large():
    images = draw_hands("ABC", signers=[1, 2, 3], seed=1, size=96)
    worse = degrade_all(images, seed=0)
    assert worse.shape == images.shape and worse.dtype == np.uint8
    np.testing.assert_array_equal(worse, degrade_all(images, seed=0))
    assert (worse != degrade_all(images, seed=1)).any(axis=(1, 2, 3)).all()
    assert (np.abs(worse.astype(int) - images).mean(axis=(1, 2, 3)) > 3).all()
    assert degrade_all(images[..., :1], seed=0).shape == (3, 96, 96, 1)


# Batches


def hands_of(labels, share=1.0, value=0.0, crops=False):
    """Hands whose points lie far apart for each label."""
    labels = np.asarray(labels, np.int64)
    points = np.random.default_rng(0).normal(value, 1, (len(labels), 21, 3)).astype(np.float32)
    pixels = np.zeros((len(labels), KEPT, KEPT, 3), np.uint8) if crops else None
    return Hands(points, labels, share, pixels)


def test_batches_draw_sources_and_letters_evenly(monkeypatch):
    monkeypatch.setattr(sources, "TURNED", 0)
    digit = SHAPES.index("5")
    many = hands_of([0] * 200 + [1] * 40 + [digit] * 60)  # A five times as often as B
    few = hands_of([2] * 3, share=0.5)
    batches = Batches({"many": many, "few": few}, batch=1000, steps=9)
    assert len(batches) == 9
    _, targets = batches[4]
    assert targets.shape == (1000, len(SHAPES)) and targets.dtype == np.float32
    np.testing.assert_array_equal(targets.sum(axis=1), 1)
    drawn = targets.mean(axis=0)
    expected = {0: 0.4 / 1.5, 1: 0.4 / 1.5, digit: 0.2 / 1.5, 2: 0.5 / 1.5}  # a digit half as often
    for label, share in expected.items():
        assert drawn[label] == pytest.approx(share, abs=0.05)
    assert drawn.sum() == pytest.approx(sum(drawn[label] for label in expected))


def test_a_batch_depends_on_seed_epoch_and_number_alone():
    known = {"x": hands_of([0, 1, 2, 3], crops=True)}
    for pixels in (False, True):
        batches, again = (Batches(known, 6, 4, seed=3, pixels=pixels) for _ in range(2))
        first = batches[1][0]
        again[0], again[3]
        np.testing.assert_array_equal(again[1][0], first)
        assert (batches[2][0] != first).any()
        batches.on_epoch_end()
        assert (batches[1][0] != first).any()
        again.epoch = 1
        np.testing.assert_array_equal(again[1][0], batches[1][0])
        assert (Batches(known, 6, 4, seed=4, pixels=pixels)[1][0] != first).any()


def test_a_hand_that_hangs_down_signs_nothing(monkeypatch):
    monkeypatch.setattr(sources, "TURNED", 0.5)
    upright, any_way = SHAPES.index("B"), SHAPES.index("Q")  # which points down itself
    points = np.zeros((2, 21, 3), np.float32)
    points[:, 8, 1] = -4  # a fingertip far above
    batches = Batches({"x": Hands(points, np.array([upright, any_way]), 1.0)}, 400, 1)
    found, targets = batches[0]
    labels, up = targets.argmax(axis=1), found[:, 8, 1] < 0
    assert set(labels) == {upright, any_way, len(SHAPES) - 1}
    assert up[labels != len(SHAPES) - 1].mean() > 0.98
    assert not up[labels == len(SHAPES) - 1].any()
    assert (labels == any_way).mean() == pytest.approx(0.5, abs=0.1)


# Networks


@pytest.fixture
def networks(monkeypatch):
    monkeypatch.setattr(joints_module, "UNITS", 8)
    return train.dense_network(len(SHAPES), 1), pixel_network(len(SHAPES), 2)


def inputs_for(count):
    random = np.random.default_rng(count)
    points = random.normal(0, 1, (count, LOOKS, 21, 3)).astype(np.float32)
    return points, random.uniform(0, 255, (count, SIZE, SIZE, 3)).astype(np.float32)


def test_both_networks_together_by_hand(networks, home, eager):
    joints, pixels = networks
    points, crops = inputs_for(4)
    whole = both(joints, pixels, 0.3, 2.0)
    logs = [
        np.log([each.predict_on_batch(view) for view in views]).mean(axis=0)
        for each, views in (
            (joints, [look * side for look in np.moveaxis(points, 1, 0) for side in MIRRORED]),
            (pixels, (crops, crops[:, :, ::-1])),
        )
    ]
    scores = np.exp((0.7 * logs[0] + 0.3 * logs[1]) / 2)
    expected = scores / scores.sum(axis=1, keepdims=True)
    found = whole.predict_on_batch([points, crops])
    np.testing.assert_allclose(found, expected, atol=1e-5)
    points[2] = 0  # no hand was found
    alone = np.exp(logs[1][2] / 2)
    np.testing.assert_allclose(
        whole.predict_on_batch([points, crops]),
        np.vstack([expected[:2], alone / alone.sum(), expected[3:]]),
        atol=1e-5,
    )
    points = inputs_for(4)[0]
    mirrored = [points * MIRRORED[1], crops[:, :, ::-1]]
    np.testing.assert_allclose(whole.predict_on_batch(mirrored), found, atol=1e-5)
    whole.save(home / "r.keras")
    again = keras.saving.load_model(home / "r.keras", safe_mode=True)
    np.testing.assert_allclose(again.predict_on_batch([points, crops]), found, atol=1e-6)


def test_the_pixel_network_learns_above_what_photographs_share(home, monkeypatch):
    weights = asl.random_weights("mobilenetv2")
    monkeypatch.setattr(reader_module.pretrained, "find_weights", lambda *_: weights)
    model = reader_module.pixel_network(5)
    assert model.input_shape == (None, SIZE, SIZE, 3) and model.output_shape == (None, 5)
    backbone = next(layer for layer in model.layers if hasattr(layer, "layers"))
    names = [layer.name for layer in backbone.layers]
    last = names.index(reader_module.FROZEN_TO)
    learns = [layer.trainable for layer in backbone.layers]
    assert learns == [False] * (last + 1) + [True] * (len(names) - last - 1)
    assert 0 < last < len(names) - 10
    kinds = [each for each in backbone.layers if isinstance(each, layers.BatchNormalization)]
    assert {layer.momentum for layer in kinds} == {reader_module.MOMENTUM}


def test_the_exported_file_says_what_keras_says(networks, capfd):
    model = both(*networks, 0.4, 1.3)
    file = convert.write_litert(model, "reader")
    assert file == files.MODEL / "reader.tflite"
    assert capfd.readouterr() == ("", "")
    for count in (1, 3, 2):  # of any size, one after the other
        points, crops = inputs_for(count)
        (found,) = interpreter.run(file, joints=points, pixels=crops)
        (swapped,) = interpreter.run(file, pixels=crops, joints=points)
        expected = model.predict_on_batch([points, crops])
        np.testing.assert_allclose(found, expected, atol=1e-4)
        np.testing.assert_array_equal(swapped, found)
        assert expected.std() > 1e-3


@pytest.mark.parametrize("told", [0.5, np.nan])
def test_a_file_that_says_something_else_is_not_kept(told, networks, monkeypatch):
    monkeypatch.setattr(convert, "_litert", lambda *_: b"a network")
    monkeypatch.setattr(
        convert.interpreter, "run", lambda file, **_: [np.full((3, len(SHAPES)), told)]
    )
    with pytest.raises(AslError, match=r"reader\.tflite differs from the network by"):
        convert.write_litert(both(*networks, 0.4, 1.3), "reader")
    assert not list(files.MODEL.iterdir())


def test_a_keras_that_cannot_export_is_told(networks, monkeypatch):
    def unknown(*_, **__):
        raise ValueError("Unrecognized format=tf_saved_model")

    monkeypatch.setattr(keras.Model, "export", unknown)
    with pytest.raises(AslError, match=r"cannot write reader for litert .*pip install --upgrade"):
        convert.write_litert(both(*networks, 0.4, 1.3), "reader")


# Sets that are left out, by hand


def say(*shapes):
    """Probabilities of a network that is rather sure of one shape a row; None: no hand."""
    rows = np.full((len(shapes), len(SHAPES)), 0.1 / (len(SHAPES) - 1), np.float32)
    for row, shape in zip(rows, shapes, strict=True):
        row[:] = 0 if shape is None else row
        if shape is not None:
            row[SHAPES.index(shape)] = 0.9
    return rows


def left(joints, pixels, labels, groups=None, tiny=False):
    index = np.array([SHAPES.index(SAME_SHAPE.get(sign, sign)) for sign in labels], np.int64)
    groups = np.array(groups or [f"set {k}" for k in range(len(labels))])
    signs = np.array([*labels])
    return LeftOut(say(*joints), say(*pixels), index, signs, groups, np.full(len(signs), tiny))


RIGHT_JOINTS = left("ABCD", "BCDE", "ABCD")
RIGHT_PIXELS = left("ABCD", "BCDE", "BCDE")  # where both weigh the same, the joints are first


def test_the_geometric_mean_of_two_networks_by_hand():
    found = left("AB", "BB", "AB").probabilities(0.25, 2.0)
    rest = 0.1 / 30
    scores = np.full((2, 31), rest**0.5)
    scores[0, 0], scores[0, 1] = (0.9**0.75 * rest**0.25) ** 0.5, (0.9**0.25 * rest**0.75) ** 0.5
    scores[1, 1] = 0.9**0.5
    np.testing.assert_allclose(found, scores / scores.sum(axis=1, keepdims=True), rtol=1e-4)


def test_rows_without_a_hand_are_wrong_whatever_their_label():
    found = left(["A", None, "B", None], ["A", None, "B", None], "AABB")
    assert found.found.tolist() == [True, False, True, False]
    assert not found.probabilities(0.5)[[1, 3]].any()
    for share in (0.0, 0.5, 1.0):
        assert found.correct(share).tolist() == [True, False, True, False]
    told = left_out.figures({"x": found})["x"]
    assert (told["correct"], told["images"], told["hand_found"]) == (2, 4, 2)


def test_letters_alone_are_scored_and_a_hand_taken_for_no_letter_is_wrong():
    shapes = ["A", "5", OTHER, "B", OTHER]  # what is said
    found = left(shapes, shapes, ["A", "B", OTHER, OTHER, "C"])
    assert found.is_letter.tolist() == [True, True, False, False, True]
    assert found.correct(0.5).tolist() == [True, False, False]
    assert found.answered(0.5).tolist() == [False, True]
    told = left_out.figures({"x": found})["x"]
    assert (told["images"], told["no_sign"], told["no_sign_answered"]) == (3, 2, 1)


def test_tiny_images_are_cut_to_a_hand_that_signs_a_letter():
    shapes = ["5", OTHER, "A"]
    mostly = say(*shapes)
    mostly[:, SHAPES.index("B")] = 0.05
    found = left(shapes, shapes, "BBA", tiny=True)._replace(joints=mostly, pixels=mostly)
    assert found.correct(0.5).tolist() == [True, False, True]  # a 5 does not speak against B
    large = found._replace(tiny=np.zeros(3, bool))
    assert large.correct(0.5).tolist() == [False, False, True]


def test_pixels_alone_answer_where_a_tiny_image_shows_no_hand_and_only_if_they_are_sure():
    found = left([None, None, "A"], ["A", "A", "B"], "AAA", tiny=True)
    found.pixels[1] = 1 / 31
    np.testing.assert_allclose(found.probabilities(0.2)[0], found.pixels[0], atol=1e-6)
    assert found.correct(0.2).tolist() == [True, False, True]
    assert found.correct(0.0).tolist() == [False, False, True]  # joints alone say nothing
    told = left_out.figures({"x": found})["x"]
    assert (told["images"], told["hand_found"]) == (3, 1)


def test_digits_are_scored_as_digits():
    shapes = ["O", "5", "O", "V", "F"]
    found = left(shapes, shapes, ["0", "5", "O", "6", "9"])
    assert found.is_digit.tolist() == [True, True, False, True, True]
    assert found.correct(0.5, "digits").tolist() == [True, True, False, True]
    assert found.correct(0.5).tolist() == [True]  # the one letter


def test_the_share_of_pixels_is_what_is_best_in_the_mean():
    assert left_out.choose_share([RIGHT_JOINTS]) == 0.0
    assert left_out.choose_share([RIGHT_PIXELS]) == 0.55  # the first at which they outweigh
    # Of unequal size, sets count alike: three quarters of a large one against a small one
    small = left("C", "D", "C")
    mostly = left("AAAA", "BBBA", "BBBA")
    assert left_out.choose_share([mostly, small]) == 0.0  # (1/4 + 1)/2 against (1 + 0)/2
    assert left_out.choose_share([mostly, mostly, small]) == 0.55


def test_a_set_has_no_say_in_the_share_that_it_is_scored_with():
    groups = ["x 1", "x 1", "x 2", "x 3"]
    known = {"x": RIGHT_PIXELS._replace(groups=np.array(groups)), "y": RIGHT_JOINTS}
    told = left_out.figures(known)
    assert (told["x"]["pixels_share"], told["x"]["correct"]) == (0.0, 0)
    assert (told["x"]["joints_alone"], told["x"]["pixels_alone"]) == (0, 4)
    assert (told["y"]["pixels_share"], told["y"]["correct"]) == (0.55, 0)
    assert (told["y"]["joints_alone"], told["y"]["pixels_alone"]) == (4, 0)
    assert told["x"]["groups"] == 3
    told = left_out.figures({**known, "z": RIGHT_JOINTS, "w": RIGHT_JOINTS})["y"]
    low, high = accuracy_interval(RIGHT_JOINTS.correct(0.0), RIGHT_JOINTS.groups)
    assert (told["correct"], told["images"], told["pixels_share"]) == (4, 4, 0.0)
    assert (told["low"], told["high"]) == (round(low, 4), round(high, 4))


def test_temperature_and_threshold_come_from_as_many_letters_of_each_set():
    random = np.random.default_rng(0)

    def drawn(count, wrong):
        labels = random.choice(list("ABCDE"), count)
        said = [each if k >= wrong else "F" for k, each in enumerate(labels)]
        return left(said, said, labels)

    one, other = drawn(60, 6), drawn(60, 0)
    temperature, threshold = left_out.calibrate([one, other], 0.5)
    probabilities = np.concatenate([one.probabilities(0.5), other.probabilities(0.5)])
    expected = fit_temperature(probabilities, np.concatenate([one.labels, other.labels]))
    assert temperature == pytest.approx(expected, rel=1e-3)
    confident = calibrate(probabilities, temperature).max()
    assert threshold.precision == 0.95
    assert threshold.coverage in (0, 1) and threshold.confidence == pytest.approx(confident)
    # A set ten times as large, always wrong, has no more than half a say
    large = drawn(600, 600)
    once = left_out.calibrate([large, other], 0.5)[0]
    assert once == pytest.approx(left_out.calibrate([drawn(60, 60), other], 0.5)[0], rel=1e-3)


def test_what_the_confidence_of_a_set_that_was_left_out_is_worth():
    """Two sets that share their letters, one of them with other hands and a row without one."""
    random = np.random.default_rng(1)
    labels = random.choice(list("ABCDE"), 100)
    said = ["F", "G", *labels[2:]]
    one = left(said, said, labels)
    other = left([*said, "A", None], [*said, "A", None], [*labels, OTHER, "A"])
    told = left_out.calibration_figures({"one": one, "other": other})
    # Each is sure of all alike, so all lie at the threshold; OTHER is no letter, None no answer
    assert told["coverage"] == pytest.approx((100 / 100 + 100 / 101) / 2)
    assert told["precision"] == pytest.approx(0.98)
    temperature, _ = left_out.calibrate([other], 0.0)
    sure = calibrate(one.probabilities(0.0), temperature).max()
    assert told["calibration_error"] == pytest.approx(abs(sure - 0.98), abs=2e-3)


def test_what_was_predicted_is_kept(home):
    file = home / "runs/x/predictions.npz"
    assert left_out.kept(file) is None
    left_out.keep(RIGHT_JOINTS, file)
    for one, two in zip(left_out.kept(file), RIGHT_JOINTS, strict=True):
        np.testing.assert_array_equal(one, two)


def test_a_set_that_was_left_out_is_predicted_as_the_reader_would(small, own, networks, eager):
    """The same figures from the kept predictions of each network and from both in one."""
    found = left_out.predict_left_out("own", *networks)
    samples, labels, joints = sources.read_set(own, is_scored=True)
    np.testing.assert_array_equal(found.labels, labels)
    np.testing.assert_array_equal(found.found, joints.found)
    assert all(group.startswith(f"{own} ") for group in found.groups)
    expected = predict_fitted(both(*networks, 0.35, 1.4), samples.images)
    np.testing.assert_allclose(found.probabilities(0.35, 1.4), expected, atol=1e-5)
    assert left_out.predict_left_out("drawn", *networks).labels.shape == (96,)  # its test part


# Training


def points_to_train_on():
    return Batches({"x": hands_of([0, 1, 2, 3] * 4)}, batch=8, steps=2, seed=1)


class Killed(Exception):
    """What ends a training here."""


def test_a_training_that_was_killed_goes_on_to_the_same_weights(home, monkeypatch, networks, eager):
    build = partial(train.dense_network, len(SHAPES), 5)  # with dropout and batch normalisation
    compiled = reader_fit.Compiled()
    fit = partial(
        reader_fit.fit_network, build=build, settings=train.JOINTS, told="x", compiled=compiled
    )
    whole = fit(home / "a/x.keras", batches=points_to_train_on())
    usual = keras.callbacks.LambdaCallback

    def killed_after(last):
        def callback(on_epoch_begin, on_epoch_end):
            def end(epoch, logs):
                on_epoch_end(epoch, logs)
                if epoch == last:
                    raise Killed

            return usual(on_epoch_begin=on_epoch_begin, on_epoch_end=end)

        monkeypatch.setattr(keras.callbacks, "LambdaCallback", callback)

    for last in (0, 2):  # twice
        killed_after(last)
        with pytest.raises(Killed):
            fit(home / "b/x.keras", batches=points_to_train_on())
        assert not (home / "b/x.keras").exists()
    monkeypatch.setattr(keras.callbacks, "LambdaCallback", usual)
    resumed = fit(home / "b/x.keras", batches=points_to_train_on())
    for one, two in zip(whole.get_weights(), resumed.get_weights(), strict=True):
        np.testing.assert_allclose(one, two, atol=1e-6)
    before = build().get_weights()
    assert (
        max(np.abs(x - y).max() for x, y in zip(before, resumed.get_weights(), strict=True)) > 0.1
    )
    assert not (home / "b/x.backup").exists() or not list((home / "b/x.backup").iterdir())
    monkeypatch.setattr(keras.Model, "fit", lambda *_, **__: pytest.fail("trained again"))
    kept = fit(home / "b/x.keras", batches=points_to_train_on())
    for one, two in zip(kept.get_weights(), resumed.get_weights(), strict=True):
        np.testing.assert_array_equal(one, two)


def test_the_reader_from_nothing(small, own, home, monkeypatch, capsys, eager):
    """Each set left out, then all; what is there is not trained again."""
    trained_on = []

    def batches(known, *settings):
        trained_on.append([*known])
        return Batches(known, *settings)

    monkeypatch.setattr(train, "Batches", batches)
    assert main(["reader", "--leave-out", "own"]) == 0
    assert trained_on == [["tiny", "rendered", "open hands"]] * 2  # joints and pixels
    printed = capsys.readouterr().out
    assert "without-own, joints: epoch 2/2" in printed and "without own, joints alone: " in printed
    assert not files.MODEL.exists()
    (folder,) = (home / "runs/reader").iterdir()
    assert [each.name for each in folder.iterdir()] == ["without-own"]

    assert main(["reader"]) == 0
    printed = capsys.readouterr().out
    assert "without-own, joints: epoch" not in printed  # that is there
    for told in (
        "without own, joints alone: ",
        "without-drawn, pixels: epoch 2/2",
        "all sets, joints: epoch 2",
    ):
        assert told in printed
    assert "kept in model/reader.keras" in printed
    drawn = ["rendered", "open hands"]
    others, all_sets = [own, *drawn], ["tiny", own, *drawn]
    assert trained_on[2:] == [others] * 2 + [["rendered"]] + [all_sets] * 2
    hidden = home / "model/joints-landmarks.npz"  # which the catalogue's joints begin with
    joints_module.load_hidden(joints_module.dense_network(5), hidden)
    model, metadata = load_model("reader")
    assert metadata.class_names == SHAPES
    assert metadata.datasets == ("tiny", own, "sample")  # of which rendered hands are
    assert metadata.weights == "w.h5" and metadata.steps == 2
    assert metadata.threshold.precision == 0.95
    known = train.predictions_left_out()
    assert metadata.left_out == left_out.figures(known)
    assert metadata.pixels_share == left_out.choose_share([*known.values()])
    assert metadata.left_out["own"]["images"] == 13 > metadata.left_out["own"]["hand_found"] == 12
    assert metadata.left_out["drawn"]["images"] == 96

    stored = read._network(read.READER)  # the .tflite file is of this training
    points, crops = inputs_for(2)
    (told,) = interpreter.run(stored.file, joints=points, pixels=crops)
    np.testing.assert_allclose(told, model.predict_on_batch([points, crops]), atol=1e-4)
    assert main(["models"]) == 0
    assert "of own, left out" in capsys.readouterr().out

    before = read_metadata(home / "model/reader.keras")
    monkeypatch.setattr(keras.Model, "fit", lambda *_, **__: pytest.fail("trained again"))
    monkeypatch.setattr(left_out, "predict_left_out", lambda *_: pytest.fail("predicted again"))
    assert main(["reader"]) == 0
    again = read_metadata(home / "model/reader.keras")
    assert again.arrays_sha256 == before.arrays_sha256
    assert again.left_out == before.left_out


def test_other_settings_are_trained_apart(small):
    assert train._folder(0, train.PIXELS) != train._folder(1, train.PIXELS)
    assert train._folder(0, train.PIXELS) != train._folder(0, train.PIXELS._replace(steps=9))


def test_an_unknown_set_is_said_at_once(home):
    with pytest.raises(AslError, match="no set 'kitchen' to leave out: letters, film"):
        train.train_reader("kitchen")
    with pytest.raises(AslError, match="nothing is known without letters, film, signers and 1"):
        train.predictions_left_out()
    assert not list(home.iterdir())


# Data sets that it has not seen


def test_images_without_a_hand_are_wrong_in_another_data_set(
    own, networks, no_further_looks, monkeypatch, capsys, eager
):
    monkeypatch.setattr(finding, "find_in_each", find_in_each)
    metadata = Metadata("x", "reader", SHAPES, 0, datasets=("alphabet", "abc"))
    save_model(both(*networks, 0.5, 1.0), "reader", metadata)
    found = predict_dataset(*load_model("reader"), own)
    assert found.scored == ("A", "B") and found.class_names == LETTERS
    dark = np.char.endswith(found.samples.names, "dark.png")
    assert dark.sum() == 1 and len(dark) == 13
    assert found.predicted[dark].tolist() == [-1] and (found.predicted[~dark] >= 0).all()
    # Whatever is first of the letters would be right by chance: an A, which is number 0
    assert not found._replace(labels=np.zeros(13, int)).correct[dark].any()
    np.testing.assert_allclose(found.probabilities[~dark].sum(axis=1), 1, rtol=1e-5)
    assert found.per_class()["images"].sum() == 13
    assert main(["evaluate", "reader", "--on", own]) == 0
    assert f"{found.correct.sum()}/13 = " in capsys.readouterr().out


def test_the_stored_reader_says_what_it_reached(eager):
    """Its figures are of sets that were left out, and both of its files are of one training."""
    file = files.REPOSITORY / "model/reader.keras"
    metadata = read_metadata(file)
    assert file.stat().st_size < 5_000_000
    assert file.with_suffix(".tflite").stat().st_size < 5_000_000
    assert metadata.litert_sha256 == files.sha256(file.with_suffix(".tflite"))
    assert metadata.class_names == SHAPES
    assert sorted(metadata.left_out) == ["film", "letters", "rooms", "signers"]
    for told in metadata.left_out.values():
        assert told["correct"] <= told["hand_found"] <= told["images"]
        assert told["low"] <= told["correct"] / told["images"] <= told["high"]
        assert 0 <= told["pixels_share"] <= 1
    assert metadata.left_out["letters"]["images"] == 7_172
    assert metadata.threshold.precision == 0.95
    model, _ = load_model(file)
    assert model.count_params() == metadata.parameters
    points, crops = inputs_for(3)
    (told,) = interpreter.run(file.with_suffix(".tflite"), joints=points, pixels=crops)
    np.testing.assert_allclose(told, model.predict_on_batch([points, crops]), atol=1e-4)
    assert json.loads(file.with_suffix(".json").read_text())["model"] == "reader"
