"""Figures that show numbers: learning curves, the confusion matrix, accuracies, corruptions."""

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter, MaxNLocator, PercentFormatter

from asl.plots.style import (
    BLUE,
    CONFUSION_COLOURS,
    GREEN,
    GREY,
    ORANGE,
    VERMILION,
    WIDTH,
    turn_long_names,
)
from asl.rounding import percent


def class_balance(counts: pd.DataFrame) -> Figure:
    """Bars of images a class; a column of `counts` for each part (train, validation, test)."""
    figure, axes = plt.subplots(figsize=(WIDTH, 2.8))
    bottom = np.zeros(len(counts))
    for part, colour in zip(counts.columns, (BLUE, ORANGE, GREEN), strict=False):
        axes.bar(counts.index, counts[part], bottom=bottom, color=colour, label=part)
        bottom += counts[part].to_numpy()
    axes.set(title="Images of each class", xlabel="class", ylabel="images")
    turn_long_names(axes, counts.index)
    figure.legend(ncols=len(counts.columns), loc="outside lower center")
    return figure


def brightness(parts: dict[str, np.ndarray]) -> Figure:
    """How light is spread over the pixels of each part; names and images uint8 (n, h, w, c)."""
    figure, axes = plt.subplots(figsize=(WIDTH, 2.4))
    styles = {"-": BLUE, "--": VERMILION, ":": GREEN}
    for (name, images), (style, colour) in zip(parts.items(), styles.items(), strict=False):
        shares = np.bincount(images.ravel() // 4, minlength=64) / images.size
        axes.stairs(shares, np.arange(0, 257, 4), color=colour, ls=style, label=name)
    axes.set(title="Brightness", xlabel="value of a pixel, 0 black to 255 white", ylabel="share")
    axes.yaxis.set_major_formatter(PercentFormatter(1))
    axes.legend()
    return figure


def learning_curves(history: pd.DataFrame) -> Figure:
    """Loss and error (1 - accuracy) by epoch, the best epoch marked; `history` from `train`."""
    best = history["val_loss"].idxmin()
    curves = history.assign(error=1 - history["accuracy"], val_error=1 - history["val_accuracy"])
    figure, (left, right) = plt.subplots(1, 2, figsize=(WIDTH, 3.0))
    for axes, column in ((left, "loss"), (right, "error")):
        axes.plot(curves[column], "o-", ms=3, color=BLUE, label="training")
        axes.plot(curves[f"val_{column}"], "s--", ms=3, color=VERMILION, label="validation")
        axes.axvline(best, color=GREY, lw=1, ls=":")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.set_ylim(bottom=0)
    left.set(title="Loss", xlabel="epoch", ylabel="cross-entropy")
    right.set(title="Error", xlabel="epoch", ylabel="share predicted wrongly")
    right.yaxis.set_major_formatter(PercentFormatter(1))
    right.legend()
    early = best <= history.index[len(history) // 2]
    left.annotate(
        f"best: epoch {best}",
        (best, 0.97),
        xycoords=("data", "axes fraction"),
        xytext=(4 if early else -4, 0),
        textcoords="offset points",
        ha="left" if early else "right",
        va="top",
        color=GREY,
    )
    return figure


def confusion_errors(confusion: np.ndarray, class_names: Sequence[str]) -> Figure:
    """The errors of a confusion matrix alone, each row as shares of its class's images."""
    shares = confusion / np.maximum(confusion.sum(axis=1, keepdims=True), 1)
    np.fill_diagonal(shares, 0)
    top = max(shares.max(), 0.01)
    width = min(WIDTH, 3.3 + 0.24 * len(class_names))
    figure, axes = plt.subplots(figsize=(width, width - 0.8))
    drawn = axes.imshow(np.where(shares, shares, np.nan), cmap=CONFUSION_COLOURS, vmin=0, vmax=top)
    for i, j in np.argwhere(shares):
        colour = "white" if shares[i, j] > top / 2 else "black"
        axes.text(j, i, confusion[i, j], ha="center", va="center", color=colour, fontsize=7)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_ticks(range(len(class_names)), class_names)
        axis.set_ticks(np.arange(-0.5, len(class_names)), minor=True)
    turn_long_names(axes, class_names)
    axes.grid(which="minor", color="0.92", lw=0.6)
    axes.tick_params(which="minor", length=0)
    total = int(confusion.sum())
    title = f"Errors: {total - int(np.trace(confusion)):,} of {total:,} images (numbers count them)"
    axes.set(title=title, xlabel="predicted class", ylabel="true class")
    figure.colorbar(drawn, label="share of the class", shrink=0.8, format=PercentFormatter(1, 1))
    return figure


def reliability_diagram(table: pd.DataFrame) -> Figure:
    """Share correct against confidence, as `reliability` gives them, with how many images."""
    figure, panels = plt.subplots(2, figsize=(4.8, 4.6), sharex=True, height_ratios=(3, 1))
    upper, lower = panels
    upper.plot([0, 1], [0, 1], color=GREY, lw=1, ls=":", label="perfectly calibrated")
    upper.plot(table["confidence"], table["accuracy"], "o-", color=BLUE, label="network")
    upper.set(title="Reliability", ylabel="share correct", ylim=(-0.02, 1.04))
    upper.legend(loc="lower right")
    lower.bar(table["confidence"], table["images"], width=0.03, color=BLUE)
    lower.set(xlabel="confidence", ylabel="images", yscale="log", xlim=(0, 1.03))
    for axis in (upper.xaxis, upper.yaxis):
        axis.set_major_formatter(PercentFormatter(1))
    return figure


def _spread(rows: pd.DataFrame) -> np.ndarray:
    """How far each interval reaches below and above its accuracy, float (2, rows)."""
    return rows[["low", "high"]].sub(rows["accuracy"], axis=0).abs().to_numpy().T


def accuracies(rows: pd.DataFrame) -> Figure:
    """Test accuracy of each network with its 95 % interval; `rows` as `compare` gives them."""
    figure, axes = plt.subplots(figsize=(WIDTH, 1.1 + 0.4 * len(rows)))
    places, shares, ends = np.arange(len(rows))[::-1], rows["accuracy"], _spread(rows)
    axes.errorbar(shares, places, xerr=ends, fmt="o", color=BLUE, capsize=4, lw=1.5)
    for place, row in zip(places, rows.itertuples(), strict=True):
        told, at = f"{row.correct:,}/{row.test_images:,}", (row.accuracy, place)
        axes.annotate(told, at, (0, 6), textcoords="offset points", ha="center", color=GREY)
    axes.set_yticks(places, rows["model"])
    axes.set_ylim(-0.5, len(rows) - 0.3)
    axes.xaxis.set_major_formatter(PercentFormatter(1))
    axes.set(title="Test accuracy with its 95 % interval", xlabel="test accuracy")
    return figure


def accuracy_and_cost(rows: pd.DataFrame) -> Figure:
    """Test accuracy against what it costs to train and to run; `rows` as `compare` gives them."""
    figure, panels = plt.subplots(1, 2, figsize=(WIDTH, 3.2), sharey=True)
    costs = {"training_seconds": "seconds of training", "multiply_adds": "multiply-adds an image"}
    spread = _spread(rows)
    for axes, (column, label) in zip(panels, costs.items(), strict=True):
        for k, (cost, share) in enumerate(zip(rows[column], rows["accuracy"], strict=True)):
            marker, colour = "osD^vPX"[k % 7], (BLUE, VERMILION, GREEN, ORANGE, GREY)[k % 5]
            name = rows["model"].iloc[k] if axes is panels[0] else None
            ends = spread[:, [k]]
            axes.errorbar(cost, share, yerr=ends, fmt=marker, color=colour, capsize=3, label=name)
        axes.set_xlabel(label)
        axes.margins(x=0.2)
        if rows[column].max() > 5 * rows[column].min():
            axes.set_xscale("log")
        else:
            axes.set_xlim(0, 1.1 * rows[column].max())
        axes.xaxis.set_major_formatter(EngFormatter())
    panels[0].set_ylabel("test accuracy")
    panels[0].yaxis.set_major_formatter(PercentFormatter(1))
    figure.legend(ncols=min(len(rows), 4), loc="outside lower center")
    figure.suptitle("What accuracy costs")
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
    side = min(2.2 + 1.1 * len(names), WIDTH)
    figure, axes = plt.subplots(figsize=(side, side - 0.8))
    shade = np.where(np.eye(len(names)), np.nan, counts)
    axes.imshow(shade, cmap="Blues", vmin=0, vmax=1.6 * np.nanmax(shade, initial=1))
    for (i, j), p in np.ndenumerate(p_values):
        told = "wrong" if i == j else "p < 0.001" if p < 0.001 else f"p = {p:.2g}"
        colour = GREY if i == j else "black"
        axes.text(j, i, f"{counts[i, j]:,.0f}\n{told}", ha="center", va="center", color=colour)
    axes.set_xticks(range(len(names)), names)
    axes.set_yticks(range(len(names)), names)
    axes.set(title="Do they make the same mistakes?")
    axes.set(xlabel="predicts wrongly", ylabel="predicts correctly")
    return figure


def cross_dataset_matrix(table: pd.DataFrame) -> Figure:
    """Accuracy of networks (rows) on data sets (columns), from rows as
    `evaluation.cross_dataset.cross_dataset_matrix` gives them.

    Squares framed in black are a network's own test split. What is no test is hatched.
    """
    models, datasets = list(table["model"].unique()), list(table["tested_on"].unique())
    cells = table.pivot(index="model", columns="tested_on", values="accuracy")
    width = min(WIDTH, 2.8 + 0.85 * len(datasets))
    figure, axes = plt.subplots(figsize=(width, 0.5 * len(models) + 1.9))
    cells = cells.loc[models, datasets]
    drawn = axes.imshow(cells, cmap="cividis", vmin=0, vmax=1, aspect="auto")
    for row in table.itertuples():
        j, i = datasets.index(row.tested_on), models.index(row.model)
        if np.isnan(row.accuracy):
            square = plt.Rectangle((j - 0.5, i - 0.5), 1, 1, fill=False, edgecolor="0.8", lw=0)
            square.set_hatch("////")
            axes.add_patch(square)
            label = {"no shared class": "", "overlap": "same\nhands"}.get(
                row.kind, "trained\non it"
            )
            colour, fontsize = GREY, 7
        else:
            label = percent(row.accuracy, 1)[:-2]
            colour, fontsize = "black" if row.accuracy > 0.6 else "white", 9
        axes.text(j, i, label, ha="center", va="center", color=colour, fontsize=fontsize)
        if row.kind == "test split":
            corner = (j - 0.47, i - 0.46)
            axes.add_patch(plt.Rectangle(corner, 0.94, 0.92, fill=False, edgecolor="k", lw=2.5))
    axes.set_xticks(range(len(datasets)), datasets, rotation=30, ha="right")
    axes.set_yticks(range(len(models)), models)
    axes.set(title="Accuracy in percent, by data set", xlabel="tested on", ylabel="network")
    axes.spines[:].set_visible(False)
    figure.colorbar(drawn, label="accuracy", format=PercentFormatter(1))
    return figure


def robustness(curves: dict[str, pd.DataFrame], units: dict[str, str], chance: float) -> Figure:
    """Accuracy against the severity of each corruption, a panel a corruption and a line a network.

    `curves` as `asl.robustness` gives them, by the network's name; `units` of the severities.
    `chance` is the accuracy of guessing.
    """
    corruptions = next(iter(curves.values()))["corruption"].unique()
    columns = min(5, len(corruptions))
    rows = -(-len(corruptions) // columns)
    size = (WIDTH * 1.25, 2.3 * rows + 0.5)
    figure, axes = plt.subplots(rows, columns, figsize=size, sharey=True, squeeze=False)
    for axis in axes.flat[len(corruptions) :]:
        axis.set_axis_off()
    styles = {"o-": BLUE, "s--": VERMILION, "^-.": GREEN, "d:": ORANGE}
    for axis, corruption in zip(axes.flat, corruptions, strict=False):
        for (name, table), (style, colour) in zip(curves.items(), styles.items(), strict=False):
            line = table[table["corruption"] == corruption].sort_values("severity")
            severity, accuracy = line["severity"], line["accuracy"]
            axis.plot(severity, accuracy, style, color=colour, ms=4, lw=1.4, label=name)
        axis.axhline(chance, color=GREY, lw=0.8, ls=":")
        axis.set(title=corruption, xlabel=units[corruption], ylim=(0, 1.03))
        axis.xaxis.set_major_locator(MaxNLocator(4))
        axis.yaxis.set_major_formatter(PercentFormatter(1))
        if corruption == "jpeg":
            axis.invert_xaxis()  # harder to the right, as in the others
    axes[0, 0].set_ylabel("accuracy")
    figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside upper left", ncols=4)
    return figure


def leave_one_dataset_out(figures: dict[str, dict]) -> Figure:
    """Accuracy on each data set of a network that was trained without it.

    `figures` as the metadata of `reader` has them: correct, images and, for an interval, low, high;
    and joints_alone and pixels_alone, how many are correct with one of the two.
    """
    rows = pd.DataFrame(figures).T.dropna(axis="columns")
    ways = [("joints_alone", "joints alone", ORANGE), ("pixels_alone", "pixels alone", GREEN)]
    ways = [way for way in ways if way[0] in rows]
    rows["accuracy"] = shares = rows["correct"] / rows["images"]
    height = 0.6 / (1 + len(ways))
    size = (WIDTH * 0.75, (0.45 + 0.25 * len(ways)) * len(rows) + 1.2)
    figure, axes = plt.subplots(figsize=size)
    places = np.arange(len(rows)) - len(ways) * height / 2
    axes.barh(places, shares, color=BLUE, height=height, label="both")
    for number, (column, label, colour) in enumerate(ways, 1):
        alone = rows[column] / rows["images"]
        axes.barh(places + number * height, alone, color=colour, height=height, label=label)
    if "low" in rows:
        ends = _spread(rows)
        axes.errorbar(shares, places, xerr=ends, fmt="none", color="black", capsize=3)
    axes.axvline(shares.mean(), color=GREY, ls=":", lw=1)
    for place, share in zip(places, shares, strict=True):
        axes.text(0.01, place, percent(share, 1), va="center", color="white")
    title = f"Leave-one-dataset-out; mean {percent(shares.mean(), 1)}"
    axes.set(title=title, xlabel="accuracy", xlim=(0, 1))
    axes.set_yticks(range(len(rows)), rows.index)
    axes.xaxis.set_major_formatter(PercentFormatter(1))
    axes.invert_yaxis()
    if ways:
        figure.legend(loc="outside lower center", ncols=3, frameon=False)
    return figure
