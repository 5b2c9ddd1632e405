"""`predict --draw`: each picture with what was read in it, and a page to leaf through them."""

from __future__ import annotations

import html
import os
import re
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import pandas as pd

from asl import files
from asl.data.image_formats import Stored
from asl.data.images import Inputs, read_image
from asl.errors import AslError, printable
from asl.landmarks.hand_landmarks import FINGERS
from asl.landmarks.hands import Hand
from asl.reader.read import LARGEST, Reading
from asl.reader.tables import Read
from asl.rounding import percent

# Okabe and Ito's, as in asl/plots: thumb to little finger
COLOURS = ((230, 159, 0), (0, 114, 178), (0, 158, 115), (213, 94, 0), (204, 121, 167))
SHOWN = 960  # pixels of a side of what is drawn
PAGE = "index.html"
FONT = cv2.FONT_HERSHEY_SIMPLEX
MADE_BY = "<!-- written by asl predict --draw -->"
STYLE = """body{font:16px/1.4 sans-serif;margin:2rem;max-width:75rem}
div{display:grid;grid-template-columns:repeat(auto-fill,minmax(16rem,1fr));gap:1rem}
figure{margin:0}img{width:100%;background:#eee}b{font-size:1.4rem}"""


def check_folder(folder: str | Path, pictures: Sequence[str | Path] = ()) -> None:
    """AslError unless drawings may go there: a new or empty folder, or one they went to before,
    of which nothing is among the pictures to be read (files, and folders of them).
    """
    folder, page = Path(folder), Path(folder) / PAGE
    with files.explained(folder):
        there = os.path.lexists(folder)
        others = there and not (folder.is_dir() and (_is_empty(folder) or _is_ours(page)))
        if not others:
            _check_pictures(folder, pictures)
            return files.check_output(page, [])
    raise AslError(
        f"{printable(folder)} holds other things already: give --draw a new or an empty folder."
    )


def _is_empty(folder: Path) -> bool:
    """Whether nothing is there, but for what a killed process was about to write."""
    return all(files.TEMPORARY.fullmatch(each.name) for each in folder.iterdir())


def _is_ours(page: Path) -> bool:
    return page.is_file() and MADE_BY in page.read_text(encoding="utf-8", errors="replace")


def _check_pictures(folder: Path, pictures: Sequence[str | Path]) -> None:
    """AslError where drawings of an earlier time would be read as pictures."""
    if not _is_ours(folder / PAGE):
        return
    place = Path(os.path.realpath(folder))
    for picture in pictures:
        given = Path(os.path.realpath(picture))
        if place.is_relative_to(given) or given.is_relative_to(place):
            raise AslError(
                f"{printable(folder)} holds drawings, and {printable(picture)} is to be read: they "
                "would be taken for pictures. Give --draw a folder elsewhere."
            )


def draw(read: Read, inputs: Inputs, folder: str | Path) -> Path:
    """Write each picture with the joints of its hands, and index.html, in which the least confident
    come first. Gives the page.

    Drawings of an earlier time that are not made again go. While this goes on, index.html names
    both: whoever is killed half-way leaves a folder of which it is known what was written into it.
    """
    folder = Path(folder)
    page = folder / PAGE
    rows_of: dict[int, list[int]] = {}
    for row, reading in enumerate(read.readings):
        rows_of.setdefault(reading.row, []).append(row)
    names = {
        picture: _file_name(number, inputs.names[picture])
        for number, picture in enumerate(rows_of, 1)
    }
    old = _drawn_before(page) - set(names.values())
    waiting = [_image(name, "") for name in (*names.values(), *sorted(old))]
    _write_page(page, "Not finished: give the same command again", waiting)
    figures = []
    for picture, rows in rows_of.items():
        told, name = read.table.iloc[rows], names[picture]
        image = draw_picture(inputs.files[picture], [read.readings[row] for row in rows], told)
        with files.write_beside(folder / name) as temporary:
            _, jpeg = cv2.imencode(".jpg", image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 88])
            temporary.write_bytes(jpeg.tobytes())  # which, other than imwrite, tells of a full disk
        figures.append(
            (float(told["confidence"].max()), _figure(name, inputs.names[picture], told))
        )
    figures.sort(key=lambda figure: figure[0])
    for name in old:
        (folder / name).unlink(missing_ok=True)
    heading = "What was read, the least confident first"
    _write_page(page, heading, [text for _, text in figures])
    return page


