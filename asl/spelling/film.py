"""A film of a hand that spells, read from its file."""

from __future__ import annotations

import json
import math
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from tqdm import tqdm

from asl import files
from asl.data.images import SUFFIXES
from asl.errors import AslError, printable
from asl.landmarks import networks
from asl.landmarks.interpreter import quiet
from asl.reader.read import Network, find_network
from asl.spelling.follow import NOTHING, look
from asl.spelling.steady import DWELL, Letter, State, advance

USUAL = 30.0  # images a second of a film that does not say, as Chromium takes it
RAW = {".mjpeg", ".mjpg"}  # one JPEG after the other: FFmpeg would make up times
MOST = 31.0  # images a second that are looked at; more would show no more letters
SHORTEST, LONGEST = 0.05, 10.0  # seconds of a dwell
CUT = 0.97  # a film of which less can be read than this share of its images is cut short


class Spelled(NamedTuple):
    """What a film spells."""

    text: str
    letters: tuple[Letter, ...]
    images: int  # that were looked at
    with_hand: int
    seconds: float
    is_cut_short: bool

    @property
    def note(self) -> str:
        """What there is to say about it, or ""."""
        if self.is_cut_short:
            return f"the film is cut short or damaged: {self.seconds:.1f} s of it could be read."
        if not self.with_hand:
            return f"no hand was found in {self.seconds:.1f} s of film, so nothing is spelled."
        if not self.text:
            share = self.with_hand / self.images
            return (
                f"a hand is in {100 * share:.0f} % of the images, but no letter is held still long "
                "and clearly enough: --dwell sets how long, in seconds."
            )
        return ""


def spelling_network() -> Network:
    """The reader, with the networks that find hands; AslError where one of them is missing."""
    for network in (networks.PALM, networks.LITE):
        networks.network_file(network)
    return find_network()


def spell_film(path: str | Path, dwell: float = DWELL, network: Network | None = None) -> Spelled:
    """What the hand in a film spells: letters that are held still for `dwell` seconds, J and Z.

    AslError for what is no film, and for a dwell of no such length.
    """
    if not (math.isfinite(dwell) and SHORTEST <= dwell <= LONGEST):
        raise AslError(f"dwell is {dwell:g}; it must be {SHORTEST:g} to {LONGEST:g} seconds.")
    film = _open(Path(path))
    network = network or spelling_network()
    expected = film.get(cv2.CAP_PROP_FRAME_COUNT) if Path(path).suffix not in RAW else 0
    state, last, time, read, images, with_hand = State(), NOTHING, 0.0, 0, 0, 0
    bar = {"desc": "reading the film", "unit": " s", "delay": 1, "leave": False}
    with tqdm(bar_format="{desc}: {n:.0f} s", **bar) as shown:
        for number, time, image in _images(film, Path(path).suffix in RAW):
            read = number
            if image is None:
                continue
            last = look(network, image, last)
            state = advance(state, time, last, dwell)
            images, with_hand = images + 1, with_hand + (last.hand is not None)
            shown.update(time - shown.n)
    if not read:
        raise AslError(f"{printable(path)} holds no images that can be read: it is damaged.")
    cut = read < CUT * expected - 1
    return Spelled(state.text.strip(), state.letters, images, with_hand, time, cut)


def _open(path: Path) -> cv2.VideoCapture:
    name = printable(path)
    try:
        found = path.stat()
    except OSError as error:
        raise AslError(f"cannot read {name}: {error.strerror}.") from error
    if not stat.S_ISREG(found.st_mode):
        raise AslError(f"{name} is no file; give a film, such as a .mp4, .avi or .webm file.")
    if not found.st_size:
        raise AslError(f"{name} is empty.")
    if path.suffix.lower() in SUFFIXES:
        raise AslError(f"{name} is a picture, no film: python -m asl predict reads pictures.")
    with quiet():  # FFmpeg remarks there what we say
        film = cv2.VideoCapture(str(path.resolve()), cv2.CAP_FFMPEG)
    if not film.isOpened():
        raise AslError(
            f"{name} is no film that can be read, or is cut short. Save it anew, as .mp4 or .avi."
        )
    return film


def _images(film: cv2.VideoCapture, is_raw: bool) -> Iterator[tuple[int, float, np.ndarray | None]]:
    """Number, time in seconds, and RGB of each image; None for one that comes too soon."""
    rate = film.get(cv2.CAP_PROP_FPS)
    rate = rate if not is_raw and math.isfinite(rate) and 1 <= rate <= 1000 else USUAL
    number, time, shown = 0, 0.0, -math.inf
    while True:
        with quiet():
            if not film.grab():
                break
        told = film.get(cv2.CAP_PROP_POS_MSEC) / 1000
        if is_raw or not number or not time < told < time + 10:
            told = number / rate if is_raw or not number else time + 1 / rate
        number, time = number + 1, told
        if time - shown < 1 / MOST:
            yield number, time, None
            continue
        with quiet():
            is_whole, image = film.retrieve()
        if is_whole and image is not None:
            shown = time
            yield number, time, np.ascontiguousarray(image[..., ::-1])
    film.release()


def write_details(spelled: Spelled, path: str | Path) -> Path:
    """Write a line of JSON for each letter: letter, seconds since the film began, confidence. Gives
    the path.
    """
    path = Path(path)
    with files.write_beside(path) as temporary, temporary.open("w", encoding="utf-8") as out:
        for each in spelled.letters:
            told = {
                "letter": each.letter,
                "time": round(float(each.time), 3),
                "confidence": round(float(each.confidence), 4),
            }
            print(json.dumps(told), file=out)
    return path
