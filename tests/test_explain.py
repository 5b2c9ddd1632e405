"""What went wrong, and why: by hand, and on networks of every kind."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics.pairwise import cosine_similarity

from asl import (
    AslError,
    build,
    distinct_images,
    grad_cam,
    least_confident,
    mistakes,
    nearest,
    worst_first,
)
from asl.evaluation import explain
from asl.keras_setup import keras


@pytest.fixture(scope="module")
def model():
    return build("cnn", (28, 28, 1), 24)


def test_mistakes_the_worst_first_by_hand():
    probabilities = np.array([[0.7, 0.2, 0.1], [0.6, 0.3, 0.1], [0.1, 0.1, 0.8], [0.9, 0.05, 0.05]])
    table = mistakes(np.array([0, 1, 2, 2]), probabilities)
    assert table[["row", "actual", "predicted"]].to_numpy().tolist() == [[3, 2, 0], [1, 1, 0]]
    assert table["loss"].tolist() == pytest.approx([-np.log(0.05), -np.log(0.3)])
    assert table["confidence"].tolist() == [0.9, 0.6]
    assert table["taken_for"].tolist() == [0, 0]


def test_a_true_class_of_probability_zero_has_a_finite_loss():
    table = mistakes(np.array([1]), np.array([[1.0, 0.0]]))
    assert np.isfinite(table.loc[0, "loss"])


def test_correct_predictions_the_least_confident_first():
    probabilities = np.array([[0.7, 0.3], [0.55, 0.45], [0.9, 0.1]])
    assert least_confident(np.array([0, 0, 1]), probabilities)["row"].tolist() == [1, 0]
    assert mistakes(np.array([0, 0, 0]), probabilities).empty
    sure = least_confident(np.array([0, 2]), np.array([[0.6, 0.1, 0.3], [0.1, 0.2, 0.7]]))
    assert sure["taken_for"].tolist() == [2, 1]  # the second most likely


def test_of_images_that_are_alike_the_first_is_shown():
    random = np.random.default_rng(0)
    first, second = random.integers(0, 200, (2, 8, 8, 1))
    brighter, noisy = first + 40, first + random.integers(0, 9, first.shape)
    images = np.stack([first, second, brighter, noisy, first]).astype(np.uint8)
    labels = np.array([0, 0, 0, 0, 1])
    assert distinct_images(images, labels).tolist() == [True, True, False, False, True]
    assert distinct_images(images, labels, similarity=1.1).all()
    groups = np.array([1, 1, 2, 3, 3])
    assert distinct_images(images, labels, groups, 1.1).tolist() == [True, False, True, True, True]
    assert distinct_images(images[:0], labels[:0]).shape == (0,)


def test_a_film_is_not_one_image():
    """Each frame is like the one before it; the fourth is no longer like the first."""
    ramp = np.linspace(0, 1, 6)[:, None, None, None]
    start, end = np.random.default_rng(0).integers(0, 256, (2, 8, 8, 1))
    film = np.round((1 - ramp) * start + ramp * end).astype(np.uint8)
    flat = film.reshape(6, -1)
    alike = np.corrcoef(flat)
    shown = distinct_images(film, np.zeros(6, int), similarity=0.9)
    kept = np.flatnonzero(shown)
    assert 1 < len(kept) < 6 and alike[0, kept[1]] < 0.9 < alike[0, kept[1] - 1]


def test_mistakes_come_before_what_is_correct_and_each_photograph_once(parts):
    test = parts.test.take(np.arange(6))
    test = replace(test, labels=np.zeros(6, int), groups=np.arange(6))
    first = np.array([0.9, 0.2, 0.6, 0.1, 0, 0.7])
    probabilities = np.stack([first, 1 - first], axis=1)
    probabilities[4] = 0  # no hand
    assert worst_first(test, probabilities)["row"].tolist() == [3, 1, 2, 5, 0]
    assert worst_first(test, probabilities, most=3)["row"].tolist() == [3, 1, 2]
    groups = np.array([0, 1, 1, 1, 2, 3])
    again = replace(test, groups=groups, group_unit="duplicate group")
    assert worst_first(again, probabilities)["row"].tolist() == [3, 5, 0]
    assert worst_first(test, np.zeros((6, 2))).empty


@pytest.mark.parametrize(("unit", "count"), [("signer", 2), ("film segment", 1)])
def test_of_a_film_frames_that_are_fairly_alike_are_shown_once(parts, unit, count):
    random = np.random.default_rng(0)
    scene, hand = random.normal(128, 30, (2, 28, 28, 1))
    frames = np.stack([scene, 0.9 * scene + 0.45 * hand]).clip(0, 255).astype(np.uint8)
    assert 0.8 < np.corrcoef(frames.reshape(2, -1))[0, 1] < 0.95
    test = replace(parts.test.take(np.arange(2)), images=frames, labels=np.zeros(2, int))
    film = replace(test, groups=np.arange(2), group_unit=unit)
    assert len(worst_first(film, np.array([[0.2, 0.8], [0.1, 0.9]]))) == count


def test_nearest_finds_the_image_itself_and_agrees_with_scikit_learn(model, parts):
    train_images = parts.train.images
    rows = nearest(model, train_images[[3, 40]], train_images, count=5)
    assert rows[:, 0].tolist() == [3, 40]
    vectors = explain.features(model, train_images)
    alike = cosine_similarity(vectors[[3]], vectors)[0]
    np.testing.assert_allclose(alike[rows[0]], np.sort(alike)[::-1][:5], rtol=1e-6)
    assert len(set(rows[0])) == 5


def test_grad_cam_by_hand():
    """One convolution that passes the image on, its mean, one dense layer: the map is the image."""
    model = keras.Sequential(
        [
            keras.Input((8, 8, 1)),
            keras.layers.Conv2D(1, 1, use_bias=False, kernel_initializer="ones"),
            keras.layers.GlobalAveragePooling2D(),
            keras.layers.Dense(2, activation="softmax"),
        ]
    )
    model.layers[-1].set_weights([np.array([[2.0, -1.0]]), np.zeros(2)])
    image = np.zeros((2, 8, 8, 1), np.uint8)
    image[:, 2, 5], image[:, 6, 1] = 200, 100
    heat = grad_cam(model, image, np.array([0, 1]))
    np.testing.assert_allclose(heat[0], image[0, ..., 0] / 200, atol=1e-6)
    assert (heat[1] == 0).all()  # what lowers the class's score is cut off


def test_two_classes_of_an_image_share_one_scale():
    model = keras.Sequential(
        [
            keras.Input((8, 8, 1)),
            keras.layers.Conv2D(1, 1, use_bias=False, kernel_initializer="ones"),
            keras.layers.GlobalAveragePooling2D(),
            keras.layers.Dense(2, activation="softmax"),
        ]
    )
    model.layers[-1].set_weights([np.array([[2.0, 0.5]]), np.zeros(2)])
    image = np.full((1, 8, 8, 1), 100, np.uint8)
    heat = grad_cam(model, image, np.array([[0, 1]]))
    np.testing.assert_allclose(heat[0, 0], 1, atol=1e-6)
    np.testing.assert_allclose(heat[0, 1], 0.25, atol=1e-6)
    assert grad_cam(model, image[:0], np.zeros((0, 2), int)).shape == (0, 2, 8, 8)


def test_no_images_have_no_neighbours(model, parts):
    assert nearest(model, parts.test.images[:0], parts.train.images, count=3).shape == (0, 3)


def test_grad_cam_has_the_size_of_the_images(model, parts):
    heat = grad_cam(model, parts.test.images[:3], parts.test.labels[:3])
    assert heat.shape == (3, 28, 28)
    assert heat.min() >= 0
    assert heat.max() == pytest.approx(1)


def test_without_maps_it_shows_which_pixels_count():
    """A dense layer on the pixels: what counts are those with a weight, more with a larger one."""
    model = keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            keras.layers.Flatten(),
            keras.layers.Dense(2, activation="softmax"),
        ]
    )
    kernel = np.zeros((28, 28, 2))
    kernel[5, 8, 0], kernel[20, 20, 0], kernel[14, 3, 1] = 2, -1, 3
    model.layers[-1].set_weights([kernel.reshape(-1, 2), np.zeros(2)])
    images = np.full((2, 28, 28, 1), 100, np.uint8)
    heat = grad_cam(model, images, np.array([0, 1]))
    assert np.unravel_index(heat[0].argmax(), (28, 28)) == (5, 8)
    assert heat[0, 20, 20] == pytest.approx(0.5, abs=1e-6)
    assert heat[0, 14, 3] == 0
    assert np.unravel_index(heat[1].argmax(), (28, 28)) == (14, 3)


@pytest.mark.parametrize("name", ["conv1d_lstm", "mobilenetv2"])
def test_every_kind_of_network_can_be_asked(name, parts, eager):
    model = build(name, (28, 28, 1), 24, weights=None)
    classes = np.tile(np.arange(24), (2, 1))  # random weights: of one alone nothing may speak
    heat = grad_cam(model, parts.test.images[:2], classes)
    assert heat.shape == (2, 24, 28, 28)
    assert 0 <= heat.min() < heat.max() == pytest.approx(1)
    assert nearest(model, parts.test.images[:1], parts.test.images[:5], count=1).tolist() == [[0]]


def test_a_network_that_takes_no_images():
    flat = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2, activation="softmax")])
    with pytest.raises(AslError, match="which is no image"):
        grad_cam(flat, np.zeros((1, 4)), np.array([0]))
