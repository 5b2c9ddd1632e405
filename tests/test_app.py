"""The page's functions, without Gradio and without a browser; those are in tests/browser."""

import base64
import copy
import random
import re
import socket
import sys
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
from conftest import needs_archives

from asl import AslError
from asl.__main__ import main
from asl.app import camera, fingers, photo, practise, server, shown_hands, spell
from asl.app.camera import Read
from asl.app.practise import Practice, Score
from asl.app.spell import Speller
from asl.data import rendered_hands
from asl.data.rendered_hands import hand_points, pose_points, poses
from asl.landmarks.hand_landmarks import Landmarks
from asl.reader.signs import SHAPES
from asl.spelling import motion
from asl.spelling.follow import NOTHING, Seen
from asl.spelling.steady import DWELL

HAND = hand_points(["B"], signers=[3])[0] * 100
BLANK = np.full((90, 120, 3), 120, np.uint8)


def shown(shape, share=0.9, points=HAND):
    shapes = np.full(len(SHAPES), (1 - share) / (len(SHAPES) - 1), np.float32)
    shapes[SHAPES.index(shape)] = share
    return Seen(Landmarks(points.astype(np.float32), 0.9, 0.9), shapes)


@pytest.fixture
def show(monkeypatch):
    """Gives what a session is shown next, for so many seconds, at 20 images a second."""
    now = [100.0]

    def show(session, seen, seconds=0.8):
        monkeypatch.setattr(camera, "look", lambda network, image, last: seen)
        goes_on = False
        for _ in range(round(seconds * 20)):
            now[0] += 0.05
            camera.see(session, None, BLANK, now[0])
            if isinstance(session, Practice):
                goes_on = practise.judge(session, now[0])
        return goes_on, now[0]

    return show


# Spell


def test_a_letter_that_is_held_becomes_text_and_is_told(show):
    session = Speller()
    _, now = show(session, shown("B"))
    assert session.state.text == "B"
    read = camera.reading(session, now)
    assert (read.letter, read.is_sure, read.held) == ("B", True, 1.0)
    assert read.confidence == pytest.approx(0.9, abs=0.01)
    assert ">B<" in spell.card(session, now) and "90 %" in spell.card(session, now)


def test_what_is_unsure_is_shown_as_unsure(show):
    session = Speller()
    _, now = show(session, shown("B", share=0.4))
    read = camera.reading(session, now)
    assert session.state.text == "" and not read.is_sure and read.held == 0
    card = spell.card(session, now)
    assert ">?<" in card and "Unsure: perhaps B (40 %)" in card


def test_without_a_hand_the_card_says_so(show):
    session = Speller()
    show(session, shown("B"))
    _, now = show(session, NOTHING)
    assert camera.reading(session, now) == Read()
    assert "No hand" in spell.card(session, now)


def test_text_is_edited_by_buttons(show):
    session = Speller()
    _, now = show(session, shown("B"))
    assert spell.edit(session, "repeat", now) == "BB"
    assert spell.edit(session, "space", now) == "BB " == spell.edit(session, "repeat", now)
    assert spell.edit(session, "delete", now) == "BB"
    assert spell.edit(session, "clear", now) == "" == spell.edit(session, "delete", now)
    show(session, shown("A"))
    assert session.state.text == "A"


def test_a_letter_is_written_at_once_where_that_is_asked_for_and_then_not_again(show):
    session = Speller()
    session.dwell = 1.0
    _, now = show(session, shown("B", share=0.4))
    assert spell.edit(session, "write", now) == "B"
    show(session, shown("B"), 2)
    assert session.state.text == "B"
    _, now = show(session, NOTHING)
    assert spell.edit(session, "write", now) == "B"


def test_words_are_suggested_only_where_they_were_asked_for(show):
    session = Speller()
    session.state = session.state._replace(text="MY FRI")
    assert spell.suggestions(session) == []
    session.suggests = True
    assert spell.suggestions(session)[0] == "FRIEND"
    assert spell.complete(session, "FRIEND") == "MY FRIEND "
    assert spell.suggestions(session) == []


def test_the_dwell_is_the_learners(show):
    session = Speller()
    session.dwell = 1.5
    show(session, shown("B"), 1.2)
    assert session.state.text == ""
    show(session, shown("B"), 0.6)
    assert session.state.text == "B"


