"""Figures that put networks side by side: their errors, what they cost, the mistakes they share."""

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter, FuncFormatter, LogLocator, NullFormatter

from asl.plots.style import BLUE, GREY, WIDTH

LINE = 12  # points from one direct label to the next
LETTER = 6.4  # points of a letter in them


def error_rates(rows: pd.DataFrame, title: str, chosen: str = "") -> Figure:
    """The error (1 - accuracy) of each network with its 95 % interval, on a logarithmic scale.

    A row a network: model, correct, images (or test_images), low and high of the accuracy. No error
    at all has no logarithm: a triangle at the axis' left edge, and the interval's upper end. The
    `chosen` network is blue.
    """
    rows = rows.rename(columns={"images": "test_images"})
    figure, axes = plt.subplots(figsize=(WIDTH, 0.95 + 0.42 * len(rows)))
    left, right = _error_limits(rows)
    for place, row in enumerate(rows.itertuples()):
        wrong = row.test_images - row.correct
        colour = BLUE if row.model == chosen else GREY
        at = max(wrong / row.test_images, left)
        axes.plot(
            [max(1 - row.high, left), max(1 - row.low, left)], [place] * 2, color=colour, lw=2
        )
        axes.plot(at, place, "o" if wrong else "<", color=colour, ms=8, clip_on=False)
        told = f"{wrong:,} error{'s' * (wrong != 1)} of {row.test_images:,}"
        side = "left" if at < (left * right) ** 0.5 else "right"
        offset = (8 if not wrong else -4 if side == "left" else 4, 5)
        place_of = {"xytext": offset, "textcoords": "offset points", "ha": side, "va": "bottom"}
        axes.annotate(told, (at, place), color=colour, **place_of)  # type: ignore[arg-type]
    axes.set_yticks(range(len(rows)), rows["model"])
    axes.set(ylim=(len(rows) - 0.6, -0.8), xlim=(left, right))
    axes.set(title=title, xlabel="error: share predicted wrongly (logarithmic scale)")
    _logarithmic(axes, "x")
    return figure


def error_and_cost(rows: pd.DataFrame, chosen: str = "") -> Figure:
    """The error of each network against the seconds that its training took and the multiply-adds
    that an image takes, both scales logarithmic; `rows` as `compare` gives them.
    """
    figure, panels = plt.subplots(1, 2, figsize=(WIDTH, 3.4), sharey=True)
    costs = {"training_seconds": "seconds of training", "multiply_adds": "multiply-adds an image"}
    least, _ = _error_limits(rows)
    errors = (1 - rows["accuracy"]).clip(lower=least).to_numpy()
    top = min(1.8 * errors.max(), 1.0)
    colours = [BLUE if name == chosen else GREY for name in rows["model"]]
    panels[0].set(
        ylim=(min(errors.min() / 1.5, top / 4), top), ylabel="error: share predicted wrongly"
    )
    for axes, (column, label) in zip(panels, costs.items(), strict=True):
        cost = rows[column].to_numpy(float)
        cost = np.where(cost > 0, cost, np.nan)  # of an older checkpoint it is not known
        for x, y, zero, colour in zip(cost, errors, rows["accuracy"] == 1, colours, strict=True):
            axes.plot(x, y, "v" if zero else "o", color=colour, ms=8)
        axes.set(xlabel=label, xscale="log")
        low, high = np.nanmin(cost, initial=1e12), np.nanmax(cost, initial=1e-12)
        if low <= high:
            axes.set_xlim(low / max(1.5, (high / low) ** 0.15), high * max(2, (high / low) ** 0.35))
        axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5) if high < 30 * low else (1,)))
        axes.xaxis.set_major_formatter(EngFormatter(sep=""))
        axes.xaxis.set_minor_formatter(NullFormatter())
    _logarithmic(panels[0], "y")
    figure.suptitle("What a low error costs: best is down and to the left")
    figure.draw_without_rendering()  # so that places on the page are known
    for axes, column in zip(panels, costs, strict=True):
        _label(axes, rows[column].to_numpy(float), errors, rows["model"].tolist(), colours)
    return figure


