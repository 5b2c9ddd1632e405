"""Further looks at a hand that was found."""

import numpy as np
import pytest
from conftest import ARCHIVES, needs_archives

import asl
from asl.data.rendered_hands import draw_hand
from asl.landmarks import joints, networks
from asl.landmarks.looks import LOOKS, look_again, look_again_in_each

DOT = (70, 50)  # the right and lower pixel of a bright dot
SIDES = []  # of the crops that the stand-in saw, in crops' pixels: how large the dot was


@pytest.fixture
def points():
    """Of a hand that is turned, by which the squares to look at are placed."""
    hand = np.zeros((21, 3), np.float32)
    angles = np.linspace(-0.6, 0.6, 21)
    hand[:, 0], hand[:, 1] = 60 + 30 * np.sin(angles + 0.4), 70 - 30 * np.cos(angles + 0.4)
    hand[0, :2] = 55, 75
    return hand


def stand_in(presence):
    """A network that sees all 21 points where a crop is bright."""

    def run(model, pixels):
        assert pixels.shape == (1, 224, 224, 3)
        rows, columns = np.nonzero(pixels[0, :, :, 0] > 0.5)
        SIDES.append(np.ptp(columns))
        place = [columns.mean() + 0.5, rows.mean() + 0.5, 0]
        return np.tile(place, 21), np.full((1, 1), presence), np.full((1, 1), 0.9), None

    return run


def test_every_look_gives_points_in_the_pixels_of_the_picture(points, monkeypatch):
    monkeypatch.setattr(networks, "run", stand_in(0.9))
    SIDES.clear()
    for scale in (1, 3):  # small pictures are enlarged first
        picture = np.zeros((100 * scale, 120 * scale, 1), np.uint8)
        x, y = DOT[0] * scale, DOT[1] * scale
        picture[y - 6 * scale : y, x - 6 * scale : x] = 255
        looks = look_again(picture, points * scale)
        assert looks.shape == (LOOKS, 21, 3) and looks.dtype == np.float32
        np.testing.assert_array_equal(looks[0], points * scale)
        middle = np.array([x, y]) - 3 * scale
        for look in looks[1:]:  # the one found in the mirror image is mirrored back
            np.testing.assert_allclose(look[:, :2], np.tile(middle, (21, 1)), atol=0.6 * scale)
    in_mirror, wider = SIDES[:2]
    assert in_mirror / wider == pytest.approx(1.2, abs=0.1)


def test_where_a_look_finds_no_hand_the_points_stay(points, monkeypatch):
    monkeypatch.setattr(networks, "run", stand_in(0.1))
    picture = np.zeros((100, 120, 3), np.uint8)
    picture[DOT[1] - 6 : DOT[1], DOT[0] - 6 : DOT[0]] = 255
    np.testing.assert_array_equal(look_again(picture, points), np.stack([points] * LOOKS))


def test_no_hands_have_no_looks():
    nobody = joints.of_rows(np.zeros((2, *joints.SHAPE), np.float32))
    assert look_again_in_each(np.zeros((2, 8, 8, 3), np.uint8), nobody).shape == (0, LOOKS, 21, 3)


@needs_archives
def test_looks_at_a_real_search_are_alike_and_not_the_same(monkeypatch):
    monkeypatch.setenv("ASL_ARCHIVES", ARCHIVES)
    images = np.stack([draw_hand(letter, signer=3, seed=5, size=240) for letter in "VYL"])
    images = np.concatenate([images, np.zeros((1, 240, 240, 3), np.uint8)])
    found = joints.of_rows(joints.look(images))
    looks = look_again_in_each(images, found)
    assert looks.shape == (3, LOOKS, 21, 3)
    for row, image in enumerate(images[:3]):
        np.testing.assert_array_equal(looks[row], look_again(image, found.points[row]))
        assert asl.hands(image)[0].points.tolist() == looks[row, 0].tolist()
    palm = np.linalg.norm(looks[:, 0, 9, :2] - looks[:, 0, 0, :2], axis=1)
    moved = np.linalg.norm(looks[:, 1:, :, :2] - looks[:, :1, :, :2], axis=3)
    moved = moved.mean(axis=2) / palm[:, None]
    assert (moved > 1e-4).all() and np.median(moved) < 0.1
