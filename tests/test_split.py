"""Training, validation and test: what stays together, the recipe, and sets of few recordings."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from asl import AslError, count, describe_few_groups, draw_hand, split
from asl.data.hand_poses import LETTERS
from asl.data.samples import PARTS, Samples, SplitRecipe, names_sha256
from asl.data.split import groups_per_class, replay, with_groups


def test_split_is_disjoint_whole_and_the_same_every_time(samples, parts):
    names = [name for part in parts for name in part.names]
    assert sorted(names) == sorted(samples.names)
    again = split(samples)
    for part, other in zip(parts, again, strict=True):
        np.testing.assert_array_equal(part.names, other.names)
        np.testing.assert_array_equal(part.images, other.images)
    assert again.recipe == parts.recipe
    other_seed = split(samples, seed=1)
    assert set(other_seed.validation.groups) != set(parts.validation.groups)
    np.testing.assert_array_equal(other_seed.test.names, parts.test.names)


def test_a_split_unpacks_into_its_parts_and_has_them_by_name(parts):
    train, validation, test = parts
    assert parts.parts == {"train": train, "validation": validation, "test": test}
    table = count(parts)
    assert table.columns.tolist() == list(PARTS)
    assert table.index.tolist() == list(LETTERS)
    assert table.sum().tolist() == [len(train), len(validation), len(test)]


def test_a_signer_stays_on_one_side(parts):
    train, validation, test = (set(part.groups) for part in parts)
    assert train and validation and test
    assert not (train & validation or train & test or validation & test)


def test_without_groups_each_class_is_split_alike(samples):
    random = Samples("tiny", samples.class_names, samples.images, samples.labels, samples.names)
    parts = split(random, validation_split=0.25, by="row")
    assert [len(part) for part in parts] == [108, 36, 48]
    assert np.bincount(parts.test.labels).tolist() == [2] * 24
    assert not set(parts.train.names) & set(parts.validation.names)


def test_groups_of_one_class_are_split_class_by_class():
    """Ten groups of each class, of one to ten rows: about a tenth of each class is held out."""
    labels = np.repeat([0, 1], 55)
    sizes = np.concatenate([np.repeat(np.arange(10), np.arange(1, 11))] * 2)
    groups = labels * 10 + sizes
    images = np.zeros((110, 4, 4, 1), np.uint8)
    names = np.array([f"mine/{row}" for row in range(110)])
    mine = Samples("tiny", ("A", "B"), images, labels, names, groups)
    for seed in range(5):
        parts = split(mine, seed=seed)
        sides = [set(part.groups) for part in parts]
        assert sum(map(len, sides)) == len(set.union(*sides)) == 20
        for part in parts:
            assert set(part.labels) == {0, 1}
        assert 2 <= len(parts.test) <= 24
        assert parts.recipe.split_by_row == {}
    again = split(mine, seed=4)
    np.testing.assert_array_equal(again.validation.names, parts.validation.names)


def test_a_class_of_one_group_is_split_by_rows_and_the_recipe_says_so(samples, capsys):
    """Every class in four groups, but D in one."""
    groups = samples.labels * 4 + np.where(samples.labels == 3, 0, samples.groups)
    mine = replace(samples, groups=groups, is_test=None)
    parts = split(mine)
    assert parts.recipe.split_by_row == {"test": ("D",), "validation": ("D",)}
    assert all((part.labels == 3).any() for part in parts)
    text = describe_few_groups(parts)
    assert "Most classes have 4 recordings" in text
    assert "other recordings than training, for 23 of 24 classes" in text
    assert "Test is split from the training recordings for 1 of 24 classes (D)" in text
    assert capsys.readouterr().out == ""


def test_groups_that_do_not_fit(samples):
    with pytest.raises(AslError, match="191 groups for 192 images"):
        split(replace(samples, groups=samples.groups[1:]))
    with pytest.raises(AslError, match="by is 'signer'"):
        split(samples, by="signer")
    with pytest.raises(AslError, match=r"tiny has no group 9; it has: 0, 1, 2, 3"):
        split(samples, test_group=9)


def test_too_few_images_to_split(samples):
    few = Samples("mine", samples.class_names, *(
        column[:5] for column in (samples.images, samples.labels, samples.names)))  # fmt: skip
    with pytest.raises(AslError, match="mine: 5 images are too few"):
        split(few)
    with pytest.raises(AslError, match="validation_split is"):
        split(samples, validation_split=0.7)


# The recipe: what it says of a split, and the same split made again by it.

DEFAULT = SplitRecipe(group_unit="signer")


@pytest.fixture
def signed():
    """240 images without content: six signers, four classes, ten images each; the last signer is
    the publisher's own test.
    """
    row = np.arange(240)
    signers = row // 40
    names = np.array([f"signed/{i}" for i in row])
    images = np.zeros((240, 8, 8, 1), np.uint8)
    return Samples("tiny", tuple("ABCD"), images, row % 4, names, signers, signers == 5, "signer")


def without_record(recipe):
    return replace(recipe, counts={}, names_sha256={})


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, DEFAULT),
        ({"seed": 7}, replace(DEFAULT, seed=7)),
        ({"validation_split": 0.4}, replace(DEFAULT, validation_split=0.4)),
        ({"test_group": 1}, replace(DEFAULT, test_group=1)),
        ({"by": "row"}, replace(DEFAULT, by="row", group_unit="")),
        (
            {"by": "row", "seed": 3, "validation_split": 0.2},
            SplitRecipe("row", 3, 0.2, group_unit=""),
        ),
    ],
)
@pytest.mark.parametrize("has_own_test", [True, False])
def test_the_recipe_says_how_it_was_split_and_splits_the_same_again(
    options, expected, has_own_test, signed
):
    if not has_own_test:
        signed = replace(signed, is_test=None)
        if "test_group" not in options:
            # The share of the test, where nothing else says which images it holds
            expected = replace(expected, test_split=expected.validation_split)
    parts = split(signed, **options)
    assert without_record(parts.recipe) == expected
    assert parts.recipe.counts == {name: len(part) for name, part in parts.parts.items()}
    assert parts.recipe.names_sha256 == {
        name: names_sha256(part) for name, part in parts.parts.items()
    }
    again = replay(signed, parts.recipe)
    assert again.recipe == parts.recipe
    for part, other in zip(parts, again, strict=True):
        np.testing.assert_array_equal(part.names, other.names)
        np.testing.assert_array_equal(part.labels, other.labels)


def test_each_option_gives_another_split(signed):
    """Else the test above would hold for a recipe that forgot an option."""
    signed = replace(signed, is_test=None)
    hashes = [
        tuple(split(signed, **options).recipe.names_sha256.values())
        for options in (
            {}, {"seed": 7}, {"validation_split": 0.4}, {"test_group": 1}, {"by": "row"},
            {"by": "row", "seed": 3}, {"by": "row", "seed": 3, "validation_split": 0.2},
        )
    ]  # fmt: skip
    assert len(set(hashes)) == len(hashes)


def test_a_hash_tells_names_and_their_order(signed):
    whole = names_sha256(signed)
    assert len(whole) == 64
    assert whole == names_sha256(signed.take(np.arange(240)))
    assert whole != names_sha256(signed.take(np.arange(240)[::-1]))
    assert whole != names_sha256(signed.take(np.arange(239)))


def added(samples):
    return samples.take(np.append(np.arange(len(samples)), 0))


def taken_away(samples):
    return samples.take(np.arange(1, len(samples)))


def renamed(samples):
    names = samples.names.copy()
    names[0] = "other"
    return replace(samples, names=names)


@pytest.mark.parametrize(
    ("change", "how"),
    [
        (added, "240 images then, 241 now"),
        (taken_away, "240 images then, 239 now"),
        (renamed, "other images"),
    ],
)
@pytest.mark.parametrize("by", ["group", "row"])
def test_other_images_are_not_split_as_if_they_were_the_same(change, how, by, signed):
    recipe = split(signed, by=by).recipe
    with pytest.raises(AslError, match=rf"tiny can no longer be split as it was .* \({how}\)"):
        replay(change(signed), recipe)


def test_the_parts_that_changed_are_named(signed):
    names = signed.names.copy()
    names[-1] = "other"
    parts = split(signed)
    with pytest.raises(AslError, match="its test part would hold other images"):
        replay(replace(signed, names=names), parts.recipe)


def test_groups_that_are_found_otherwise_make_another_split(signed):
    signed = replace(signed, is_test=None)
    recipe = split(signed).recipe
    joined = replace(signed, groups=signed.groups // 2)
    with pytest.raises(AslError, match="can no longer be split as it was"):
        replay(joined, recipe)


def test_an_old_recipe_is_checked_by_its_counts(signed):
    parts = split(signed)
    old = SplitRecipe("group", 0, counts=parts.recipe.counts)
    again = replay(signed, old)
    assert again.recipe == parts.recipe  # as it would be recorded today
    replay(renamed(signed), old)  # it knows no names
    for change in (added, taken_away):
        with pytest.raises(AslError, match="can no longer be split as it was"):
            replay(change(signed), old)
    with pytest.raises(AslError, match=r"its train and test part .* \(234 images then, 240 now\)"):
        counts = {**parts.recipe.counts, "train": 150, "test": 44}
        replay(signed, replace(old, counts=counts))


def test_a_recipe_that_knows_nothing_is_followed(signed):
    again = replay(signed, SplitRecipe())
    assert again.recipe == split(signed).recipe


# A folder of one's own: a few recordings of each class, each of them one group.

ROWS = 12  # images of a recording


def recordings(count, class_names=("A", "B", "C", "D")):
    """Images without content of one's own folder: `count` recordings a class, of 12 images each."""
    labels = np.repeat(np.arange(len(class_names)), count * ROWS)
    number = np.tile(np.repeat(np.arange(count), ROWS), len(class_names))
    names = np.array(
        [
            f"{class_names[a]}/{b}/{row % ROWS}"
            for row, (a, b) in enumerate(zip(labels, number, strict=True))
        ]
    )
    images = np.zeros((len(labels), 8, 8, 1), np.uint8)
    return Samples("folder:/hands", class_names, images, labels, names, labels * 100 + number)


