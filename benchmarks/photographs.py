"""Photographs read by the reader: from a cold start, by the folder, and the memory that it takes.

The pictures are rendered hands in rendered rooms, so that no data set is needed.
"""

import shutil
import statistics
from pathlib import Path

import cv2
import numpy as np
from common import REPEATS, figure, fresh_process, text
from home import BENCHMARKS

from asl import files
from asl.data import hand_poses
from asl.data.rendered_hands import draw_hand, draw_hands
from asl.rounding import percent

PICTURES, MANY = 240, 2000
HEIGHT, WIDTH = 480, 640
ROOMS, EMPTY = 12, 60  # drawn; pictures of them without a hand


def photographs() -> dict:
    """Seconds to the letter of one photograph, pictures a second of a folder, peak memory."""
    folder = draw_photographs(files.HOME / "photographs" / str(PICTURES))
    first = min(folder.iterdir())
    _read(first)  # what the disk was slow to give is in the memory now
    one = statistics.median(_read(first)["seconds"] for _ in range(REPEATS))
    several = [_read(folder) for _ in range(3)]
    took = statistics.median(each["seconds"] for each in several)
    peak = max(each["megabytes"] for each in several)
    more = _read(copy_photographs(folder, files.HOME / "photographs" / str(MANY)))
    hands = several[0]["hands"]
    nobody = _read(draw_empty(files.HOME / "photographs/empty"))["seconds"]
    return {
        "one photograph, from a cold start": figure(one, "s", "at most 1.5"),
        f"{PICTURES} photographs, with the start": figure(
            PICTURES / took, "pictures/s", "at least 40"
        ),
        f"{PICTURES} photographs, without the start": figure(
            (PICTURES - 1) / (took - one), "pictures/s", "at least 40"
        ),
        f"{PICTURES} photographs: a hand found": text(
            f"{hands}/{PICTURES} = {percent(hands / PICTURES, 1)}"
        ),
        f"{EMPTY} empty rooms, where a hand is looked for everywhere, without the start": figure(
            (EMPTY - 1) / (nobody - one), "pictures/s"
        ),
        f"{PICTURES} photographs, peak memory": figure(peak, "MB", "at most 500"),
        f"{MANY:,} photographs, peak memory": figure(more["megabytes"], "MB", "at most 500"),
    }


def _read(path: Path) -> dict:
    """Read one or many in a process of its own: seconds, hands, and megabytes at its peak."""
    return fresh_process(str(BENCHMARKS / "predict_alone.py"), str(path))


def draw_photographs(folder: Path) -> Path:
    """JPEGs of hands in rooms, each hand half of the picture's height to all of it."""
    random = np.random.default_rng(0)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    rooms = _rooms()
    signs = [hand_poses.LETTERS[number % 24] for number in range(PICTURES)]
    hands = draw_hands(signs, signers=np.arange(PICTURES) % 40, size=HEIGHT // 2, cutout=True)
    for number, hand in enumerate(hands):
        picture = rooms[number % ROOMS].astype(np.float32)
        side = int(random.integers(HEIGHT // 2, HEIGHT + 1))
        hand = cv2.resize(hand, (side, side), interpolation=cv2.INTER_CUBIC).astype(np.float32)
        left = random.integers(0, WIDTH - side + 1)
        place = picture[HEIGHT - side :, left : left + side]  # the arm comes in from below
        place += (hand[..., :3] - place) * hand[..., 3:] / 255
        cv2.imwrite(str(folder / f"{number:04d}.jpg"), picture.astype(np.uint8)[..., ::-1])
    return folder


def draw_empty(folder: Path) -> Path:
    """JPEGs of the rooms alone."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    rooms = _rooms()
    for number in range(EMPTY):
        picture = rooms[number % ROOMS]
        cv2.imwrite(str(folder / f"{number:04d}.jpg"), picture[..., ::-1])
    return folder


def _rooms() -> list[np.ndarray]:
    sides = [draw_hand(hand_poses.NOTHING, seed=seed, size=WIDTH) for seed in range(ROOMS)]
    return [each[:HEIGHT] for each in sides]


def copy_photographs(source: Path, folder: Path) -> Path:
    """Each of them so often that there are many."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    there = sorted(source.iterdir())
    for number in range(MANY):
        shutil.copyfile(there[number % len(there)], folder / f"{number:04d}.jpg")
    return folder
