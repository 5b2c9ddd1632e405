"""Building a network by its name, from random weights or from those of a checkpoint."""

import gc
import subprocess
import sys

import numpy as np
import pytest

from asl import AslError, build, layer_table
from asl.keras_setup import keras
from asl.models import registry
from asl.training.options import compile_model

pytestmark = pytest.mark.usefixtures("eager")  # to compile takes longer here than to run


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
    architecture = registry.find("cnn")
    model = build("cnn", (28, 28, 1), 24)
    compile_model(model, architecture, steps=1000)
    schedule = model.optimizer._learning_rate
    rates = [float(schedule(step)) for step in (0, 100, 500, 1000)]
    assert rates[0] < rates[2] < rates[1] == pytest.approx(architecture.learning_rate)
    assert rates[3] < 0.02 * architecture.learning_rate


def test_a_look_at_the_registry_needs_no_keras():
    """The list of architectures is there before the seconds that Keras takes."""
    code = (
        "import sys, asl; print(len(asl.MODELS), asl.input_size('vgg16'), 'keras' in sys.modules)"
    )
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout
    assert printed.split() == [str(len(registry.MODELS)), "224", "False"]


def test_garbage_is_collected_after_the_import_of_keras_but_not_among_what_it_made():
    assert gc.isenabled()
    assert gc.get_freeze_count() > 100_000


def test_the_size_that_an_architecture_works_at():
    assert registry.input_size("cnn") is None  # takes images as they are
    assert registry.input_size("mobilenetv2") == 96
    with pytest.raises(AslError, match="no model 'gpt'"):
        registry.input_size("gpt")


@pytest.fixture
def checkpoint(tmp_path):
    """A network whose weights are not those that any seed of `build` gives."""
    model = build("cnn", (28, 28, 1), 24, seed=5)
    model.set_weights([weights + 0.25 for weights in model.get_weights()])
    model.save(tmp_path / "before.keras")
    return model, tmp_path / "before.keras"


def test_a_checkpoint_is_a_beginning(checkpoint):
    before, file = checkpoint
    for given in (file, str(file)):
        model = build("cnn", (28, 28, 1), 24, weights=given)
        for one, two in zip(model.get_weights(), before.get_weights(), strict=True):
            np.testing.assert_array_equal(one, two)


@pytest.mark.parametrize(
    ("name", "input_shape", "class_count"),
    [
        ("cnn", (28, 28, 1), 10),
        ("cnn", (28, 28, 3), 24),
        ("cnn", (32, 32, 1), 24),
        ("conv1d_lstm", (28, 28, 1), 24),
    ],
)
def test_a_checkpoint_of_another_shape_is_refused(name, input_shape, class_count, checkpoint):
    _, file = checkpoint
    known = rf"takes images \(28, 28, 1\) and has 24 classes .*; {name} for .* of {class_count} "
    with pytest.raises(AslError, match=known + "classes, .* cannot begin with its weights"):
        build(name, input_shape, class_count, weights=file)


def test_a_checkpoint_that_is_not_there_or_damaged(tmp_path):
    with pytest.raises(AslError, match=r"nothing\.keras does not exist"):
        build("cnn", (28, 28, 1), 24, weights=tmp_path / "nothing.keras")
    (tmp_path / "text.keras").write_text("text")
    with pytest.raises(AslError, match=r"text\.keras cannot be read"):
        build("cnn", (28, 28, 1), 24, weights=tmp_path / "text.keras")
