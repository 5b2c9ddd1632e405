"""The figures that explain how a network looks and learns draw what they were given."""

import numpy as np
import pandas as pd
import pytest
from conftest import drawn
from matplotlib.patches import Polygon, Rectangle

from asl import plots

IMAGE = np.arange(12 * 10, dtype=np.float32).reshape(12, 10)


pytestmark = pytest.mark.usefixtures("figures")


def history(losses, val_losses):
    count = len(losses)
    return pd.DataFrame({"loss": losses, "val_loss": val_losses, "val_accuracy": [0.5] * count})


def test_a_convolution_shows_filter_map_and_place():
    kernel = np.array([[-1, 0, 1]] * 3, np.float32)
    feature_map = IMAGE - 60
    figure = plots.convolution(IMAGE, kernel, feature_map, (4, 7))
    image, pattern, shown, after = figure.axes
    assert [text.get_text() for text in pattern.texts] == ["-1", "0", "1"] * 3
    np.testing.assert_array_equal(shown.images[0].get_array(), feature_map)
    np.testing.assert_array_equal(after.images[0].get_array(), feature_map.clip(0))
    frame = next(patch for patch in image.patches if isinstance(patch, Rectangle))
    assert (*frame.get_xy(), frame.get_width()) == (5.5, 2.5, 3)
    assert shown.patches[0].get_xy() == (6.5, 3.5)


def test_a_network_has_a_box_for_each_stage():
    stages = [("input", (28, 28, 1)), ("Conv2D", (28, 28, 16)), ("Dense", (24,))]
    axes = plots.network(stages).axes[0]
    assert len([patch for patch in axes.patches if isinstance(patch, Polygon)]) == 3 * len(stages)
    told = [text.get_text() for text in axes.texts]
    assert told == ["input", "28×28×1", "convolution", "28×28×16", "dense", "24"]
    heights = [np.ptp(patch.get_xy()[:, 1]) for patch in axes.patches[::3]]
    assert heights[0] == heights[1] > heights[2]


def test_long_shapes_of_a_network_take_two_lines():
    stages = [("input", (256, 256, 3)), ("Conv2D", (256, 256, 16)), ("Dense", (24,))]
    axes = plots.network(stages).axes[0]
    assert [text.get_text() for text in axes.texts][1::2] == ["256×256\n×3", "256×256\n×16", "24"]


def test_an_arrow_points_at_a_place_that_is_too_small_to_see():
    large = np.zeros((200, 200), np.float32)
    image = plots.convolution(large, np.ones((3, 3), np.float32), large, (30, 150)).axes[0]
    assert [text.xy for text in image.texts] == [(150, 30)]
    assert image.texts[0].xyann == (110, 70)  # there is room towards the middle


@pytest.mark.parametrize("side", [3, 4])
def test_a_receptive_field_leaves_just_so_many_pixels_clear(side):
    figure = plots.receptive_fields(IMAGE[..., None], {"one": side, "all": 40})
    clear = [(axes.images[1].get_array()[..., 3] == 0).sum() for axes in figure.axes]
    assert clear == [side * side, IMAGE.size]
    frame = figure.axes[0].patches[0]
    assert frame.get_width() == side and frame.get_x() % 1 == 0.5


def test_a_descent_draws_its_steps_and_the_slope():
    weights, steps = np.linspace(-1, 3, 9), pd.DataFrame({"weight": [0.0, 1.0], "loss": [4.0, 1.0]})
    axes = plots.gradient_descent(weights, (weights - 2) ** 2, steps, slope=-4).axes[0]
    curve, points, tangent = axes.lines
    np.testing.assert_array_equal(curve.get_ydata(), (weights - 2) ** 2)
    np.testing.assert_array_equal(points.get_xydata(), steps)
    (x, y), (further, lower) = tangent.get_xydata()
    assert (x, y) == (0, 4)
    assert (lower - y) / (further - x) == pytest.approx(-4)
    assert len(axes.texts) == 1  # an arrow from the first to the second


def test_gaps_share_their_scale_and_say_what_is_correct():
    runs = {"few": history([3.0, 0.1], [9.0, 2.0]), "more": history([3.0, 1.0], [3.0, 1.1])}
    panels = plots.gaps(runs).axes
    told = "validation: 50 % correct"
    assert [axes.get_title() for axes in panels] == [f"few\n{told}", f"more\n{told}"]
    assert panels[0].get_ylim() == panels[1].get_ylim() == (0, pytest.approx(1.1 * 9))
    np.testing.assert_array_equal(panels[0].lines[1].get_ydata(), [9, 2])


def test_learning_rates_are_named_as_people_write_them():
    runs = {rate: history([3.0, 2.0], [3.0, 2.0]) for rate in (2e-5, 2e-3, 0.2)}
    axes = plots.learning_rates(runs, guessing=3.18).axes[0]
    named = [text.get_text() for text in axes.get_legend().get_texts()]
    assert named == ["0.00002", "0.002", "0.2", "guessing"]
    assert set(axes.lines[-1].get_ydata()) == {3.18}


def test_a_schedule_begins_at_zero():
    axes = drawn(plots.schedule(np.arange(3), [[0.1, 0.2, 0.1]])).axes[0]
    np.testing.assert_array_equal(axes.lines[0].get_ydata(), [0.1, 0.2, 0.1])
    assert axes.get_ylim()[0] == 0 and not axes.texts


def test_a_second_phase_begins_where_the_first_ends():
    axes = drawn(plots.schedule(np.arange(3), [[0.1, 0.2, 0.1], [0.0, 0.1, 0.0]])).axes[0]
    first, second, border = axes.lines
    assert first.get_xdata().tolist() == [0, 1, 2]
    assert second.get_xydata().tolist() == [[2, 0.0], [3, 0.1], [4, 0.0]]
    assert list(border.get_xdata()) == [2, 2]
    assert [text.get_text() for text in axes.texts] == ["phase 1", "phase 2"]
