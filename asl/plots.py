"""The figures of the notebooks: each takes arrays, draws one figure and gives it.

Colours are Okabe and Ito's, which the colour-blind tell apart; blue is right, vermilion is wrong,
and no meaning hangs on the colour alone.
"""

from collections.abc import Collection, Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter, MaxNLocator, PercentFormatter

BLUE, VERMILION, ORANGE, GREEN, GREY = "#0072B2", "#D55E00", "#E69F00", "#009E73", "#666666"
WIDTH = 8.0  # inches: a notebook's page
MAX_COLUMNS = 12

plt.rcParams.update(
    {
        "figure.dpi": 80,
        "font.size": 10,
        "axes.titlesize": 10,
        "figure.titlesize": 12,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "figure.constrained_layout.use": True,
    }
)


def show_image(axes: plt.Axes, image: np.ndarray) -> None:
    """One image (h, w, 1 or 3), 0 black to 255 white, without ticks."""
    image = np.clip(image, 0, 255).astype(np.uint8)  # means and augmented images are float
    axes.imshow(image.squeeze(), cmap="gray", vmin=0, vmax=255, interpolation="nearest")
    axes.set_xticks([])
    axes.set_yticks([])
    for spine in axes.spines.values():
        spine.set_visible(False)


def _turn_long_names(axes: plt.Axes, class_names: Sequence[str]) -> None:
    """Class names below an axis run upwards where they would run into each other."""
    if len(class_names) * max(map(len, class_names)) > 60:
        axes.tick_params(axis="x", rotation=90)


