"""Figures that show how far to trust an accuracy, read back from what was drawn."""

import matplotlib

matplotlib.use("Agg")

import numpy as np
import pandas as pd
import pytest
from conftest import drawn

from asl import plots
from asl.evaluation.cross_dataset import (
    CROSS_DATASET,
    NOTHING_SHARED,
    OVERLAP,
    TEST,
    TRAINED,
)

pytestmark = pytest.mark.usefixtures("figures")


@pytest.mark.parametrize("channels", [1, 3])
def test_corrupted_shows_each_severity_below_the_image(channels):
    image = np.full((12, 10, channels), 200, np.uint8)
    versions = {
        "blur": {0.01: image // 2, 0.05: image // 4},
        "jpeg": {50: image},
    }
    units = {"blur": "% of the side", "jpeg": "JPEG quality"}
    figure = drawn(plots.corrupted(image, versions, units))
    grid = np.array(figure.axes).reshape(3, 2)
    assert [axes.get_title().split("\n")[0] for axes in grid[0]] == ["blur", "jpeg"]
    assert [axes.get_title() for axes in grid[1:, 0]] == ["1", "5"]  # in percent
    assert grid[1, 1].get_title() == "50"
    assert (grid[2, 0].images[0].get_array() == 50).all()
    assert not grid[2, 1].axison and not grid[2, 1].images


def test_robustness_has_a_panel_a_corruption_and_a_line_a_network():
    table = pd.DataFrame(
        {
            "corruption": ["noise"] * 3 + ["jpeg"] * 2,
            "severity": [0, 20, 5, 100, 10],
            "accuracy": [0.9, 0.4, 0.8, 0.9, 0.7],
            "low": [0.8, 0.3, 0.7, 0.8, 0.6],
            "high": [1.0, 0.5, 0.9, 1.0, 0.8],
        }
    )
    units = {"noise": "grey levels", "jpeg": "JPEG quality"}
    curves = {"cnn": table, "reader": table.drop(columns=["low", "high"])}
    figure = drawn(plots.robustness(curves, units, chance=1 / 24))
    noise, jpeg = figure.axes
    assert [axes.get_title() for axes in figure.axes] == ["noise", "jpeg"]
    assert [axes.get_xlabel() for axes in figure.axes] == ["grey levels", "JPEG quality"]
    assert noise.lines[0].get_xdata().tolist() == [0, 5, 20]
    assert noise.lines[0].get_ydata().tolist() == [0.9, 0.8, 0.4]
    (shade,) = noise.collections  # of the one that has intervals
    assert shade.get_paths()[0].get_extents().extents.tolist() == [0, 0.3, 20, 1.0]
    assert jpeg.xaxis_inverted() and not noise.xaxis_inverted()  # harder to the right
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["cnn", "reader"]


def test_an_interval_from_0_to_1_is_not_shaded():
    columns = ["corruption", "severity", "accuracy", "low", "high"]
    rows = [("noise", 0, 0.9, 0.0, 1.0), ("noise", 5, 0.8, 0.0, 1.0)]
    curves = {"cnn": pd.DataFrame(rows, columns=columns)}
    figure = drawn(plots.robustness(curves, {"noise": "grey levels"}, chance=0.1))
    assert not figure.axes[0].collections
    assert "interval" not in figure.get_suptitle()


def test_cross_dataset_matrix_frames_a_networks_own_test_and_says_what_is_no_test():
    columns = ["model", "tested_on", "kind", "correct", "images"]
    rows = [
        ("tiny-cnn", "tiny", TEST, 29_999, 30_000),
        ("tiny-cnn", "sample", OVERLAP, np.nan, np.nan),
        ("tiny-cnn", "digits", NOTHING_SHARED, np.nan, np.nan),
        ("tiny-cnn", "rooms", CROSS_DATASET, 3966, 34_627),
        ("reader", "tiny", TRAINED, np.nan, np.nan),
        ("reader", "sample", TRAINED, np.nan, np.nan),
        ("reader", "digits", NOTHING_SHARED, np.nan, np.nan),
        ("reader", "rooms", TRAINED, np.nan, np.nan),
    ]
    table = pd.DataFrame(rows, columns=columns)
    table["accuracy"] = (table["correct"] / table["images"]).round(4)  # as files have it
    axes, _ = drawn(plots.cross_dataset_matrix(table)).axes
    told = {text.get_position(): text.get_text() for text in axes.texts}  # column, row
    assert told[0, 0] == "99.9"  # never 100 where one is wrong
    assert told[3, 0] == "11.5"  # as in the README: 0.11453, though 0.1145 would give 11.4
    assert (told[1, 0], told[2, 0]) == ("same\nhands", "")
    assert [told[column, 1] for column in range(4)] == ["trained", "trained", "", "trained"]
    framed = [patch for patch in axes.patches if not patch.get_hatch()]
    assert [round(patch.get_x()) for patch in framed] == [0]  # the test split alone
    assert len(axes.patches) == 1 + 6


@pytest.mark.parametrize("intervals", [True, False])
def test_leave_one_dataset_out_shows_each_set_and_their_mean(intervals):
    figures = {"letters": {"correct": 60, "images": 100}, "rooms": {"correct": 30, "images": 100}}
    if intervals:
        figures["letters"] |= {"low": 0.5, "high": 0.75}
        figures["rooms"] |= {"low": 0.25, "high": 0.5}
    (axes,) = drawn(plots.leave_one_dataset_out(figures)).axes
    assert [bar.get_width() for bar in axes.patches] == [0.6, 0.3]
    assert [text.get_text() for text in axes.texts] == ["60.0 %", "30.0 %"]
    assert "mean 45.0 %" in axes.get_title()
    ends = [line[:, 0].tolist() for each in axes.collections for line in each.get_segments()]
    assert ends == ([[0.5, 0.75], [0.25, 0.5]] if intervals else [])


def test_promises_lead_from_validation_to_fresh_images():
    columns = ["accuracy", "low", "high"]
    promise, kept = (pd.Series(each, columns) for each in ([0.9, 0.8, 0.95], [0.4, 0.3, 0.5]))
    (axes,) = drawn(plots.promises({"random": (promise, kept), "groups": (kept, kept)})).axes
    assert [label.get_text() for label in axes.get_yticklabels()] == ["random", "groups"]
    points = [line.get_xdata()[0] for line in axes.lines if len(line.get_xdata()) == 1]
    assert points == [0.9, 0.4, 0.4, 0.4]
    ends = [list(line.get_xdata()) for line in axes.lines if len(line.get_xdata()) == 2]
    assert ends[:2] == [[0.8, 0.95], [0.3, 0.5]]


def test_the_largest_groups_stand_side_by_side():
    images = np.arange(20, dtype=np.uint8)[:, None, None, None] * np.ones((12, 10, 1), np.uint8)
    groups = np.arange(20)
    groups[[3, 7, 9]], groups[[12, 15]] = 3, 12
    figure = drawn(plots.largest_groups(images, groups))
    shown = [axes for axes in figure.axes if axes.images]
    assert [axes.get_title() for axes in shown] == ["3", "", "", "2", ""]
    assert [int(axes.images[0].get_array()[0, 0]) for axes in shown] == [3, 7, 9, 12, 15]


def test_each_group_is_a_point_and_each_interval_a_bar():
    correct = np.array([True, True, False, True])
    ends = {"by rows": (0.3, 0.95), "by groups": (0.1, 1.0)}
    (axes,) = drawn(plots.accuracy_by_group(correct, np.array([5, 5, 8, 8]), ends, "signer")).axes
    assert sorted(axes.collections[0].get_offsets()[:, 0].tolist()) == [0.5, 1.0]
    assert [tuple(line.get_xdata()) for line in axes.lines[:2]] == list(ends.values())
    assert [tick.get_text() for tick in axes.get_yticklabels()] == ["each signer", *ends]


def test_coverage_falls_as_the_threshold_rises():
    confidence, correct = np.array([0.2, 0.6, 0.9, 0.95]), np.array([False, False, True, True])
    panels = drawn(plots.coverage(confidence, correct, 0.7)).axes
    answered, wrong = (axes.lines[0].get_ydata() for axes in panels)
    steps = panels[0].lines[0].get_xdata()
    at = np.flatnonzero(np.isclose(steps, 0.7))[0]
    assert (answered[0], answered[at]) == (1, 0.5)
    assert (wrong[0], wrong[at]) == (0.5, 0)
    assert np.isnan(wrong[-1]) and answered[-1] == 0
    assert all(axes.lines[1].get_xdata() == [0.7, 0.7] for axes in panels)
