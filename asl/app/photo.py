"""The tab Photo: what is read in pictures that were dropped on the page."""

from __future__ import annotations

import base64
import html
import os
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import pandas as pd

from asl.data import image_formats
from asl.data.images import Inputs
from asl.errors import AslError, printable
from asl.reader.drawings import draw_picture
from asl.reader.read import NO_HAND, Network, read_pictures
from asl.reader.signs import SIGNS
from asl.reader.tables import read_inputs
from asl.results import results_text
from asl.rounding import percent

MOST_BYTES, MOST_PIXELS = 20_000_000, 50_000_000
FRIENDLY = (
    "No hand was found here. It helps when the whole hand is in the picture, in good light, "
    "and not too small."
)


class Photos(NamedTuple):
    """What the page shows of pictures that were dropped, as HTML."""

    figures: str
    download: str  # a link to results.csv, or ""


def refusal(path: Path) -> str:
    """Why a file is not looked at, to follow its name; "" where it is."""
    try:
        if path.stat().st_size > MOST_BYTES:
            return f"is larger than {MOST_BYTES // 1_000_000} MB: save it smaller, as JPEG"
        data = path.read_bytes()
    except FileNotFoundError:  # it waited for longer than it is kept
        return "came too late: drop it once more"
    width, height = image_formats.dimensions(data, image_formats.kind(data))
    if width * height > MOST_PIXELS:
        most = MOST_PIXELS // 1_000_000
        return f"has more than {most} megapixels ({width:,} × {height:,}): save it smaller"
    return ""


def read_photos(network: Network, paths: Sequence[Path], signs: str = "letters") -> Photos:
    """What the pictures show; what cannot be read is said, and stops no other."""
    with tempfile.TemporaryDirectory(prefix="asl-photos-") as folder:
        told, good = _held(paths, Path(folder))
        return _read(network, good, told, signs) if good else Photos("".join(told), "")


def _held(paths: Sequence[Path], folder: Path) -> tuple[list[str], list[Path]]:
    """What there is to say of files that are not looked at, and the others, in a folder of their
    own: Gradio may delete them while they are read.
    """
    told, good = [], []
    for number, path in enumerate(paths):
        held = folder / str(number) / path.name
        held.parent.mkdir()
        try:
            os.link(path, held)
        except FileNotFoundError:  # `refusal` says so
            held = path
        except OSError:  # another disk, or one without links
            shutil.copyfile(path, held)
        if why := refusal(held):
            told.append(_note(f"{printable(path.name)} {why}."))
        else:
            good.append(held)
    return told, good


def _read(network: Network, good: list[Path], told: list[str], signs: str) -> Photos:
    names = [path.name for path in good]
    inputs = Inputs(names, good, [""] * len(good), {})
    try:
        read = read_inputs(network, inputs, signs=signs)
    except AslError as error:
        return Photos("".join([*told, _note(str(error))]), "")
    for reason, left_out in read.left_out.items():
        told += [_note(f"{printable(Path(name).name)} {reason}.") for name in left_out]
    figures = []
    for number, reading in enumerate(read.readings):
        rows = read.table.iloc[[number]]
        image = draw_picture(good[reading.row], [reading], rows)
        figures.append(_figure(image, next(rows.itertuples()), reading.probabilities, signs))
    link = _link(results_text(read.table))
    return Photos("".join(told) + f'<div class="photos">{"".join(figures)}</div>', link)


def read_hand(network: Network, path: Path) -> tuple[np.ndarray, np.ndarray] | str:
    """The hand of one picture, its points (21, 3), and probabilities of the letters (24,); or why
    there is none.
    """
    if why := refusal(path):
        return f"{printable(path.name)} {why}."
    found = next(read_pictures(network, [path]))
    if isinstance(found, AslError):
        return f"{printable(path.name)} {found.reason}."
    hand = found[0].hand
    return FRIENDLY if hand is None else (hand.points, found[0].probabilities)


def data_uri(image: np.ndarray) -> str:
    """An image uint8 (h, w, 3) RGB, or (h, w, 4), inside the page itself: nothing is stored."""
    kind = ".webp" if image.shape[2] == 4 else ".jpg"  # JPEG knows nothing transparent
    code = cv2.COLOR_RGBA2BGRA if image.shape[2] == 4 else cv2.COLOR_RGB2BGR
    quality = [cv2.IMWRITE_WEBP_QUALITY if kind == ".webp" else cv2.IMWRITE_JPEG_QUALITY, 90]
    data = base64.b64encode(
        cv2.imencode(kind, cv2.cvtColor(image, code), quality)[1].tobytes()
    ).decode()
    return f"data:image/{kind[1:].replace('jpg', 'jpeg')};base64,{data}"


def _figure(image: np.ndarray, row: pd.Series, probabilities: np.ndarray, signs: str) -> str:
    name = html.escape(printable(row.image))
    if row.predicted:
        said = f"<b>{row.predicted}</b> {percent(row.confidence, 0)}{_others(probabilities, signs)}"
        alt = f"{name}: read as {row.predicted}"
    else:
        is_empty = row.note == NO_HAND
        said = FRIENDLY if is_empty else f"There is a hand, but {html.escape(row.note)}."
        alt = f"{name}: {row.note}"
    picture = f'<img src="{data_uri(image)}" alt="{alt}">'
    return f"<figure>{picture}<figcaption>{said}<br><small>{name}</small></figcaption></figure>"


def _others(probabilities: np.ndarray, signs: str) -> str:
    order = [*np.argsort(-probabilities, kind="stable")[1:4]]
    order = [k for k in order if probabilities[k] >= 0.005] or order[:1]
    told = [f"{SIGNS[signs][k]} {percent(float(probabilities[k]), 0)}" for k in order]
    return f"<br>else {', '.join(told)}"


def _note(text: str) -> str:
    return f'<p class="note" role="alert">{html.escape(text)}</p>'


def _link(text: str) -> str:
    data = base64.b64encode(text.encode("utf-8", "backslashreplace")).decode()
    place = f"data:text/csv;charset=utf-8;base64,{data}"
    return f'<a class="download" download="results.csv" href="{place}">Download results.csv</a>'
