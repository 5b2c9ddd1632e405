"""results.csv: a row an image, with its two most likely classes."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from asl import files
from asl.errors import AslError
from asl.rounding import round_share

COLUMNS = ["image", "actual", "predicted", "confidence", "second", "second_confidence"]


def results_table(
    names: Sequence[str],
    probabilities: np.ndarray,
    class_names: Sequence[str],
    actual: Sequence[str] | None = None,
) -> pd.DataFrame:
    """The two most likely classes of each image with their probabilities, as in results.csv.

    names (n,), probabilities (n, classes), actual class names (n,) where they are known.
    """
    order = np.argsort(-probabilities, axis=1, kind="stable")[:, :2]
    first, second = np.array([*class_names])[order].T
    confidence, second_confidence = np.take_along_axis(probabilities, order, axis=1).T
    actual = [""] * len(order) if actual is None else actual
    columns = (names, actual, first, confidence, second, second_confidence)
    return pd.DataFrame(dict(zip(COLUMNS, columns, strict=True)))


def write_results(table: pd.DataFrame, path: str | Path | None = None) -> Path:
    """Write the table as results.csv, or to `path`: UTF-8, no index, four decimals, never
    rounded up to 1; whole or not at all. Gives the path.
    """
    path = Path(path or files.RESULTS)
    shares = ["confidence", "second_confidence"]
    table = table.assign(**{name: round_share(table[name]) for name in shares})
    with files.write_beside(path) as file:
        table.to_csv(file, columns=COLUMNS, index=False, float_format="%.4f", lineterminator="\n")
    return path


def read_results(path: str | Path | None = None) -> pd.DataFrame:
    """The table that `write_results` wrote; unknown `actual` is the empty string."""
    path = Path(path or files.RESULTS)
    if not path.is_file():
        raise AslError(f"{files.shown(path)} is not there: notebook 08_predict writes it.")
    text = dict.fromkeys(("image", "actual", "predicted", "second"), str)
    return pd.read_csv(path, dtype=text, keep_default_na=False)
