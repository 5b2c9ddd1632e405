"""Spelling: from what each image shows to text, J and Z, films as files, and the command."""

import json
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
from conftest import ARCHIVES, needs_archives, shell

from asl import AslError
from asl.__main__ import main
from asl.data import rendered_films
from asl.data.rendered_films import draw_room, write_film
from asl.data.rendered_hands import hand_points
from asl.data.rendered_motion import spell, track_points
from asl.landmarks.geometry import Square
from asl.landmarks.hand_landmarks import Landmarks
from asl.reader.signs import OTHER, SHAPES
from asl.spelling import film, follow, motion
from asl.spelling.film import spell_film
from asl.spelling.follow import NOTHING, Seen, look
from asl.spelling.motion import drawn_letter
from asl.spelling.steady import DWELL, State, advance

HAND = hand_points(["B"], signers=[3])[0] * 100  # upright; the palm is about 40 pixels
PALM = motion.palm_size(HAND[None])
MIRROR = np.array([-1, 1, 1])


def shown(shape, share=0.9, aside=0.0, points=HAND):
    """A hand that is taken for a shape, so many palms aside."""
    shapes = np.full(len(SHAPES), (1 - share) / (len(SHAPES) - 1), np.float32)
    shapes[SHAPES.index(shape)] = share
    moved = (points + np.array([aside * PALM, 0, 0])).astype(np.float32)
    return Seen(Landmarks(moved, 0.9, 0.9), shapes)


def run(*parts, rate=30, dwell=DWELL, state=None):
    """The state after parts (seconds, what is shown), or what is shown at shares 0–1 of a part."""
    state, time = state or State(), 0.0
    for seconds, what in parts:
        count = round(seconds * rate)
        for number in range(count):
            seen = what(number / count) if callable(what) else what
            state, time = advance(state, time, seen, dwell), time + 1 / rate
    return state


def slide(shape, palms):
    return lambda share: shown(shape, aside=palms * share)


# Letters that are held


@pytest.mark.parametrize("rate", [5, 15, 30])
def test_a_letter_is_written_when_it_is_held_and_once(rate):
    assert run((0.2, shown("A")), rate=rate, dwell=0.5).text == ""
    state = run((3, shown("A")), rate=rate, dwell=0.5)
    assert state.text == "A" and state.letters[0].confidence == pytest.approx(0.9)
    assert 0.5 <= state.letters[0].time <= 0.6 + 2 / rate


def test_the_state_is_a_value():
    first = run((0.5, shown("A")))
    again = advance(first, 0.6, shown("B"))
    assert first.text == "A" and first == first._replace() and again is not first


def test_letters_that_follow_each_other_are_written_in_order():
    state = run((0.5, shown("C")), (0.5, shown("A")), (0.5, shown("T")))
    assert state.text == "CAT"
    times = [each.time for each in state.letters]
    assert times == sorted(times) and state.candidate == "T"


def test_what_passes_is_not_written():
    assert run((0.5, shown("C")), (0.1, shown("O")), (0.5, shown("A"))).text == "CA"


def test_a_slow_camera_sees_a_letter_that_is_held_for_the_dwell():
    """At eight images a second, a quarter of a second has two images or three."""
    parts = [(0.5, shown("C")), (0.25, shown("A")), (0.5, shown("T"))]
    assert run(*parts, rate=8, dwell=0.15).text == "CAT"
    assert run(*parts, rate=8, dwell=0.3).text == "CT"


@pytest.mark.parametrize("seen", [shown("A", 0.4), shown(OTHER), shown("5"), NOTHING])
def test_what_is_unsure_or_no_letter_is_not_written(seen):
    assert run((3, seen)).text == ""


def test_the_runner_up_is_told():
    seen = shown("A", 0.65)
    seen.shapes[SHAPES.index("S")] = 0.3
    state = run((0.2, seen))
    assert (state.candidate, state.runner_up) == ("A", "S")
    assert state.confidence == pytest.approx(0.65)


def test_a_hand_that_moves_writes_nothing():
    assert run((1.0, slide("A", 4))).text == ""


def test_a_hand_that_points_down_signs_only_what_is_signed_so():
    hanging = HAND * np.array([1, -1, 1])
    assert run((1, shown("C", points=hanging))).text == ""
    assert run((1, shown("P", points=hanging))).text == "P"


# Double letters, spaces


