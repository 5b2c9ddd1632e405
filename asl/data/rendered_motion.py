"""Rendered hands that move: what a hand does that spells words, or that rests.

A `Track` says at each of its moments how a hand is held and where it is; in between it goes
smoothly from one to the next. `spell` makes the track of words and `rest` that of a hand that signs
nothing; rendered_films draws them. J is the hand of I, whose little finger draws the letter; Z is
an index finger that does. A track is that of a right hand; a left one is its mirror image.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import cv2
import numpy as np

from asl.data.rendered_hands import Pose, pose_points, poses

AWAY = 48.0  # centimetres below its place a hand is out of the picture
MOVING = {"J": ("I",), "Z": ("1", "D")}  # letters that are drawn in the air, and the hands that do


class Held(NamedTuple):
    """A letter of a track: when the hand is held so or, for J and Z, draws it."""

    letter: str
    start: float  # seconds
    end: float


class Track(NamedTuple):
    """What one hand does."""

    times: np.ndarray  # float (k,), seconds
    rows: np.ndarray  # int (k,), which row of `pose` it is held in
    places: np.ndarray  # float (k, 2): centimetres from its usual place, to the right and up
    gently: np.ndarray  # bool (k,): whether it sets off slowly on its way there, and arrives so
    pose: Pose
    letters: tuple[Held, ...]
    signer: int

    @property
    def seconds(self) -> float:
        """How long it takes."""
        return float(self.times[-1])

    def at(self, times: np.ndarray) -> tuple[Pose, np.ndarray]:
        """How the hand is held at these moments, and where it is: n rows, and (n, 2)."""
        before = np.clip(np.searchsorted(self.times, times, "right") - 1, 0, len(self.times) - 2)
        length = np.maximum(self.times[before + 1] - self.times[before], 1e-6)
        share = np.clip((times - self.times[before]) / length, 0, 1)
        share = np.where(self.gently[before + 1], share * share * (3 - 2 * share), share)
        first, last = self.rows[before], self.rows[before + 1]
        places = self.places[before]
        places = places + share[:, None] * (self.places[before + 1] - places)
        return between(self.pose, first, last, share), places


def between(pose: Pose, first: np.ndarray, last: np.ndarray, share: np.ndarray) -> Pose:
    """Hands on their way from rows `first` to rows `last`, each the shorter way round."""
    thumb, fingers, wrist = (
        values[first] + _like(share, values) * (values[last] - values[first])
        for values in (pose.thumb, pose.fingers, pose.wrist)
    )
    turns = []
    for one, other, part in zip(pose.turn[first], pose.turn[last], share, strict=True):
        axis, _ = cv2.Rodrigues(one.T @ other)
        turns.append(one @ cv2.Rodrigues(axis * part)[0])
    return Pose(thumb, fingers, wrist, np.array(turns))


def _like(share: np.ndarray, values: np.ndarray) -> np.ndarray:
    return share.reshape(-1, *[1] * (values.ndim - 1))


class _Writer:
    """Collects the moments of a track."""

    def __init__(self, signer: int, random: np.random.Generator) -> None:
        self.signer, self.random = signer, random
        self.moments: list[tuple[float, int, float, float, bool]] = []
        self.parts: list[Pose] = []
        self.letters: list[Held] = []
        self.now, self.place = 0.0, np.zeros(2)

    def hold(self, sign: str) -> int:
        """A row in which the hand holds a sign, a little different each time."""
        seed = int(self.random.integers(1 << 30))
        return self.row(poses([sign], signers=[self.signer], seed=seed))

    def row(self, pose: Pose) -> int:
        self.parts.append(pose)
        return len(self.parts) - 1

    def turned(self, row: int, yaw: float, roll: float) -> int:
        """The same hand, turned further about the vertical, then in the picture; in degrees."""
        y, r = np.radians([yaw, roll])
        about = np.array([[np.cos(y), 0, np.sin(y)], [0, 1, 0], [-np.sin(y), 0, np.cos(y)]])
        tilt = np.array([[np.cos(r), -np.sin(r), 0], [np.sin(r), np.cos(r), 0], [0, 0, 1]])
        pose = self.parts[row]
        return self.row(pose._replace(turn=tilt @ about @ pose.turn))

    def go(
        self, seconds: float, row: int, place: Sequence[float] | np.ndarray, gently: bool = True
    ) -> None:
        """Be there so many seconds later."""
        self.now, self.place = float(self.now + seconds), np.array(place, float)
        x, y = self.place.tolist()
        self.moments.append((self.now, row, x, y, gently))

    def track(self) -> Track:
        times, rows, x, y, gently = (np.array(column) for column in zip(*self.moments, strict=True))
        pose = Pose(*(np.concatenate(parts) for parts in zip(*self.parts, strict=True)))
        places = np.stack([x, y], 1)
        return Track(times, rows, places, gently, pose, tuple(self.letters), self.signer)


def spell(words: Sequence[str], *, signer: int, seed: int = 0, per_second: float = 1.0) -> Track:
    """Words of A–Z, so many letters a second, the hand out of the picture before, between and
    after them. A double letter is moved aside or opened in between; J and Z take half a second at
    least. ValueError for anything but capital letters.
    """
    random = np.random.default_rng([seed, signer])
    writer = _Writer(signer, random)
    for word in words:
        if not word or any(not "A" <= letter <= "Z" for letter in word):
            raise ValueError(f"{word!r} is no word of the letters A to Z")
        _write_word(writer, word, 1 / per_second)
    return writer.track()


def _write_word(writer: _Writer, word: str, period: float) -> None:
    random, way = writer.random, float(np.clip(0.35 * period, 0.12, 0.35))
    signs = [str(random.choice(MOVING.get(letter, (letter,)))) for letter in word]
    row = writer.hold(signs[0])
    writer.go(0.0 if not writer.moments else 0.05, row, [random.uniform(-3, 3), -AWAY])
    writer.go(random.uniform(1.1, 1.5), row, writer.place)
    writer.go(0.45, row, random.uniform(-2, 2, 2))
    for number, (letter, sign) in enumerate(zip(word, signs, strict=True)):
        if number:
            last, row = row, writer.hold(sign)
            if letter == word[number - 1]:
                row = _write_release(writer, last, way)
            else:
                writer.go(way, row, 0.5 * writer.place + random.uniform(-1, 1, 2))
        start = writer.now
        if letter in MOVING:
            _write_motion(writer, letter, row, max(0.5, 0.6 * period))
        writer.letters.append(Held(letter, start, writer.now))
        if letter not in MOVING:
            writer.go(period - way, row, writer.place + random.uniform(-0.2, 0.2, 2))
            writer.letters[-1] = Held(letter, start, writer.now)
        row = writer.moments[-1][1]
    writer.go(0.45, row, [writer.place[0], -AWAY])


def _write_release(writer: _Writer, row: int, way: float) -> int:
    """Between two letters that are the same: aside, or open and closed again."""
    random = writer.random
    if random.random() < 0.5:
        aside = random.uniform(4, 6) * random.choice([-1, 1])
        aside = aside if abs(writer.place[0] + aside) < 8 else -aside
        writer.go(max(way, 0.2), row, writer.place + np.array([aside, 0.1 * aside]))
        return row
    pose, opened = writer.parts[row], poses(["5"], signers=[writer.signer])
    both = Pose(*(np.concatenate(parts) for parts in zip(pose, opened, strict=True)))
    share = np.array([random.uniform(0.6, 0.8)])
    half = between(both, np.array([0]), np.array([1]), share)._replace(turn=pose.turn)
    writer.go(max(way, 0.2) / 2 + 0.05, writer.row(half), writer.place + np.array([0, 0.5]))
    writer.go(max(way, 0.2) / 2 + 0.05, row, writer.place - np.array([0, 0.5]))
    return row


def _write_motion(writer: _Writer, letter: str, row: int, seconds: float) -> None:
    """Draw J or Z in the air with the whole hand, from where it is; a short rest at both ends."""
    random, start = writer.random, writer.place.copy()
    writer.go(random.uniform(0.08, 0.16), row, start)
    size = random.uniform(0.8, 1.25)
    slant = np.radians(random.uniform(-12, 12))
    lean = np.array([[np.cos(slant), -np.sin(slant)], [np.sin(slant), np.cos(slant)]])
    if letter == "Z":
        width, height = size * random.uniform(5, 7), size * random.uniform(5, 7.5)
        corners = np.array([[-width, 0], [0, -height], [-width, -height]]) @ lean.T
        lengths = np.hypot(*np.diff(np.vstack([[0, 0], corners]), axis=0).T)
        for corner, length in zip(corners, lengths, strict=True):
            writer.go(seconds * length / lengths.sum(), row, start + corner)
    else:
        _write_j(writer, row, (seconds, size), lean)
    writer.go(random.uniform(0.08, 0.16), writer.moments[-1][1], writer.place)


def _write_j(writer: _Writer, row: int, how: tuple[float, float], lean: np.ndarray) -> None:
    """Down, then a hook to the thumb's side, while the forearm turns the palm to it."""
    random, start, (seconds, size) = writer.random, writer.place.copy(), how
    down, aside, up = size * random.uniform(5, 8), size * random.uniform(2, 4), random.uniform(1, 3)
    yaw, roll = random.uniform(15, 60), -random.uniform(5, 30)
    steps = 10
    for step in range(1, steps + 1):
        part = (1 - np.cos(np.pi * step / steps)) / 2  # gently at both ends
        hook = np.clip((part - 0.5) / 0.5, 0, 1) * np.pi * 0.75
        x = aside / 2 * (1 - np.cos(hook))
        y = (
            -down * min(part / 0.5, 1)
            - (down / 4) * np.sin(hook)
            + up * (hook > np.pi / 2) * (1 - np.sin(hook))
        )
        place = start + lean @ np.array([x, y])
        twisted = writer.turned(row, yaw * part**2, roll * part**2)
        writer.go(seconds / steps, twisted, place, gently=False)


