import numpy as np
import pytest

from asl import AslError, build, layer_table, models
from asl.backend import keras


def test_an_unknown_name_answers_with_the_names_there_are():
    with pytest.raises(AslError, match=r"no model 'resnet'\. There are: cnn"):
        build("resnet", (28, 28, 1), 24)


@pytest.mark.parametrize(
    ("input_shape", "class_count"), [((28, 28, 1), 24), ((64, 64, 3), 10), ((50, 50, 3), 3)]
)
def test_any_image_size_and_class_count(input_shape, class_count):
    model = build("cnn", input_shape, class_count)
    images = np.random.default_rng(0).integers(0, 256, (5, *input_shape), dtype=np.uint8)
    probabilities = model.predict(images, verbose=0)
    assert probabilities.shape == (5, class_count)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-5)


def test_small_enough():
    assert build("cnn", (28, 28, 1), 24).count_params() <= 150_000


def test_the_seed_makes_the_weights():
    first, same, other = (build("cnn", (28, 28, 1), 24, seed=seed) for seed in (0, 0, 1))
    for one, two in zip(first.get_weights(), same.get_weights(), strict=True):
        np.testing.assert_array_equal(one, two)
    assert any(
        not np.array_equal(one, two)
        for one, two in zip(first.get_weights(), other.get_weights(), strict=True)
    )


def test_scaling_is_inside():
    """Bytes go in: the network itself brings them to a range of about one."""
    model = build("cnn", (28, 28, 1), 24)
    scaling = next(layer for layer in model.layers if isinstance(layer, keras.layers.Rescaling))
    assert float(scaling(np.array([[[[255.0]]]]))[0, 0, 0, 0]) - float(scaling.offset) == 1


def test_layer_table_by_hand():
    layers = keras.layers
    model = keras.Sequential(
        [
            keras.Input((10, 8, 3)),
            layers.Conv2D(4, 3, padding="valid"),  # 8 × 6 places × 3·3·3 × 4 weights
            layers.BatchNormalization(),
            layers.Flatten(),
            layers.Dense(5),  # 192 × 5
        ]
    )
    table = layer_table(model)
    assert table["multiply-adds"].tolist() == [8 * 6 * 27 * 4, 0, 0, 192 * 5]
    assert table["parameters"].tolist() == [27 * 4 + 4, 16, 0, 192 * 5 + 5]
    assert table["parameters"].sum() == model.count_params()
    assert table["output"].tolist() == ["8 × 6 × 4", "8 × 6 × 4", "192", "5"]


def test_the_rate_rises_then_falls():
    network = models.find("cnn")
    model = build("cnn", (28, 28, 1), 24)
    models.compile(model, network, steps=1000)
    schedule = model.optimizer._learning_rate
    rates = [float(schedule(step)) for step in (0, 100, 500, 1000)]
    assert rates[0] < rates[2] < rates[1] == pytest.approx(network.learning_rate)
    assert rates[3] < 0.02 * network.learning_rate