def test_each_tab_has_a_session_of_its_own(show):
    session = Speller()
    show(session, shown("B"))
    other = copy.deepcopy(session)
    assert other.state.text == "" and other.dwell == DWELL and other.lock is not session.lock
    assert type(copy.deepcopy(Practice())) is Practice


def test_the_skeleton_lies_where_the_joints_are():
    hand = shown("B").hand
    lines = camera.skeleton(hand, BLANK)
    assert 'viewBox="0 0 120 90"' in lines
    ways = re.findall(r'points="([^"]+)"', lines)
    assert len(ways) == 10  # five fingers, each with its outline
    tip = [float(each) for each in ways[3].split()[-1].split(",")]
    assert np.allclose(tip, hand.points[8, :2], atol=0.5)
    assert "polyline" not in camera.skeleton(None, BLANK)


def test_what_was_written_is_told_to_screen_readers():
    assert 'aria-live="polite"' in spell.status("HI") and "Written: HI" in spell.status("HI")
    assert "nothing" in spell.status("")


# Which finger is off


@pytest.mark.parametrize("letter", [*"ABDEFILRUVWY", "J", "Z"])
def test_a_hand_as_it_should_be_is_not_corrected(letter):
    points = hand_points([fingers.HAND_OF.get(letter, letter)], signers=[80], first_only=True)[0]
    assert fingers.advice(points, letter) == []


def changed(letter, finger, degrees):
    pose = poses([letter], signers=[80], first_only=True)
    angles = pose.fingers.copy()
    angles[0, finger, 1:] = np.radians(degrees)
    return pose_points(pose._replace(fingers=angles), signer=80, reach=24.0)[0]


@pytest.mark.parametrize("mirrored", [False, True])
@pytest.mark.parametrize("finger", range(4))
def test_the_finger_that_is_off_is_named(finger, mirrored):
    side = np.array([-1 if mirrored else 1, 1, 1])
    name = ["index finger", "middle finger", "ring finger", "little finger"][finger]
    assert fingers.advice(changed("B", finger, [85, 100]) * side, "B") == [
        f"Straighten your {name}."
    ]
    assert fingers.advice(changed("S", finger, [5, 5]) * side, "S") == [f"Bend your {name}."]


def test_fingers_that_should_be_apart_or_together():
    assert fingers.advice(hand_points(["U"], signers=[80], first_only=True)[0], "V") == [
        "Spread your index and middle fingers apart."
    ]
    assert fingers.advice(hand_points(["V"], signers=[80], first_only=True)[0], "U") == [
        "Bring your index and middle fingers together."
    ]


def test_the_thumb_has_a_place():
    assert "Move your thumb further in, across the palm." in fingers.advice(
        hand_points(["L"], signers=[80], first_only=True)[0], "D"
    )


def test_a_hand_that_points_elsewhere_is_to_be_turned():
    points = hand_points(["U"], signers=[80], first_only=True)[0]
    lying = points[:, [1, 0, 2]]
    assert "Turn your hand" in fingers.turn_advice(lying, "U")
    assert "Turn your palm" in fingers.turn_advice(points, "U")


# Practise


def test_the_right_letter_is_praised_counted_and_followed_by_another(show):
    practice = Practice()
    practise.start(practice, "ba")
    goes_on, now = show(practice, shown("B"))
    assert practise.answer(practice, now) == "Right: B!"
    assert practice.scores == {"B": Score(1, 1)} and not goes_on
    goes_on, now = show(practice, shown("B"), 1.2)
    assert goes_on and practice.scores == {"B": Score(1, 1)}
    practise.go_on(practice)
    assert practice.target == "A" and "Hold it still" not in practise.answer(practice, now)


def test_another_letter_first_is_no_right_one_at_the_first_go(show):
    practice = Practice()
    practise.start(practice, "B")
    _, now = show(practice, shown("S", points=HAND))
    assert practise.answer(practice, now).startswith("This looks like S.")
    show(practice, shown("B"))
    assert practice.scores == {"B": Score(1, 0)}
    assert "B</th><td>0</td><td>1</td>" in practise.score_html(practice.scores)


