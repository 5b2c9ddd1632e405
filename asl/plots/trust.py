"""Figures that show how far to trust an accuracy: corrupted images, other data sets."""

from collections.abc import Mapping
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from asl.data.mapped_images import Images
from asl.plots.images import image_grid
from asl.plots.style import BLUE, GREEN, GREY, ORANGE, VERMILION, WIDTH, percents, show_image
from asl.rounding import percent


def corrupted(
    image: np.ndarray, versions: Mapping[str, Mapping[float, np.ndarray]], units: Mapping[str, str]
) -> Figure:
    """One image uint8 (h, w, c), and below it, a column a corruption, the image at each severity.

    `versions` of the image by corruption and severity, `units` of the severities by corruption.
    """
    count = max(map(len, versions.values()))
    size = (WIDTH, (count + 1) * (WIDTH / len(versions) + 0.17) + 0.4)
    figure, grid = plt.subplots(count + 1, len(versions), figsize=size, squeeze=False)
    for column, (name, changed) in zip(grid.T, versions.items(), strict=True):
        unit = units[name]
        show_image(column[0], image)
        first, _, rest = unit.removeprefix("% of ").partition(" ")  # in two lines
        lines = ("% of", f"{first} {rest}") if unit.startswith("% of ") else (first, rest)
        column[0].set_title("\n".join([name, *lines]), fontsize=8)
        for axes in column[1:]:
            axes.set_axis_off()
        for axes, (severity, version) in zip(column[1:], changed.items(), strict=False):
            show_image(axes, version)
            axes.set_title(_told(severity, unit), fontsize=8, pad=2)
    figure.suptitle("One image: as it is, and each corruption at its severities")
    return figure


def robustness(curves: dict[str, pd.DataFrame], units: dict[str, str], chance: float) -> Figure:
    """Accuracy against the severity of each corruption, a panel a corruption and a line a network,
    its 95 % interval shaded.

    `curves` as `asl.robustness` gives them, by the network's name; `units` of the severities.
    `chance` is the accuracy of guessing, a dotted line.
    """
    corruptions = next(iter(curves.values()))["corruption"].unique()
    columns = min(5, len(corruptions))
    rows = -(-len(corruptions) // columns)
    size = (WIDTH, 1.9 * rows + 0.4)
    figure, axes = plt.subplots(rows, columns, figsize=size, sharey=True, squeeze=False)
    for axis in axes.flat[len(corruptions) :]:
        axis.set_axis_off()
    styles = {"o-": BLUE, "s--": VERMILION, "^-.": GREEN, "d:": ORANGE}
    # One group says nothing of others: an interval from 0 to 1 would shade all
    bounded = {
        name
        for name, table in curves.items()
        if "low" in table and (table["high"] - table["low"]).min() < 1
    }
    for axis, corruption in zip(axes.flat, corruptions, strict=False):
        unit = units[corruption]
        for (name, table), (style, colour) in zip(curves.items(), styles.items(), strict=False):
            line = table[table["corruption"] == corruption].sort_values("severity")
            axis.plot(line["severity"], line["accuracy"], style, color=colour, ms=3.5, label=name)
            if name in bounded:
                ends = line["severity"], line["low"], line["high"]
                axis.fill_between(*ends, color=colour, alpha=0.2, lw=0)
        axis.axhline(chance, color=GREY, lw=1, ls=":")
        axis.set_title(corruption, fontsize=10)
        axis.set_xlabel(unit, fontsize=9)
        axis.set_ylim(0, 1.03)
        axis.tick_params(labelsize=8)
        axis.xaxis.set_major_locator(MaxNLocator(3))
        axis.xaxis.set_major_formatter(FuncFormatter(lambda x, _, unit=unit: _told(x, unit)))
        axis.yaxis.set_major_formatter(percents())
        if corruption == "jpeg":
            axis.invert_xaxis()  # harder to the right, as in the others
    for row in axes:
        row[0].set_ylabel("accuracy", fontsize=9)
    where = "; shaded: 95 % interval" if bounded else ""
    where = f"{where}; dotted: guessing"
    if len(curves) == 1:
        figure.suptitle(f"{next(iter(curves))} on corrupted images{where}", fontsize=10)
    else:
        figure.suptitle(f"Corrupted images{where}", fontsize=10)
        figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=4)
    return figure


