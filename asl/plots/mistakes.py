"""Figures that look at mistakes: the worst of them, why, which classes, and in which groups."""

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.cm import ScalarMappable
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from asl.plots.evaluation import text_alone
from asl.plots.hands import WEIGHT_COLOURS, draw_weights
from asl.plots.style import BLUE, GREY, ORANGE, VERMILION, WIDTH, percents, show_image
from asl.rounding import percent

HEAT_COLOURS = "inferno"
NOTHING = "There is no prediction to look at."


def verdicts(cases: pd.DataFrame, class_names: Sequence[str]) -> tuple[list[str], list[str]]:
    """Captions and colours for rows as `mistakes` gives them: blue is correct, vermilion wrong."""
    captions, colours = [], []
    for case in cases.itertuples():
        verdict = f"{class_names[case.actual]} → {class_names[case.predicted]}"
        how = f"{percent(case.confidence, 0)} confident"
        if case.predicted < 0:
            verdict, how = class_names[case.actual], "no hand found"
        captions.append(f"{verdict}\n{how}")
        colours.append(BLUE if case.actual == case.predicted else VERMILION)
    return captions, colours


def cases(
    images: np.ndarray,
    table: pd.DataFrame,
    class_names: Sequence[str],
    title: str = "",
    most: int = 18,
) -> Figure:
    """The images of the first rows of a table as `mistakes` gives it, at most so many, each with
    its verdict above it; as many as fill their lines of six.

    images uint8 (n, h, w, c), of which column `row` says the place.
    """
    if table.empty:
        return text_alone(f"{title}: {NOTHING}" if title else NOTHING)
    columns = min(6, len(table))
    table = table.head(min(most, len(table)) // columns * columns)
    lines, side = len(table) // columns, WIDTH / 6
    size = (side * columns, lines * (side + 0.42) + 0.4)
    figure, grid = plt.subplots(lines, columns, figsize=size, squeeze=False)
    captions, colours = verdicts(table, class_names)
    rows = zip(grid.flat, table["row"], captions, colours, strict=True)
    for axes, row, caption, colour in rows:
        show_image(axes, images[row])
        axes.set_title(caption, color=colour, pad=3, fontsize=9)
    figure.suptitle(title)
    return figure


def neighbours(
    images: np.ndarray,
    table: pd.DataFrame,
    class_names: Sequence[str],
    near: np.ndarray,
    near_labels: np.ndarray,
    title: str = "",
) -> Figure:
    """A row for each row of a table as `mistakes` gives it: its image, then the training images
    most alike to it, under the names of their classes.

    images uint8 (n, h, w, c), near uint8 (n, k, h, w, c), near_labels int (n, k).
    """
    if not len(images):
        return text_alone(f"{title}: {NOTHING}" if title else NOTHING)
    count, k = near.shape[:2]
    size = (WIDTH, count * (WIDTH / (k + 1.3) + 0.38) + 0.35)
    ratios = (1, 0.12, *(1,) * k)
    figure, grid = plt.subplots(count, k + 2, figsize=size, squeeze=False, width_ratios=ratios)
    captions, colours = verdicts(table, class_names)
    for i, (row, case) in enumerate(zip(grid, table.itertuples(), strict=True)):
        show_image(row[0], images[i])
        row[0].set_title(captions[i], color=colours[i], fontsize=9)
        row[1].set_axis_off()
        for axes, image, label in zip(row[2:], near[i], near_labels[i], strict=True):
            show_image(axes, image)
            colour = {case.actual: BLUE, case.taken_for: VERMILION}.get(label, GREY)
            axes.set_title(class_names[label], color=colour)
    figure.suptitle(title)
    return figure


def evidence(
    images: np.ndarray,
    table: pd.DataFrame,
    class_names: Sequence[str],
    heat: np.ndarray,
    joints: np.ndarray | None = None,
    title: str = "",
) -> Figure:
    """A column for each row of a table as `mistakes` gives it: its image, below it what speaks for
    the class it was taken for (for the runner-up, where it is predicted correctly), and below that
    what speaks for the true class.

    images uint8 (n, h, w, c), heat float (n, 2, h, w), 0–1, as `grad_cam` gives it. With joints
    (n, 21, 3), in pixels of the images, heat is how much each of them mattered, (n, 2, 21).
    """
    if not len(images):
        return text_alone(f"{title}: {NOTHING}" if title else NOTHING)
    count = len(images)
    side = min(WIDTH / 5.6, (WIDTH - 1) / count)
    size = (side * count + 1.0, 3 * (side + 0.25) + 0.6)
    figure, grid = plt.subplots(3, count, figsize=size, squeeze=False)
    captions, colours = verdicts(table, class_names)
    for i, (column, case) in enumerate(zip(grid.T, table.itertuples(), strict=True)):
        show_image(column[0], images[i])
        column[0].set_title(captions[i], color=colours[i], fontsize=9)
        for axes, weights, label in zip(
            column[1:], heat[i], (case.taken_for, case.actual), strict=True
        ):
            show_image(axes, images[i])
            axes.set_title(f"for {class_names[label]}", fontsize=9)
            if joints is None:
                axes.imshow(weights, cmap=HEAT_COLOURS, alpha=0.65, vmin=0, vmax=1)
            else:
                axes.autoscale(False)  # what lies beyond the image is not shown
                draw_weights(axes, joints[i] - 0.5, weights)
    other = "taken for"
    if (table["actual"] == table["predicted"]).any():
        other += ",\nor runner-up"
    for axes, name in zip(grid[:, 0], ("image", other, "true class"), strict=True):
        axes.set_ylabel(name)
    scale = ScalarMappable(cmap=HEAT_COLOURS if joints is None else WEIGHT_COLOURS)
    alpha = 0.65 if joints is None else 1
    label = "share of the highest in each column"
    figure.colorbar(scale, ax=grid[1:], label=label, format=percents(), alpha=alpha)
    figure.suptitle(title)
    return figure


def pair_counts(pairs: pd.DataFrame, title: str = "", most: int = 10) -> Figure:
    """How often two classes were taken for each other, the most frequent pairs first; `pairs` as
    `confused_pairs` gives them.
    """
    if pairs.empty:
        return text_alone(f"{title}: none" if title else "No pair was confused.")
    forth = pairs["actual"] < pairs["predicted"]
    both = pairs.assign(
        first=pairs["actual"].where(forth, pairs["predicted"]),
        second=pairs["predicted"].where(forth, pairs["actual"]),
        way=np.where(forth, "forth", "back"),
    )
    table = both.pivot_table(
        index=["first", "second"], columns="way", values="images", aggfunc="sum", fill_value=0
    ).reindex(columns=["forth", "back"], fill_value=0)
    table = table.loc[table.sum(axis=1).sort_values(ascending=False, kind="stable").index][:most]
    names = [f"{first}, {second}" for first, second in table.index]
    figure, axes = plt.subplots(figsize=(WIDTH * 0.8, 0.27 * len(table) + 1.2))
    axes.barh(names, table["forth"], color=BLUE, label="the first taken for the second")
    axes.barh(
        names,
        table["back"],
        left=table["forth"],
        color=ORANGE,
        label="the second for the first",
    )
    axes.invert_yaxis()
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set(xlabel="images", ylabel="classes" if len(table) > 2 else "")
    figure.suptitle(title, fontsize=10)  # it may be broader than the axes
    figure.legend(loc="outside lower center", ncols=2, frameon=False)
    return figure


def pair_images(
    images: Sequence[np.ndarray], captions: Sequence[str], parts: Sequence[int], title: str = ""
) -> Figure:
    """Rows of images (uint8 (h, w, c)) with gaps between the parts of a row, of so many images
    each; each image has its caption.
    """
    if not len(images):
        return text_alone(f"{title}: {NOTHING}" if title else NOTHING)
    columns = sum(parts)
    rows, gaps = len(images) // columns, np.cumsum(parts)[:-1]
    side = WIDTH / (columns + 0.3 * len(gaps))
    ratios = np.insert(np.ones(columns), gaps, 0.2).tolist()
    size = (WIDTH, rows * (side + 0.22) + 0.4)
    columns = len(ratios)
    figure, grid = plt.subplots(rows, columns, figsize=size, squeeze=False, width_ratios=ratios)
    is_gap = np.array(ratios) < 1
    for axes in grid[:, is_gap].flat:
        axes.set_axis_off()
    for axes, image, caption in zip(grid[:, ~is_gap].flat, images, captions, strict=True):
        show_image(axes, image)
        axes.set_title(caption, fontsize=9, pad=3)
    figure.suptitle(title)
    return figure


def by_group(
    wrong: np.ndarray, groups: np.ndarray, unit: str, title: str = "", most: int = 12
) -> Figure:
    """How many images of each group are predicted wrongly, the groups with most of them first, and
    how many that would be if all groups had the mean share.

    wrong bool (n,), groups int (n,), `unit` what a group is.
    """
    frame = pd.DataFrame({"group": groups, "wrong": wrong})
    table = frame.groupby("group")["wrong"].agg(["sum", "size"])
    order = table["sum"].sort_values(ascending=False, kind="stable").index
    table = table.loc[order[:most]]
    names = [f"{unit} {group}" for group in table.index]
    figure, axes = plt.subplots(figsize=(WIDTH * 0.8, 0.27 * len(table) + 1.3))
    bars = axes.barh(names, table["sum"], color=BLUE, label="predicted wrongly")
    places, expected = np.arange(len(table)), table["size"] * np.mean(wrong)
    alike = "if all groups were alike"
    marks = axes.plot(expected, places, "|", ms=13, mew=2.5, color=VERMILION, label=alike)
    far = np.maximum(table["sum"], expected)
    for place, end, (count, of) in zip(places, far, table.to_numpy(), strict=True):
        told = f"{count:,} of {of:,}"
        axes.annotate(told, (end, place), (6, 0), textcoords="offset points", va="center")
    axes.invert_yaxis()
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.margins(x=0.15)
    axes.set(xlabel="images", xlim=(0, max(1, 1.15 * far.max())))
    figure.suptitle(title, fontsize=10)  # it may be broader than the axes
    figure.legend(handles=[bars, *marks], loc="outside lower center", ncols=2, frameon=False)
    return figure