def test_the_hand_that_draws_j_is_no_mistake(show):
    practice = Practice()
    practise.start(practice, "J")
    points = hand_points(["I"], signers=[80], first_only=True)[0] * 100
    _, now = show(practice, shown("I", points=points))
    assert not practice.is_missed and "movement" in practise.answer(practice, now)


def test_a_moving_hand_is_not_corrected(show):
    practice = Practice()
    practise.start(practice, "A")
    palm = motion.palm_size(HAND[None])
    for k in range(20):
        moved = HAND + np.array([palm * k / 4, 0, 0])
        _, now = show(practice, shown("B", points=moved), 0.05)
    assert practise.answer(practice, now) == "Show A, and hold it still."


def test_what_is_skipped_counts_as_missed_and_the_next_one_is_asked():
    practice = Practice()
    practise.start(practice, "ox")
    practise.skip(practice)
    assert practice.target == "X" and practice.scores == {"O": Score(1, 0)}
    practise.skip(practice)
    assert practice.word == "" and practice.target != "X"


def test_a_double_letter_is_asked_twice(show):
    practice = Practice()
    practise.start(practice, "BB")
    for count in (1, 2):
        show(practice, shown("B"))
        assert practice.scores["B"].asked == count
        practise.go_on(practice)


def test_weak_letters_come_more_often_and_none_twice_in_a_row():
    scores = {letter: Score(5, 5) for letter in practise.ALL} | {"Q": Score(5, 0)}
    generator, last, drawn = random.Random(0), "A", []
    for _ in range(3000):
        letter = practise.next_letter(scores, last, generator)
        assert letter != last
        drawn.append(letter)
        last = letter
    often = drawn.count("Q") / np.mean([drawn.count(each) for each in "BCDEF"])
    assert 2 < often < 4 and set(drawn) == set(practise.ALL)


@pytest.mark.parametrize(
    "typed, word", [("Ann-Marie 2", "ANNMARIE"), ("<b>", "B"), ("", ""), (None, ""), ("é", "")]
)
def test_words_are_letters(typed, word):
    assert practise.to_word(typed) == word
    assert len(practise.to_word("x" * 999)) == practise.LONGEST


def test_a_photograph_is_judged_once():
    practice = Practice()
    practise.start(practice, "BA")
    shares = np.eye(24)[1]
    assert practise.judge_photo(practice, HAND, shares) == "Right, that was B! Now show A."
    assert "This looks like B." in practise.judge_photo(practice, HAND, shares)
    assert practice.scores == {"B": Score(1, 1)} and practice.is_missed
    practise.start(practice, "J")
    assert "movement" in practise.judge_photo(practice, HAND, shares)


def test_the_word_is_shown_with_the_letter_in_it():
    practice = Practice()
    practise.start(practice, "BAD")
    practise.go_on(practice)
    assert '<span class="rest">B</span>A<span class="rest">D</span>' in practise.target_html(
        practice
    )


# The hand that is shown


def test_hands_are_shown_from_all_sides(monkeypatch):
    monkeypatch.setattr(shown_hands, "SIZE", 64)
    shown_hands._drawn.cache_clear()
    told = {
        (seen, side): shown_hands.hand_picture("L", seen, *angles)
        for seen in shown_hands.SEEN
        for side, angles in shown_hands.SIDES.items()
    }
    assert len(set(told.values())) == 9
    assert (
        "A right hand that shows L, as others see it, from the side"
        in told[shown_hands.OTHERS, "side"]
    )
    turned = shown_hands.hand_picture("L", shown_hands.OTHERS, 33, -20)
    assert "turned by 35 and tilted by -20 degrees" in turned
    assert turned == shown_hands.hand_picture("L", shown_hands.OTHERS, 35, -20)
    own = [shown_hands.hand_picture("L", "as others see it", left=left) for left in (False, True)]
    assert "scale(-1 1)" not in own[0] and "scale(-1 1)" in own[1]
    data = re.search(r"base64,([^\"]+)", own[0])[1]
    image = cv2.imdecode(np.frombuffer(base64.b64decode(data), np.uint8), cv2.IMREAD_UNCHANGED)
    assert image.shape == (64, 64, 4) and image[0, 0, 3] == 0 < image[40, 32, 3]
    for letter in "JZ":
        assert "animateMotion" in shown_hands.hand_picture(letter)
    assert "animateMotion" not in own[0]
    shown_hands._drawn.cache_clear()


