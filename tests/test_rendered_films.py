"""Films of rendered hands: what the hand does, how it is drawn, what is written."""

import cv2
import numpy as np
import pytest

from asl import AslError
from asl.data import rendered_films as films
from asl.data import rendered_motion as motion
from asl.data.rendered_hands import draw_poses, hand_points, pose_points, poses


def turned_by(one, other):
    """Degrees between two rotations."""
    return np.degrees(np.arccos(np.clip((np.trace(one.T @ other) - 1) / 2, -1, 1)))


# What the hand does


def test_letters_come_in_order_and_as_fast_as_asked():
    for speed in (1, 2):
        track = motion.spell(["CAT", "DO"], signer=3, seed=1, per_second=speed)
        assert "".join(each.letter for each in track.letters) == "CATDO"
        starts = np.array([each.start for each in track.letters])
        np.testing.assert_allclose(np.diff(starts)[[0, 1, 3]], 1 / speed)
        assert starts[3] - track.letters[2].end > 1.5  # out of the picture between the words


def test_the_hand_is_still_while_a_letter_is_held_and_away_between_words():
    track = motion.spell(["CAT", "DO"], signer=3, seed=1)
    for letter in track.letters:
        pose, places = track.at(np.linspace(letter.start, letter.end, 5))
        assert all(np.ptp(values, axis=0).max() < 1e-9 for values in pose)
        assert np.ptp(places, axis=0).max() < 0.5  # centimetres
    end, begin = track.letters[2].end, track.letters[3].start
    assert track.at(np.array([(end + begin) / 2]))[1][0, 1] == -motion.AWAY


def test_between_two_letters_the_hand_takes_the_shorter_way():
    both = poses(["A", "G"], signers=[3, 3])
    shares = np.linspace(0, 1, 5)
    rows = np.zeros(5, int)
    way = motion.between(both, rows, rows + 1, shares)
    np.testing.assert_allclose(way.fingers[0], both.fingers[0])
    np.testing.assert_allclose(way.fingers[4], both.fingers[1])
    np.testing.assert_allclose(way.thumb[2], both.thumb.mean(axis=0))
    whole = turned_by(both.turn[0], both.turn[1])
    assert whole <= 180
    for share, turn in zip(shares, way.turn, strict=True):
        np.testing.assert_allclose(turn @ turn.T, np.eye(3), atol=1e-6)
        assert turned_by(both.turn[0], turn) == pytest.approx(share * whole, abs=0.1)


def test_the_same_arguments_make_the_same_track_and_others_another():
    first, again, other = (motion.spell(["JAZZ"], signer=3, seed=seed) for seed in (1, 1, 2))
    for one, same in zip(first.pose, again.pose, strict=True):
        np.testing.assert_array_equal(one, same)
    assert first.letters == again.letters != other.letters


def test_a_double_letter_moves_in_between():
    for seed in range(6):
        track = motion.spell(["SEE"], signer=3, seed=seed)
        first, second = track.letters[1:]
        pose, places = track.at(np.linspace(first.end, second.start, 9))
        aside, opened = np.ptp(places[:, 0]), np.ptp(pose.fingers, axis=0).max()
        assert aside > 3.5 or opened > 0.5  # centimetres, radians


@pytest.mark.parametrize("seed", range(4))
def test_j_and_z_are_drawn_by_a_fingertip(seed):
    """As the viewer of a right hand sees them: J goes down, then to the right, the thumb's side; Z
    to the left, down to the right, and to the left again.
    """
    track = motion.spell(["JZ"], signer=seed, seed=seed)
    j, z = track.letters
    tip = motion.track_points(track, np.linspace(j.start, j.end, 60))[:, 20, :2]
    lowest = tip[:, 1].argmax()
    assert tip[lowest, 1] - tip[0, 1] > 4  # centimetres; y is down
    assert tip[-1, 0] - tip[:lowest, 0].min() > 1 and tip[-1, 1] < tip[lowest, 1]
    tip = motion.track_points(track, np.linspace(z.start, z.end, 60))[:, 8, :2]
    corners = [tip[:30, 0].argmin(), tip[20:, 0].argmax() + 20]
    assert 5 < corners[0] < corners[1] < 55
    assert tip[0, 0] - tip[corners[0], 0] > 3 and tip[corners[1], 0] - tip[-1, 0] > 3
    assert tip[corners[1], 1] - tip[corners[0], 1] > 3


@pytest.mark.parametrize("word", ["", "hello", "A B", "É"])
def test_only_capital_letters_are_spelled(word):
    with pytest.raises(ValueError, match="no word"):
        motion.spell([word], signer=0)


# How it is drawn


def test_points_are_those_of_the_drawing():
    """The hand's ink is around its points, and nowhere far from them."""
    pose = poses(["L", "F"], signers=[3, 3], seed=2)
    images = draw_poses(pose, signer=3, seed=2, size=96, reach=26)
    points = pose_points(pose, signer=3, reach=26)[..., :2] * 96
    for image, flat in zip(images, points, strict=True):
        ink = image[..., 3] > 128
        assert ink[tuple(np.clip(flat[:, ::-1], 0, 95).astype(int).T)].mean() > 0.9
        y, x = np.nonzero(ink[:40])  # above the arm
        apart = np.hypot(x[:, None] - flat[:, 0], y[:, None] - flat[:, 1]).min(axis=1)
        assert apart.max() < 14


