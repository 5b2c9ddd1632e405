"""The figures of mistakes show the images, classes and counts that they are given."""

import matplotlib

matplotlib.use("Agg")

import numpy as np
import pandas as pd
import pytest
from conftest import drawn

from asl import plots

NAMES = ("A", "B", "C")


pytestmark = pytest.mark.usefixtures("figures")


@pytest.fixture(params=[1, 3], ids=["grey", "colour"])
def images(request):
    """Image k is of value k alone."""
    values = np.arange(40, dtype=np.uint8)[:, None, None, None]
    return np.broadcast_to(values, (40, 12, 10, request.param)).copy()


def table(count):
    """Every third is correct; row 0 of the table is image 1."""
    rows = np.arange(count)
    predicted = rows % 3
    columns = {"row": rows + 1, "actual": 2, "predicted": predicted, "confidence": 0.514}
    return pd.DataFrame(columns | {"taken_for": np.where(predicted == 2, 0, predicted)})


def values(axes_of):
    """The value of the picture in each of the axes that has one."""
    return [int(axes.images[0].get_array().flat[0]) for axes in axes_of if axes.images]


def test_verdicts_are_vermilion_or_blue_and_say_where_no_hand_was():
    cases = pd.DataFrame({"actual": [0, 1, 1], "predicted": [1, 1, -1], "confidence": [0.51, 1, 0]})
    captions, colours = plots.verdicts(cases, NAMES)
    assert captions == ["A → B\n51 % confident", "B → B\n100 % confident", "B\nno hand found"]
    assert colours == [plots.VERMILION, plots.BLUE, plots.VERMILION]


@pytest.mark.parametrize("count, shown", [(1, 1), (5, 5), (6, 6), (8, 6), (17, 12), (40, 18)])
def test_cases_fill_their_lines(images, count, shown):
    figure = drawn(plots.cases(images, table(count)[: len(images) - 1], NAMES, "title"))
    assert values(figure.axes) == list(range(1, shown + 1))
    assert len(figure.axes) == shown  # no place is empty
    assert figure.axes[0].get_title() == "C → A\n51 % confident"


def test_neighbours_are_coloured_by_what_they_agree_with(images):
    near = np.stack([images[10:13], images[20:23]])
    labels = np.array([[2, 1, 0], [1, 2, 0]])
    figure = drawn(plots.neighbours(images[1:3], table(2), NAMES, near, labels, "title"))
    first, second = figure.axes[:5], figure.axes[5:]
    assert values(first) == [1, 10, 11, 12] and values(second) == [2, 20, 21, 22]
    assert [axes.get_title() for axes in first[2:]] == ["C", "B", "A"]
    colours = [axes.title.get_color() for axes in first[2:]]
    assert colours == [plots.BLUE, plots.GREY, plots.VERMILION]  # true, other, taken for


@pytest.mark.parametrize("count", [1, 5])
def test_evidence_for_both_classes_on_one_scale(images, count):
    heat = np.random.default_rng(0).random((count, 2, 12, 10))
    figure = drawn(plots.evidence(images[:count], table(count), NAMES, heat, title="title"))
    *panels, scale = figure.axes
    for place, axes in enumerate(panels[count:]):  # below the images
        row, column = divmod(place, count)
        shown = axes.images[1]
        np.testing.assert_array_equal(shown.get_array(), heat[column, row])
        assert shown.get_clim() == (0, 1) and shown.get_alpha() < 1
    assert panels[count].get_title() == "for A" and panels[2 * count].get_title() == "for C"
    assert scale.get_ylabel() == "share of the highest in each column"
    is_correct = (table(count)["actual"] == table(count)["predicted"]).any()
    told = "taken for,\nor runner-up" if is_correct else "taken for"
    assert panels[count].get_ylabel() == told


def test_evidence_of_joints(images):
    joints = np.random.default_rng(0).uniform(0, 10, (2, 21, 3))
    heat = np.random.default_rng(1).random((2, 2, 21))
    figure = drawn(plots.evidence(images[:2], table(2), NAMES, heat, joints))
    points = [len(axes.collections[0].get_offsets()) for axes in figure.axes[2:6]]
    assert points == [21] * 4


def test_pairs_count_both_directions_together():
    pairs = pd.DataFrame(
        [("B", "A", 5), ("A", "B", 2), ("C", "A", 4), ("B", "C", 1)],
        columns=["actual", "predicted", "images"],
    )
    figure = drawn(plots.pair_counts(pairs, "title", most=2))
    (axes,) = figure.axes
    assert [label.get_text() for label in axes.get_yticklabels()] == ["A, B", "A, C"]
    forth, back = ([bar.get_width() for bar in bars] for bars in axes.containers)
    assert (forth, back) == ([2, 0], [5, 4])
    assert [bar.get_x() for bar in axes.containers[1]] == [2, 0]
    assert len(figure.legends[0].get_texts()) == 2


def test_pair_images_stand_in_their_parts(images):
    figure = drawn(plots.pair_images(list(images[:10]), list("abcdefghij"), (1, 2, 2), "title"))
    shown = [axes for axes in figure.axes if axes.images]
    assert values(shown) == list(range(10))
    assert [axes.get_title() for axes in shown] == list("abcdefghij")
    assert len(figure.axes) - len(shown) == 2 * 2  # gaps


def test_groups_with_most_mistakes_come_first_beside_what_each_would_have():
    groups = np.repeat([7, 8, 9], [10, 20, 10])
    wrong = np.zeros(40, bool)
    wrong[:1], wrong[10:13], wrong[30:34] = True, True, True  # 1, 3, 4 of them
    (axes,) = drawn(plots.by_group(wrong, groups, "signer", "title", most=2)).axes
    assert [label.get_text() for label in axes.get_yticklabels()] == ["signer 9", "signer 8"]
    assert [bar.get_width() for bar in axes.containers[0]] == [4, 3]
    assert axes.lines[0].get_xdata().tolist() == [2, 4]  # a fifth of each group
    assert {text.get_text() for text in axes.texts} == {"4 of 10", "3 of 20"}


def test_of_nothing_each_says_so():
    none, empty = table(0), np.zeros((0, 12, 10, 1), np.uint8)
    figures = [
        plots.cases(empty, none, NAMES, "title"),
        plots.neighbours(empty, none, NAMES, np.zeros((0, 4, 12, 10, 1)), np.zeros((0, 4)), "t"),
        plots.evidence(empty, none, NAMES, np.zeros((0, 2, 12, 10)), title="title"),
        plots.pair_images([], [], (1, 4, 4), "title"),
    ]
    for figure in figures:
        (text,) = drawn(figure).axes[0].texts
        assert text.get_text().endswith("There is no prediction to look at.")
    pairs = pd.DataFrame({"actual": [], "predicted": [], "images": []})
    (text,) = drawn(plots.pair_counts(pairs, "title")).axes[0].texts
    assert text.get_text() == "title: none"