def test_a_double_letter_is_moved_aside():
    for palms in (0.5, -0.5):
        state = run((0.5, shown("L")), (0.2, slide("L", palms)), (0.5, shown("L", aside=palms)))
        assert state.text == "LL"


def test_a_hand_that_drifts_writes_once():
    assert run((0.5, shown("L")), (5, slide("L", 1.5))).text == "L"


def test_a_small_move_is_no_double_letter():
    assert run((0.5, shown("L")), (0.1, slide("L", 0.2)), (1, shown("L", aside=0.2))).text == "L"


def test_a_double_letter_is_opened_in_between():
    opened = HAND + np.array([0, 0.4 * PALM, 0]) * np.linspace(-1, 1, 21)[:, None]

    def opening(share):
        between = HAND + (opened - HAND) * np.sin(np.pi * share)
        return shown(OTHER if 0.2 < share < 0.8 else "O", points=between)

    assert run((0.5, shown("O")), (0.5, opening), (0.5, shown("O"))).text == "OO"


def test_a_doubtful_image_is_no_release():
    assert run((0.5, shown("O")), (0.1, shown(OTHER)), (1, shown("O"))).text == "O"
    assert run((0.5, shown("O")), (0.5, shown(OTHER)), (1, shown("O"))).text == "O"  # at rest


@pytest.mark.parametrize(("gone", "expected"), [(0.2, "A"), (0.6, "AA"), (1.3, "A A")])
def test_a_hand_that_was_gone(gone, expected):
    assert run((0.5, shown("A")), (gone, NOTHING), (0.5, shown("A"))).text == expected


def test_one_space_and_none_at_the_beginning():
    state = run((2, NOTHING), (0.5, shown("A")), (5, NOTHING))
    assert state.text == "A " and [each.letter for each in state.letters] == ["A"]


# J and Z


def moving(word, seed=0, per_second=1.0, mirrored=False):
    """Times, points and shapes of a rendered hand from its bones, with the errors of a detector."""
    random = np.random.default_rng(seed)
    track = spell([word], signer=7000 + seed, seed=seed, per_second=per_second)
    times = np.arange(track.letters[0].start, track.letters[-1].end + 0.1, 1 / 30)
    points = track_points(track, times) * (MIRROR if mirrored else 1) * random.uniform(8, 13)
    points = points + random.normal(0, 1.5, points.shape)
    known = np.zeros((len(times), len(SHAPES)), np.float32)
    known[:, SHAPES.index({"J": "I", "Z": "D"}.get(word[0], word[0]))] = 0.8
    return times, points.astype(np.float32), known


def text_of(times, points, shapes):
    state = State()
    for time, hand, known in zip(times, points, shapes, strict=True):
        state = advance(state, time, Seen(Landmarks(hand, 0.9, 0.9), known))
    return state.text


@pytest.mark.parametrize("mirrored", [False, True])
@pytest.mark.parametrize("letter", ["J", "Z"])
def test_a_drawn_letter_is_told_whichever_the_hand(letter, mirrored):
    for seed in range(8):
        path = moving(letter, seed, 1 + seed % 2, mirrored)
        assert text_of(*path) == letter


