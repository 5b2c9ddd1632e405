"""The renderer of hands: repeatable, balanced, anatomically possible, and quick to complain."""

import subprocess
import sys

import numpy as np
import pytest

from asl.data.hand_poses import DIGITS, LETTERS, NOTHING, POSES, SECOND_POSES, SIGNS
from asl.data.rendered_hands import draw_hand, draw_hands, draw_sample, hand_points

# What joints allow, in degrees (least, most).
THUMB_RANGE = [(-10, 80), (0, 72), (-50, 100), (-10, 65), (-20, 85)]
FINGER_RANGE = [(-25, 20), (-10, 95), (0, 115)]
WRIST_RANGE = [(-65, 110), (-45, 45)]


def test_table_has_a_row_for_every_sign():
    assert tuple(POSES) == LETTERS + DIGITS
    assert (*POSES, NOTHING) == SIGNS
    assert len(LETTERS) == 24 and not {"J", "Z"} & set(LETTERS)
    assert SECOND_POSES and set(SECOND_POSES) <= set(POSES)
    assert all(SECOND_POSES[name] != POSES[name] for name in SECOND_POSES)


@pytest.mark.parametrize(("name", "row"), [*POSES.items(), *SECOND_POSES.items()])
def test_joints_stay_within_human_ranges(name, row):
    thumb, *fingers, wrist, view = row
    assert len(fingers) == 4 and len(view) == 3
    for angles, ranges in [
        (thumb, THUMB_RANGE),
        *((finger, FINGER_RANGE) for finger in fingers),
        (wrist, WRIST_RANGE),
    ]:
        assert len(angles) == len(ranges)
        for angle, (least, most) in zip(angles, ranges, strict=True):
            assert least <= angle <= most, f"{name}: {angles}"


def test_signs_differ_from_background_and_from_each_other():
    wall = draw_hand("nothing", plain=True, size=40).astype(int)
    images = {name: draw_hand(name, plain=True, size=40).astype(int) for name in POSES}
    for name, image in images.items():
        share = (np.abs(image - wall).max(-1) > 20).mean()
        assert 0.1 < share < 0.9, f"{name} covers {share:.0%} of the picture"
    same = {frozenset("O0"), frozenset("V2"), frozenset("F9"), frozenset("W6")}
    for one in POSES:
        for other in POSES:
            if one < other and frozenset((one, other)) not in same:
                assert np.abs(images[one] - images[other]).mean() > 1, (one, other)


def test_nothing_is_a_smooth_wall_in_the_plain_view():
    wall = draw_hand("nothing", plain=True, size=40).astype(int)
    assert np.abs(np.diff(wall, axis=0)).max() <= 6


def test_same_seed_same_image_other_seed_other_image():
    first = draw_hand("K", signer=3, seed=(5, 9), size=48)
    assert first.shape == (48, 48, 3) and first.dtype == np.uint8
    np.testing.assert_array_equal(first, draw_hand("K", signer=3, seed=(5, 9), size=48))
    assert (first != draw_hand("K", signer=3, seed=(5, 10), size=48)).mean() > 0.3
    assert (first != draw_hand("K", signer=4, seed=(5, 9), size=48)).mean() > 0.3


def test_plain_view_ignores_the_seed():
    np.testing.assert_array_equal(
        draw_hand("R", seed=1, plain=True), draw_hand("R", seed=2, plain=True)
    )


def test_an_image_does_not_depend_on_its_neighbours():
    names = [*LETTERS, "nothing", *DIGITS] * 2
    signers = np.arange(len(names)) % 7
    batch = draw_hands(names, signers=signers, seed=4, size=32)
    assert batch.shape == (len(names), 32, 32, 3) and batch.dtype == np.uint8
    for i in (0, 11, 24, 40, len(names) - 1):
        alone = draw_hand(names[i], signer=int(signers[i]), seed=(4, i), size=32)
        np.testing.assert_array_equal(batch[i], alone)
    few = draw_hands(names[:5], signers=signers[:5], seed=4, size=32)
    np.testing.assert_array_equal(few, batch[:5])


def test_one_thread_draws_what_many_threads_draw(monkeypatch):
    names, signers = list(LETTERS) * 3, list(range(72))
    many = draw_hands(names, signers=signers, size=28)
    monkeypatch.setattr("os.cpu_count", lambda: 1)
    np.testing.assert_array_equal(many, draw_hands(names, signers=signers, size=28))


def test_grey_is_the_colour_image_in_grey():
    colour = draw_hands(["A", "nothing"], signers=[0, 1], size=28)
    grey = draw_hands(["A", "nothing"], signers=[0, 1], size=28, colour=False)
    assert grey.shape == (2, 28, 28, 1) and grey.dtype == np.uint8
    luminance = colour @ np.array([0.299, 0.587, 0.114])
    assert np.abs(luminance[..., None] - grey).max() < 1.5


