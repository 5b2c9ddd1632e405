"""The reader of Sign Language MNIST, on miniature copies drawn with the renderer."""

import dataclasses
import hashlib
import zipfile

import numpy as np
import pandas as pd
import pytest

from asl import DATASETS, AslError, load, split
from asl.data import csv_tables
from asl.data.hand_poses import LETTERS

FILES = ("sign_mnist_train.csv", "sign_mnist_test.csv")
KNOWN = np.delete(np.arange(25), 9)


def write_csv(images, labels, file):
    raw = labels + (labels >= csv_tables.LABEL_OF_J)
    table = pd.DataFrame(np.column_stack([raw, images.reshape(len(images), -1)]))
    table.columns = csv_tables.COLUMNS
    file.parent.mkdir(parents=True, exist_ok=True)
    table.to_csv(file, index=False)


@pytest.fixture
def halves(samples):
    """Training rows and test rows of the rendered hands."""
    return samples.take(~samples.is_test), samples.take(samples.is_test)


@pytest.fixture
def mini(home, halves, monkeypatch):
    """data/letters with few rows, and an entry that expects just these."""
    train, test = halves
    for part, name in ((train, FILES[0]), (test, FILES[1])):
        write_csv(part.images, part.labels, home / "data/letters" / name)
    entry = dataclasses.replace(
        DATASETS["letters"],
        train_counts=tuple(np.bincount(train.labels, minlength=24)),
        test_counts=tuple(np.bincount(test.labels, minlength=24)),
    )
    monkeypatch.setitem(DATASETS, "letters", entry)
    return home


def csv(home, part=0):
    return home / "data/letters" / FILES[part]


def edit(file, change):
    lines = file.read_text().splitlines()
    change(lines)
    file.write_text("\n".join(lines) + "\n")


def test_images_labels_and_split_come_back(mini, halves, capsys):
    train, test = halves
    loaded = load("letters")
    np.testing.assert_array_equal(loaded.images, np.concatenate([train.images, test.images]))
    np.testing.assert_array_equal(loaded.labels, np.concatenate([train.labels, test.labels]))
    assert loaded.images.dtype == np.uint8
    assert loaded.class_names == LETTERS
    assert "read from data/letters" in capsys.readouterr().out
    parts = split(loaded, validation_split=0.25)
    np.testing.assert_array_equal(parts.test.images, test.images)
    assert parts.test.names[0] == "test/00000"


def test_the_quick_way_equals_the_checked_way(mini):
    quick = dataclasses.replace(
        DATASETS["letters"],
        sha256=tuple(hashlib.sha256(csv(mini, i).read_bytes()).hexdigest() for i in (0, 1)),
    )
    contents = [csv(mini, i).read_bytes() for i in (0, 1)]
    tables = csv_tables._parse_known(quick, contents)
    for table, text in zip(tables, contents, strict=True):
        np.testing.assert_array_equal(table, csv_tables._parse_checked(text, "x", KNOWN, ""))


def test_archive_in_the_data_folder(mini, capsys):
    with zipfile.ZipFile(mini / "data/archive.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for part in (0, 1):
            archive.write(csv(mini, part), f"deep/inside/{FILES[part]}")
            csv(mini, part).unlink()
    assert len(load("letters")) == 24 * 8
    assert "read from data/archive.zip" in capsys.readouterr().out


def test_archive_in_the_named_folder_comes_before_the_data_folder(mini, monkeypatch, tmp_path):
    other = tmp_path / "archives"
    other.mkdir()
    with zipfile.ZipFile(other / "sign-language-mnist.zip", "w") as archive:
        for part in (0, 1):
            archive.write(csv(mini, part), FILES[part])
            csv(mini, part).unlink()
    (mini / "data/sign-language-mnist.zip").write_bytes(b"not looked at")
    monkeypatch.setenv("ASL_ARCHIVES", str(other))
    assert len(load("letters")) == 24 * 8


def missing_column(lines):
    lines[0] = lines[0].replace("pixel7,", "pixle7,")


def strange_label(lines):
    lines[3] = "9" + lines[3][lines[3].index(",") :]


def bright_pixel(lines):
    cells = lines[4].split(",")
    cells[2] = "256"
    lines[4] = ",".join(cells)


def cut_row(lines):
    lines[-1] = lines[-1][: len(lines[-1]) // 2].rsplit(",", 1)[0]


def word(lines):
    cells = lines[2].split(",")
    cells[5] = "grey"
    lines[2] = ",".join(cells)


def missing_row(lines):
    del lines[1]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (missing_column, r"sign_mnist_train\.csv in data/letters lacks 1 of its 785 .*\(pixel7\)"),
        (strange_label, r"line 4: label 9 is none of 0–8, 10–24"),
        (bright_pixel, r"line 5: pixel2 is 256, outside 0–255"),
        (cut_row, r"line 145: the last row is cut short"),
        (word, r"line 3: pixel5 is not a number"),
        (missing_row, r"training images of \w instead of \d.*143 instead of 144 in all"),
    ],
)
def test_a_damaged_csv_is_told_with_its_line(mini, change, message):
    edit(csv(mini), change)
    with pytest.raises(AslError, match=message):
        load("letters")
    assert not list((mini / "data").rglob("*.npz"))


def test_an_empty_csv(mini):
    csv(mini).write_text("")
    with pytest.raises(AslError, match="not a table that can be read"):
        load("letters")


def write_table(file, labels):
    file.parent.mkdir(parents=True, exist_ok=True)
    table = pd.DataFrame(np.random.default_rng(0).integers(0, 256, (len(labels), 785)))
    table.columns = ["label", *(f"pixel{i}" for i in range(1, 785))]
    table["label"] = labels
    table.to_csv(file, index=False)
    return table


def test_a_csv_of_your_own(home):
    table = write_table(home / "mine/letters.csv", [0, 9, 25, 9] * 5)
    for given in (home / "mine", home / "mine/letters.csv"):
        samples = load(f"folder:{given}")
        assert samples.class_names == ("A", "J", "Z")
        assert samples.labels[:4].tolist() == [0, 1, 2, 1]
        np.testing.assert_array_equal(samples.images[0].ravel(), table.iloc[0, 1:])
        assert samples.is_test is None
    write_table(home / "mine/my_test.csv", [0, 9])
    write_table(home / "mine/letters.csv", [0, 9, 25] * 20)
    parts = split(load(f"folder:{home / 'mine'}"))
    assert parts.test.names.tolist() == ["my_test/00000", "my_test/00001"]
    write_table(home / "mine/letters.csv", [0, 31])
    with pytest.raises(AslError, match=r"letters\.csv, line 3: label 31 is none of 0, 9"):
        load(f"folder:{home / 'mine'}")
