"""The page in Chromium, whose camera plays films of rendered hands: what it writes, and how fast.

It needs Gradio, Playwright and Chromium, which `make test-browser` installs. The films are those of
part `spelling`, with an empty room before and after them.
"""

import itertools
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
from common import figure, text
from home import REPOSITORY
from spelling import (
    DWELLS,
    FIRST,
    IDLE_SECONDS,
    ROOMS,
    SIGNERS,
    SPEEDS,
    WORDS,
    errors_of,
    film_of,
)

from asl.data.rendered_films import FRAMES, draw_room, film, write_film
from asl.data.rendered_motion import RESTING, rest
from asl.spelling.steady import DWELL

sys.path.insert(0, str(REPOSITORY / "tests/browser"))
from driver import (
    MARKED_SERVER,
    MARKS,
    SLOWER,
    chromium_with,
    frames_shown,
    opened,
    slowly,
    start_camera,
    started,
    text_of,
    until,
)

BEFORE, AFTER = 6.0, 4.0  # seconds of the empty room before and after a film
WATCHED = 20  # seconds in which frames are counted


def page() -> dict:
    """Letter error rates through the page, what is added, milliseconds, frames a second."""
    with tempfile.TemporaryDirectory() as folder, started(Path(folder)) as (address, _):
        rows = _words(address, Path(folder)) | _nobody(address, Path(folder))
    with (
        tempfile.TemporaryDirectory() as folder,
        started(Path(folder), server=MARKED_SERVER) as (address, _),
    ):
        rows |= _speed(address, Path(folder))
    return rows


def _words(address: str, folder: Path) -> dict:
    rows = {}
    for speed, target in SPEEDS.items():
        texts: dict[float, list[str]] = {dwell: [] for dwell in DWELLS[speed]}
        for number in range(SIGNERS):
            room = draw_room(ROOMS[number % 3], FIRST + 100 * speed + number)
            path, seconds = _write(folder, film_of(number, speed), room)
            for dwell, found in texts.items():
                found.append(_read(address, path, seconds, dwell))
                print(speed, dwell, *WORDS[number::SIGNERS], "→", found[-1], flush=True)
            path.unlink()
        for dwell, found in texts.items():
            name = f"{len(WORDS)} words, {speed} letter{'s' if speed > 1 else ''} a second"
            name += f", dwell {dwell:g} s" if dwell != DWELL else ""
            rows |= errors_of(found, name, target)
    return rows


def _write(folder: Path, images: Iterable[np.ndarray], room: np.ndarray) -> tuple[Path, float]:
    """A film with the room before and after it, and how long it is without what is after it."""
    count = 0

    def whole() -> Iterator[np.ndarray]:
        nonlocal count
        for image in itertools.chain(itertools.repeat(room, round(BEFORE * FRAMES)), images):
            count += 1
            yield image
        yield from itertools.repeat(room, round(AFTER * FRAMES))

    path = write_film(folder / "film.mjpeg", slowly(whole()))
    return path, SLOWER * count / FRAMES


def _read(address: str, path: Path, seconds: float, dwell: float) -> str:
    """What the page writes of a film, played once."""
    with chromium_with(path) as chromium, opened(chromium, address) as page:
        if dwell != DWELL:
            page.locator("#dwell input[type=number]").fill(f"{dwell:g}")
            page.keyboard.press("Enter")
            page.wait_for_timeout(500)
        began = time.monotonic()
        start_camera(page)
        assert time.monotonic() - began < SLOWER * BEFORE, (
            "the camera started too late: a busy machine"
        )
        page.wait_for_timeout(1000 * (began + seconds + SLOWER * AFTER / 2 - time.monotonic()))
        return text_of(page)


def _nobody(address: str, folder: Path) -> dict:
    """Letters that are written in ten seconds in which nobody spells."""
    films = {"an empty room": ("wall", None), "shelves of books": ("shelves", None)}
    films |= {"a face-like blob": ("person", None)}
    films |= {f"a hand at rest ({kind})": ("person", kind) for kind in RESTING}
    rows = {}
    for name, (room, kind) in films.items():
        seconds = IDLE_SECONDS + AFTER
        track = rest(kind, signer=FIRST, seed=FIRST, seconds=seconds) if kind else None
        images = film(track, draw_room(room, FIRST), seed=FIRST, seconds=seconds)
        path = write_film(folder / "film.mjpeg", slowly(images))
        with chromium_with(path) as chromium, opened(chromium, address) as page:
            start_camera(page)
            until(page, lambda page=page: page.locator("svg.skeleton").count())
            page.wait_for_timeout(1000 * SLOWER * IDLE_SECONDS)
            rows[f"letters in ten seconds of {name}"] = text(
                text_of(page).strip() or "none", "none"
            )
    return rows


def _speed(address: str, folder: Path) -> dict:
    path = write_film(folder / "film.mjpeg", film_of(0, 1))
    with chromium_with(path) as chromium, opened(chromium, address, script=MARKS) as page:
        start_camera(page)
        until(page, lambda: page.locator("svg.skeleton polyline").count())
        a_second, delays = frames_shown(page, WATCHED)
    busy = f"{os.getloadavg()[0]:.1f} processes wanted to run in the mean of that minute"
    return {
        "from a frame to its letter, median": figure(
            statistics.median(delays), "ms", "at most 120"
        ),
        "frames a second through the page": figure(a_second, "frames/s", "at least 8"),
        "how busy the machine was": text(busy),
    }
