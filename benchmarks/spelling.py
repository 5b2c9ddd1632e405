"""Spelling: films of rendered hands, from their images to text.

The limits of asl.spelling were chosen with other words, signers and rooms, but for one change of
the tracking, before which five of these films had been seen.
"""

import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import NamedTuple

import numpy as np
from common import figure, text

from asl import files
from asl.data import rendered_films
from asl.data.rendered_films import draw_room, film, write_film
from asl.data.rendered_motion import RESTING, rest, spell
from asl.rounding import percent
from asl.spelling.film import spell_film, spelling_network
from asl.spelling.follow import NOTHING, look
from asl.spelling.steady import DWELL, State, advance

_WORDS = (
    "APPLE BREAD CHEESE DOCTOR ENGINE FLOWER GUITAR HOTEL ISLAND JUNGLE KITCHEN LEMON MIRROR "
    "NIGHT OCEAN PENCIL QUICKLY RIVER SUGAR TIGER UNCLE VALLEY WINDOW FOX ZOO LAZY BANJO "
    "ENJOY SIX WAX MOTHER HAND CHAIR PAPER SKY VIOLIN EQUAL DANCE MAZE BUDGET "
)
WORDS = _WORDS.split()
SIGNERS, FIRST = 10, 950_000  # signers of these films alone
ROOMS = ("wall", "shelves", "person")
SPEEDS = {1: "at most 10 %, aim 5 %", 2: "at most 20 %"}  # letters a second
DWELLS = {1: (DWELL,), 2: (DWELL, 0.15)}  # the second for who spells so fast
MOVING, STILL = 12, 4  # films of J, and of Z; of I, and of D, held for STILL_SECONDS
STILL_SECONDS, IDLE_SECONDS = 5.0, 10.0
SLOW = 15  # images a second where nothing moves


class Errors(NamedTuple):
    """How one text becomes another by single letters."""

    missed: list[str]
    added: list[str]
    taken: list[tuple[str, str]]  # (spelled, read)

    @property
    def count(self) -> int:
        return len(self.missed) + len(self.added) + len(self.taken)


def edits(spelled: str, read: str) -> Errors:
    """The fewest letters that are missed, added, or taken for another (edit distance)."""
    rows = np.arange(len(spelled) + 1)[:, None] + np.arange(len(read) + 1)[None]
    for i, letter in enumerate(spelled, 1):
        for j, other in enumerate(read, 1):
            ways = (rows[i - 1, j] + 1, rows[i, j - 1] + 1, rows[i - 1, j - 1] + (letter != other))
            rows[i, j] = min(ways)
    found, i, j = Errors([], [], []), len(spelled), len(read)
    while i or j:
        if i and j and rows[i, j] == rows[i - 1, j - 1] + (spelled[i - 1] != read[j - 1]):
            i, j = i - 1, j - 1
            if spelled[i] != read[j]:
                found.taken.append((spelled[i], read[j]))
        elif i and rows[i, j] == rows[i - 1, j] + 1:
            i -= 1
            found.missed.append(spelled[i])
        else:
            j -= 1
            found.added.append(read[j])
    return found


def spelling() -> dict:
    """Letter error rates, letters that are added, J and Z, images a second."""
    network = spelling_network()
    read = partial(_read, network)
    rows = {}
    for speed, target in SPEEDS.items():
        rows |= _words(read, speed, target)
    rows |= _nobody(read) | _moving(read) | _speed(network)
    return rows


def _read(
    network,
    images: Iterable[np.ndarray],
    rate: float = rendered_films.FRAMES,
    dwells: Sequence[float] = (DWELL,),
) -> list[str]:
    """The text at each dwell."""
    states, last = [State()] * len(dwells), NOTHING
    for number, image in enumerate(images):
        last = look(network, image, last)
        states = [
            advance(state, number / rate, last, dwell)
            for state, dwell in zip(states, dwells, strict=True)
        ]
    return [state.text for state in states]


def _each(work, items: Sequence) -> list:
    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(work, items))


def _words(read, speed: int, target: str) -> dict:
    """40 words, four a signer; every third signer is left-handed."""

    def one(number: int) -> str:
        found = read(film_of(number, speed), dwells=DWELLS[speed])
        print(speed, *WORDS[number::SIGNERS], "→", *found, flush=True)
        return found

    texts = zip(*_each(one, range(SIGNERS)), strict=True)
    rows = {}
    for dwell, read_so in zip(DWELLS[speed], texts, strict=True):
        name = f"{len(WORDS)} words, {speed} letter{'s' if speed > 1 else ''} a second"
        name += f", dwell {dwell:g} s" if dwell != DWELL else ""
        rows |= errors_of(read_so, name, target)
    return rows


