"""What notebook 12 needs beside its lesson: a film, pictures of one's own, crops of hands."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image
from scipy.ndimage import median_filter

from asl import files
from asl.data.images import find_images, fit, read_image
from asl.data.rendered_films import draw_room, film
from asl.data.rendered_hands import hand_points
from asl.data.rendered_motion import Track, spell, track_points
from asl.environment.camera import take_picture
from asl.environment.upload import upload_pictures
from asl.landmarks.crops import AROUND, crop_of
from asl.reader import trial
from asl.reader.read import LARGEST, Network, read_pictures
from asl.reader.signs import LETTERS, OTHER, SHAPES
from asl.rounding import percent
from asl.spelling.follow import Seen
from asl.spelling.motion import DRAWN

PER_SECOND = 1.25  # letters
CROP = 112  # pixels of a side


class Film(NamedTuple):
    """A film, and what the hand in it does."""

    track: Track
    times: np.ndarray  # float (n,), seconds
    images: list[np.ndarray]  # uint8 (h, w, 3) each
    rate: float  # images a second


def draw_film(words: Sequence[str], rate: float = 20, *, signer: int = 42, seed: int = 4) -> Film:
    """A film of a rendered hand that spells words before a bookshelf."""
    track = spell(words, signer=signer, seed=seed, per_second=PER_SECOND)
    images = [*film(track, draw_room("shelves", seed), seed=seed, frames=rate)]
    return Film(track, np.arange(len(images)) / rate, images, rate)


def some_images(film: Film, count: int) -> tuple[np.ndarray, list[str]]:
    """Images of the film while letters are signed, or nearly: uint8 (count, h, w, 3); and when."""
    middles = np.array([(start + end) / 2 for _, start, end in film.track.letters])
    near = np.flatnonzero((np.abs(film.times[:, None] - middles) < 0.5).any(axis=1))
    some = near[np.linspace(0, len(near) - 1, count).astype(int)]
    return np.stack([film.images[k] for k in some]), [f"{film.times[k]:.1f} s" for k in some]


def own_pictures(upload: bool, camera: bool) -> Path:
    """The folder of the reader's own pictures; files are asked for, or one is taken, if so wished.
    While it is empty, a folder of drawn ones.
    """
    folder = files.DATA / "my_pictures"
    folder.mkdir(parents=True, exist_ok=True)
    if upload:
        upload_pictures(folder)
    if camera:
        take_picture(folder)
    if not find_images(folder):
        folder = files.RUNS / "drawn" / "spell"
        print("drawn:", *trial.draw_pictures(folder, ["L", "V"]))
    return folder


def read_folder(
    reader: Network, folder: Path, most: int = 4
) -> tuple[list[np.ndarray], list[np.ndarray | None], list[str]]:
    """The first pictures of a folder, the joints (21, 3) of the hand in each, if one was found, and
    what the reader says.
    """
    paths = find_images(folder)[:most]
    pictures, points, said = [], [], []
    for each in read_pictures(reader, paths):
        if not isinstance(each, list):
            print(each)  # why it could not be read
            continue
        reading = each[0]
        shares = reading.probabilities
        pictures.append(read_image(paths[reading.row], largest=LARGEST))
        points.append(reading.hand.points if reading.hand else None)
        told = f"{LETTERS[shares.argmax()]}, {percent(shares.max(), 0)}"
        said.append(told if shares.any() else reading.reason)
    return pictures, points, said


def two_hands(points: Sequence[np.ndarray | None]) -> list[np.ndarray]:
    """The joints of the first two hands; of two drawn ones, near and far, where fewer are there."""
    found = [each for each in points if each is not None][:2]
    if len(found) == 2:
        return found
    sizes = np.array([200, 70]).reshape(2, 1, 1)
    return [*hand_points(["L", "L"], signers=[99, 98]) * sizes]


def shapes_as_text(shapes: np.ndarray, rate: float) -> str:
    """The most likely shape of each image, of (n, shapes), two seconds a line: `·` without a hand,
    `?` for another shape.
    """
    best = [SHAPES[row.argmax()] if row.any() else "·" for row in shapes]
    text, width = "".join("?" if each == OTHER else each for each in best), round(2 * rate)
    return "\n".join(text[start : start + width] for start in range(0, len(text), width))


def tip_path(film: Film, seen: Sequence[Seen], letters: str, form: str) -> np.ndarray:
    """The path (n, 2) of the fingertip that draws J or Z (`form`), from the first of these letters
    to the last, x to the thumb's side: as it was seen or, without that, as it was drawn.
    """
    points = track_points(film.track, film.times)
    for row, each in enumerate(seen):
        if each.hand is not None:
            points[row] = each.hand.points
    spans = {letter: (start, end) for letter, start, end in film.track.letters}
    (start, _), (_, end) = spans[letters[0]], spans[letters[-1]]
    points = points[(film.times >= start) & (film.times <= end)]
    side = np.sign(points[0, 5, 0] - points[0, 17, 0]) or 1.0
    tips = median_filter(points[:, DRAWN[form].tip, :2], (3, 1))  # single images may err
    return tips * np.array([side, 1.0])


def save_crops(film: Film, seen: Sequence[Seen], folder: Path) -> Path:
    """Save four crops of each letter that is held in the film, a folder a letter. Gives the
    folder.
    """
    for letter, start, end in film.track.letters:
        during = np.flatnonzero((film.times >= start) & (film.times <= end))
        for row in during[-8::2] if letter in LETTERS else []:
            hand = seen[row].hand if len(seen) else None
            if hand is not None:
                (folder / letter).mkdir(parents=True, exist_ok=True)
                crop = Image.fromarray(crop_of(film.images[row], hand.points, CROP, AROUND))
                crop.save(folder / letter / f"{row:04}.png")
    return folder


def crops_in(folder: Path, most: int = 24) -> tuple[np.ndarray, list[str]]:
    """The first crops in a folder a class, uint8 (n, 112, 112, 3), and their classes."""
    paths = find_images(folder)[:most] if folder.exists() else []
    crops = [fit(read_image(path), (CROP, CROP, 3)) for path in paths]
    return np.array(crops), [path.parent.name for path in paths]
