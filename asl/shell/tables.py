"""What `predict` prints of its predictions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asl.errors import printable
from asl.rounding import decimals, percent

if TYPE_CHECKING:
    import pandas as pd

    from asl.models.metadata import Threshold

ROWS_SHOWN = 40  # of the table


def print_predictions(table: pd.DataFrame, threshold: Threshold | None) -> None:
    """The first rows of a table of predictions, how many more there are, and how many lie below
    the confidence threshold.
    """
    rows = table.rename(columns={"image": "picture", "predicted": "letter"})
    shown = rows.head(ROWS_SHOWN)
    texts = {name: [*map(printable, shown[name])] for name in ("picture", "letter", "second")}
    columns = ["picture", "letter", "confidence", "second"]
    if "note" in shown and shown["note"].any():
        columns.append("note")
    text = shown.assign(**texts).to_string(
        columns=columns,
        index=False,
        formatters={"confidence": lambda share: decimals(share, 2)},
    )
    more = len(rows) - ROWS_SHOWN
    print(f"{text}\n… and {more:,} more (--output FILE writes all)" if more > 0 else text)
    if threshold:
        share = f"{percent(threshold.precision, 0)} were correct where this was measured"
        below = int((rows["confidence"] < threshold.confidence).sum())
        print(
            f"{below:,} of {len(rows):,} lie below the confidence threshold of "
            f"{threshold.confidence:.2f}: from there on, {share}; below, fewer"
            if threshold.coverage
            else f"there is no confidence threshold: at none {share}"
        )
