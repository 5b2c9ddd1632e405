"""Photographs as people take them, read with Google's networks and the project's own reader: turned
by the camera, small, large, at the edge, many hands, and what is no hand. An answer, or none with
its reason; where ASL_ARCHIVES names a folder with the networks.
"""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from conftest import ARCHIVES
from PIL import Image

from asl import files
from asl.__main__ import main
from asl.data.hand_poses import LETTERS, NOTHING
from asl.data.rendered_hands import draw_hand, draw_hands
from asl.landmarks import networks

ROOM = draw_hand(NOTHING, seed=3, size=320)
TEN = "ABCDFILVWY"
SKIN, PAPER, INK = (205, 150, 120), 245, 30
ORIENTATION = 0x112  # of Exif
# How a camera stores a picture so that Exif's orientation leads back to the upright one
STORED = {
    1: lambda picture: picture,
    2: lambda picture: picture[:, ::-1],
    3: lambda picture: picture[::-1, ::-1],
    4: lambda picture: picture[::-1],
    5: lambda picture: picture.transpose(1, 0, 2),
    6: lambda picture: np.rot90(picture, 1),
    7: lambda picture: picture[::-1, ::-1].transpose(1, 0, 2),
    8: lambda picture: np.rot90(picture, -1),
}


@pytest.fixture(autouse=True)
def real(home, monkeypatch):
    """Google's networks, and the reader that came with the project."""
    folders = [Path(folder) for folder in (ARCHIVES or "").split(":") if folder]
    for known in (networks.NETWORKS[networks.PALM], networks.NETWORKS[networks.LITE]):
        if not any((folder / known.name).is_file() for folder in folders):
            pytest.skip("no folder of ASL_ARCHIVES has the networks that find hands")
    monkeypatch.setenv("ASL_ARCHIVES", ARCHIVES)


def room(width=640, height=480):
    return cv2.resize(ROOM, (width, height), interpolation=cv2.INTER_LINEAR)


def cut(letter, size, seed=1):
    """A hand, and in a fourth channel what of it is hand."""
    return draw_hands([letter], signers=[4], seed=seed, size=size, cutout=True)[0]


def lay(picture, hand, x, y):
    """Lay a hand over a picture, x and y of its left upper corner; it may go beyond the edge."""
    side, (height, width) = len(hand), picture.shape[:2]
    left, top, right, bottom = max(x, 0), max(y, 0), min(x + side, width), min(y + side, height)
    part = hand[top - y : bottom - y, left - x : right - x].astype(np.float32)
    place = picture[top:bottom, left:right]
    place[:] = place + (part[..., :3] - place) * (part[..., 3:] / 255)
    return picture


def photo(letter="V", x=140, y=120):
    return lay(room(), cut(letter, 360), x, y)


