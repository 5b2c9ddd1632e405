"""Figures of what networks say: the right bars, in the right order, without a warning."""

import matplotlib

matplotlib.use("Agg")

import numpy as np
import pytest

from asl import Hand, plots

RANDOM = np.random.default_rng(0)


pytestmark = pytest.mark.usefixtures("figures")


def images(count, side=12):
    return RANDOM.integers(0, 256, (count, side, side, 3), dtype=np.uint8)


def bars(axes):
    """Name, width and colour of each bar, from the top."""
    names = [label.get_text() for label in axes.get_yticklabels()]
    assert axes.yaxis_inverted()
    colours = [matplotlib.colors.to_hex(bar.get_facecolor()).upper() for bar in axes.patches]
    return list(zip(names, [bar.get_width() for bar in axes.patches], colours, strict=True))


def test_likeliest_shows_three_classes_and_which_is_true():
    told = np.array([[0.1, 0.6, 0.05, 0.25], [0.004, 0, 0.996, 0]])
    names = ("a", "b", "c", "a very long name")
    figure = plots.likeliest(images(2), ["a", "c"], told, names, title="these")
    figure.canvas.draw()
    assert figure.get_suptitle() == "these"
    pictures = [axes for axes in figure.axes if axes.images]
    assert [axes.get_title() for axes in pictures] == ["this is a", "this is c"]
    first, second = (bars(axes) for axes in figure.axes if axes.patches)
    blue, wrong = plots.BLUE, plots.VERMILION
    assert first == [("b", 0.6, wrong), ("a very long…", 0.25, wrong), ("a", 0.1, blue)]
    assert second[0] == ("c", 0.996, blue)
    lower = [axes for axes in figure.axes if axes.patches][1]
    assert [text.get_text().strip() for text in lower.texts][:2] == ["99 %", "< 1 %"]


def test_where_nothing_is_predicted_it_says_so():
    figure = plots.likeliest(images(1), ["a"], np.zeros((1, 2)), ("a", "b"))
    texts = [text.get_text() for axes in figure.axes for text in axes.texts]
    assert texts == ["nothing"]
    assert not [axes for axes in figure.axes if axes.patches]


def test_joints_lie_over_the_images():
    joints = RANDOM.uniform(0, 12, (2, 21, 3))
    joints[1] = 0  # no hand
    figure = plots.likeliest(images(2), ["a", "b"], np.eye(2), ("a", "b"), joints)
    lines = [len(axes.lines) for axes in figure.axes if axes.images]
    assert lines == [6, 0]


@pytest.mark.parametrize("sees_joints", [False, True])
def test_two_answers_side_by_side(sees_joints):
    pictures = [*images(1, 30), *images(1, 40)]
    seen = RANDOM.uniform(1, 20, (2, 21, 3)) if sees_joints else images(2)
    hand = Hand(np.zeros(4), RANDOM.uniform(0, 30, (21, 3)), 1.0, 1.0)
    first = plots.Answer("ours", np.array([[0.9, 0.1], [0, 0]]), ("x", "y"))
    second = plots.Answer("theirs", np.array([[0.2, 0.7, 0.1]] * 2), ("X", "Y", "Z"))
    figure = plots.two_answers(pictures, ["x", ""], seen, [None, hand], (first, second))
    figure.canvas.draw()
    titles = [axes.get_title() for axes in figure.axes[:4]]
    assert titles == ["ours sees", "ours says", "this is x", "theirs says"]
    assert [axes.get_title() for axes in figure.axes[4:]] == [""] * 4
    assert bars(figure.axes[1]) == [("x", 0.9, plots.BLUE), ("y", 0.1, plots.VERMILION)]
    assert [bar[::2] for bar in bars(figure.axes[3])] == [
        ("Y", plots.VERMILION),
        ("X", plots.BLUE),  # x, whatever its case
        ("Z", plots.VERMILION),
    ]
    assert {bar[2] for bar in bars(figure.axes[7])} == {plots.ORANGE}  # nobody knows the truth
    assert [len(axes.lines) for axes in (figure.axes[2], figure.axes[6])] == [0, 6]
    assert bool(figure.axes[0].lines) == sees_joints
