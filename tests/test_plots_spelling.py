"""The figures about films of a hand that spells show what they were given."""

import numpy as np
import pytest
from conftest import drawn

from asl import plots
from asl.data.rendered_hands import hand_points

pytestmark = pytest.mark.usefixtures("figures")

NEAR, FAR = hand_points(["L", "Y"], signers=[1, 2]) * 100


@pytest.mark.parametrize("count", [0, 1, 3, 6])
def test_pictures_with_their_joints_and_captions(count):
    pictures = [np.zeros((100 + 20 * k, 120, 3), np.uint8) for k in range(count)]
    points = [None if k == 1 else NEAR for k in range(count)]
    captions = [f"caption {k}" for k in range(count)]
    figure = drawn(plots.joints_in_pictures(pictures, points, captions, "title"))
    shown = [axes for axes in figure.axes if axes.images]
    assert [axes.get_xlabel() for axes in shown] == captions[:4]
    assert [len(axes.lines) > 0 for axes in shown] == [k != 1 for k in range(count)][:4]
    if count:
        assert shown[0].get_xlim() == (-0.5, 119.5)  # the joints do not widen it
        wrist = shown[0].lines[0].get_xydata()[0]
        np.testing.assert_allclose(wrist, NEAR[0, :2] - 0.5, rtol=1e-6)


def test_features_show_both_hands_and_those_of_the_first():
    turns = np.radians(np.arange(20) * 18)
    directions = np.stack([np.cos(turns), np.sin(turns)], 1)
    distances = np.arange(441.0).reshape(21, 21)
    pixels, moved = [NEAR[:, :2], FAR[:, :2]], [NEAR[:, :2] / 50, FAR[:, :2] / 50]
    names = ("near", "far")
    figure = drawn(plots.joint_features(pixels, moved, directions, distances, names))
    found, together, arrows, apart = figure.axes[:4]
    assert [text.get_text() for text in found.texts] == ["near", "far"]
    np.testing.assert_array_equal(together.lines[-1].get_xydata(), moved[1])
    np.testing.assert_array_equal(apart.images[0].get_array(), distances)
    shown = np.concatenate([np.stack([each.U, each.V], 1) for each in arrows.collections])
    np.testing.assert_allclose(shown, directions)
    named = [text.get_text() for text in arrows.get_legend().get_texts()]
    assert named == ["thumb", "index", "middle", "ring", "little"]


def film(count):
    """Two letters of which the second follows the first, averaged and not."""
    times, half = np.arange(20) / 10, np.arange(20) >= 10
    raw = np.stack([~half, half] + [np.zeros(20)] * (count - 2), 1).astype(float)
    return times, (raw, 0.9 * raw)


def test_letters_over_time_show_images_average_dwell_and_what_was_signed():
    times, shares = film(2)
    figure = plots.letters_over_time(
        times, shares, "AB", (0.5, 0.25), [("A", 0.4)], [("A", 0.0, 0.9), ("B", 1.0, 1.8)]
    )
    axes = drawn(figure).axes[0]
    points, line = axes.lines[:2]
    np.testing.assert_array_equal(points.get_xdata(), times[:10])  # where it has a probability
    np.testing.assert_allclose(line.get_ydata()[:10], 0.9)
    assert set(axes.lines[4].get_ydata()) == {0.5}
    (dwell,) = axes.patches
    assert (dwell.get_x(), dwell.get_width()) == (pytest.approx(0.15), pytest.approx(0.25))
    told = [text.get_text() for text in axes.texts]
    assert told == ["threshold", "A", "A", "B"]
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["A", "B"]


def test_a_letter_below_the_threshold_is_left_out_and_no_images_are_no_error():
    times, (raw, _) = film(3)
    figure = plots.letters_over_time(times, (raw, 0.9 * raw[:, ::-1]), "ABC", (0.5, 0.2), [], [])
    told = [text.get_text() for text in drawn(figure).axes[0].get_legend().get_texts()]
    assert told == ["C", "B"]
    none = np.zeros((0, 3))
    (text,) = drawn(plots.letters_over_time(times, (none, none), "ABC", (0.5, 0.2), [], [])).axes
    assert text.texts[0].get_text() == "There are no images to show."


def test_the_seconds_before_the_hand_comes_are_left_out():
    times, shares = film(2)
    shares[0][:15] = 0
    figure = plots.letters_over_time(times, shares, "AB", (0.5, 0.25), [], [])
    assert drawn(figure).axes[0].get_xlim() == (pytest.approx(0.8), 1.9)


def test_many_letters_look_different():
    names = "ABCDEFGHIKLMNOPQRSTUVWXY"
    times, shares = np.arange(48) / 10, (np.repeat(np.eye(24), 2, axis=0),) * 2
    axes = drawn(plots.letters_over_time(times, shares, names, (0.5, 0.2), [], [])).axes[0]
    looks = {(line.get_color(), line.get_linestyle()) for line in axes.get_legend().get_lines()}
    assert len(looks) == len(names)


def test_paths_lie_over_the_forms_they_are_compared_with():
    path, form = NEAR[:5, :2], FAR[:8, :2]
    figure = drawn(plots.fingertip_paths([path, path[::-1]], [form, form], ["one", "two"]))
    one, two = figure.axes
    assert (one.get_title(), two.get_title()) == ("one", "two")
    below, drawn_path, start = one.lines
    np.testing.assert_array_equal(below.get_xydata(), form)
    np.testing.assert_array_equal(drawn_path.get_xydata(), path)
    np.testing.assert_array_equal(start.get_xydata(), path[:1])
    assert one.yaxis_inverted() and two.yaxis_inverted()
