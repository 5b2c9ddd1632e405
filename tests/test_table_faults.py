"""Tables with a mistake: read rightly, or refused with the file, the line and what was expected."""

import dataclasses
import os

import numpy as np
import pytest

from asl import DATASETS, AslError, load
from asl.data import csv_tables
from asl.data.catalog import find_dataset

pytestmark = pytest.mark.fault("tables")

HEADER = csv_tables.COLUMNS
LABELS = [0, 1, 2] * 4
PIXELS = np.random.default_rng(0).integers(0, 256, (len(LABELS), 784))


def table(header=HEADER, labels=LABELS, pixels=PIXELS):
    """A table as a list of lines, each a list of cells: to be spoiled."""
    rows = zip(labels, pixels, strict=False)
    return [list(header), *([str(label), *map(str, row)] for label, row in rows)]


def text_of(lines, end="\n", separator=","):
    return "".join(separator.join(line) + end for line in lines).encode()


@pytest.fixture
def own(home):
    """Write a table of one's own; give the name by which it is loaded."""

    def write(content, name="mine.csv"):
        file = home / "own" / name
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(content if isinstance(content, bytes) else text_of(content))
        return f"folder:{file}"

    return write


def cell(row, column, value):
    def spoil(lines):
        lines[row][column] = value

    spoil.__name__ = f"{HEADER[column]}={value!r}"
    return spoil


def every(column, change):
    def spoil(lines):
        for line in lines[1:]:
            line[column] = change(line[column])

    return spoil


def one_more_in_every_row(lines):
    for line in lines[1:]:
        line.insert(0, "7")


def one_more_at_every_end(lines):
    for line in lines[1:]:
        line.append("7")


def one_more_in_a_row(lines):
    lines[5].append("7")


def one_less_in_a_row(lines):
    lines[5].pop()


def one_less_in_every_row(lines):
    for line in lines[1:]:
        line.pop()


def empty_last_field_in_every_row(lines):
    for line in lines[1:]:
        line.append("")


def header_once_more(lines):
    lines.insert(6, list(HEADER))


def repeated_column(lines):
    lines[0][5] = "pixel4"


def repeated_column_besides(lines):
    for line in lines:
        line.append(line[3])


def missing_column(lines):
    for line in lines:
        del line[700]


def misspelled_label(lines):
    lines[0][0] = "Label"


def no_header(lines):
    del lines[0]


def header_alone(lines):
    del lines[1:]


def cut_row(lines):
    del lines[-1][400:]


def cut_after_a_comma(lines):
    lines[-1][-1] = ""


def all_scaled(lines):
    for line in lines[1:]:
        line[1:] = [f"{int(value) / 255:g}" for value in line[1:]]


