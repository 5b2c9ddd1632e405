"""Splitting samples into training, validation and test so that related images stay together."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from sklearn.model_selection import train_test_split

from asl.data import near_duplicates
from asl.data.dataset import DUPLICATE_GROUP
from asl.data.samples import PARTS, Samples, Split, SplitRecipe, names_sha256
from asl.errors import AslError, few, whole
from asl.rounding import percent

FEW_GROUPS = 5  # groups of a class; with fewer, a test on other groups says little


def split(
    samples: Samples,
    validation_split: float = 0.1,
    seed: int = 0,
    test_group: int | None = None,
    by: str = "group",
) -> Split:
    """Split samples into training, validation and test, the same way every time for one seed.

    Test is the publisher's own where there is one, else `validation_split` of all, or the one group
    (signer) `test_group`. Validation is `validation_split` of what remains, and of each class, as
    nearly as whole groups allow. Rows of one group stay on one side: signer, student or film
    segment where the data set knows them, else near-duplicates (`asl.duplicate_groups`), looked for
    once and kept in data/cache; but a publisher's own test rows stay where they are. `by="row"` is
    the random split that most projects make, which promises too much. No side is chosen by looking
    at results. The split carries its recipe. AslError for classes with too few images, for groups
    that are not as many as the images, and for a group that is not there.
    """
    _check(samples, validation_split, by)
    seed = whole("seed", seed)
    samples = replace(samples, groups=None) if by == "row" else with_groups(samples)
    rows, is_test, test_split, by_row = np.arange(len(samples)), samples.is_test, None, {}
    if test_group is not None:
        groups = np.array([]) if samples.groups is None else samples.groups
        there = np.unique(groups).tolist()
        if test_group not in there:
            raise AslError(f"{samples.dataset} has no group {test_group}; it has: {few(there, 8)}.")
        is_test = groups == test_group
        test_group = int(test_group)  # numpy's is not written into metadata
    if is_test is not None:
        rest, test = rows[~is_test], rows[is_test]
    else:
        test_split = validation_split
        rest, test, by_row["test"] = _hold_out(samples, rows, test_split, seed)
    train, validation, by_row["validation"] = _hold_out(samples, rest, validation_split, seed)
    rows_of = dict(zip(PARTS, (train, validation, test), strict=True))
    parts = {name: samples.take(chosen) for name, chosen in rows_of.items()}
    recipe = SplitRecipe(
        by,
        seed,
        validation_split,
        test_split,
        test_group,
        group_unit=samples.group_unit if by == "group" else "",
        split_by_row={name: classes for name, classes in by_row.items() if classes},
        counts={name: len(part) for name, part in parts.items()},
        names_sha256={name: names_sha256(part) for name, part in parts.items()},
    )
    return Split(**parts, recipe=recipe)


def replay(samples: Samples, recipe: SplitRecipe) -> Split:
    """Split samples again by the recipe of an earlier split, and check that the parts are the same.

    AslError where they are not: images were added or taken away, or groups are found otherwise.
    A recipe that knows no hash (of an older version) is checked by its counts.
    """
    again = split(
        samples, recipe.validation_split, recipe.seed, recipe.test_group, recipe.by or "group"
    )
    record = "names_sha256" if recipe.names_sha256 else "counts"
    known, now = getattr(recipe, record), getattr(again.recipe, record)
    changed = [part for part in known if known[part] != now[part]]
    if changed:
        before, after = sum(recipe.counts.values()), len(samples)
        how = f"{before:,} images then, {after:,} now" if before != after else "other images"
        raise AslError(
            f"{samples.dataset} can no longer be split as it was for this training: its "
            f"{' and '.join(changed)} part would hold other images ({how}). Images that were "
            "trained on could be taken for a test, so nothing is measured. Put the images back "
            "as they were, or train again (notebook 05_train)."
        )
    return again


def with_groups(samples: Samples) -> Samples:
    """The samples with what belongs together: as the data set says, else near-duplicates."""
    if samples.groups is not None:
        return samples
    groups = near_duplicates.cached_groups(samples)
    return replace(samples, groups=groups, group_unit=DUPLICATE_GROUP)


def groups_per_class(*parts: Samples) -> np.ndarray:
    """How many groups each class has images of, in all these parts: int (classes,)."""
    pairs = [
        np.stack([part.labels, part.groups], axis=1) for part in parts if part.groups is not None
    ]
    labels = np.unique(np.concatenate(pairs), axis=0)[:, 0]
    return np.bincount(labels, minlength=len(parts[0].class_names))


def describe_few_groups(parts: Split) -> str:
    """What too few recordings of a class mean for the figures, and what to do; empty where there
    are enough of them.

    Webcam frames of one sitting are near-duplicates and form one group, a recording. A network
    that saw one recording a class can learn the wall behind the hand.
    """
    recipe = parts.recipe
    if recipe.by == "row":
        return ""
    lines = []
    many = int(np.median(groups_per_class(*parts)))
    count = len(parts.train.class_names)
    if recipe.test_split and many < FEW_GROUPS:
        lines.append(
            f"Most classes have {many} recording{'s' * (many != 1)} "
            f"(a {recipe.group_unit}: images of one sitting)."
        )
        share = percent(len(parts.test) / sum(map(len, parts)), 0)
        whole = count - len(recipe.split_by_row.get("test", ()))
        if whole:
            lines.append(
                f"The test holds other recordings than training, for {whole} of {count} classes: "
                f"{share} of the images, where {percent(recipe.test_split, 0)} were asked for, "
                "since a recording stays whole."
            )
    for part, names in recipe.split_by_row.items():
        few = f"{', '.join(names[:3])}{', …' if len(names) > 3 else ''}"
        lines.append(
            f"{part.capitalize()} is split from the training recordings for {len(names)} of "
            f"{count} classes ({few}): its accuracy promises too much."
        )
    if lines:
        lines.append(
            f"Guessing would be correct for {percent(1 / count, 1)}. To learn the hand and not "
            f"the wall, a network needs {FEW_GROUPS} recordings of each class and more: other "
            "rooms, other people, other days."
        )
    return "\n".join(lines)


def _check(samples: Samples, validation_split: float, by: str) -> None:
    is_number = isinstance(validation_split, int | float) and not isinstance(validation_split, bool)
    if not is_number or not 0 < validation_split < 0.5:
        raise AslError(f"validation_split is {validation_split!r}; it must lie between 0 and 0.5.")
    if by not in ("group", "row"):
        raise AslError(f"by is {by!r}; a split is by 'group' or by 'row'.")
    if samples.groups is not None and len(samples.groups) != len(samples):
        raise AslError(
            f"{samples.dataset}: {len(samples.groups):,} groups for {len(samples):,} images; each "
            "image needs the number of its group."
        )


def _hold_out(
    samples: Samples, rows: np.ndarray, share: float, seed: int
) -> tuple[np.ndarray, np.ndarray, tuple[str, ...]]:
    """The rest of the rows and those held out, sorted: about `share` of them, whole groups where
    there are groups; and the classes of which single rows were held out, for want of groups.
    """
    labels = samples.labels[rows]
    by_row: tuple[str, ...] = ()
    try:
        if samples.groups is not None:
            mask, alone = _hold_out_groups(labels, samples.groups[rows], share, seed)
            held_out, rest = rows[mask], rows[~mask]
            by_row = tuple(samples.class_names[label] for label in alone)
        else:
            rest, held_out = train_test_split(
                rows, test_size=share, random_state=seed, stratify=labels
            )
    except ValueError as error:
        counts = np.bincount(labels, minlength=len(samples.class_names))
        least = int(counts.argmin())
        raise AslError(
            f"{samples.dataset}: {len(rows):,} images are too few to put {share:.0%} aside with "
            f"every class on both sides; {samples.class_names[least]} has the fewest, "
            f"{counts[least]:,} ({error}). Add images, or use a larger validation_split."
        ) from error
    return np.sort(rest), np.sort(held_out), by_row


def _hold_out_groups(
    labels: np.ndarray, groups: np.ndarray, share: float, seed: int
) -> tuple[np.ndarray, list[int]]:
    """Which rows to hold out, bool (n,): whole groups, about `share` of the rows; and the labels of
    classes that are one group alone, of which rows are held out.

    Groups of several classes (signers) are drawn at random; of groups that have one class each,
    some of each class. (scikit-learn's StratifiedGroupKFold holds out only some of the classes that
    have fewer groups than folds.)
    """
    pairs = np.unique(np.stack([groups, labels]), axis=1)
    if len(pairs[0]) > len(np.unique(groups)):
        _, drawn = train_test_split(np.unique(groups), test_size=share, random_state=seed)
        return np.isin(groups, drawn), []
    random, mask, alone = np.random.default_rng(seed), np.zeros(len(labels), bool), []
    for label in np.unique(labels):
        rows = np.flatnonzero(labels == label)
        if len(rows) < 2:
            raise ValueError("one image cannot be on both sides")
        units = groups[rows]
        if len(np.unique(units)) == 1:
            units = rows
            alone.append(int(label))
        names, sizes = np.unique(units, return_counts=True)
        missing, drawn = share * len(rows), []
        for place in random.permutation(len(names)):  # each that brings the share nearer
            if abs(missing - sizes[place]) < abs(missing):
                missing -= sizes[place]
                drawn.append(names[place])
        mask[rows] = np.isin(units, drawn or names[sizes.argmin()])
    return mask, alone