RESTING = {  # how a resting hand is turned: yaw, roll in degrees, from and to
    "hanging": ((40, 80), (170, 190)),  # the arm comes from above
    "lying": ((150, 210), (70, 110)),  # before the body, its back to the viewer
    "raised": ((-30, 30), (-20, 20)),  # loosely open
}


def rest(kind: str, *, signer: int, seed: int = 0, seconds: float = 10.0) -> Track:
    """A hand that signs nothing, held in one of the ways of RESTING; it sways a little."""
    random = np.random.default_rng([seed, signer, 1])
    writer = _Writer(signer, random)
    opened, closed = (poses([sign], signers=[signer], seed=seed) for sign in ("5", "S"))
    both = Pose(*(np.concatenate(parts) for parts in zip(opened, closed, strict=True)))
    share = np.array([random.uniform(0.25, 0.4)])
    half = between(both, np.array([0]), np.array([1]), share)._replace(turn=opened.turn)
    yaw, roll = (random.uniform(*limits) for limits in RESTING[kind])
    row = writer.turned(writer.row(half), yaw, roll)
    writer.go(0.0, row, [0, 0])
    while writer.now < seconds:
        writer.go(random.uniform(0.8, 2), row, random.uniform(-1.5, 1.5, 2))
    return writer.track()


def track_points(track: Track, times: np.ndarray) -> np.ndarray:
    """The 21 points of the hand at these moments, straight from its bones, in centimetres: float32
    (n, 21, 3), x to the right, y down.
    """
    pose, places = track.at(times)
    points = pose_points(pose, signer=track.signer, reach=1.0)
    points[..., :2] += (places * [1, -1])[:, None]
    return points
