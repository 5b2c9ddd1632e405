"""Space and delete by an open hand: in joint tracks, and in rendered films."""

from itertools import pairwise

import numpy as np
import pytest
from conftest import needs_archives

from asl.app import gestures, spell
from asl.app.gestures import Gesture
from asl.app.spell import Speller
from asl.data.rendered_films import draw_room, film
from asl.data.rendered_hands import hand_points, poses
from asl.data.rendered_motion import AWAY, Track
from asl.landmarks.hand_landmarks import Landmarks
from asl.reader.signs import SHAPES
from asl.spelling.follow import NOTHING, Seen
from asl.spelling.steady import DWELL

OPEN = hand_points(["5"], signers=[3], first_only=True)[0] * 100
PALM = float(np.linalg.norm(OPEN[9] - OPEN[0]))


def seen(points=OPEN, shape="5", aside=0.0, down=0.0):
    """A hand, moved by so many palms."""
    moved = points + np.array([aside * PALM, down * PALM, 0])
    shapes = np.zeros(len(SHAPES), np.float32)
    shapes[SHAPES.index(shape)] = 1
    return Seen(Landmarks(moved.astype(np.float32), 0.9, 0.9), shapes)


def asked(images, rate=12.0):
    """What is asked for by images, one after the other."""
    state, told = Gesture(), []
    for number, image in enumerate(images):
        state, what = gestures.advance(state, number / rate, image, DWELL)
        told += [what] if what else []
    return told


def wipe(far=2.0, images=5, first=4, last=4, **moved):
    ways = np.concatenate([np.zeros(first), np.linspace(0, far, images), np.full(last, far)])
    return [seen(aside=way, **moved) for way in ways]


@pytest.mark.parametrize("rate", [6, 12, 30])
def test_an_open_hand_that_is_held_makes_one_space(rate):
    assert asked([seen()] * round(0.7 * rate), rate) == []
    assert asked([seen()] * 5 * rate, rate) == ["space"]
    closed = [seen(OPEN * [1, 0.3, 1], "S")] * rate
    assert asked([*[seen()] * 2 * rate, *closed, *[seen()] * 2 * rate], rate) == ["space"] * 2


def test_an_open_hand_that_moves_makes_none():
    assert asked([seen(down=0.2 * k) for k in range(36)]) == []


@pytest.mark.parametrize("far", [-2.0, 2.0])
def test_a_wipe_to_either_side_deletes_and_makes_no_space(far):
    assert asked(wipe(far, last=30)) == ["delete"]


def test_two_wipes_delete_twice():
    back = [seen(aside=each) for each in np.linspace(2, 0, 5)]
    assert asked([*wipe(), *back, *[seen()] * 4]) == ["delete"] * 2


@pytest.mark.parametrize(
    "images",
    [
        wipe(far=1.0),  # not far
        wipe(images=24),  # slowly
        wipe(last=0),  # and out of the picture
        wipe(first=0),  # and in from the side
        [seen(down=each) for each in (0, 0, 0, 0.7, 1.4, 2, 2, 2)],  # down
        wipe(shape="B"),  # what the reader takes for a letter
        wipe(points=hand_points(["B"], signers=[3], first_only=True)[0] * 100),
    ],
    ids=["near", "slow", "leaving", "coming", "down", "a letter", "a flat hand"],
)
def test_other_ways_delete_nothing(images):
    assert asked([*images, NOTHING, NOTHING]) == []


@pytest.mark.parametrize("letter", "ABCDEFGHIKLMNOPQRSTUVWXY")
def test_no_letter_is_an_open_hand(letter):
    sure = np.eye(len(SHAPES))[SHAPES.index("5")]  # so that the joints alone decide
    points = hand_points([letter] * 20, signers=range(60, 80))
    assert not any(gestures.is_open(each, sure) for each in points)


def test_an_open_hand_is_one():
    sure = np.eye(len(SHAPES))[SHAPES.index("5")]
    assert all(
        gestures.is_open(each, sure) for each in hand_points(["5"] * 20, signers=range(60, 80))
    )


def test_progress_is_told_and_the_reader_must_agree():
    state = Gesture()
    told = []
    for number in range(15):
        state, _ = gestures.advance(state, number / 12, seen(), DWELL)
        told.append(gestures.progress(state, number / 12, DWELL))
    assert all(a <= b for a, b in pairwise(told)) and told[-1] == 1
    assert gestures.progress(Gesture(), 0, DWELL) is None


def track(signs, signer):
    """A hand that comes, holds signs and goes; a number is a wipe that goes so many centimetres."""
    moments, rows, x = [(0.0, 0, 0.0, -AWAY), (1.0, 0, 0.0, -AWAY), (1.5, 0, 0.0, 0.0)], [], 0.0
    for each in signs:
        now = moments[-1][0]
        if isinstance(each, str):
            rows.append(each)
            moments += [(now + 0.3, len(rows) - 1, x, 0.0), (now + 1.4, len(rows) - 1, x, 0.0)]
        else:
            x += each
            moments += [(now + 0.35, len(rows) - 1, x, 0.0), (now + 0.7, len(rows) - 1, x, 0.0)]
    moments += [(moments[-1][0] + 0.5, len(rows) - 1, x, -AWAY)]
    times, held, across, up = (np.array(column) for column in zip(*moments, strict=True))
    pose = poses(rows, signers=[signer] * len(rows), first_only=True)
    places, gently = np.stack([across, up], 1), np.ones(len(times), bool)
    return Track(times, held, places, gently, pose, (), signer)


@needs_archives
def test_a_film_of_gestures_is_written_and_edited(monkeypatch):
    from conftest import ARCHIVES

    from asl.spelling.film import spelling_network

    monkeypatch.setenv("ASL_ARCHIVES", ARCHIVES)
    network, session, texts = spelling_network(), Speller(), []
    hand = track(["B", "5", 13.0, "5", "A"], signer=300)
    for number, image in enumerate(film(hand, draw_room("wall", 1), seed=1, frames=10, left=True)):
        spell.see_letters(session, network, image, number / 10)
        texts += [session.state.text] if session.state.text not in texts[-1:] else []
    assert texts == ["", "B", "B ", "B", "BA"]
