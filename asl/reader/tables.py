"""What the reader read, as the table of results.csv, as lines of JSON, and as text."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from tqdm import tqdm

from asl import files
from asl.data.image_formats import PictureError
from asl.data.images import Inputs, LeftOut, summary
from asl.errors import AslError
from asl.reader.read import Network, Reading, read_pictures
from asl.reader.signs import SIGNS
from asl.results import results_table


class Read(NamedTuple):
    """What was read in pictures; row i of the table is reading i."""

    table: pd.DataFrame  # as results.csv, and a column `note`: why nothing is predicted
    readings: list[Reading]
    left_out: LeftOut


def read_inputs(
    network: Network,
    inputs: Inputs,
    *,
    signs: str = "letters",
    every: bool = False,
    landmarks: str = "lite",
) -> Read:
    """What the pictures show that `find_inputs` found; see `read_pictures`.

    A picture without a hand, or whose hand signs nothing, has a row with an empty prediction and
    confidence 0. AslError where no picture could be read.
    """
    left_out = {reason: [*names] for reason, names in inputs.left_out.items()}
    readings: list[Reading] = []
    looked = read_pictures(network, inputs.files, signs=signs, every=every, landmarks=landmarks)
    bar = {"desc": "reading pictures", "unit": "picture", "delay": 1, "leave": False}
    for each in tqdm(looked, total=len(inputs.files), **bar):
        if isinstance(each, PictureError):
            left_out.setdefault(each.reason, []).append(each.name)
        else:
            readings += each
    if not readings:
        count = len(inputs.files) + sum(map(len, inputs.left_out.values()))
        raise AslError(f"none of {count:,} pictures could be read: {summary(left_out)}")
    return Read(_table(inputs, readings, SIGNS[signs]), readings, left_out)


def _table(inputs: Inputs, readings: Sequence[Reading], class_names: tuple[str, ...]):
    names = [inputs.names[each.row] for each in readings]
    folders = [inputs.folders[each.row].upper() for each in readings]
    actual = [folder if folder in class_names else "" for folder in folders]
    probabilities = np.stack([each.probabilities for each in readings])
    table = results_table(names, probabilities, class_names, actual)
    nothing = np.array([bool(each.reason) for each in readings])
    table.loc[nothing, ["predicted", "second"]] = ""
    return table.assign(note=[each.reason for each in readings])


def write_details(read: Read, path: str | Path) -> Path:
    """Write a line of JSON for each row of the table: image, width, height, predicted, confidence,
    note, and of the hand its box, points (x, y, depth), presence, and how sure it is that it is a
    right one. Lengths are pixels of the picture, which is taken at most 1,600 a side where it has
    more than 16 million. Gives the path.
    """
    path = Path(path)
    with files.write_beside(path) as temporary, temporary.open("w", encoding="utf-8") as out:
        for row, reading in zip(read.table.to_dict("records"), read.readings, strict=True):
            print(json.dumps(_details(row, reading), ensure_ascii=True), file=out)
    return path


def _details(row: dict, reading: Reading) -> dict:
    told = {
        "image": row["image"],
        "width": reading.size[0],
        "height": reading.size[1],
        "predicted": row["predicted"],
        "confidence": round(float(row["confidence"]), 4),
        "note": row["note"],
    }
    hand = reading.hand
    if hand is None:
        return told
    return told | {
        "box": [round(float(edge), 1) for edge in hand.box],
        "points": [[round(float(value), 1) for value in point] for point in hand.points],
        "presence": round(float(hand.presence), 3),
        "right_hand": round(float(hand.right), 3),
    }