@pytest.mark.parametrize("letter", ["J", "Z"])
def test_a_single_wrong_image_spoils_no_path(letter):
    times, points, shapes = moving(letter, 2)
    points[len(times) // 2, :, :2] += 1.2 * motion.palm_size(points)
    shapes[len(times) // 2] = np.eye(len(SHAPES))[SHAPES.index("S")]
    assert text_of(times, points, shapes) == letter


@pytest.mark.parametrize(
    ("letter", "hand", "pace", "dwell"), [("J", "I", 0.35, DWELL), ("Z", "D", 0.5, DWELL / 2)]
)
def test_a_hand_that_draws_slowly_is_no_letter_before(letter, hand, pace, dwell):
    """Nor is one forgotten that was held first."""
    times, points, shapes = moving(letter, 1, pace)
    state = State()
    written = set()
    for time, each, known in zip(times, points, shapes, strict=True):
        state = advance(state, time, Seen(Landmarks(each, 0.9, 0.9), known), dwell)
        written.add(state.text)
    assert state.text == letter and hand in written
    assert [each.letter for each in state.letters] == [letter]
    held = [points[:1].repeat(30, axis=0), points]
    times = np.concatenate([times[0] - 1 + np.arange(30) / 30, times])
    shapes = np.concatenate([shapes[:1].repeat(30, axis=0), shapes])
    assert text_of(times, np.concatenate(held), shapes) == hand + letter


def test_paths_end_with_the_drawing():
    times, points, shapes = (each[:-4] for each in moving("Z", 3))  # until it leaves
    half = len(times) // 2
    assert drawn_letter(times[:half], points[:half], shapes[:half]) == ("", 0.0)
    letter, score = drawn_letter(times, points, shapes)
    assert letter == "Z" and 0.98 < score <= 1


@pytest.mark.parametrize("letter", ["I", "D"])
def test_held_hands_draw_nothing(letter):
    for seed in range(3):
        assert text_of(*moving(letter, seed, 0.5)) == letter


@pytest.mark.parametrize("word", ["ID", "IA", "IZ", "DI", "DO"])
def test_ways_to_another_letter_draw_nothing(word):
    """Even where the reader goes on seeing the first one until the middle of the way."""
    for seed in range(3):
        times, points, _ = moving(word, seed, 2)
        names = np.where(np.arange(len(times)) < 0.5 * len(times), word[0], OTHER)
        known = np.eye(len(SHAPES))[[SHAPES.index(name) for name in names]] * 0.8
        told = [
            drawn_letter(times[:end], points[:end], known[:end])[0]
            for end in range(10, len(times), 2)
        ]
        assert set(told) == {""}


@pytest.mark.parametrize(("letter", "drawn"), [("J", "Z"), ("Z", "J"), ("J", "A")])
def test_another_hand_draws_nothing(letter, drawn):
    """The path of J with the reader seeing a D, and so on."""
    times, points, _ = moving(letter, 1)
    _, _, shapes = moving(drawn, 1)
    shapes = np.resize(shapes, (len(times), len(SHAPES)))
    assert drawn_letter(times, points, shapes)[0] == ""


@pytest.mark.parametrize("path", ["across", "down", "back and forth", "circle"])
def test_other_paths_are_no_letter(path):
    share = np.linspace(0, 1, 30)[:, None]
    angle = 2 * np.pi * share
    way = {
        "across": np.hstack([share * 2, 0 * share]),
        "down": np.hstack([0 * share, share * 2]),
        "back and forth": np.hstack([np.sin(angle), 0 * share]),
        "circle": np.hstack([np.cos(angle), np.sin(angle)]),
    }[path]
    for shape, sign in (("I", "I"), ("D", "D")):
        hand = hand_points([sign], signers=[3])[0] * 100
        points = np.repeat(hand[None], 30, axis=0)
        points[..., :2] += (way * PALM)[:, None]
        known = np.zeros((30, len(SHAPES)))
        known[:, SHAPES.index(shape)] = 0.9
        assert drawn_letter(np.arange(30) / 30, points, known) == ("", 0.0)


def test_templates_are_paths_of_length_one():
    for letter in "JZ":
        known = motion.templates(letter)
        assert known.shape[1] == 2 * motion.POINTS
        np.testing.assert_allclose(np.linalg.norm(known, axis=1), 1)
    alike = motion.templates("J") @ motion.templates("Z").T
    assert alike.max() < motion.ALIKE


# The hand is followed from image to image


@pytest.fixture
def stand_ins(monkeypatch):
    """Google's networks and the reader stand in: a hand is where the image is red."""
    asked = SimpleNamespace(palms=0, squares=[], looks=0)

    def landmarks(image, square):
        asked.squares.append(square)
        there = np.argwhere(image[..., 0] > 200)
        if not len(there) or abs(there.mean(axis=0)[1] - square.x) > square.side / 2:
            return Landmarks(HAND, 0.1, 0.5)
        y, x = there.mean(axis=0)
        middle = HAND[[0, 5, 9, 13, 17]].mean(axis=0)
        points = HAND - middle + np.array([x, y, 0])
        return Landmarks(points.astype(np.float32), 0.9, 0.9)

    def palms(image, square, score):
        asked.palms += 1
        there = np.argwhere(image[..., 0] > 200)
        if not len(there):
            return []
        y, x = there.mean(axis=0).tolist()
        return [SimpleNamespace(region=lambda: Square(x, y, 100))]

    def again(image, points):
        asked.looks += 1
        return np.repeat(points[None], 3, axis=0)

    def network(file, joints, pixels):
        assert joints.shape == (1, 3, 21, 3) and pixels.shape == (1, 112, 112, 3)
        return [np.eye(len(SHAPES), dtype=np.float32)[:1]]

    monkeypatch.setattr(follow, "find_landmarks", landmarks)
    monkeypatch.setattr(follow, "find_palms", palms)
    monkeypatch.setattr(follow, "look_again", again)
    monkeypatch.setattr(follow.interpreter, "run", network)
    return asked


def red_at(x, size=(240, 320)):
    image = np.zeros((*size, 3), np.uint8)
    if x is not None:
        image[110:130, x - 10 : x + 10] = 255
    return image


READER = SimpleNamespace(file="reader")


def test_the_palm_is_looked_for_once(stand_ins):
    last = NOTHING
    for x in (100, 102, 104, 106):
        last = look(READER, red_at(x), last)
        assert last.hand.points[[0, 5, 9, 13, 17], 0].mean() == pytest.approx(x, abs=2)
        assert last.shapes.argmax() == 0
    assert stand_ins.palms == 1


def test_a_hand_that_is_elsewhere_is_found_again(stand_ins):
    first = look(READER, red_at(60))
    assert look(READER, red_at(260), first).hand is not None
    assert stand_ins.palms == 2
    assert look(READER, red_at(None), first) is NOTHING
    assert look(READER, red_at(None)) is NOTHING


def test_a_resting_hand_is_looked_at_three_times(stand_ins):
    first = look(READER, red_at(100))
    assert stand_ins.looks == 0
    look(READER, red_at(101), first)
    assert stand_ins.looks == 1
    look(READER, red_at(125), first)
    assert stand_ins.looks == 1


def test_squares_that_are_nearly_one_come_to_rest():
    first, other = Square(100, 100, 50, np.pi - 0.02), Square(102, 100, 51, -np.pi + 0.02)
    between = follow._calmed(first, other)
    assert 100 < between.x < 102 and 50 < between.side < 51
    assert np.cos(between.angle) < -0.999  # the short way round
    assert follow._calmed(first, Square(150, 100, 50, 0))[:3] == (150, 100, 50)


def test_large_images_are_looked_at_smaller(stand_ins):
    image = cv2.resize(red_at(100), (3840, 2160))
    seen = look(READER, image)
    assert max(follow.good_size(image).shape) == follow.LARGEST
    assert seen.hand.points[:, :2].max() < follow.LARGEST


# Films


@pytest.fixture
def colours(monkeypatch):
    """Films whose red says the shape, 8 for each; without blue there is no hand."""

    def seen(network, image, last):
        red, _, blue = image.reshape(-1, 3).mean(axis=0)
        return shown(SHAPES[round(red / 8)]) if blue > 100 else NOTHING

    monkeypatch.setattr(film, "look", seen)
    monkeypatch.setattr(film, "spelling_network", lambda: READER)


def coloured(text, seconds=0.6, rate=30, size=(48, 64)):
    for letter in text:
        image = np.zeros((*size, 3), np.uint8)
        if letter != " ":
            image[:] = (8 * SHAPES.index(letter), 90, 220)
        yield from [image] * round(seconds * rate * (2.5 if letter == " " else 1))


@pytest.mark.parametrize("suffix", [".avi", ".mp4", ".mjpeg"])
def test_a_film_becomes_text(suffix, colours, home, capsys):
    path = write_film(home / f"film{suffix}", coloured("HI YOU"))
    details = home / "letters.jsonl"
    assert main(["spell", "--details", str(details), str(path)]) == 0
    told = capsys.readouterr()
    assert told.out == "HI YOU\n" and told.err == ""
    rows = [json.loads(line) for line in details.read_text().splitlines()]
    assert [row["letter"] for row in rows] == list("HIYOU")
    times = np.array([row["time"] for row in rows])
    np.testing.assert_allclose(times, np.array([0, 0.6, 2.7, 3.3, 3.9]) + DWELL + 0.15, atol=0.15)
    assert all(row["confidence"] == pytest.approx(0.9, abs=0.06) for row in rows)


@pytest.mark.parametrize("rate", [5, 12, 60])
def test_seconds_count_and_not_images(rate, colours, home):
    path = write_film(home / "film.avi", coloured("HEY", seconds=1, rate=rate), rate)
    found = spell_film(path)
    assert found.text == "HEY" and not found.note
    assert found.seconds == pytest.approx(3, abs=0.3)
    assert found.images <= 3 * 31  # of 60 a second only every other one is looked at
    assert spell_film(path, dwell=1.5).text == ""


def test_a_film_of_four_thousand_pixels(colours, home):
    path = write_film(home / "film.mp4", coloured("A", rate=5, size=(2160, 3840)), 5)
    assert spell_film(path, dwell=0.1).text == "A"


@pytest.mark.parametrize(
    ("shown", "expected"),
    [("  ", "no hand was found in"), ("5", "no letter is held still long")],
)
def test_a_film_that_spells_nothing_says_why(shown, expected, colours, home, capsys):
    path = write_film(home / "film.avi", coloured(shown))
    assert main(["spell", str(path)]) == 0
    told = capsys.readouterr()
    assert told.out == "" and expected in told.err and told.err.count("\n") == 1


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("missing.mp4", None, "cannot read"),
        ("empty.mp4", b"", "is empty"),
        ("text.mp4", b"no film at all\n" * 99, "no film that can be read"),
        ("noise.avi", bytes(range(256)) * 40, "no film that can be read"),
        ("photo.jpg", b"\xff\xd8\xff" * 9, "is a picture, no film"),
        ("folder", ..., "is no file"),
        ("%02d.mp4", b"x" * 99, "no film that can be read"),
    ],
)
def test_what_is_no_film(name, content, expected, colours, home, capfd):
    if content is ...:
        (home / name).mkdir()
    elif content is not None:
        (home / name).write_bytes(content)
    details = home / "letters.jsonl"
    assert main(["spell", "--details", str(details), str(home / name)]) == 1
    told = capfd.readouterr()
    assert told.out == "" and told.err.startswith("asl: ") and expected in told.err
    assert told.err.count("\n") == 1 and not details.exists()


