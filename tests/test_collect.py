"""Collect: pictures of one's own hand, saved only when they are asked for."""

import cv2
import numpy as np
import pytest

from asl.app import camera, collect
from asl.app.collect import Collector
from asl.data.load import load
from asl.data.rendered_hands import hand_points
from asl.landmarks.hand_landmarks import Landmarks
from asl.reader.signs import SHAPES
from asl.spelling.follow import NOTHING, Seen

POINTS = hand_points(["B"], signers=[3])[0] * 100 + np.array([150, 100, 0])
HAND = Seen(Landmarks(POINTS.astype(np.float32), 0.9, 0.9), np.zeros(len(SHAPES), np.float32))
IMAGE = np.zeros((480, 640, 3), np.uint8)
IMAGE[:, :200] = (250, 40, 40)  # left of the middle of the hand


@pytest.fixture
def session(monkeypatch):
    """A session, and what it is shown next: session.show(seen, images)."""
    now, session = [50.0], Collector()

    def show(seen, images=1):
        monkeypatch.setattr(camera, "look", lambda network, image, last: seen)
        for _ in range(images):
            now[0] += 0.1
            collect.see_hand(session, None, IMAGE, now[0])

    session.show = show
    return session


def saved():
    return sorted(collect.folder().rglob("*.*"))


def test_nothing_is_saved_unless_it_is_asked_for(session):
    session.show(HAND, 20)
    assert not collect.folder().exists() and collect.counts() == {}
    assert "none yet" in collect.counts_html()


def test_one_picture_is_saved_where_one_was_asked_for_and_shows_the_hand_unmirrored(session):
    assert "as soon as a hand is seen" in collect.ask(session, "B", 1)
    session.show(NOTHING, 5)
    assert "No hand" in session.said and not saved()
    session.show(HAND, 20)
    assert len(saved()) == 1 and collect.counts() == {"B": 1}
    assert session.said.startswith("Saved data/my_hands/B/")
    image = cv2.imread(str(saved()[0]))[..., ::-1]
    side = collect.AROUND * np.ptp(POINTS[:, :2], axis=0).max()
    assert image.shape == (round(side), round(side), 3)
    assert image[5, -5, 0] > 200 and image[5, 5, 0] < 50  # the camera's picture comes mirrored


def test_several_are_saved_apart_until_they_are_stopped(session):
    collect.ask(session, "b", 10)
    session.show(HAND, 11)
    assert len(saved()) == 3  # in a second and a tenth
    assert collect.stop(session) == "Stopped."
    session.show(HAND, 20)
    assert collect.counts() == {"B": 3}


def test_the_last_one_can_be_taken_back(session):
    collect.ask(session, "B", 1)
    session.show(HAND)
    assert collect.take_back(session).startswith("Deleted data/my_hands/B/")
    assert collect.counts() == {} and not (collect.folder() / "B").exists()
    assert "no picture" in collect.take_back(session)


@pytest.mark.parametrize("name", ["", " ", "../x", "a/b", ".x", "con", "x" * 41, None, "<b>"])
def test_a_name_that_is_no_class_is_refused(session, name):
    assert "Name what the hand shows" in collect.ask(session, name, 1)
    session.show(HAND)
    assert not saved()


def test_a_class_has_one_spelling(session):
    for name in ("Thank You", "thank you", "a", "A"):
        collect.ask(session, name, 1)
        session.show(HAND)
    assert collect.counts() == {"A": 2, "Thank You": 2}


def test_a_folder_that_cannot_be_written_is_told_and_nothing_more_is_tried(session):
    collect.folder().parent.mkdir(parents=True, exist_ok=True)
    collect.folder().write_text("in the way")
    collect.ask(session, "B", 5)
    session.show(HAND, 20)
    assert "cannot write" in session.said and session.wanted == 0


def test_what_was_collected_is_a_data_set(session):
    for name in "AB":
        collect.ask(session, name, 2)
        session.show(HAND, 12)
    assert "make run DATASET=folder:data/my_hands" in collect.counts_html()
    samples = load(f"folder:{collect.folder()}")
    assert samples.class_names == ("A", "B") and len(samples.images) == 4
