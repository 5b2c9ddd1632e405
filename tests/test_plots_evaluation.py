"""The figures that judge a classifier show the counts that they are given, for 2 and 36 classes."""

import matplotlib

matplotlib.use("Agg")

import numpy as np
import pandas as pd
import pytest
from conftest import drawn

from asl import plots

NAMES = "0123456789abcdefghijklmnopqrstuvwxyz"


pytestmark = pytest.mark.usefixtures("figures")


def written(axes):
    return {text.get_position(): text.get_text() for text in axes.texts}  # column, row


def labels(axis):
    return [label.get_text() for label in axis.get_ticklabels()]


def test_a_matrix_of_few_classes_has_its_counts_and_each_row_as_shares():
    counts = np.array([[8, 2, 0], [0, 5, 0], [0, 0, 0]])
    axes, _ = drawn(plots.confusion_matrix(counts, "ABC")).axes
    shown = axes.images[0].get_array()
    np.testing.assert_allclose(shown, [[0.8, 0.2, 0], [0, 1, 0], [0, 0, 0]])
    assert written(axes) == {(0, 0): "8", (1, 0): "2", (1, 1): "5"}
    assert labels(axes.xaxis) == labels(axes.yaxis) == ["A", "B", "C"]


def test_of_many_classes_the_matrix_has_colours_alone():
    axes, _ = drawn(plots.confusion_matrix(np.eye(36, dtype=int), NAMES)).axes
    assert not axes.texts and len(labels(axes.xaxis)) == 36


def test_long_names_stand_upright():
    names = ["nothing at all", "space", "delete"]
    axes, _ = drawn(plots.confusion_matrix(np.eye(3, dtype=int), names)).axes
    assert [label.get_rotation() for label in axes.get_xticklabels()] == [90] * 3


@pytest.mark.parametrize("class_count", [2, 36])
def test_errors_alone_leave_out_classes_without_any(class_count):
    confusion = np.diag(np.full(class_count, 90))
    confusion[1, 0] = 10
    figure = drawn(plots.confusion_errors(confusion, NAMES[:class_count]))
    axes = figure.axes[0]
    assert written(axes) == {(0, 1): "10"}
    assert labels(axes.yaxis) == labels(axes.xaxis) == ["0", "1"]
    assert axes.images[0].get_array()[1, 0] == 0.1
    assert axes.get_title() == f"Errors: 10 of {confusion.sum():,} images"


def test_a_class_is_a_row_and_a_column_at_the_same_place():
    confusion = np.diag([9, 9, 9, 9])
    confusion[3, 0] = confusion[1, 3] = 1
    axes = drawn(plots.confusion_errors(confusion, "ABCD")).axes[0]
    assert labels(axes.yaxis) == labels(axes.xaxis) == ["A", "B", "D"]
    assert written(axes) == {(0, 2): "1", (2, 1): "1"}


def test_every_class_confused_with_every_other():
    confusion = np.full((36, 36), 20)
    axes = drawn(plots.confusion_errors(confusion, NAMES)).axes[0]
    assert len(axes.texts) == 36 * 35


def test_no_error_is_said():
    (text,) = drawn(plots.confusion_errors(np.diag([3, 4]), "AB")).axes[0].texts
    assert text.get_text().startswith("Errors: 0 of 7 images")


def test_reliability_before_and_after_with_the_images_behind_each_point():
    columns = ["confidence", "accuracy", "low", "high", "images"]
    before = pd.DataFrame([(0.5, 0.4, 0.1, 0.8, 3), (0.95, 1.0, 0.9, 1.0, 97)], columns=columns)
    after = pd.DataFrame([(1.0, 0.98, 0.94, 1.0, 100)], columns=columns)
    figure = drawn(plots.reliability_diagram({"before": before, "after": after}, "title"))
    upper, lower = figure.axes
    lines = [container.lines[0] for container in upper.containers]
    assert [line.get_ydata().tolist() for line in lines] == [[0.4, 1.0], [0.98]]
    segments = upper.containers[0].lines[2][0].get_segments()
    np.testing.assert_allclose(segments[0][:, 1], [0.1, 0.8])
    heights = [[bar.get_height() for bar in bars] for bars in lower.containers]
    assert heights == [[3, 97], [100]]
    middles = [bar.get_x() + bar.get_width() / 2 for bar in lower.containers[0]]
    assert np.floor(np.multiply(middles, 10)).tolist() == [5, 9]  # in the bins they belong to
    assert [text.get_text() for text in figure.legends[0].get_texts()][1:] == ["before", "after"]
    assert upper.get_xlim()[0] == pytest.approx(0.4)  # nothing lies further to the left
    assert upper.get_ylim()[0] < 0.1


def test_reliability_of_nothing():
    none = pd.DataFrame(columns=["confidence", "accuracy", "low", "high", "images"], dtype=float)
    upper, _ = drawn(plots.reliability_diagram({"before": none})).axes
    assert len(upper.containers) == 1
