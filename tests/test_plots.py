"""Each figure is drawn from 3 and from 36 classes, grey and colour, without a warning."""

import warnings

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from asl import plots
from asl.data.samples import Samples, count
from asl.data.split import split
from asl.evaluation.cross_dataset import (
    CROSS_DATASET,
    NOTHING_SHARED,
    OVERLAP,
    TEST,
    TRAINED,
)

NAMES = "0123456789abcdefghijklmnopqrstuvwxyz"


@pytest.fixture(params=[(3, 1), (36, 3)], ids=["3 classes, grey", "36 classes, colour"])
def data(request):
    class_count, channels = request.param
    random = np.random.default_rng(0)
    images = random.integers(0, 256, (class_count * 20, 12, 10, channels), dtype=np.uint8)
    labels = np.tile(np.arange(class_count), 20)
    return Samples("tiny", tuple(NAMES[:class_count]), images, labels, labels.astype(str))


@pytest.fixture(autouse=True)
def no_warnings_and_no_figures_left():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        # matplotlib 3.10 asks pyparsing by names that are going out of use
        warnings.filterwarnings("ignore", ".* deprecated(,| -) use '")
        yield
    plt.close("all")


def drawn(figure):
    figure.canvas.draw()
    width, _ = figure.get_size_inches()
    assert width <= plots.WIDTH
    return figure


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
    assert f"best: epoch {1 + values.argmin()}" in [
        text.get_text() for text in figure.axes[0].texts
    ]


@pytest.mark.parametrize("wrong", [0, 30])
def test_confusion_errors_count_the_errors_alone(data, wrong):
    class_count = len(data.class_names)
    confusion = np.diag(np.full(class_count, 100))
    confusion[0, 1] = wrong
    figure = drawn(plots.confusion_errors(confusion, data.class_names))
    assert [text.get_text() for text in figure.axes[0].texts] == (["30"] if wrong else [])
    assert f"{wrong:,} of {confusion.sum():,}" in figure.axes[0].get_title()


def test_reliability_diagram():
    table = pd.DataFrame({"confidence": [0.5, 0.95], "accuracy": [0.4, 1.0], "images": [3, 97]})
    figure = drawn(plots.reliability_diagram(table))
    assert figure.axes[0].lines[1].get_ydata().tolist() == [0.4, 1.0]


def test_mistakes_are_vermilion_and_correct_predictions_blue(data):
    cases = pd.DataFrame({"actual": [0, 1], "predicted": [1, 1], "confidence": [0.514, 0.999]})
    captions, colours = plots.verdicts(cases, data.class_names)
    assert captions == ["0 predicted 1\n51 % confident", "1 predicted 1\n99 % confident"]
    assert colours == [plots.VERMILION, plots.BLUE]
    neighbours = np.stack([data.images[:3], data.images[3:6]])
    names = np.array([["a", "b", "c"], ["d", "e", "f"]])
    heat = np.random.default_rng(0).random((2, 12, 10))
    figure = drawn(plots.mistake_rows(data.images[:2], captions, colours, heat, neighbours, names))
    assert figure.axes[0].title.get_color() == plots.VERMILION
    assert figure.axes[9].get_title() == "f"


def test_answer_shows_every_class(data):
    probabilities = np.full(len(data.class_names), 1 / len(data.class_names))
    figure = drawn(plots.answer(data.images[0], "caption", probabilities, data.class_names))
    assert len(figure.axes[1].patches) == len(data.class_names)


ROWS = pd.DataFrame(
    {
        "model": ["cnn", "vgg16"],
        "correct": [90, 60],
        "test_images": [100, 100],
        "accuracy": [0.9, 0.6],
        "low": [0.82, 0.5],
        "high": [0.95, 0.7],
        "training_seconds": [40.0, 60.0],
        "multiply_adds": [4e6, 15e9],
    }
)


def test_accuracies_shows_each_with_its_interval():
    (axes,) = plots.accuracies(ROWS).axes
    assert [label.get_text() for label in axes.get_yticklabels()] == ["cnn", "vgg16"]
    (segments,) = (each.get_segments() for each in axes.collections)
    np.testing.assert_allclose(segments[0][:, 0], [0.82, 0.95])
    assert {text.get_text() for text in axes.texts} == {"90/100", "60/100"}