def all_zeros_and_ones(lines):
    for line in lines[1:]:
        line[1:] = [str(int(value) // 128) for value in line[1:]]


def all_black(lines):
    for line in lines[1:]:
        line[1:] = ["0"] * 784


def wide_and_quoted_comma(lines):
    """784 fields, one of them with a comma inside: no 785."""
    lines[4][3:5] = [f'"{lines[4][3]},{lines[4][4]}"']


REFUSED = [
    (one_more_in_every_row, "line 2: 786 fields, but the header has 785: each number would move"),
    (one_more_at_every_end, "line 2: 786 fields, but the header has 785"),
    (empty_last_field_in_every_row, "line 2: 786 fields, but the header has 785"),
    (one_more_in_a_row, "line 6: 786 fields, but the header has 785"),
    (one_less_in_a_row, "line 6: 784 fields, but the header has 785: some are missing"),
    (one_less_in_every_row, "line 2: 784 fields"),
    (wide_and_quoted_comma, "line 5: 784 fields"),
    (cell(3, 0, "3.5"), r"line 4: label is 3.5: expected a whole number, 0–25"),
    (cell(3, 0, ""), r"line 4: label is empty: expected a whole number, 0–25"),
    (cell(3, 0, "  "), "line 4: label is empty"),
    (cell(3, 0, "inf"), r"line 4: label is not a number \('inf'\)"),
    (cell(3, 0, "-inf"), "line 4: label is not a number"),
    (cell(3, 0, "nan"), "line 4: label is not a number"),
    (cell(3, 0, "NA"), "line 4: label is not a number"),
    (cell(3, 0, "None"), "line 4: label is not a number"),
    (cell(3, 0, "True"), "line 4: label is not a number"),
    (cell(3, 0, "false"), "line 4: label is not a number"),
    (cell(3, 0, "A"), r"line 4: label is not a number \('A'\)"),
    (cell(3, 0, "-1"), "line 4: label -1 is none of 0–25"),
    (cell(3, 0, "26"), "line 4: label 26 is none of 0–2"),
    (cell(3, 0, "256"), "line 4: label 256 is none of 0–25"),
    (cell(3, 0, "1e9"), "line 4: label 1e.09 is none of 0–25"),
    (cell(3, 0, "1e999"), "line 4: label is 1e999: expected a whole number"),
    (cell(3, 0, "1_0"), "line 4: label is not a number"),
    (cell(3, 0, "0x1"), "line 4: label is not a number"),
    (cell(3, 0, "１"), "line 4: label is not a number"),
    (cell(3, 0, "1 2"), "line 4: label is not a number"),
    (cell(3, 0, "1+1"), "line 4: label is not a number"),
    (
        cell(5, 2, "0.5"),
        r"line 6: pixel2 is 0.5: expected a whole number, 0–255 \(pixels that were",
    ),
    (cell(5, 2, "12.25"), "line 6: pixel2 is 12.25: expected a whole number, 0–255"),
    (cell(5, 2, "-1"), "line 6: pixel2 is -1, outside 0–255"),
    (cell(5, 2, "256"), "line 6: pixel2 is 256, outside 0–255"),
    (cell(5, 2, "999"), "line 6: pixel2 is 999, outside 0–255"),
    (cell(5, 2, "65536"), "line 6: pixel2 is 65536, outside 0–255"),
    (cell(5, 2, "1e9"), "line 6: pixel2 is 1e.09, outside 0–255"),
    (cell(5, 2, "99999999999999999999999"), "line 6: pixel2 is 1e.23, outside 0–255"),
    (cell(5, 2, "grey"), r"line 6: pixel2 is not a number \('grey'\)"),
    (cell(5, 2, "grey" * 100), "line 6: pixel2 is not a number .'greygreygreygreygrey…'"),
    (cell(5, 2, ""), "line 6: pixel2 is empty"),
    (cell(5, 2, "nan"), "line 6: pixel2 is not a number"),
    (cell(5, 2, "True"), "line 6: pixel2 is not a number"),
    (cell(5, 2, "--5"), "line 6: pixel2 is not a number"),
    (cell(5, 2, "/"), "line 6: pixel2 is not a number"),
    (cell(5, 2, ":"), "line 6: pixel2 is not a number"),
    (cell(5, 2, '"5'), "line 6: "),
    (cell(-1, -1, "300"), "line 13: pixel784 is 300"),
    (every(2, lambda value: "x"), "line 2: pixel2 is not a number"),
    (every(0, lambda value: str(int(value) + 30)), "labels 30, 31, 32, but a network needs"),
    (every(0, lambda value: "1"), "labels 1, but a network needs at least two classes"),
    (header_once_more, "line 7: the header once more, as if two tables had been joined"),
    (repeated_column, r"lacks 1 of its 785 columns \(pixel5\)"),
    (repeated_column_besides, r"has columns twice \(pixel3\)"),
    (missing_column, r"lacks 1 of its 785 columns \(pixel700\)"),
    (misspelled_label, r"lacks 1 of its 785 columns \(label\)"),
    (no_header, r"lacks 785 .* \(label, pixel1, pixel2 and 782 more\).*first line is data already"),
    (header_alone, "has a header and no rows"),
    (cut_row, "line 13: the last row is cut short: 400 of its 785 fields"),
    (cut_after_a_comma, "line 13: the last row is cut short"),
    (all_scaled, r"line 2: pixel1 is 0\.\d+: expected .* multiplied by 255"),
    (all_zeros_and_ones, "has no pixel above 1, so that all its pictures would be black.*by 255"),
    (all_black, "has no pixel above 1"),
]


def name_of(value):
    return getattr(value, "__name__", None)


@pytest.mark.parametrize(("spoil", "message"), REFUSED, ids=name_of)
def test_a_mistake_is_told_with_its_line_and_column(own, spoil, message, home):
    lines = table()
    spoil(lines)
    with pytest.raises(AslError, match=message) as caught:
        load(own(lines))
    assert "own/mine.csv" in str(caught.value)
    assert len(str(caught.value)) < 400
    assert "\n" not in str(caught.value)
    assert not list(home.rglob("*.npz"))


@pytest.mark.parametrize(("spoil", "message"), REFUSED[:7] + REFUSED[28:45], ids=name_of)
@pytest.mark.parametrize("part", [0, 1])
def test_the_same_in_either_table_of_sign_language_mnist(home, spoil, message, part):
    for number, name in enumerate(DATASETS["letters"].files):
        lines = table()
        if number == part:
            spoil(lines)
        (home / "data/letters").mkdir(parents=True, exist_ok=True)
        (home / "data/letters" / name).write_bytes(text_of(lines))
    with pytest.raises(AslError, match=f"{DATASETS['letters'].files[part]} in data/letters, "):
        load("letters")


def quoted(line):
    return [f'"{each}"' for each in line]


def permuted():
    order = np.random.default_rng(1).permutation(785)
    return text_of([[line[place] for place in order] for line in table()])


def with_columns(**columns):
    """More columns, one before the others and the rest behind them."""
    lines = table()
    for name, values in columns.items():
        for number, line in enumerate(lines):
            line.insert(0 if name == "first" else len(line), values(number) if number else name)
    return text_of(lines)


def with_pixels(change):
    lines = table()
    return text_of([lines[0], *([line[0], *map(change, line[1:])] for line in lines[1:])])


READ = {
    "plain": text_of(table()),
    "windows": text_of(table(), end="\r\n"),
    "old mac": text_of(table(), end="\r"),
    "doubled carriage returns": text_of(table(), end="\r\r\n"),
    "byte order mark": b"\xef\xbb\xbf" + text_of(table()),
    "byte order mark and windows": b"\xef\xbb\xbf" + text_of(table(), end="\r\n"),
    "no last line end": text_of(table())[:-1],
    "blank lines at the end": text_of(table()) + b"\n\n\n",
    "blank lines at the begin": b"\n\n" + text_of(table()),
    "blank lines between": text_of(table()).replace(b"\n", b"\n\n"),
    "lines of blanks between": text_of(table()).replace(b"\n", b"\n  \t\n"),
    "blanks behind commas": text_of(table(), separator=", "),
    "blanks before commas": text_of(table(), separator=" ,"),
    "quotes": text_of([quoted(line) for line in table()]),
    "quotes behind blanks": text_of([quoted(line) for line in table()], separator=", "),
    "quotes in the header": text_of([quoted(table()[0]), *table()[1:]]),
    "labels with .0": text_of([table()[0], *([f"{a}.0", *b] for a, *b in table()[1:])]),
    "pixels with .0": with_pixels("{}.0".format),
    "pixels with .00": with_pixels("{}.00".format),
    "pixels with a point": with_pixels("{}.".format),
    "pixels with a sign": with_pixels("+{}".format),
    "pixels with zeros": with_pixels(lambda value: value.zfill(3)),
    "pixels with many zeros": with_pixels(lambda value: value.zfill(6)),
    "pixels with powers": with_pixels(lambda value: f"{float(value):.6e}"),
    "any order": permuted(),
    "an index before": with_columns(first=str),
    "an index of large numbers": with_columns(first=lambda number: str(10**9 + number)),
    "named columns behind": with_columns(signer=str, room=str),
    "a column of words": with_columns(note=lambda number: "bright"),
    "a column of quoted words": with_columns(note=lambda number: '"bright, at noon"'),
    "a column of other letters": with_columns(note=lambda number: "größer"),
    "an empty column": with_columns(note=lambda number: ""),
    "an unnamed index": with_columns(first=str).removeprefix(b"first"),
}


@pytest.mark.parametrize("content", READ.values(), ids=READ)
def test_what_programs_write_is_read(own, content):
    samples = load(own(content))
    assert samples.class_names == ("A", "B", "C")
    np.testing.assert_array_equal(samples.labels, LABELS)
    np.testing.assert_array_equal(samples.images.reshape(-1, 784), PIXELS)


UNREADABLE = {
    "empty": (b"", "is empty"),
    "blank": (b" \n\t\r\n", "is empty"),
    "a mark alone": (b"\xef\xbb\xbf\n", "lacks 785|is empty"),
    "UTF-16": (text_of(table()).decode().encode("utf-16"), "text in UTF-16: |it is text in UTF-16"),
    "UTF-16 without a mark": (text_of(table()).decode().encode("utf-16-le"), "text in UTF-16"),
    "UTF-16 the other way": (text_of(table()).decode().encode("utf-16-be"), "text in UTF-16"),
    "a picture": (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + bytes(500), "bytes that are no text"),
    "a spreadsheet": (b"PK\3\4" + bytes(500), "line 1: bytes that are no text"),
    "random bytes": (np.random.default_rng(2).bytes(10_000), "bytes that are no text"),
    "a tail of zeros": (text_of(table())[:-500] + bytes(500), "line 13: bytes that are no text"),
    "zeros in the middle": (
        text_of(table())[:9000] + bytes(4096) + text_of(table())[9000:],
        "bytes that are no text",
    ),
    "semicolons": (text_of(table(), separator=";"), "It has semicolons between its columns"),
    "tabs": (text_of(table(), separator="\t"), "It has tabs between its columns"),
    "bars": (text_of(table(), separator="|"), "It has bars between its columns"),
    "blanks": (text_of(table(), separator=" "), "lacks 785 of its 785 columns"),
    "a web page": (b"<!DOCTYPE html><html>Sign in to Kaggle</html>", "lacks 785"),
    "one long line": (b"x" * 3_000_000, "lacks 785"),
    "one long row": (text_of(table()) + b"1" * 3_000_000 + b"\n", "line 14: |cut short"),
    "words": (b"label\nA\nB\n", r"lacks 784 of its 785 columns \(pixel1, pixel2, pixel3 and 781"),
    "twice": (text_of(table()) * 2, "line 14: the header once more"),
}


@pytest.mark.parametrize(("content", "message"), UNREADABLE.values(), ids=UNREADABLE)
def test_what_is_no_such_table_is_refused(own, content, message):
    with pytest.raises(AslError, match=message) as caught:
        load(own(content))
    assert len(str(caught.value)) < 400


def test_line_numbers_count_blank_lines(own):
    lines = table()
    cell(8, 3, "x")(lines)
    content = text_of(lines).split(b"\n")
    content[4:4] = [b"", b"  ", b""]
    for end in (b"\n", b"\r\n", b"\r"):
        with pytest.raises(AslError, match="line 12: pixel3 is not a number"):
            load(own(end.join(content)))


def test_line_numbers_far_below(own, monkeypatch):
    monkeypatch.setattr(csv_tables.csv_parser, "CHUNK", 4000)
    monkeypatch.setattr(csv_tables.csv_parser.whole_lines, "__defaults__", (4000,))
    lines = table(labels=LABELS * 20, pixels=np.tile(PIXELS, (20, 1)))
    cell(199, 700, "256")(lines)
    with pytest.raises(AslError, match="line 200: pixel700 is 256"):
        load(own(lines))


@pytest.mark.parametrize("seed", range(8))
def test_a_table_cut_anywhere_is_whole_or_refused(own, seed, capsys):
    whole, random = text_of(table()), np.random.default_rng(seed)
    for length in random.integers(0, len(whole), 12):
        name = own(whole[:length], f"cut{length}.csv")
        try:
            samples = load(name)
        except AslError as error:
            assert "cut" in str(error)
            continue
        # Cut behind a whole row, or within the last number: that is said
        rows = len(samples)
        said = "no line end after its last row" in capsys.readouterr().out
        assert said == (not whole[:length].endswith(b"\n"))
        same = samples.images.reshape(-1, 784) == PIXELS[:rows]
        assert same.all() or (said and not same[-1, -1] and same.sum() == same.size - 1)


@pytest.mark.parametrize("seed", range(8))
def test_a_table_with_a_flipped_byte_is_read_as_it_stands_or_refused(own, seed):
    random = np.random.default_rng(seed)
    for place in random.integers(0, len(text_of(table())), 8):
        spoiled = bytearray(text_of(table()))
        spoiled[place] ^= int(random.integers(1, 256))
        try:
            samples = load(own(bytes(spoiled), f"flip{place}.csv"))
        except AslError as error:
            assert "flip" in str(error)
            continue
        different = samples.images.reshape(-1, 784) != PIXELS[: len(samples)]
        assert different.sum() + (samples.labels != LABELS).sum() <= 1


@pytest.fixture
def mini(home, monkeypatch):
    """data/letters with two whole tables, and an entry that expects just these."""
    from asl.data.hand_poses import LETTERS

    labels = [place for place in range(25) if place != csv_tables.LABEL_OF_J]
    pixels = np.random.default_rng(3).integers(0, 256, (24, 784))
    (home / "data/letters").mkdir(parents=True)
    for name in DATASETS["letters"].files:
        (home / "data/letters" / name).write_bytes(text_of(table(labels=labels, pixels=pixels)))
    counts = (1,) * len(LETTERS)
    entry = dataclasses.replace(DATASETS["letters"], train_counts=counts, test_counts=counts)
    monkeypatch.setitem(DATASETS, "letters", entry)
    return home / "data/letters"


@pytest.mark.parametrize("name", DATASETS["letters"].files)
def test_sign_language_mnist_cut_anywhere_is_whole_or_refused(mini, name):
    whole, random = (mini / name).read_bytes(), np.random.default_rng(4)
    for length in (*random.integers(0, len(whole), 12), len(whole) - 1, len(whole) - 2):
        (mini / name).write_bytes(whole[:length])
        with pytest.raises(AslError, match=r"cut short|lacks|is empty|instead of|no rows"):
            load("letters")
    (mini / name).write_bytes(whole)
    assert len(load("letters")) == 48


def test_a_test_part_with_other_classes_is_refused(own):
    own(table(), "train.csv")
    name = own(table(labels=[0, 5, 7, 8, 9, 10]), "my_test.csv")
    folder = name.rpartition("/")[0]
    with pytest.raises(AslError, match=r"5 classes that no training row has \(F, H, I and 2 more"):
        load(folder)


@pytest.mark.parametrize("repeated", [0, 1, 3, 12])
def test_a_test_part_that_repeats_training_rows_is_said(own, repeated, capsys):
    own(table(), "train.csv")
    pixels = np.random.default_rng(9).integers(0, 256, PIXELS.shape)
    pixels[:repeated] = PIXELS[:repeated]
    folder = own(table(pixels=pixels), "test.csv").rpartition("/")[0]
    assert load(folder).is_test.sum() == 12
    said = [line for line in capsys.readouterr().out.splitlines() if line.startswith("CAUTION")]
    assert len(said) == bool(repeated)
    if repeated:
        assert f"{repeated} of 12 test rows" in said[0]
        assert ("all 12 of 12" in said[0]) == (repeated == 12)


@pytest.mark.parametrize(
    ("name", "is_test"),
    [
        *[("test.csv", True), ("my_test.csv", True), ("Test_2.CSV", True), ("sign_TEST.csv", True)],
        *[("latest.csv", False), ("contest.csv", False), ("second.csv", False)],
    ],
)
def test_which_table_is_the_test_part(own, name, is_test):
    own(table(), "first.csv")
    folder = own(table(pixels=255 - PIXELS), name).rpartition("/")[0]
    found = load(folder).is_test
    assert (found is not None) == is_test
    assert not is_test or found.sum() == 12


@pytest.mark.parametrize(
    "name",
    ["._mine.csv", ".hidden.csv", "~$mine.csv", "notes.txt", "__MACOSX/._mine.csv", ".x/y.csv"],
)
def test_what_systems_leave_beside_tables_is_not_read(own, home, name):
    folder = own(table()).rpartition("/")[0]
    (home / "own" / name).parent.mkdir(exist_ok=True)
    (home / "own" / name).write_bytes(b"\0\5\x16\7 no table")
    assert len(load(folder)) == 12


def test_suffixes_in_capitals_and_stems_alike(own):
    own(table(), "mine.csv")
    folder = own(table(pixels=255 - PIXELS), "mine.CSV").rpartition("/")[0]
    samples = load(folder)
    assert len(samples) == len(set(samples.names)) == 24


@pytest.mark.parametrize("name", ["my.zip", "my.ZIP", "my.tar", "my.tar.gz", "my.tgz", "my.txz"])
def test_an_archive_in_place_of_a_folder(home, name):
    (home / name).write_bytes(b"PK\3\4")
    with pytest.raises(AslError, match="is an archive: extract it first"):
        find_dataset(f"folder:{home / name}")


def make_fifo(path):
    os.mkfifo(path)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (make_fifo, "is no file"),
        (lambda path: path.symlink_to("nowhere"), "cannot be read: No such file"),
        (lambda path: path.symlink_to(path), "cannot be read: Too many levels"),
        (lambda path: path.symlink_to("/dev/zero"), "is no file"),
    ],
    ids=["pipe", "dangling link", "loop of links", "device"],
)
def test_what_is_no_file_is_named_and_never_waited_for(own, home, make, message):
    folder = own(table()).rpartition("/")[0]
    make(home / "own/other.csv")
    with pytest.raises(AslError, match=message):
        load(folder)