def twelfth(letter, width, height):
    """A hand a twelfth of the picture's height high."""
    hand = cut(letter, 300)
    rows = np.flatnonzero((hand[..., 3] > 128).any(axis=1))
    side = round(height / 12 * 300 / np.ptp(rows))
    hand = cv2.resize(hand, (side, side), interpolation=cv2.INTER_AREA)
    return lay(room(width, height), hand, round(width * 0.6), height // 2)


def resized(letter, width, height):
    smooth = cv2.INTER_AREA if width < 640 else cv2.INTER_LINEAR
    return cv2.resize(photo(letter), (width, height), interpolation=smooth)


def long(width, height, x, y):
    return lay(room(width, height), cut("L", 500), x, y)


def glove(colour):
    hand = cut("B", 400)
    light = hand[..., :3].mean(axis=2, keepdims=True) / 160
    hand[..., :3] = np.clip(light * colour, 0, 255)
    return lay(room(), hand, 120, 80)


def foot():
    """The sole of a foot: heel, ball, and five toes."""
    picture = room()
    cv2.ellipse(picture, (320, 330), (75, 140), 0, 0, 360, SKIN, -1)
    toes = [(258, 205, 24), (300, 180, 19), (332, 178, 17), (360, 190, 15), (385, 212, 13)]
    for x, y, radius in toes:
        cv2.line(picture, (x, y), (x, y + 60), SKIN, 2 * radius)
    return cv2.GaussianBlur(picture, (0, 0), 2)


def drawing(letter):
    """The outlines of a hand, in ink on paper."""
    hand = cut(letter, 400)
    smooth = cv2.GaussianBlur(hand[..., 0], (0, 0), 1.5)
    lines = cv2.Canny(smooth, 30, 60) | cv2.Canny(hand[..., 3], 50, 100)
    picture = np.full((480, 640, 3), PAPER, np.uint8)
    picture[60:460, 100:500][cv2.dilate(lines, np.ones((3, 3), np.uint8)) > 0] = INK
    return picture


def ten():
    picture = room(1280, 720)
    for place, letter in enumerate(TEN):
        lay(picture, cut(letter, 250, seed=place), 5 + 255 * (place % 5), 40 + 340 * (place // 5))
    return picture


# What is photographed → the picture, and the letter that it must get; None: any, or none
PHOTOGRAPHS = {
    "64 pixels": (lambda: resized("L", 64, 48), "L"),
    "96 pixels": (lambda: resized("L", 96, 72), "L"),
    "240 pixels": (lambda: resized("V", 240, 180), "V"),
    "8,000 pixels": (lambda: resized("L", 8000, 6000), "L"),
    "8,000 wide": (lambda: long(8000, 600, 6800, 100), "L"),
    "8,000 high": (lambda: long(600, 8000, 50, 6800), "L"),
    "a twelfth of 960": (lambda: twelfth("V", 1280, 960), "V"),
    "a twelfth of 3,000": (lambda: twelfth("L", 4000, 3000), "L"),
    "near the left edge": (lambda: photo("V", -90, 120), "V"),
    "near the right edge": (lambda: photo("V", 370, 120), "V"),
    "near the lower edge": (lambda: photo("V", 140, 200), "V"),
    "half beyond the left edge": (lambda: photo("V", -180, 120), None),
    "half beyond the right edge": (lambda: photo("V", 460, 120), None),
    "half beyond the upper edge": (lambda: photo("V", 140, -160), None),
    "half beyond the lower edge": (lambda: photo("V", 140, 300), None),
    "upside down": (lambda: photo("V")[::-1, ::-1], None),
    "mirrored": (lambda: photo("L")[:, ::-1], "L"),
    "a black glove": (lambda: glove((25, 25, 25)), None),
    "a blue glove": (lambda: glove((30, 60, 180)), None),
    "a white glove": (lambda: glove((250, 250, 250)), None),
    "a foot": (foot, None),
    "a drawing of V": (lambda: drawing("V"), None),
    "a drawing of B": (lambda: drawing("B"), None),
    "one of ten": (ten, None),
    "a room": (room, ""),
    "one pixel": (lambda: room(1, 1), ""),
    "a line": (lambda: room(64, 1), ""),
    "a strip": (lambda: room(33, 8000), ""),
}


def details(path, home, capsys, *options):
    """What `predict` says of a picture, a row for each hand, without any error."""
    output = home / "details.jsonl"
    assert main(["predict", "--details", str(output), *options, str(path)]) == 0
    assert "Traceback" not in capsys.readouterr().err
    return [json.loads(line) for line in output.read_text().splitlines()]


@pytest.mark.parametrize("name", PHOTOGRAPHS)
def test_a_photograph_gets_a_letter_or_a_reason(name, home, capsys):
    draw, letter = PHOTOGRAPHS[name]
    picture = np.ascontiguousarray(draw())
    file = home / f"photo.{'png' if picture.size < 4e6 else 'jpg'}"
    cv2.imwrite(str(file), picture[..., ::-1])
    (told,) = details(file, home, capsys)
    if letter is not None:
        assert told["predicted"] == letter
    if told["predicted"]:
        assert told["predicted"] in LETTERS and told["note"] == "" and told["confidence"] > 0
        left, top, right, bottom = told["box"]
        assert left < right and top < bottom
    else:
        assert told["confidence"] == 0
        hand = "the hand signs no letter" if "box" in told else "no hand was found"
        assert told["note"] == hand


def test_each_orientation_of_a_camera_is_read_alike(home, capsys):
    upright = photo("V")
    for orientation, store in STORED.items():
        exif = Image.Exif()
        exif[ORIENTATION] = orientation
        stored = Image.fromarray(np.ascontiguousarray(store(upright)))
        stored.save(files.HOME / f"{orientation}.jpg", exif=exif, quality=92)
    told = [details(home / f"{each}.jpg", home, capsys)[0] for each in STORED]
    for row in told:
        assert (row["width"], row["height"], row["predicted"]) == (640, 480, "V")
        np.testing.assert_allclose(row["points"], told[0]["points"], atol=4)


def test_ten_hands_are_all_read_where_all_are_asked_for(home, capsys):
    cv2.imwrite(str(home / "ten.png"), ten()[..., ::-1])
    told = details(home / "ten.png", home, capsys, "--all")
    signed = [TEN[int(row["box"][0] // 256) + 5 * int(row["box"][1] // 380)] for row in told]
    assert sorted(signed) == sorted(TEN)  # each of them once
    assert sum(row["predicted"] == sign for row, sign in zip(told, signed, strict=True)) >= 8