def test_cost_is_drawn_to_a_logarithmic_scale_where_it_differs_much():
    figure = plots.accuracy_and_cost(ROWS)
    assert [axes.get_xscale() for axes in figure.axes] == ["linear", "log"]
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["cnn", "vgg16"]


def test_shared_mistakes_stand_where_they_belong():
    pairs = pd.DataFrame([("cnn", "vgg16", 35, 5, 5, 1e-6)])
    (axes,) = plots.mistakes_shared(ROWS, pairs).axes
    told = {text.get_position(): text.get_text() for text in axes.texts}  # column, row
    assert told == {
        (0, 0): "10\nwrong",
        (1, 0): "35\np < 0.001",  # cnn alone gets 35 correct
        (0, 1): "5\np < 0.001",
        (1, 1): "40\nwrong",
    }


def test_cross_dataset_matrix_frames_a_networks_own_test_and_says_what_is_no_test():
    columns = ["model", "tested_on", "kind", "accuracy"]
    rows = [
        ("tiny-cnn", "tiny", TEST, 0.99997),
        ("tiny-cnn", "sample", OVERLAP, np.nan),
        ("tiny-cnn", "digits", NOTHING_SHARED, np.nan),
        ("tiny-cnn", "rooms", CROSS_DATASET, 0.25),
        ("reader", "tiny", TRAINED, np.nan),
        ("reader", "sample", TRAINED, np.nan),
        ("reader", "digits", NOTHING_SHARED, np.nan),
        ("reader", "rooms", TRAINED, np.nan),
    ]
    axes, _ = drawn(plots.cross_dataset_matrix(pd.DataFrame(rows, columns=columns))).axes
    told = {text.get_position(): text.get_text() for text in axes.texts}  # column, row
    assert told[0, 0] == "99.9"  # never 100 where one is wrong
    assert told[3, 0] == "25.0"
    assert (told[1, 0], told[2, 0]) == ("same\nhands", "")
    assert [told[column, 1] for column in range(4)] == ["trained\non it"] * 2 + [""] + [
        "trained\non it"
    ]
    framed = [patch for patch in axes.patches if not patch.get_hatch()]
    assert [round(patch.get_x()) for patch in framed] == [0]  # the test split alone
    assert len(axes.patches) == 1 + 6


def test_robustness_has_a_panel_a_corruption_and_a_line_a_network():
    table = pd.DataFrame(
        {
            "corruption": ["noise"] * 3 + ["jpeg"] * 2,
            "severity": [0, 20, 5, 100, 10],
            "accuracy": [0.9, 0.4, 0.8, 0.9, 0.7],
        }
    )
    units = {"noise": "levels of 255", "jpeg": "quality"}
    figure = plots.robustness({"cnn": table, "reader": table}, units, chance=1 / 24)
    figure.canvas.draw()
    noise, jpeg = figure.axes
    assert [axes.get_title() for axes in figure.axes] == ["noise", "jpeg"]
    assert [axes.get_xlabel() for axes in figure.axes] == ["levels of 255", "quality"]
    assert noise.lines[0].get_xdata().tolist() == [0, 5, 20]
    assert noise.lines[0].get_ydata().tolist() == [0.9, 0.8, 0.4]
    assert jpeg.xaxis_inverted() and not noise.xaxis_inverted()  # harder to the right
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["cnn", "reader"]


@pytest.mark.parametrize("intervals", [True, False])
def test_leave_one_dataset_out_shows_each_set_and_their_mean(intervals):
    figures = {"letters": {"correct": 60, "images": 100}, "rooms": {"correct": 30, "images": 100}}
    if intervals:
        figures["letters"] |= {"low": 0.5, "high": 0.75}
        figures["rooms"] |= {"low": 0.25, "high": 0.5}
    (axes,) = drawn(plots.leave_one_dataset_out(figures)).axes
    assert [bar.get_width() for bar in axes.patches] == [0.6, 0.3]
    assert [text.get_text() for text in axes.texts] == ["60.0 %", "30.0 %"]
    assert axes.get_title() == "Leave-one-dataset-out; mean 45.0 %"
    ends = [line[:, 0].tolist() for each in axes.collections for line in each.get_segments()]
    assert ends == ([[0.5, 0.75], [0.25, 0.5]] if intervals else [])


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