# Photo


def test_what_is_too_large_is_refused_kindly(tmp_path):
    wide = tmp_path / "wide.png"
    cv2.imwrite(str(wide), np.zeros((5001, 10000), np.uint8))
    heavy = tmp_path / "heavy.jpg"
    heavy.write_bytes(b"\xff\xd8" + bytes(20_000_000))
    assert "more than 50 megapixels (10,000 × 5,001)" in photo.refusal(wide)
    assert "larger than 20 MB" in photo.refusal(heavy)
    assert "drop it once more" in photo.refusal(tmp_path / "gone.jpg")
    small = tmp_path / "small.png"
    cv2.imwrite(str(small), BLANK)
    assert photo.refusal(small) == ""
    told = photo.read_photos(None, [wide, heavy])
    assert "wide.png has more" in told.figures and "heavy.jpg" in told.figures
    assert told.download == "" and "megapixels" in photo.read_hand(None, wide)


@needs_archives
def test_photographs_are_read_drawn_and_offered_as_a_table(tmp_path, monkeypatch):
    from conftest import ARCHIVES

    from asl.reader.read import find_network

    monkeypatch.setenv("ASL_ARCHIVES", ARCHIVES)
    places = [tmp_path / name for name in ("hand.png", "<room>.png", "text.png")]
    hand = rendered_hands.draw_hand("L", signer=5, size=200)
    cv2.imwrite(str(places[0]), hand[..., ::-1])
    cv2.imwrite(str(places[1]), np.full((200, 200, 3), 90, np.uint8))
    places[2].write_text("no picture")
    network = find_network()
    told = photo.read_photos(network, places)
    assert "<b>L</b>" in told.figures and "No hand was found here." in told.figures
    assert "text.png" in told.figures and "<room>" not in told.figures
    table = base64.b64decode(re.search('base64,([^"]+)', told.download)[1]).decode()
    assert table.splitlines()[1].startswith("hand.png,,L,0.")
    assert len(table.splitlines()) == 3
    points, shares = photo.read_hand(network, places[0])
    assert points.shape == (21, 3) and shares.argmax() == 10
    assert photo.read_hand(network, places[1]) == photo.FRIENDLY
    assert "text.png" in photo.read_hand(network, places[2])


# The server


def test_a_taken_port_gives_the_next_free_one(monkeypatch):
    with socket.socket() as taken:
        taken.bind((server.HOST, 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert port < server.free_port(port) < port + server.TRIED
        monkeypatch.setattr(server, "TRIED", 1)
        with pytest.raises(AslError, match="no port from"):
            server.free_port(port)


def test_without_gradio_the_extra_is_named(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "gradio", None)
    for name in ("GRADIO_TEMP_DIR", "GRADIO_ANALYTICS_ENABLED", "HF_HUB_DISABLE_TELEMETRY"):
        monkeypatch.setenv(name, "")
    assert main(["app", "--no-browser"]) == 1
    told = capsys.readouterr().err
    assert "extra `app`" in told and "make app" in told and told.count("\n") == 1


@pytest.mark.parametrize("port", ["80", "70000", "x"])
def test_a_port_that_cannot_be_is_refused(port, capsys):
    with pytest.raises(SystemExit):
        main(["app", "--port", port])
    assert "--port" in capsys.readouterr().err


def test_a_browser_is_opened_only_where_there_is_a_screen(monkeypatch):
    monkeypatch.setattr(server, "sys", SimpleNamespace(platform="linux"))
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    monkeypatch.setenv("DISPLAY", ":0")
    assert server.has_browser()
    monkeypatch.delenv("DISPLAY")
    assert not server.has_browser()
    monkeypatch.setattr(server, "sys", SimpleNamespace(platform="darwin"))
    assert server.has_browser()


def test_the_browser_may_load_only_what_comes_from_here():
    for rule in server.CSP.split(";"):
        name, *sources = rule.split()
        allowed = {"'self'", "'none'", "'unsafe-inline'", "'unsafe-eval'", "data:", "blob:"}
        assert set(sources) <= allowed, name
    assert "http" not in Path(server.__file__).with_name("look.py").read_text()
