"""`predict --draw`: each picture with what was read in it, and a page to leaf through them."""

from __future__ import annotations

import html
import os
import re
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import pandas as pd

from asl import files
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


def check_folder(folder: str | Path) -> None:
    """AslError unless drawings may go there: a new or empty folder, or one they went to before."""
    folder, page = Path(folder), Path(folder) / PAGE
    with files.explained(folder):
        may_have = folder.is_dir() and (not any(folder.iterdir()) or _is_ours(page))
        if may_have or not os.path.lexists(folder):
            return files.check_output(page, [])
    raise AslError(
        f"{printable(folder)} holds other things already: give --draw a new or an empty folder."
    )


def _is_ours(page: Path) -> bool:
    return page.is_file() and MADE_BY in page.read_text(encoding="utf-8", errors="replace")


def draw(read: Read, inputs: Inputs, folder: str | Path) -> Path:
    """Write each picture with the joints of its hands, and index.html, in which the least confident
    come first. Gives the page.
    """
    folder = Path(folder)
    rows_of: dict[int, list[int]] = {}
    for row, reading in enumerate(read.readings):
        rows_of.setdefault(reading.row, []).append(row)
    figures = []
    for number, (picture, rows) in enumerate(rows_of.items(), 1):
        stem = re.sub(r"[^A-Za-z0-9]+", "-", Path(inputs.names[picture]).stem)[:40]
        name = f"{number:05d}-{stem}.jpg"
        told = read.table.iloc[rows]
        image = _drawn(inputs.files[picture], [read.readings[row] for row in rows], told)
        with files.write_beside(folder / name) as temporary:
            _, jpeg = cv2.imencode(".jpg", image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 88])
            temporary.write_bytes(jpeg.tobytes())  # which, other than imwrite, tells of a full disk
        told = read.table.iloc[rows]
        figures.append(
            (float(told["confidence"].max()), _figure(name, inputs.names[picture], told))
        )
    figures.sort(key=lambda figure: figure[0])
    page = folder / PAGE
    body = "\n".join(text for _, text in figures)
    with files.write_beside(page) as temporary:
        temporary.write_text(
            f"<!doctype html>{MADE_BY}<meta charset=utf-8><title>What was read</title>"
            f"<style>{STYLE}</style><h1>What was read, the least confident first</h1>"
            f"<div>\n{body}\n</div>\n",
            encoding="utf-8",
        )
    return page


def _figure(file: str, name: str, rows: pd.DataFrame) -> str:
    told = []
    for row in rows.itertuples():
        letter = f"<b>{html.escape(row.predicted)}</b> {percent(row.confidence, 0)}"
        second = f", else {html.escape(row.second)} {percent(row.second_confidence, 0)}"
        told.append(letter + second if row.predicted else html.escape(row.note))
    caption = html.escape(printable(name))
    return f'<figure><img src="{file}" alt="{caption}" loading="lazy"><figcaption>' + (
        f"{'<br>'.join(told)}<br>{caption}</figcaption></figure>"
    )


def _drawn(file: Path, readings: list[Reading], told: pd.DataFrame) -> np.ndarray:
    image = read_image(file, largest=LARGEST)
    scale = min(1.0, SHOWN / max(image.shape[:2]))
    if scale < 1:
        image = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    else:  # a small picture needs pixels for its lines
        scale = max(1.0, 320 / max(image.shape[:2]))
        image = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC)
    image = np.ascontiguousarray(image)
    for each, predicted, share in zip(readings, told["predicted"], told["confidence"], strict=True):
        if each.hand:
            _draw_hand(image, each.hand, scale)
            text = f"{predicted} {percent(share, 0)}" if predicted else "no sign"
            _write(image, text, round(each.hand.box[0] * scale), round(each.hand.box[1] * scale))
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