def cross_dataset_matrix(table: pd.DataFrame) -> Figure:
    """Accuracy of networks (rows) on data sets (columns), from rows as
    `evaluation.cross_dataset.cross_dataset_matrix` gives them.

    Squares framed in black are a network's own test split. What is no test is hatched.
    """
    models, datasets = list(table["model"].unique()), list(table["tested_on"].unique())
    cells = table.pivot(index="model", columns="tested_on", values="accuracy")
    width = min(WIDTH, 2.8 + 0.85 * len(datasets))
    figure, axes = plt.subplots(figsize=(width, 0.38 * len(models) + 1.5))
    drawn = axes.imshow(cells.loc[models, datasets], cmap="cividis", vmin=0, vmax=1, aspect="auto")
    for row in table.itertuples():
        _cell(axes, row, (datasets.index(row.tested_on), models.index(row.model)))
    axes.set_xticks(range(len(datasets)), datasets, rotation=20, ha="right")
    axes.set_yticks(range(len(models)), models)
    axes.set(title="Accuracy in percent; framed: the network's own test", xlabel="tested on")
    axes.set_ylabel("network, by what it was trained on")
    axes.spines[:].set_visible(False)
    figure.colorbar(drawn, label="accuracy", format=percents())
    return figure


def _cell(axes: plt.Axes, row: Any, place: tuple[int, int]) -> None:
    """One square of the matrix: its figure, or why there is none."""
    j, i = place
    if np.isnan(row.accuracy):
        square = plt.Rectangle((j - 0.5, i - 0.5), 1, 1, fill=False, edgecolor="0.85", lw=0)
        square.set_hatch("////")
        axes.add_patch(square)
        label = {"no shared class": "", "overlap": "same\nhands"}.get(row.kind, "trained")
        colour, fontsize = GREY, 8
    else:
        label = percent(row.correct / row.images, 1)[:-2]  # of a file, `accuracy` is rounded
        colour, fontsize = "black" if row.accuracy > 0.6 else "white", 9
    axes.text(j, i, label, ha="center", va="center", color=colour, fontsize=fontsize)
    if row.kind == "test split":
        corner = (j - 0.47, i - 0.46)
        axes.add_patch(
            plt.Rectangle(corner, 0.94, 0.92, fill=False, edgecolor="k", lw=2.5, zorder=3)
        )


def leave_one_dataset_out(figures: dict[str, dict]) -> Figure:
    """Accuracy on each data set of a network that was trained without it.

    `figures` as the metadata of `reader` has them: correct, images and, for an interval, low, high;
    and joints_alone and pixels_alone, how many are correct with one of the two.
    """
    rows = pd.DataFrame(figures).T.dropna(axis="columns")
    ways = [("joints_alone", "joints alone", ORANGE), ("pixels_alone", "pixels alone", GREEN)]
    ways = [way for way in ways if way[0] in rows]
    rows["accuracy"] = shares = rows["correct"] / rows["images"]
    height = 0.75 / (1 + len(ways))
    size = (WIDTH, (0.3 + 0.17 * len(ways)) * len(rows) + 1.0)
    figure, axes = plt.subplots(figsize=size)
    places = np.arange(len(rows)) - len(ways) * height / 2
    axes.barh(places, shares, color=BLUE, height=height, label="both")
    for number, (column, label, colour) in enumerate(ways, 1):
        alone = rows[column] / rows["images"]
        axes.barh(places + number * height, alone, color=colour, height=height, label=label)
    if "low" in rows:
        ends = rows[["low", "high"]].sub(shares, axis=0).abs().to_numpy().T
        axes.errorbar(shares, places, xerr=ends, fmt="none", color="black", capsize=3)
    axes.axvline(shares.mean(), color=GREY, ls=":", lw=1)
    for place, share in zip(places, shares, strict=True):
        axes.text(0.01, place, percent(share, 1), va="center", color="white", fontsize=9)
    axes.set(title=f"The reader without each set (mean {percent(shares.mean(), 1)})")
    told = "; black: 95 % interval" if "low" in rows else ""
    axes.set(xlabel=f"accuracy on the set that was left out{told}", ylabel="left out", xlim=(0, 1))
    axes.set_yticks(range(len(rows)), rows.index)
    axes.xaxis.set_major_formatter(percents())
    axes.invert_yaxis()
    if ways:
        figure.legend(loc="outside right center", frameon=False)
    return figure


