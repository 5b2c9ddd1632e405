"""Figures that put networks side by side, read back from what was drawn."""

from itertools import pairwise

import matplotlib

matplotlib.use("Agg")

import numpy as np
import pandas as pd
import pytest
from conftest import drawn
from matplotlib.text import Text

from asl import plots

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
PERFECT = ROWS.assign(correct=100, accuracy=1.0, low=[0.96, 0.7], high=1.0)


pytestmark = pytest.mark.usefixtures("figures")


def test_errors_have_their_interval_and_their_count():
    (axes,) = drawn(plots.error_rates(ROWS, "Validation", "vgg16")).axes
    assert [label.get_text() for label in axes.get_yticklabels()] == ["cnn", "vgg16"]
    assert axes.get_xscale() == "log"
    bars, points = axes.lines[::2], axes.lines[1::2]
    np.testing.assert_allclose(bars[0].get_xdata(), [0.05, 0.18])
    np.testing.assert_allclose([line.get_xdata()[0] for line in points], [0.1, 0.4])
    assert {text.get_text() for text in axes.texts} == {"10 errors of 100", "40 errors of 100"}
    assert [line.get_color() == plots.BLUE for line in points] == [False, True]  # the chosen one


def test_no_error_at_all_stands_at_the_edge_with_the_upper_end_of_its_interval():
    (axes,) = drawn(plots.error_rates(PERFECT, "Test")).axes
    left, right = axes.get_xlim()
    assert left == 0.5 / 100  # half an image
    assert right >= 0.3
    bar, point = axes.lines[:2]
    np.testing.assert_allclose(bar.get_xdata(), [left, 0.04])
    assert (point.get_xdata()[0], point.get_marker()) == (left, "<")
    assert {text.get_text() for text in axes.texts} == {"0 errors of 100"}


@pytest.mark.parametrize("rows", [ROWS, PERFECT, ROWS[:1], PERFECT.assign(training_seconds=np.nan)])
def test_cost_names_each_point_and_no_name_lies_on_another(rows):
    figure = drawn(plots.error_and_cost(rows, "cnn"))
    for axes, known in zip(
        figure.axes, (rows["training_seconds"].notna().all(), True), strict=True
    ):
        assert (axes.get_xscale(), axes.get_yscale()) == ("log", "log")
        names = [text.get_text() for text in axes.texts]
        assert sorted(names) == (rows["model"].tolist() if known else [])
        boxes = [text.get_window_extent() for text in axes.texts]
        assert not any(one.overlaps(other) for one, other in pairwise(boxes))


def test_no_name_lies_on_a_point():
    many = pd.concat([PERFECT[:1]] * 4, ignore_index=True)
    many = many.assign(model=["cnn", "conv1d_lstm", "conv1d_lstm_tuned", "mobilenetv2"])
    many["training_seconds"], many["multiply_adds"] = [90, 12, 43, 40], [9e6, 1e6, 1.1e6, 8.8e6]
    for axes in drawn(plots.error_and_cost(many)).axes:
        points = np.concatenate(
            [axes.transData.transform(line.get_xydata()) for line in axes.lines]
        )
        boxes = [Text.get_window_extent(text) for text in axes.texts]  # without their lines
        assert len(boxes) == len(points) == 4
        assert not any(box.contains(*point) for box in boxes for point in points)
        assert not any(a.overlaps(b) for k, a in enumerate(boxes) for b in boxes[:k])
        assert all(box.x1 <= axes.bbox.x1 + 2 for box in boxes)


def test_shared_mistakes_stand_where_they_belong():
    pairs = pd.DataFrame([("cnn", "vgg16", 35, 5, 5, 1e-6)])
    (axes,) = drawn(plots.mistakes_shared(ROWS, pairs)).axes
    told = {text.get_position(): text.get_text() for text in axes.texts}  # column, row
    assert told == {
        (0, 0): "10\nerrors in all",
        (1, 0): "35\np < 0.001",  # cnn alone gets 35 correct
        (0, 1): "5\np < 0.001",
        (1, 1): "40\nerrors in all",
    }