def errors_of(texts: Sequence[str], name: str, target: str) -> dict:
    told = [
        edits("".join(WORDS[number::SIGNERS]), found.replace(" ", ""))
        for number, found in enumerate(texts)
    ]
    letters = len("".join(WORDS))
    errors = sum(each.count for each in told)
    whole = sum(word in texts[number % SIGNERS].split() for number, word in enumerate(WORDS))
    missed, added = (Counter(letter for each in told for letter in each[k]) for k in (0, 1))
    taken = Counter(f"{a} for {b}" for each in told for b, a in each.taken)
    return {
        f"{name}: letter error rate": text(
            f"{errors}/{letters} = {percent(errors / letters, 1)}", target
        ),
        f"{name}: whole words": text(f"{whole}/{len(WORDS)}"),
        f"{name}: letters missed": text(_counts(missed)),
        f"{name}: letters taken for others": text(_counts(taken)),
        f"{name}: letters added": text(_counts(added)),
    }


def _counts(found: Counter) -> str:
    told = [f"{name} {count}" if count > 1 else name for name, count in found.most_common()]
    return ", ".join(told) or "none"


def film_of(number: int, speed: int) -> Iterator[np.ndarray]:
    seed = FIRST + 100 * speed + number
    track = spell(WORDS[number::SIGNERS], signer=FIRST + number, seed=seed, per_second=speed)
    return film(track, draw_room(ROOMS[number % 3], seed), seed=seed, left=number % 3 == 2)


def _nobody(read) -> dict:
    """Letters that are written in ten seconds in which nobody spells."""
    idle = {"frames": SLOW, "seconds": IDLE_SECONDS}

    def empty(kind: str, seed: int) -> str:
        return read(film(None, draw_room(kind, seed), seed=seed, **idle), SLOW)[0]

    def resting(kind: str, seed: int) -> str:
        track = rest(kind, signer=seed, seed=seed, seconds=IDLE_SECONDS)
        images = film(track, draw_room(ROOMS[seed % 3], seed), seed=seed, frames=SLOW)
        return read(images, SLOW)[0]

    rows = {}
    names = {"wall": "an empty room", "shelves": "shelves of books", "person": "a face-like blob"}
    for kind, name in names.items():
        found = _each(partial(empty, kind), range(FIRST, FIRST + 3))
        rows[f"letters in ten seconds of {name}, three films"] = text(_added(found), "none")
    for kind in RESTING:
        found = _each(partial(resting, kind), range(FIRST, FIRST + 3))
        name = f"letters in ten seconds of a hand at rest ({kind}), three films"
        rows[name] = text(_added(found), "none")
    return rows


def _added(texts: list[str]) -> str:
    return ", ".join(each.strip() for each in texts if each.strip()) or "none"


def _moving(read) -> dict:
    """J and Z drawn in the air, and I and D held still."""

    def drawn(letter: str, number: int) -> str:
        seed = FIRST + 1000 + number
        track = spell([letter], signer=seed, seed=seed, per_second=1 + number % 2)
        room = draw_room(ROOMS[number % 3], seed)
        return read(film(track, room, seed=seed, left=number % 3 == 1))[0].strip()

    def held(letter: str, number: int) -> str:
        seed = FIRST + 2000 + number
        track = spell([letter], signer=seed, seed=seed, per_second=1 / STILL_SECONDS)
        room = draw_room(ROOMS[number % 3], seed)
        return read(film(track, room, seed=seed, frames=SLOW, left=number % 3 == 1), SLOW)[
            0
        ].strip()

    rows = {}
    for letter in "JZ":
        found = _each(partial(drawn, letter), range(MOVING))
        right = sum(each == letter for each in found)
        others = Counter(each or "nothing" for each in found if each != letter)
        told = f"{right}/{MOVING}" + (f" (else {_counts(others)})" if others else "")
        rows[f"{letter} drawn in the air: read as {letter} alone"] = text(told)
    for letter, moving in (("I", "J"), ("D", "Z")):
        found = _each(partial(held, letter), range(STILL))
        wrong = sum(moving in each for each in found)
        rows[f"{letter} held {STILL_SECONDS:g} s: a {moving} is read"] = text(
            f"{wrong}/{STILL}", "none"
        )
    return rows


def _speed(network) -> dict:
    """Images a second of `spell`, the film's file to its text."""
    path = write_film(files.HOME / "films/speed.avi", film_of(0, 1))
    spell_film(path, network=network)  # what is slow the first time
    began, worked = time.perf_counter(), time.process_time()
    found = spell_film(path, network=network)
    took, worked = time.perf_counter() - began, time.process_time() - worked
    return {
        "a film of 640×480, file to text": figure(found.images / took, "images/s", "at least 25"),
        "the same, by the time of one processor": figure(found.images / worked, "images/s"),
    }