def test_a_pose_is_that_of_the_still_picture():
    """The bones of `poses` have the lengths that `hand_points` shows, at another scale."""
    still = hand_points(["B"], signers=[3], seed=4)[0]
    posed = pose_points(poses(["B"], signers=[3], seed=4), signer=3, reach=26)[0]
    fingers = [5, 9, 13, 17]
    ratio = np.linalg.norm(
        (still[fingers] - still[[8, 12, 16, 20]])[:, :2], axis=1
    ) / np.linalg.norm((posed[fingers] - posed[[8, 12, 16, 20]])[:, :2], axis=1)
    assert ratio.std() / ratio.mean() < 0.02


def test_a_film_shows_room_and_hand():
    track = motion.spell(["A"], signer=3, seed=1)
    room = films.draw_room("shelves", 1)
    images = [*films.film(track, room, seed=1, frames=4)]
    assert len(images) == round(track.seconds * 4)
    assert all(image.shape == (480, 640, 3) and image.dtype == np.uint8 for image in images)
    changed = [(np.abs(image.astype(int) - room).max(axis=2) > 40).mean() for image in images]
    assert changed[0] < 0.001  # the hand is not there yet
    held = track.letters[0]
    shown = changed[round((held.start + held.end) / 2 * 4)]
    assert 0.02 < shown < 0.5


def test_a_left_hand_is_the_mirror_image():
    track = motion.rest("raised", signer=3, seed=1, seconds=0.2)
    room = np.full((480, 640, 3), 128, np.uint8)
    right, left = (
        next(films.film(track, room, seed=1, left=side, frames=5)).astype(int)
        for side in (False, True)
    )
    assert np.abs(right[:, ::-1] - left).mean() < 6  # the grain of the film is another place's
    assert np.abs(right - left).mean() > 6


def test_a_room_alone():
    rooms = {kind: films.draw_room(kind, 3) for kind in ("shelves", "person")}
    for room in rooms.values():
        first, *rest = films.film(None, room, frames=5, seconds=0.6)
        assert len(rest) == 2 and np.abs(first.astype(int) - room).mean() < 4
    assert np.abs(rooms["shelves"].astype(int) - rooms["person"]).mean() > 5


@pytest.mark.parametrize("kind", motion.RESTING)
def test_a_resting_hand_hardly_moves(kind):
    track = motion.rest(kind, signer=3, seed=1, seconds=3)
    assert track.seconds >= 3 and not track.letters
    _, places = track.at(np.linspace(0, 3, 30))
    assert np.abs(places).max() <= 1.5
    wrist, knuckle = motion.track_points(track, np.zeros(1))[0][[0, 9], :2]
    x, y = knuckle - wrist
    if kind == "hanging":
        assert y > abs(x)  # it points down
    elif kind == "raised":
        assert -y > abs(x)
    else:
        assert abs(x) > abs(y)


# What is written


@pytest.mark.parametrize("suffix", [".avi", ".mp4"])
def test_a_film_is_written_as_it_was(suffix, home):
    ramps = [np.full((64, 96, 3), value, np.uint8) for value in (40, 120, 200)]
    path = films.write_film(home / f"film{suffix}", iter(ramps), frames=12)
    film = cv2.VideoCapture(str(path))
    assert film.get(cv2.CAP_PROP_FPS) == pytest.approx(12)
    for expected in ramps:
        is_there, image = film.read()
        assert is_there and abs(image.mean() - expected.mean()) < 4
    assert not film.read()[0]


def test_a_film_for_chromium_is_one_jpeg_after_the_other(home):
    images = [np.full((64, 96, 3), (value, 0, 0), np.uint8) for value in (40, 200)]
    data = films.write_film(home / "film.mjpeg", images).read_bytes()
    starts = [at for at in range(len(data)) if data[at : at + 3] == b"\xff\xd8\xff"]
    assert len(starts) == 2 and starts[0] == 0 and data.endswith(b"\xff\xd9")
    for start, end, value in zip(starts, [*starts[1:], len(data)], (40, 200), strict=True):
        image = cv2.imdecode(np.frombuffer(data[start:end], np.uint8), cv2.IMREAD_COLOR)
        assert abs(image[..., 2].mean() - value) < 8  # red


@pytest.mark.parametrize("suffix", [".mjpeg", ".avi"])
def test_a_film_is_written_whole_or_not_at_all(suffix, home):
    def broken():
        yield np.zeros((64, 96, 3), np.uint8)
        raise RuntimeError("no more")

    path = home / f"film{suffix}"
    path.write_text("before")
    with pytest.raises(RuntimeError):
        films.write_film(path, broken())
    assert path.read_text() == "before"
    assert [each.name for each in home.iterdir()] == [path.name]


def test_a_film_in_a_place_that_is_a_folder(home):
    (home / "film.avi").mkdir()
    with pytest.raises(AslError, match="it is a folder"):
        films.write_film(home / "film.avi", [np.zeros((64, 96, 3), np.uint8)])