@pytest.mark.parametrize(
    ("count", "rows", "split_by_row"),
    [
        (1, (10, 1, 1), {"test", "validation"}),
        (2, (11, 1, 12), {"validation"}),
        (3, (12, 12, 12), set()),
        (10, (96, 12, 12), set()),
    ],
)
@pytest.mark.parametrize("seed", [0, 1])
def test_which_rows_of_few_recordings_go_where(count, rows, split_by_row, seed, capsys):
    mine = recordings(count)
    parts = split(mine, seed=seed)
    names = np.concatenate([part.names for part in parts])
    assert sorted(names) == sorted(mine.names)
    for part, expected in zip(parts, rows, strict=True):
        assert np.bincount(part.labels).tolist() == [expected] * 4
    assert parts.recipe.split_by_row == dict.fromkeys(split_by_row, mine.class_names)
    # Rows of a recording are on two sides only where the recipe says so
    train, validation, test = (set(part.groups) for part in parts)
    assert bool(test & (train | validation)) == ("test" in split_by_row)
    assert bool(train & validation) == ("validation" in split_by_row)
    for part in parts:
        assert groups_per_class(part).tolist() == [max(1, len(part) // 4 // ROWS)] * 4
    assert groups_per_class(*parts).tolist() == [count] * 4
    assert capsys.readouterr().out == ""


def test_enough_recordings_need_no_words():
    assert describe_few_groups(split(recordings(10))) == ""
    assert describe_few_groups(split(recordings(5))) == ""


@pytest.mark.parametrize(
    ("count", "told", "not_told"),
    [
        (
            1,
            (
                "Most classes have 1 recording (a duplicate group: images of one sitting).",
                "Test is split from the training recordings for 4 of 4 classes (A, B, C, …): its "
                "accuracy promises too much.",
                "Validation is split from the training recordings for 4 of 4 classes (A, B, C, …)",
            ),
            ("other recordings than training",),
        ),
        (
            2,
            (
                "Most classes have 2 recordings (a duplicate group: images of one sitting).",
                "other recordings than training, for 4 of 4 classes: 50 % of the images, "
                "where 10 % were asked for",
                "Validation is split from the training recordings for 4 of 4 classes (A, B, C, …): "
                "its accuracy promises too much.",
            ),
            ("Test is split",),
        ),
        (
            3,
            (
                "Most classes have 3 recordings (a duplicate group: images of one sitting).",
                "other recordings than training, for 4 of 4 classes: 33 % of the images, "
                "where 10 % were asked for",
            ),
            ("Test is split", "Validation is split", "promises too much"),
        ),
        (4, ("Most classes have 4 recordings", "25 % of the images, where 10 %"), ()),
    ],
)
def test_what_few_recordings_mean_and_what_to_do(count, told, not_told):
    text = describe_few_groups(split(recordings(count)))
    for part in (
        *told,
        "Guessing would be correct for 25.0 %.",
        "a network needs 5 recordings of each class and more: other rooms, other people, other "
        "days.",
    ):
        assert part in text
    assert not [part for part in not_told if part in text]


def test_the_unit_that_a_recording_is_called_by():
    mine = replace(recordings(3), group_unit="film segment")
    assert "3 recordings (a film segment: " in describe_few_groups(split(mine))


def test_where_the_test_was_given_only_validation_is_spoken_of(samples):
    mine = recordings(2)
    assert describe_few_groups(split(mine, by="row")) == ""
    given = replace(mine, is_test=np.arange(96) % 24 >= 12)
    text = describe_few_groups(split(given))
    assert "Validation is split from the training recordings for 4 of 4 classes" in text
    assert "Most classes have" not in text and "Test is split" not in text
    assert describe_few_groups(split(samples, test_group=1)) == ""


def test_recordings_are_found_by_their_images(capsys):
    """Frames of one sitting are near-duplicates, so each recording is a group of its own."""
    random = np.random.default_rng(0)
    known = recordings(3)
    stills = {
        group: draw_hand("ABCD"[group // 100], signer=int(group) % 100, seed=int(group), size=32)
        for group in np.unique(known.groups)
    }
    noise = random.normal(0, 4, (len(known), 32, 32, 3))
    frames = np.stack([stills[group] for group in known.groups]) + noise
    frames = np.clip(frames, 0, 255).astype(np.uint8)
    found = with_groups(replace(known, images=frames, groups=None))
    table = pd.crosstab(found.groups, known.groups).to_numpy()
    assert table.shape == (12, 12)
    assert ((table > 0).sum(axis=0) == 1).all()
    assert "144 images come from 12 photographs or moments" in capsys.readouterr().out
    parts = split(found)
    assert [len(part) for part in parts] == [48, 48, 48]
    assert capsys.readouterr().out == ""