def image_grid(
    images: Collection[np.ndarray],
    captions: Sequence[str] = (),
    title: str = "",
    columns: int = 8,
    colours: Sequence[str] = (),
    stretch: bool = False,
) -> Figure:
    """Images (n of uint8 (h, w, c)) in rows of `columns`, each with its caption above it.

    `stretch` shows the darkest value of each as black and the brightest as white.
    """
    columns = min(columns, MAX_COLUMNS, max(len(images), 1))
    rows = -(-len(images) // columns)
    side = WIDTH / max(columns, 4)
    lines = max((caption.count("\n") + 1 for caption in captions), default=0)
    figure, grid = plt.subplots(
        rows,
        columns,
        figsize=(side * columns, rows * (side + 0.19 * lines) + 0.4),
        squeeze=False,
    )
    for axes in grid.flat[len(images) :]:
        axes.axis("off")
    for i, (axes, image) in enumerate(zip(grid.flat, images, strict=False)):
        if stretch:
            image = (image - image.min()) * (255 / max(np.ptp(image), 1))
        show_image(axes, image)
        if captions:
            axes.set_title(captions[i], color=colours[i] if colours else "black", pad=3)
    figure.suptitle(title)
    return figure


def class_rows(
    images: np.ndarray, labels: np.ndarray, class_names: Sequence[str], count: int | None = None
) -> Figure:
    """`count` images of each class, from its first to its last, a row a class; many classes in two
    columns of five images, few in one of ten.
    """
    halves = 2 if len(class_names) > 6 else 1
    count = count or 10 // halves
    rows = -(-len(class_names) // halves)
    height, width, channels = images.shape[1:]
    gap = max(1, width // 14)
    across = halves * count * (width + gap)
    figure, columns = plt.subplots(
        1,
        halves,
        squeeze=False,
        layout="compressed",
        figsize=(WIDTH, WIDTH * rows * (height + gap) / across + 0.3),
    )
    for half, axes in enumerate(columns.flat):
        names = class_names[half * rows : (half + 1) * rows]
        # One picture of all: a hundred axes would take seconds to lay out
        mosaic = np.full((rows, height + gap, count, width + gap, channels), 255, np.uint8)
        for row in range(len(names)):
            rows_of = np.flatnonzero(labels == half * rows + row)
            some = np.linspace(0, len(rows_of) - 1, min(count, len(rows_of))).astype(int)
            chosen = images[rows_of[some]]
            mosaic[row, :height, : len(chosen), :width] = chosen.swapaxes(0, 1)
        show_image(axes, mosaic.reshape(rows * (height + gap), -1, channels))
        axes.set_yticks(np.arange(len(names)) * (height + gap) + height / 2, names)
        axes.tick_params(length=0)
    figure.suptitle(f"{count} images of each class")
    return figure


def class_balance(counts: pd.DataFrame) -> Figure:
    """Bars of images a class; a column of `counts` for each part (train, validation, test)."""
    figure, axes = plt.subplots(figsize=(WIDTH, 2.8))
    bottom = np.zeros(len(counts))
    for part, colour in zip(counts.columns, (BLUE, ORANGE, GREEN), strict=False):
        axes.bar(counts.index, counts[part], bottom=bottom, color=colour, label=part)
        bottom += counts[part].to_numpy()
    axes.set(title="Images of each class", xlabel="class", ylabel="images")
    _turn_long_names(axes, counts.index)
    figure.legend(ncols=len(counts.columns), loc="outside lower center")
    return figure


def brightness(parts: dict[str, np.ndarray]) -> Figure:
    """How light is spread over the pixels of each part; names and images uint8 (n, h, w, c)."""
    figure, axes = plt.subplots(figsize=(WIDTH, 2.4))
    for (name, images), colour, style in zip(
        parts.items(), (BLUE, VERMILION, GREEN), ("-", "--", ":"), strict=False
    ):
        shares = np.bincount(images.ravel() // 4, minlength=64) / images.size
        axes.stairs(shares, np.arange(0, 257, 4), color=colour, ls=style, label=name)
    axes.set(title="Brightness", xlabel="value of a pixel, 0 black to 255 white", ylabel="share")
    axes.yaxis.set_major_formatter(PercentFormatter(1))
    axes.legend()
    return figure


def learning_curves(history: pd.DataFrame) -> Figure:
    """Loss and error (1 - accuracy) by epoch, the best epoch marked; `history` from `train`."""
    best = history["val_loss"].idxmin()
    figure, (left, right) = plt.subplots(1, 2, figsize=(WIDTH, 3.0))
    left.plot(history.index, history["loss"], "o-", ms=3, color=BLUE, label="training")
    left.plot(history.index, history["val_loss"], "s--", ms=3, color=VERMILION, label="validation")
    left.set(title="Loss", xlabel="epoch", ylabel="cross-entropy")
    error, val_error = 1 - history["accuracy"], 1 - history["val_accuracy"]
    right.plot(history.index, error, "o-", ms=3, color=BLUE, label="training")
    right.plot(history.index, val_error, "s--", ms=3, color=VERMILION, label="validation")
    right.set(title="Error", xlabel="epoch", ylabel="share read wrongly")
    right.yaxis.set_major_formatter(PercentFormatter(1))
    for axes in (left, right):
        axes.axvline(best, color=GREY, lw=1, ls=":")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.set_ylim(bottom=0)
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
    right.legend()
    return figure


def confusion_errors(confusion: np.ndarray, class_names: Sequence[str]) -> Figure:
    """The errors of a confusion matrix alone, each row as shares of its class's images."""
    totals = confusion.sum(axis=1, keepdims=True)
    shares = confusion / np.maximum(totals, 1)
    np.fill_diagonal(shares, 0)
    width = min(WIDTH, 3.3 + 0.24 * len(class_names))
    figure, axes = plt.subplots(figsize=(width, width - 0.8))
    top = max(shares.max(), 0.01)
    drawn = axes.imshow(np.where(shares > 0, shares, np.nan), cmap="cividis_r", vmin=0, vmax=top)
    for i, j in zip(*np.nonzero(shares), strict=True):
        colour = "white" if shares[i, j] > top / 2 else "black"
        axes.text(j, i, confusion[i, j], ha="center", va="center", color=colour, fontsize=7)
    ticks = range(len(class_names))
    axes.set_xticks(ticks, class_names)
    axes.set_yticks(ticks, class_names)
    _turn_long_names(axes, class_names)
    axes.set_xticks(np.arange(-0.5, len(class_names)), minor=True)
    axes.set_yticks(np.arange(-0.5, len(class_names)), minor=True)
    axes.grid(which="minor", color="0.92", lw=0.6)
    axes.tick_params(which="minor", length=0)
    wrong = int(confusion.sum() - np.trace(confusion))
    axes.set(
        title=f"Errors: {wrong:,} of {int(confusion.sum()):,} images (numbers count them)",
        xlabel="read as",
        ylabel="true class",
    )
    figure.colorbar(drawn, label="share of the class", shrink=0.8, format=PercentFormatter(1, 1))
    return figure


def reliability_diagram(table: pd.DataFrame) -> Figure:
    """Share right against confidence, as `reliability` gives them, with how many images."""
    figure, (upper, lower) = plt.subplots(
        2, 1, figsize=(4.8, 4.6), sharex=True, height_ratios=(3, 1)
    )
    upper.plot([0, 1], [0, 1], color=GREY, lw=1, ls=":", label="taken at its word")
    upper.plot(table["confidence"], table["accuracy"], "o-", color=BLUE, label="network")
    upper.set(title="Is the confidence to be believed?", ylabel="share right", ylim=(-0.02, 1.04))
    upper.legend(loc="lower right")
    lower.bar(table["confidence"], table["images"], width=0.03, color=BLUE)
    lower.set(xlabel="confidence", ylabel="images", yscale="log", xlim=(0, 1.03))
    for axis in (upper.xaxis, upper.yaxis):
        axis.set_major_formatter(PercentFormatter(1))
    return figure


def verdicts(cases: pd.DataFrame, class_names: Sequence[str]) -> tuple[list[str], list[str]]:
    """Captions and colours for rows as `mistakes` gives them: blue is right, vermilion wrong."""
    captions = [
        f"{class_names[case.actual]} read as {class_names[case.predicted]}\n"
        f"{int(100 * case.confidence)}% sure"  # cut, not rounded up to 100
        for case in cases.itertuples()
    ]
    right = cases["actual"] == cases["predicted"]
    return captions, [BLUE if each else VERMILION for each in right]


def mistake_rows(
    images: np.ndarray,
    captions: Sequence[str],
    colours: Sequence[str],
    heat: np.ndarray,
    neighbours: np.ndarray,
    neighbour_names: np.ndarray,
) -> Figure:
    """A row an image: the image, where the network looked, and the training images nearest to it.

    images uint8 (n, h, w, c), heat float (n, h, w) 0–1, neighbours uint8 (n, k, h, w, c) and their
    class names (n, k); captions and colours as `verdicts` gives them.
    """
    count, k = neighbours.shape[:2]
    side = WIDTH / (k + 2.3)
    figure, grid = plt.subplots(
        count, k + 2, figsize=(WIDTH, count * (side + 0.42) + 0.3), squeeze=False
    )
    for i, row in enumerate(grid):
        show_image(row[0], images[i])
        row[0].set_title(captions[i], color=colours[i])
        show_image(row[1], images[i])
        row[1].imshow(heat[i], cmap="inferno", alpha=0.55, vmin=0, vmax=1)
        row[1].set_title("looked here")
        for axes, image, name in zip(row[2:], neighbours[i], neighbour_names[i], strict=True):
            show_image(axes, image)
            axes.set_title(name, color=GREY)
    figure.suptitle("The image · where the network looked · the training images most alike to it")
    return figure


def answer(
    image: np.ndarray, caption: str, probabilities: np.ndarray, class_names: Sequence[str]
) -> Figure:
    """An image uint8 (h, w, c) and what the network says of it, probabilities (classes,)."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(WIDTH, 2.5), width_ratios=(1, 3))
    show_image(left, image)
    left.set_title(caption)
    right.bar([*class_names], probabilities, color=BLUE)
    right.axhline(1 / len(class_names), color=VERMILION, ls="--", label="guessing")
    right.set(title="What the network says", xlabel="class", ylabel="probability")
    _turn_long_names(right, class_names)
    right.set_ylim(0, max(2.5 / len(class_names), 1.05 * probabilities.max()))
    right.legend()
    return figure


def accuracies(rows: pd.DataFrame) -> Figure:
    """Test accuracy of each network with its 95 % interval; `rows` as `compare` gives them."""
    figure, axes = plt.subplots(figsize=(WIDTH, 1.1 + 0.4 * len(rows)))
    places = np.arange(len(rows))[::-1]
    below, above = rows["accuracy"] - rows["low"], rows["high"] - rows["accuracy"]
    axes.errorbar(
        rows["accuracy"], places, xerr=[below, above], fmt="o", color=BLUE, capsize=4, lw=1.5
    )
    for place, row in zip(places, rows.itertuples(), strict=True):
        axes.annotate(
            f"{row.correct:,}/{row.test_images:,}",
            (row.accuracy, place),
            xytext=(0, 6),
            textcoords="offset points",
            ha="center",
            color=GREY,
        )
    axes.set_yticks(places, rows["model"])
    axes.set_ylim(-0.5, len(rows) - 0.3)
    axes.xaxis.set_major_formatter(PercentFormatter(1))
    axes.set(title="How much is read rightly, with the 95 % interval", xlabel="test accuracy")
    return figure


def accuracy_and_cost(rows: pd.DataFrame) -> Figure:
    """Test accuracy against what it costs to train and to run; `rows` as `compare` gives them."""
    figure, panels = plt.subplots(1, 2, figsize=(WIDTH, 3.2), sharey=True)
    costs = {"training_seconds": "seconds of training", "multiply_adds": "multiply-adds an image"}
    for axes, (column, label) in zip(panels, costs.items(), strict=True):
        for place, row in enumerate(rows.to_dict("records")):
            axes.errorbar(
                row[column],
                row["accuracy"],
                yerr=[[row["accuracy"] - row["low"]], [row["high"] - row["accuracy"]]],
                fmt="osD^vPX"[place % 7],
                color=(BLUE, VERMILION, GREEN, ORANGE, GREY)[place % 5],
                capsize=3,
                label=row["model"] if axes is panels[0] else None,
            )
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
    """How many images of the test each network reads rightly (row) that another does not (column);
    on the diagonal, what each reads wrongly in all. `pairs` as `shared_mistakes` gives them.
    """
    names = rows["model"].tolist()
    counts = np.diag((rows["test_images"] - rows["correct"]).to_numpy(float))
    p_values = {}
    for pair in pairs.itertuples(index=False):
        first, second = names.index(pair[0]), names.index(pair[1])
        counts[first, second], counts[second, first] = pair[2], pair[3]
        p_values[first, second] = p_values[second, first] = pair[5]
    side = 2.2 + 1.1 * len(names)
    figure, axes = plt.subplots(figsize=(min(side, WIDTH), min(side, WIDTH) - 0.8))
    shade = counts.copy()
    np.fill_diagonal(shade, np.nan)
    axes.imshow(shade, cmap="Blues", vmin=0, vmax=1.6 * max(np.nanmax(shade), 1))
    for i in range(len(names)):
        for j in range(len(names)):
            p = p_values.get((i, j))
            told = "wrong" if p is None else "p < 0.001" if p < 0.001 else f"p = {p:.2g}"
            told = f"{counts[i, j]:,.0f}\n{told}"
            axes.text(j, i, told, ha="center", va="center", color=GREY if i == j else "black")
    axes.set_xticks(range(len(names)), names)
    axes.set_yticks(range(len(names)), names)
    axes.set(
        title="Do they make the same mistakes?", xlabel="reads wrongly", ylabel="reads rightly"
    )
    return figure


def twins(images: np.ndarray, groups: np.ndarray, rows: int = 6, columns: int = 12) -> Figure:
    """The largest groups of images, a row each: the first `columns` of its images, and how many
    there are. Groups of one image are left out.
    """
    numbers, sizes = np.unique(groups, return_counts=True)
    order = np.argsort(-sizes, kind="stable")[:rows]
    shown = [numbers[k] for k in order if sizes[k] > 1]
    figure, axes = plt.subplots(
        max(len(shown), 1),
        columns,
        figsize=(WIDTH, 0.72 * max(len(shown), 1) + 0.3),
        squeeze=False,
    )
    for axis in axes.ravel():
        axis.set_axis_off()
    for line, number in zip(axes, shown, strict=False):
        members = np.flatnonzero(groups == number)
        for axis, row in zip(line, members[:columns], strict=False):
            axis.set_axis_on()
            show_image(axis, images[row])
        line[0].set_ylabel(f"{len(members):,}", rotation=0, ha="right", va="center")
    figure.suptitle("The largest groups of twins, and how many images each has")
    return figure


def matrix(table: pd.DataFrame) -> Figure:
    """Accuracy of networks (rows) on data sets (columns), from rows as `asl.matrix` gives them.

    Squares framed in black are a network's own test split. What is no test is hatched.
    """
    cells = table.pivot(index="model", columns="tested_on", values="accuracy")
    kinds = table.pivot(index="model", columns="tested_on", values="kind")
    order = table["model"].drop_duplicates(), table["tested_on"].drop_duplicates()
    cells, kinds = cells.loc[order], kinds.loc[order]
    height = 0.5 * len(cells) + 1.9
    figure, axes = plt.subplots(figsize=(min(WIDTH, 2.8 + 0.85 * cells.shape[1]), height))
    drawn = axes.imshow(cells, cmap="cividis", vmin=0, vmax=1, aspect="auto")
    for i, j in np.ndindex(cells.shape):
        value, kind = cells.iloc[i, j], kinds.iloc[i, j]
        if np.isnan(value):
            frame = {"hatch": "////", "fill": False, "edgecolor": "0.8", "lw": 0}
            axes.add_patch(plt.Rectangle((j - 0.5, i - 0.5), 1, 1, **frame))
            label = {"no shared class": "", "overlap": "same\nhands"}.get(kind, "trained\non it")
            axes.text(j, i, label, ha="center", va="center", fontsize=7, color=GREY)
            continue
        percent = np.floor(1000 * value) / 10  # not rounded up to 100
        colour = "black" if value > 0.6 else "white"
        axes.text(j, i, f"{percent:.1f}", ha="center", va="center", color=colour, fontsize=9)
        if kind == "test split":
            frame = {"fill": False, "edgecolor": "black", "lw": 2.5}
            axes.add_patch(plt.Rectangle((j - 0.47, i - 0.46), 0.94, 0.92, **frame))
    axes.set_xticks(range(cells.shape[1]), cells.columns, rotation=30, ha="right")
    axes.set_yticks(range(cells.shape[0]), cells.index)
    axes.set(title="Accuracy in percent, by data set", xlabel="read", ylabel="trained network")
    axes.spines[:].set_visible(False)
    figure.colorbar(drawn, label="accuracy", format=PercentFormatter(1))
    return figure


def robustness(curves: dict[str, pd.DataFrame], units: dict[str, str], chance: float) -> Figure:
    """Accuracy against the strength of each change, a panel a change and a line a network.

    `curves` as `asl.robustness` gives them, by the network's name; `units` of the strengths.
    `chance` is the accuracy of guessing.
    """
    changes = list(next(iter(curves.values()))["change"].drop_duplicates())
    columns = min(5, len(changes))
    rows = -(-len(changes) // columns)
    figure, axes = plt.subplots(
        rows, columns, figsize=(WIDTH * 1.25, 2.3 * rows + 0.5), sharey=True, squeeze=False
    )
    for axis in axes.ravel()[len(changes) :]:
        axis.set_axis_off()
    styles = zip((BLUE, VERMILION, GREEN, ORANGE), ("o-", "s--", "^-.", "d:"), strict=True)
    for (name, table), (colour, style) in zip(curves.items(), styles, strict=False):
        for axis, change in zip(axes.ravel(), changes, strict=False):
            line = table[table["change"] == change].sort_values("strength")
            axis.plot(
                line["strength"], line["accuracy"], style, color=colour, ms=4, lw=1.4, label=name
            )
    for axis, change in zip(axes.ravel(), changes, strict=False):
        axis.axhline(chance, color=GREY, lw=0.8, ls=":")
        axis.set(title=change, xlabel=units[change], ylim=(0, 1.03))
        axis.xaxis.set_major_locator(MaxNLocator(4))
        axis.yaxis.set_major_formatter(PercentFormatter(1))
        if change == "jpeg":
            axis.invert_xaxis()  # harder to the right, as in the others
    axes[0, 0].set_ylabel("accuracy")
    figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside upper left", ncols=4)
    return figure


def left_out(figures: dict[str, dict]) -> Figure:
    """What was read of each data set by a network that was trained without it, with intervals.

    `figures` as the sidecar of `reader` has them: correct, images, low, high.
    """
    names = list(figures)
    shares = np.array([figures[name]["correct"] / figures[name]["images"] for name in names])
    low, high = (np.array([figures[name][end] for name in names]) for end in ("low", "high"))
    figure, axes = plt.subplots(figsize=(WIDTH * 0.75, 0.45 * len(names) + 1.2))
    axes.barh(names, shares, color=BLUE, height=0.6)
    spread = np.stack([shares - low, high - shares])
    axes.errorbar(shares, names, xerr=np.maximum(spread, 0), fmt="none", color="black", capsize=3)
    axes.axvline(shares.mean(), color=GREY, ls=":", lw=1)
    for place, share in enumerate(shares):
        axes.text(0.01, place, f"{np.floor(1000 * share) / 10:.1f} %", va="center", color="white")
    axes.set(
        xlim=(0, 1), xlabel="read rightly", title=f"Left out; mean {100 * shares.mean():.1f} %"
    )
    axes.xaxis.set_major_formatter(PercentFormatter(1))
    axes.invert_yaxis()
    return figure