def test_sample_is_balanced_and_its_last_quarter_comes_from_other_signers():
    images, labels, signers = draw_sample(seed=1, images_per_letter=8, signer_count=8)
    assert images.shape == (192, 28, 28, 1) and images.dtype == np.uint8
    assert labels.dtype == np.int64 and signers.dtype == np.int64
    pairs, counts = np.unique(np.stack([labels, signers], 1), axis=0, return_counts=True)
    assert len(pairs) == 24 * 8 and set(counts) == {1}
    test = signers >= 6
    assert test.mean() == 0.25 and test[-48:].all()
    assert not set(signers[test]) & set(signers[~test])
    assert len(np.unique(images.reshape(192, -1), axis=0)) == 192  # no picture twice
    assert images.std() > 20
    other, _, _ = draw_sample(seed=2, images_per_letter=4, signer_count=4)
    assert not (other[0] == images[0]).all()


def test_sample_refuses_an_uneven_split():
    with pytest.raises(ValueError, match="divisible by 4"):
        draw_sample(images_per_letter=10, signer_count=6)
    with pytest.raises(ValueError, match="divide images_per_letter"):
        draw_sample(images_per_letter=10, signer_count=4)


def test_a_wrong_name_is_answered_with_the_right_ones():
    with pytest.raises(ValueError, match=r"'J'.*A, B, C.*9, nothing"):
        draw_hand("J")
    with pytest.raises(ValueError, match="nothing"):
        draw_hands(["A", "z"], signers=[0, 0])
    with pytest.raises(ValueError, match="2 names but 1 signers"):
        draw_hands(["A", "B"], signers=[0])


def test_drawing_needs_no_neural_network_library():
    code = "import sys, asl.data.rendered_hands; sys.exit('tensorflow' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], timeout=60).returncode == 0


def test_points_lie_on_the_drawn_hand():
    names, signers = [*LETTERS, *DIGITS] * 2, np.arange(68) % 9
    points = hand_points(names, signers=signers, seed=6)
    assert points.shape == (68, 21, 3) and points.dtype == np.float32
    assert (points[:, 0, 2] == 0).all()  # depth counts from the wrist
    few = hand_points(names[:5], signers=signers[:5], seed=6)
    np.testing.assert_array_equal(few, points[:5])  # a hand does not depend on the others
    cover = draw_hands(names, signers=signers, seed=6, size=64, cutout=True)[..., 3] > 127
    at = np.floor(points[..., :2] * 64).astype(int)
    inside = ((at >= 0) & (at < 64)).all(-1)
    assert inside.mean() > 0.98
    image, point = np.nonzero(inside)
    hit = cover[image, at[image, point, 1], at[image, point, 0]]
    assert hit[point > 0].mean() > 0.995


def test_the_tip_of_a_finger_is_where_its_last_capsule_ends():
    points = hand_points(["L"] * 4, signers=range(4), seed=2)
    alpha = draw_hands(["L"] * 4, signers=range(4), seed=2, size=128, cutout=True)[..., 3]
    for cover, (joint, tip) in zip(alpha > 127, points[:, [7, 8], :2] * 128, strict=True):
        way = (tip - joint) / np.linalg.norm(tip - joint)
        steps = tip + np.arange(0, 12, 0.25)[:, None] * way
        on = [cover[int(y), int(x)] if min(x, y) >= 0 and max(x, y) < 128 else 0 for x, y in steps]
        beyond = np.argmin([*on, 0]) * 0.25  # pixels of finger beyond its last point
        palm = np.linalg.norm(points[0, 9, :2] - points[0, 0, :2]) * 128
        assert 0.03 * palm < beyond < 0.16 * palm  # the radius of the tip, 0.8 cm of 8.6


def test_points_are_those_of_an_open_hand_as_mediapipe_counts_them():
    points = hand_points(["5"], signers=[0], seed=0)[0]
    wrist, tips, knuckles = points[0], points[4::4], points[5::4]
    assert (np.diff(tips[:, 0]) < 0).all() and (np.diff(knuckles[:, 0]) < 0).all()  # thumb right
    assert (tips[1:, 1] < knuckles[:, 1]).all() and (knuckles[:, 1] < wrist[1]).all()
    fist = hand_points(["S"], signers=[0], seed=0)[0]
    assert fist[[4, 8, 12], 2].max() < fist[[5, 9, 13], 2].min()  # nearer the camera: negative


def test_first_only_draws_the_first_way_and_nothing_else():
    names, signers = ["G"] * 12 + ["5"], np.arange(13)
    both, first = (
        draw_hands(names, signers=signers, seed=3, size=32, first_only=only)
        for only in (False, True)
    )
    changed = (both != first).any(axis=(1, 2, 3))
    assert 3 <= changed.sum() <= 12 and not changed[-1]  # "5" has one way only
    points = hand_points(names, signers=signers, seed=3)
    moved = (points != hand_points(names, signers=signers, seed=3, first_only=True)).any((1, 2))
    np.testing.assert_array_equal(moved, changed)
    one = draw_hands(["G"], signers=[0], seed=3, size=32, first_only=True)
    np.testing.assert_array_equal(one[0], first[0])


def test_points_need_a_hand():
    with pytest.raises(ValueError, match="'nothing' shows no hand"):
        hand_points(["A", "nothing"], signers=[0, 0])
    with pytest.raises(ValueError, match="2 names but 1 signers"):
        hand_points(["A", "B"], signers=[0])
    assert hand_points([], signers=[]).shape == (0, 21, 3)