def _file_name(number: int, picture: str) -> str:
    stem = re.sub(r"[^A-Za-z0-9]+", "-", Path(picture).stem)[:40]
    return f"{number:05d}-{stem}.jpg"


def _drawn_before(page: Path) -> set[str]:
    """The drawings that a page of ours names; no name of it can lead out of its folder."""
    if not _is_ours(page):
        return set()
    text = page.read_text(encoding="utf-8", errors="replace")
    return set(re.findall(r'<img src="(\d{5,}-[A-Za-z0-9-]*\.jpg)"', text))


def _write_page(page: Path, heading: str, figures: list[str]) -> None:
    body = "\n".join(figures)
    with files.write_beside(page) as temporary:
        temporary.write_text(
            f"<!doctype html>{MADE_BY}<meta charset=utf-8><title>What was read</title>"
            f"<style>{STYLE}</style><h1>{heading}</h1>"
            f"<div>\n{body}\n</div>\n",
            encoding="utf-8",
        )


def _image(file: str, caption: str) -> str:
    return f'<img src="{file}" alt="{caption}" loading="lazy">'


def _figure(file: str, name: str, rows: pd.DataFrame) -> str:
    told = []
    for row in rows.itertuples():
        letter = f"<b>{html.escape(row.predicted)}</b> {percent(row.confidence, 0)}"
        second = f", else {html.escape(row.second)} {percent(row.second_confidence, 0)}"
        told.append(letter + second if row.predicted else html.escape(row.note))
    caption = html.escape(printable(name))
    told.append(caption)
    return f"<figure>{_image(file, caption)}<figcaption>{'<br>'.join(told)}</figcaption></figure>"


def draw_picture(file: Path | Stored, readings: list[Reading], told: pd.DataFrame) -> np.ndarray:
    """A picture with the joints of its hands, and what was read of them (rows of the table): uint8
    (h, w, 3) RGB.
    """
    image = read_image(file, largest=LARGEST)
    scale = min(1.0, SHOWN / max(image.shape[:2]))
    if scale < 1:
        image = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    else:  # a small picture needs pixels for its lines
        scale = max(1.0, 320 / max(image.shape[:2]))
        image = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC)
    image = np.ascontiguousarray(image)
    for each, predicted, share in zip(readings, told["predicted"], told["confidence"], strict=True):
        text = f"{predicted} {percent(share, 0)}" if predicted else "no sign"
        if each.hand:
            _draw_hand(image, each.hand, scale)
            _write(image, text, round(each.hand.box[0] * scale), round(each.hand.box[1] * scale))
        elif predicted:  # of all of a tiny picture
            _write(image, text, 0, 0)
    return image


def _write(image: np.ndarray, text: str, x: int, y: int) -> None:
    """Text on white, above a place or, where there is no room, below it."""
    size = max(0.5, image.shape[0] / 800)
    (width, height), below = cv2.getTextSize(text, FONT, size, 1)
    x = min(max(x, 0), max(image.shape[1] - width, 0))
    y = max(y - below, height + below)
    cv2.rectangle(image, (x, y - height - below), (x + width, y + below), (255, 255, 255), -1)
    cv2.putText(image, text, (x, y), FONT, size, (0, 0, 0), max(1, round(size)), cv2.LINE_AA)


def _draw_hand(image: np.ndarray, hand: Hand, scale: float) -> None:
    points = [tuple(map(int, point)) for point in np.rint(hand.points[:, :2] * scale)]
    width = max(1, round(float(np.ptp(hand.points[:, :2] * scale, axis=0).max()) / 110))
    for outline in (True, False):
        for joints, colour in zip(FINGERS.values(), COLOURS, strict=True):
            chain = [points[0], *(points[joint] for joint in joints)]
            for start, end in pairwise(chain):
                shade = (255, 255, 255) if outline else colour
                cv2.line(image, start, end, shade, width * (3 if outline else 1), cv2.LINE_AA)
    left, top, right, bottom = (round(float(edge) * scale) for edge in hand.box)
    for shade, thick in (((255, 255, 255), 3), ((60, 60, 60), 1)):
        cv2.rectangle(image, (left, top), (right, bottom), shade, thick, cv2.LINE_AA)