@pytest.mark.parametrize("share", [0.02, 0.5, 0.9])
@pytest.mark.parametrize("suffix", [".avi", ".mp4"])
def test_a_film_that_is_cut_short(suffix, share, colours, home, capfd):
    """What there is of it is read, and it is said; an .mp4 without its end cannot be."""
    data = write_film(home / f"whole{suffix}", coloured("HI YOU")).read_bytes()
    path = home / f"film{suffix}"
    path.write_bytes(data[: int(share * len(data))])
    assert main(["spell", str(path)]) == 1
    told = capfd.readouterr()
    assert (told.err.count("\n") == 1 and "cut short" in told.err) or "damaged" in told.err
    assert "HI YOU".startswith(told.out.strip())
    assert (told.out.strip() == "HI") or share != 0.5 or suffix == ".mp4"


@pytest.mark.parametrize("dwell", ["0", "-1", "nan", "inf", "11"])
def test_a_dwell_that_cannot_be(dwell, colours, home, capsys):
    path = write_film(home / "film.avi", coloured("A"))
    assert main(["spell", f"--dwell={dwell}", str(path)]) == 1
    assert "it must be 0.05 to 10 seconds" in capsys.readouterr().err


def test_details_overwrite_no_film(colours, home, capsys):
    path = write_film(home / "film.avi", coloured("A"))
    before = path.read_bytes()
    assert main(["spell", "--details", str(path), str(path)]) == 1
    assert capsys.readouterr().err.startswith("asl: ") and path.read_bytes() == before


def test_without_the_networks_it_says_so(home, monkeypatch):
    def missing(name):
        raise AslError("The networks that find hands are not here.")

    monkeypatch.setattr(film.networks, "network_file", missing)
    path = write_film(home / "film.avi", coloured("A"))
    with pytest.raises(AslError, match="are not here"):
        spell_film(path)


# All of it


@needs_archives
def test_a_rendered_hand_spells(home):
    """With Google's own networks, as a person calls it, without TensorFlow."""
    track = spell(["JZ"], signer=4, seed=7, per_second=1.2)
    images = rendered_films.film(track, draw_room("shelves", 2), seed=7)
    path = write_film(home / "film.avi", images)
    done = shell(
        *("-X", "importtime", "-m", "asl", "spell", path),
        home=home,
        module=None,
        ASL_ARCHIVES=ARCHIVES,
    )
    assert done.returncode == 0, done.stderr[-500:]
    assert done.stdout == "JZ\n"
    imported = {line.split("|")[-1].strip() for line in done.stderr.splitlines() if "|" in line}
    assert "asl.spelling.film" in imported and not {"tensorflow", "keras"} & imported