def mistakes_shared(rows: pd.DataFrame, pairs: pd.DataFrame) -> Figure:
    """How many test images each network predicts correctly (row) and another wrongly (column); on
    the diagonal, what each predicts wrongly in all. `pairs` as `shared_mistakes` gives them.
    """
    names = rows["model"].tolist()
    counts = np.diag((rows["test_images"] - rows["correct"]).to_numpy(float))
    p_values = np.ones(counts.shape)
    for first, second, only_first, only_second, _, p in pairs.itertuples(index=False):
        i, j = names.index(first), names.index(second)
        counts[i, j], counts[j, i] = only_first, only_second
        p_values[i, j] = p_values[j, i] = p
    figure, axes = plt.subplots(
        figsize=(min(2.8 + 1.2 * len(names), WIDTH), 1.4 + 0.55 * len(names))
    )
    shade = np.where(np.eye(len(names)), np.nan, counts)
    top = 1.6 * np.nanmax(shade, initial=1)
    axes.imshow(shade, cmap="Blues", vmin=0, vmax=top, aspect="auto")
    for (i, j), p in np.ndenumerate(p_values):
        told = "errors in all" if i == j else "p < 0.001" if p < 0.001 else f"p = {p:.2g}"
        colour = GREY if i == j else "black"
        text = f"{counts[i, j]:,.0f}\n{told}"
        axes.text(j, i, text, ha="center", va="center", color=colour, fontsize=9)
    axes.set_xticks(range(len(names)), names)
    axes.set_yticks(range(len(names)), names)
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0)
    axes.set(title="Test images that the row's network gets right and the column's wrong")
    axes.set(xlabel="predicts wrongly", ylabel="predicts correctly")
    return figure


def _error_limits(rows: pd.DataFrame) -> tuple[float, float]:
    """The ends of a logarithmic axis of errors: half an image, and a little above the highest."""
    return 0.5 / rows["test_images"].max(), min(1.2 * (1 - rows["low"].min()), 1.0) or 1.0


def _logarithmic(axes: plt.Axes, which: str) -> None:
    """A logarithmic axis of shares, told in percent at 1, 2 and 5 of each power of ten."""
    axes.set(**{f"{which}scale": "log"})
    axis = axes.xaxis if which == "x" else axes.yaxis
    low, high = sorted(axes.get_xlim() if which == "x" else axes.get_ylim())
    axis.set_major_locator(LogLocator(subs=(1, 2, 5) if high < 150 * low else (1,)))
    axis.set_major_formatter(FuncFormatter(lambda share, _: f"{100 * share:g} %"))
    axis.set_minor_formatter(NullFormatter())
    axis.grid(color="0.9")
    axes.set_axisbelow(True)


def _label(
    axes: plt.Axes, xs: np.ndarray, ys: np.ndarray, names: Sequence[str], colours: Sequence[str]
) -> None:
    """Names beside their points, each at the first place where it covers no point and no name:
    to the right or to the left, or as many lines further up as it takes.
    """
    to_points = 72 / axes.figure.dpi
    places = axes.transData.transform(np.column_stack([xs, ys])) * to_points
    left, right = axes.bbox.x0 * to_points, axes.bbox.x1 * to_points
    known = np.flatnonzero(np.isfinite(places).all(axis=1))
    taken = [(x - 6, y - 6, x + 6, y + 6) for x, y in places[known]]
    for k in known[np.lexsort((xs[known], places[known, 1]))]:
        (x, y), broad = places[k], LETTER * len(names[k])
        for up, side in ((up, side) for up in range(0, 12 * LINE, LINE) for side in (1, -1)):
            start = x + 9 if side > 0 else x - 9 - broad
            box = (start, y + up - LINE / 2, start + broad, y + up + LINE / 2)
            if left <= start and box[2] <= right and not any(_overlap(box, each) for each in taken):
                break
        taken.append(box)
        axes.annotate(
            names[k],
            (xs[k], ys[k]),
            (9 * side, up),
            textcoords="offset points",
            ha="left" if side > 0 else "right",
            va="center",
            color=colours[k],
            arrowprops={"arrowstyle": "-", "color": "0.7", "lw": 0.8} if up else None,
        )


def _overlap(one: tuple[float, ...], other: tuple[float, ...]) -> bool:
    """Whether two boxes (left, bottom, right, top) have a place in common."""
    return max(one[0], other[0]) < min(one[2], other[2]) and max(one[1], other[1]) < min(
        one[3], other[3]
    )
