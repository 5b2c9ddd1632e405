"""Each figure is drawn from 3 and from 36 classes, grey and colour, without a warning."""

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from conftest import drawn

from asl import plots
from asl.data.samples import Samples, count
from asl.data.split import split

NAMES = "0123456789abcdefghijklmnopqrstuvwxyz"


@pytest.fixture(params=[(3, 1), (36, 3)], ids=["3 classes, grey", "36 classes, colour"])
def data(request):
    class_count, channels = request.param
    random = np.random.default_rng(0)
    images = random.integers(0, 256, (class_count * 20, 12, 10, channels), dtype=np.uint8)
    labels = np.tile(np.arange(class_count), 20)
    return Samples("tiny", tuple(NAMES[:class_count]), images, labels, labels.astype(str))


pytestmark = pytest.mark.usefixtures("figures")


def test_image_grid(data):
    figure = drawn(plots.image_grid(data.images[:7], NAMES[:7], "title", columns=4))
    assert [axes.get_title() for axes in figure.axes[:7]] == list(NAMES[:7])
    assert figure.get_suptitle() == "title"
    assert sum(axes.axison for axes in figure.axes) == 7


def test_class_rows_names_every_class_and_shows_its_images(data):
    figure = drawn(plots.class_rows(data.images, data.labels, data.class_names, count=4))
    labels = [label.get_text() for axes in figure.axes for label in axes.get_yticklabels()]
    assert labels == list(data.class_names)
    shown = figure.axes[0].images[0].get_array()
    np.testing.assert_array_equal(shown[:12, :10].squeeze(), data.images[0].squeeze())


def test_class_balance_adds_up(data):
    counts = count(split(data, validation_split=0.2))
    figure = drawn(plots.class_balance(counts))
    assert sum(bar.get_height() for bar in figure.axes[0].patches) == len(data)


def test_brightness_shares_add_up_to_one(data):
    figure = drawn(plots.brightness({"a": data.images, "b": data.images // 2}))
    for stairs in figure.axes[0].patches:
        assert stairs.get_data().values.sum() == pytest.approx(1)


@pytest.mark.parametrize("losses", [[3.0], [3.0, 1.0, 0.5, 0.7], [1.0, 2.0, 3.0]])
def test_learning_curves_mark_the_best_epoch(losses):
    values = np.array(losses)
    columns = {"loss": values, "accuracy": 1 / (1 + values)}
    history = pd.DataFrame(columns | {f"val_{key}": value for key, value in columns.items()})
    history.index = range(1, len(history) + 1)
    figure = drawn(plots.learning_curves(history))
    told = [text.get_text() for text in figure.legends[0].get_texts()]
    assert told == ["training", "validation", f"best: epoch {1 + values.argmin()}"]


@pytest.mark.parametrize(
    ("ticks", "told"),
    [([0, 0.5, 1], ["0 %", "50 %", "100 %"]), ([0, 0.025], ["0.0 %", "2.5 %"])],
)
def test_percents_have_the_decimals_that_they_need(ticks, told):
    axis = plt.subplots()[1].xaxis
    axis.set_major_formatter(plots.percents())
    assert axis.get_major_formatter().format_ticks(ticks) == told


def test_answer_shows_every_class(data):
    probabilities = np.full(len(data.class_names), 1 / len(data.class_names))
    figure = drawn(plots.answer(data.images[0], "caption", probabilities, data.class_names))
    assert len(figure.axes[1].patches) == len(data.class_names)


@pytest.mark.parametrize("alone", [False, True])
def test_duplicate_groups_the_largest_first(data, alone):
    groups = np.arange(len(data))
    if not alone:
        groups[10:15], groups[20:23] = 10, 20  # five images and three
    figure = drawn(plots.duplicate_groups(data.images, groups, rows=4, columns=4))
    labels = [axes.get_ylabel() for axes in figure.axes if axes.get_ylabel()]
    assert labels == ([] if alone else ["5", "3"])
    shown = [axes for axes in figure.axes if axes.images]
    assert len(shown) == (0 if alone else 4 + 3)
    if not alone:
        np.testing.assert_array_equal(
            shown[0].images[0].get_array().squeeze(), data.images[10].squeeze()
        )