def largest_groups(images: Images, groups: np.ndarray, most: int = 24, columns: int = 12) -> Figure:
    """Images of the largest groups, of each group up to half a row, side by side; above the first
    of a group, how many images it has.

    images uint8 (n, h, w, c), groups int (n,); at least one group has two images.
    """
    numbers, sizes = np.unique(groups, return_counts=True)
    rows: list[int] = []
    captions, colours = [], []
    for place, k in enumerate(np.argsort(-sizes, kind="stable"), 1):
        members = np.flatnonzero(groups == numbers[k])[: columns // 2]
        if sizes[k] < 2 or len(rows) + len(members) > most:
            break
        rows += members.tolist()
        captions += [f"{sizes[k]:,}", *[""] * (len(members) - 1)]
        colours += [BLUE if place % 2 else VERMILION] * len(members)
    title = "The largest groups of linked images; above the first of each, how many it has"
    return image_grid(images[np.array(rows)], captions, title, columns, colours)


def accuracy_by_group(
    correct: np.ndarray,
    groups: np.ndarray,
    intervals: Mapping[str, tuple[float, float]],
    unit: str = "group",
) -> Figure:
    """The accuracy on each group, a point, larger where it has more images; below, intervals (low,
    high) of the whole by their name.

    correct bool (n,), groups int (n,).
    """
    table = pd.Series(correct).groupby(groups).agg(["mean", "size"])
    figure, axes = plt.subplots(figsize=(WIDTH, 1.6 + 0.4 * len(intervals)))
    places = np.random.default_rng(0).uniform(0.3, 1.2, len(table))
    sizes = np.clip(200 * table["size"] / table["size"].max(), 15, None)
    axes.scatter(table["mean"], places, sizes, color=GREY, alpha=0.4, linewidths=0, clip_on=False)
    for line, (colour, ends) in enumerate(
        zip((ORANGE, BLUE, GREEN), intervals.values(), strict=False), 1
    ):
        axes.plot(ends, [-0.55 * line + 0.2] * 2, color=colour, lw=5, solid_capstyle="butt")
    axes.axvline(correct.mean(), color="black", lw=1, ls=":")
    ticks = [0.75, *(-0.55 * line + 0.2 for line in range(1, len(intervals) + 1))]
    axes.set_yticks(ticks, [f"each {unit}", *intervals])
    title = f"Test accuracy of each {unit}; dotted: of all images, {percent(correct.mean(), 1)}"
    axes.set(title=title, xlabel="accuracy", ylim=(ticks[-1] - 0.3, 1.5))
    axes.xaxis.set_major_formatter(percents())
    return figure


def coverage(confidence: np.ndarray, correct: np.ndarray, threshold: float) -> Figure:
    """What a confidence threshold costs and brings: the share of images that get an answer, and
    the share of wrong ones among the answers, at each threshold; the chosen one is marked.

    confidence float (n,), correct bool (n,).
    """
    steps = np.linspace(0, 1, 201)
    answered = np.array([(confidence >= step).mean() for step in steps])
    wrong = [
        (~correct[confidence >= step]).mean() if (confidence >= step).any() else np.nan
        for step in steps
    ]
    figure, panels = plt.subplots(1, 2, figsize=(WIDTH, 2.9), sharex=True)
    told = ("Coverage: images that get an answer", "Errors among these answers")
    for axes, shares, title, colour in zip(
        panels, (answered, wrong), told, (ORANGE, BLUE), strict=True
    ):
        axes.plot(steps, shares, color=colour, lw=2)
        axes.axvline(threshold, color=VERMILION, ls="--", label="chosen on validation")
        axes.set(title=title, xlabel="confidence threshold", xlim=(0, 1.01))
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_formatter(percents())
    panels[0].set(ylabel="share of the test images", ylim=(0, 1.03))
    panels[1].set(ylabel="share of the answers", ylim=(0, max(1.08 * np.nanmax(wrong), 0.01)))
    handles = panels[0].get_legend_handles_labels()
    figure.legend(*handles, loc="outside lower center", frameon=False)
    return figure


def promises(splits: Mapping[str, tuple[pd.Series, pd.Series]]) -> Figure:
    """What validation promised and what fresh images gave, a line a way to split: accuracy, low and
    high of both.
    """
    figure, axes = plt.subplots(figsize=(WIDTH, 0.9 + 0.65 * len(splits)))
    for place, (promise, kept) in enumerate(splits.values()):
        arrow = {"arrowstyle": "->", "color": "0.4", "shrinkA": 8, "shrinkB": 8}
        ends = (kept["accuracy"], place), (promise["accuracy"], place)
        axes.annotate("", *ends, arrowprops=arrow)
        for at, colour, marker, below in ((promise, ORANGE, "D", -0.13), (kept, BLUE, "o", 0.13)):
            told = (
                {"D": "validation promises", "o": "fresh images give"}[marker] if not place else ""
            )
            axes.plot([at["low"], at["high"]], [place + below] * 2, color=colour, lw=1.5)
            axes.plot(
                at["accuracy"], place, marker, color=colour, ms=9, label="" if place else told
            )
    axes.set_yticks(range(len(splits)), splits)
    axes.set(title="The same frames, split in two ways", xlim=(0, 1.02))
    axes.set_xlabel("accuracy, and its 95 % interval")
    axes.set_ylim(len(splits) - 0.5, -0.5)
    axes.xaxis.set_major_formatter(percents())
    figure.legend(loc="outside lower center", ncols=2, frameon=False)
    return figure


def _told(severity: float, unit: str) -> str:
    """A severity as it is told: shares in percent."""
    factor = 100 if unit.startswith("%") else 1
    return f"{factor * severity:g}"
