"""Films of rendered hands that spell, before rooms, as a camera sees them: `film` draws a track
image by image, `write_film` makes a file of it.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import cv2
import numpy as np

from asl import files
from asl.data import hand_poses
from asl.data.rendered_hands import Pose, draw_hand, draw_poses
from asl.data.rendered_motion import Track
from asl.data.rendered_rooms import draw_shelves

HEIGHT, WIDTH = 480, 640  # pixels of a film
FRAMES = 30  # a second; Chromium takes a film of JPEGs for one of as many
SIZE, REACH = 208, 26.0  # a hand is drawn at so many pixels a side, which span so many centimetres
QUALITY = 90  # of JPEG


def draw_room(kind: str, seed: int = 0) -> np.ndarray:
    """A room without a hand: `wall`, `shelves`, or `person`, head and shoulders before a wall:
    uint8 (HEIGHT, WIDTH, 3).
    """
    random = np.random.default_rng([seed, 2])
    if kind == "shelves":
        return cv2.resize(draw_shelves(random), (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC)
    wall = draw_hand(hand_poses.NOTHING, seed=seed, size=WIDTH)[:HEIGHT].copy()
    return _with_person(wall, random) if kind == "person" else wall


def _with_person(room: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """A head of one colour with hair, eyes and a mouth, on shoulders."""
    x, y = int(random.uniform(0.25, 0.75) * WIDTH), int(random.uniform(0.33, 0.42) * HEIGHT)
    tall = int(random.uniform(75, 105))
    wide = int(0.75 * tall)
    skin = np.array([224, 178, 150]) * random.uniform(0.5, 1.05)
    cloth, hair = random.uniform(30, 200, 3).tolist(), random.uniform(20, 90, 3).tolist()

    def blob(dx: float, dy: float, axes: tuple[float, float], colour, arc: int = 360) -> None:
        at = (round(x + dx * wide), round(y + dy * tall))
        size = (max(1, round(axes[0] * wide)), max(1, round(axes[1] * tall)))
        cv2.ellipse(room, at, size, 0, 0, arc, tuple(map(float, colour)), -1, cv2.LINE_AA)

    blob(0, 2.4, (2.0, 1.2), cloth)
    blob(0, 1.0, (0.45, 0.6), skin * 0.85)
    blob(0, -0.15, (1.1, 1.08), hair)
    blob(0, 0, (1, 1), skin)
    for side in (-0.4, 0.4):
        blob(side, -0.15, (0.17, 0.07), (245, 245, 245))
        blob(side, -0.15, (0.07, 0.07), (40, 30, 30))
        blob(side, -0.32, (0.22, 0.04), hair)
    blob(0, 0.15, (0.1, 0.16), skin * 0.9)
    blob(0, 0.5, (0.35, 0.09), (150, 70, 70))
    return cv2.GaussianBlur(room, (0, 0), 1.2)


def film(
    track: Track | None,
    room: np.ndarray,
    *,
    seed: int = 0,
    left: bool = False,
    frames: float = FRAMES,
    seconds: float = 0.0,
) -> Iterator[np.ndarray]:
    """The images of a film, `frames` a second: uint8 (HEIGHT, WIDTH, 3) RGB each. Camera, light,
    size and place of the hand follow from `seed`; it trembles a little. Without a track, `seconds`
    of the room alone.
    """
    random = np.random.default_rng([seed, 3])
    grain = random.normal(0, 2.5, (2 * HEIGHT, 2 * WIDTH, 1)).astype(np.float32)
    count = max(1, round((track.seconds if track else seconds) * frames))
    hands = _hands(track, seed, np.arange(count) / frames, random) if track else None
    for _ in range(count):
        image = room.astype(np.float32)
        if hands:
            drawn, matrix = next(hands)
            if left:  # where the hand is, and the hand itself
                matrix = np.diag([-1.0, 1.0]) @ matrix + [[0, 0, WIDTH], [0, 0, 0]]
            image = _lay(drawn, matrix, image)
        y, x = random.integers(HEIGHT), random.integers(WIDTH)
        image += grain[y : y + HEIGHT, x : x + WIDTH]
        yield np.clip(image, 0, 255).astype(np.uint8)


def _lay(drawn: np.ndarray, matrix: np.ndarray, image: np.ndarray) -> np.ndarray:
    """A hand over an image; where its picture ends, the arm goes on as it does there."""
    lain = cv2.warpAffine(
        drawn, matrix, (WIDTH, HEIGHT), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    ).astype(np.float32)
    opaque = lain[..., 3:] / 255
    return image + (lain[..., :3] - image) * opaque


def _hands(
    track: Track, seed: int, times: np.ndarray, random: np.random.Generator
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """The drawing of the hand at each moment, and the way from its pixels to the film's (2, 3)."""
    scale = random.uniform(9.5, 12.5)  # pixels of the film a centimetre
    home = np.array([random.uniform(0.4, 0.6) * WIDTH, random.uniform(0.42, 0.5) * HEIGHT])
    sway, angle = random.uniform(0.3, 1.3, (3, 2)), random.uniform(0, 2 * np.pi, (3, 2))
    tremor = np.sin(times[:, None, None] * 2 * np.pi * sway + angle).sum(axis=1) * 0.6
    pose, places = track.at(times)
    # An image is drawn anew only where the hand is held in another way
    alike = np.concatenate([values.reshape(len(times), -1) for values in pose], axis=1).round(6)
    first = np.concatenate([[True], (np.diff(alike, axis=0) != 0).any(axis=1)])
    drawings = _drawn(pose, np.flatnonzero(first), track.signer, seed)
    for begins, place, shake in zip(first, places, tremor, strict=True):
        if begins:
            drawn = next(drawings)
        zoom = scale * REACH / SIZE
        middle = home + place * [scale, -scale] + shake
        corner = middle - zoom * SIZE / 2
        yield drawn, np.array([[zoom, 0, corner[0]], [0, zoom, corner[1]]])


def _drawn(pose: Pose, rows: np.ndarray, signer: int, seed: int) -> Iterator[np.ndarray]:
    """Drawings of these rows, a few at a time."""
    with ThreadPoolExecutor(min(8, os.cpu_count() or 1)) as pool:
        for at in range(0, len(rows), 32):
            parts = [Pose(*(values[[row]] for values in pose)) for row in rows[at : at + 32]]
            draw = partial(draw_poses, signer=signer, seed=seed, size=SIZE, reach=REACH)
            yield from (images[0] for images in pool.map(draw, parts))


def write_film(path: str | Path, images: Iterable[np.ndarray], frames: float = FRAMES) -> Path:
    """Write a film, whole or not at all: `.mjpeg` is one JPEG after the other, which Chromium takes
    for a camera; `.avi` and `.mp4` say how many images a second they hold. Gives the path.
    """
    path = Path(path)
    with files.write_beside(path) as temporary:
        if path.suffix == ".mjpeg":
            with temporary.open("wb") as out:
                for image in images:
                    quality = [cv2.IMWRITE_JPEG_QUALITY, QUALITY]
                    out.write(cv2.imencode(".jpg", image[..., ::-1], quality)[1].tobytes())
            return path
        code = cv2.VideoWriter.fourcc(*("MJPG" if path.suffix == ".avi" else "mp4v"))
        writer = None
        for image in images:
            if writer is None:
                size = image.shape[1::-1]
                writer = cv2.VideoWriter(str(temporary), code, frames, size)
            writer.write(np.ascontiguousarray(image[..., ::-1]))
        if writer is not None:
            writer.release()
    return path
