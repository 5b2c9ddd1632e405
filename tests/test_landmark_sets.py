"""Landmark rows: each layout by a tiny file of it, what is wrong with files, and the real ones."""

import dataclasses
import hashlib
import io
import json
import os
import pickle
import zipfile

import numpy as np
import pytest
from conftest import ARCHIVES, needs_archives

from asl import AslError
from asl.__main__ import main
from asl.data import landmark_files, landmark_sets
from asl.data.hand_poses import LETTERS
from asl.data.landmark_sets import LANDMARK_SETS, find_landmark_sets, load_landmarks

FLAT, DEEP = 42, 63


def row(start, columns):
    """42 or 63 numbers that tell where each of them belongs: start, start + 1 …"""
    return [float(start + place) for place in range(columns)]


def hand(start, columns, width=1.0):
    """The 21 points of such a row, written out: x, y and depth of each."""
    each = columns // 21
    return [
        [
            width * (start + each * point),
            start + each * point + 1,
            width * (start + each * point + 2) if each == 3 else 0,
        ]
        for point in range(21)
    ]


def csv_text(rows):
    return "".join(",".join(map(str, cells)) + "\r\n" for cells in rows).encode()


def npy(array):
    packed = io.BytesIO()
    np.save(packed, array)
    return packed.getvalue()


def zipped(members):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return packed.getvalue()


def letters_of(folder, letters):
    """An archive with a file a letter: two rows each, which start at 100, 200 …"""
    return zipped(
        {
            f"{folder}/{letter}.npy": npy(
                np.array([[*row(100 * k, DEEP), 7.0], [*row(100 * k + 50, DEEP), 7.0]])
            )
            for k, letter in enumerate(letters, 1)
        }
        | {f"{folder}/notes.txt": b"no rows", "another__one/letter_data/B.npy": npy(np.zeros(3))}
    )


def signn():
    placeholder = row(500, FLAT)
    known = {"B": [row(0, FLAT), placeholder], "J": [row(9, FLAT)], "E": [row(3, FLAT)]}
    return [json.dumps(known | {"C": [placeholder, row(100, FLAT), row(100, FLAT)]}).encode()]


def asl_ai():
    root = "asl-ai-fa1dcdb446182c17afd1bd915a70754a99fd02b3/data/raw_gestures"
    starts = {"A/frame_0": 0, "A/frame_10": 10, "Z/frame_0": 20, "Y/frame_3": 30}
    return [zipped({f"{root}/{name}.npy": npy(row(at, DEEP)) for name, at in starts.items()})]


def m_alateegi():
    rows = [(0, "A"), (10, "J"), (20, "G"), (30, "Y")]
    return [csv_text([[*range(FLAT), "label"], *([*row(at, FLAT), key] for at, key in rows)])]


def hands_on_fluency():
    rows = [(1, 0), (0, 10), (3, 20), (2, 30)]
    return [
        csv_text([[key, *row(at, FLAT)] for key, at in rows]),
        "\ufeffHello\r\nA\r\nJ\r\nB".encode(),
    ]


def kelhuynh():
    rows = csv_text([[key, *row(at, FLAT)] for key, at in ((0, 0), (9, 10), (24, 20), (25, 30))])
    folder = "kelhuynh__CapstoneProject/src/model/keypoint_classifier"
    return [zipped({f"{folder}/keypoint.csv": rows, f"{folder}/keypoint_label.csv": b"a\nb"})]


def siruyy():
    folder = "Siruyy__realtime-asl-recognizer/data/processed_v2"
    rows = np.array([row(at, DEEP) + [0.0] * 23 for at in (0, 10, 20, 30)])
    mean, std = np.arange(86.0), np.linspace(0.5, 2, 86)
    standard = (rows - mean) / std
    parts = {
        "X_train": standard[:3],
        "X_test": standard[3:],
        "y_train": np.array([0, 9, 4]),
        "y_test": np.array([24]),
        "mean": mean,
        "std": std,
    }
    return [zipped({f"{folder}/{name}.npy": npy(part) for name, part in parts.items()})]


# The content of the files of each, and the letter and the first number of each row that is used
LAYOUTS = {
    "signn": (signn, [("B", 0), ("C", 100), ("C", 100)]),
    "asl_ai": (asl_ai, [("A", 0), ("A", 10), ("Y", 30)]),
    "m_alateegi": (m_alateegi, [("A", 0), ("Y", 30)]),
    "hands_on_fluency": (hands_on_fluency, [("A", 0), ("B", 20)]),
    "kelhuynh": (kelhuynh, [("A", 0), ("Y", 20)]),
    "alishlaibah": (
        lambda: [letters_of("alishlaibah__SignLanguageSubtitleAI/dataset", "AJHK")],
        [("A", 100), ("A", 150), ("K", 400), ("K", 450)],
    ),
    "glyph": (
        lambda: [
            letters_of("Flexcrit__Glyph-Real-Time-Sign-Language-Translator/letter_data", "AK")
        ],
        [("A", 100), ("A", 150)],  # the first eleven rows of K are skipped, and it has two
    ),
    "mahamfatima": (
        lambda: [letters_of("Mahamfatima17__Sign_languange_detector/letter_data", "BKPVZ")],
        [("B", 100), ("B", 150)],
    ),
    "siruyy": (siruyy, [("A", 0), ("Y", 30)]),
}
WIDTHS = {
    **{name: 16 / 9 for name in ("asl_ai", "siruyy")},
    **{name: 4 / 3 for name in ("m_alateegi", "alishlaibah", "glyph", "mahamfatima")},
}


@pytest.fixture
def put(home, monkeypatch):
    """Lay the files of a set where they are looked for, and expect these and that many rows."""

    def lay(name, contents, rows, folder="data/landmarks"):
        entry = LANDMARK_SETS[name]
        hashes = {}
        for file, content in zip(entry.hashes, contents, strict=True):
            (home / folder).mkdir(parents=True, exist_ok=True)
            (home / folder / file).write_bytes(content)
            hashes[file] = hashlib.sha256(content).hexdigest()
        changed = dataclasses.replace(entry, hashes=hashes, rows=rows)
        monkeypatch.setitem(landmark_sets.LANDMARK_SETS, name, changed)

    return lay


def test_every_source_has_a_layout_here_and_says_what_it_is():
    assert set(LAYOUTS) == set(LANDMARK_SETS)
    for name, entry in LANDMARK_SETS.items():
        assert entry.name == name
        assert entry.source.startswith("https://github.com/") and " at " in entry.source
        assert entry.licence in ("MIT", "Apache-2.0") and entry.people
        assert all(len(bytes.fromhex(found)) == 32 for found in entry.hashes.values())
        assert set("".join(entry.left_out)) <= set(LETTERS) and all(entry.left_out.values())


@pytest.mark.parametrize("name", LAYOUTS)
def test_each_layout_is_read(put, name):
    content, expected = LAYOUTS[name]
    put(name, content(), len(expected))
    points, labels = load_landmarks(name)
    columns = LANDMARK_SETS[name].columns
    assert points.dtype == np.float32 and labels.dtype == np.int64
    assert [LETTERS[label] for label in labels] == [letter for letter, _ in expected]
    hands = [hand(start, columns, WIDTHS.get(name, 1.0)) for _, start in expected]
    np.testing.assert_allclose(points, hands, rtol=1e-6, atol=1e-4)


def test_rows_of_a_skipped_letter_start_behind_the_wrong_ones():
    folder = "Flexcrit__Glyph-Real-Time-Sign-Language-Translator/letter_data"
    rows = np.array([row(at, DEEP) for at in range(13)])
    read, letters = LANDMARK_SETS["glyph"].read(zipped({f"{folder}/K.npy": npy(rows)}))
    assert [found[0] for found in read] == [11, 12] and letters == ["K", "K"]


def test_found_in_data_and_in_the_folders_of_asl_archives(put, home, monkeypatch):
    assert find_landmark_sets() == []
    put("m_alateegi", m_alateegi(), 2, "data")
    put("hands_on_fluency", hands_on_fluency(), 2, "mine/landmarks")
    assert find_landmark_sets() == ["m_alateegi"]
    monkeypatch.setenv("ASL_ARCHIVES", os.pathsep.join(["/nowhere", str(home / "mine")]))
    assert find_landmark_sets() == ["m_alateegi", "hands_on_fluency"]
    assert len(load_landmarks("m_alateegi").labels) == 2
    assert len(load_landmarks("hands_on_fluency").labels) == 2
    (home / "mine/landmarks/hands-on-fluency-labels.csv").unlink()  # one of two files
    assert find_landmark_sets() == ["m_alateegi"]


def test_a_whole_file_is_taken_before_a_damaged_one(put, home, monkeypatch):
    put("m_alateegi", m_alateegi(), 2)
    (home / "mine").mkdir()
    (home / "mine/m-alateegi-asl_dataset.csv").write_bytes(m_alateegi()[0][:-5])
    monkeypatch.setenv("ASL_ARCHIVES", str(home / "mine"))
    assert len(load_landmarks("m_alateegi").labels) == 2


def test_names_and_missing_files_are_told():
    with pytest.raises(AslError, match="'letters' is no set of landmark rows; there are signn, "):
        load_landmarks("letters")
    with pytest.raises(AslError, match=r"kelhuynh are not on .* Put more-landmarks.zip into data/"):
        load_landmarks("kelhuynh")


@pytest.mark.parametrize(
    "damage", [lambda whole: whole[:-1], lambda whole: b"", lambda whole: b"<"]
)
def test_damaged_files_are_told(put, home, damage):
    put("m_alateegi", m_alateegi(), 2)
    file = home / "data/landmarks/m-alateegi-asl_dataset.csv"
    file.write_bytes(damage(file.read_bytes()))
    with pytest.raises(AslError, match=r"asl_dataset.csv is not the file .* Get it again"):
        load_landmarks("m_alateegi")


def test_a_file_that_is_far_too_large_is_not_read(put, home, monkeypatch):
    put("m_alateegi", m_alateegi(), 2)
    monkeypatch.setattr(landmark_files, "LARGEST", 100)
    with pytest.raises(AslError, match="is not the file"):
        load_landmarks("m_alateegi")


def test_a_file_that_cannot_be_read_is_told(put, monkeypatch):
    put("m_alateegi", m_alateegi(), 2)

    def refuse(path):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("pathlib.Path.read_bytes", refuse)
    with pytest.raises(AslError, match=r"cannot be read \(Permission denied\)"):
        load_landmarks("m_alateegi")


HEADER = [*range(FLAT), "label"]
FRAME = "asl-ai-fa1dcdb446182c17afd1bd915a70754a99fd02b3/data/raw_gestures/A/frame_0.npy"
SIRUYY = "Siruyy__realtime-asl-recognizer/data/processed_v2"
WRONG = {  # the set, the content of its files, and what is said
    "a column too few": (
        "m_alateegi",
        [csv_text([HEADER, [*row(0, FLAT), "A"], [*row(0, FLAT - 1), "A"]])],
        "row 2 has 41 numbers instead of 42",
    ),
    "a word": (
        "m_alateegi",
        [csv_text([HEADER, [*row(0, FLAT - 1), "wrist", "A"]])],
        "could not convert string to float: 'wrist'",
    ),
    "nan": (
        "m_alateegi",
        [csv_text([HEADER, [*row(0, FLAT), "A"], [*row(0, FLAT - 1), "nan", "A"]])],
        "row 2 holds what is not a number",
    ),
    "too large a number": (
        "m_alateegi",
        [csv_text([HEADER, [*row(0, FLAT - 1), "1e300", "A"]])],
        "row 1 holds what is not a number",
    ),
    "no rows": ("m_alateegi", [csv_text([HEADER])], "has 0 landmark rows .* instead of 2"),
    "no text": ("m_alateegi", [b"\xff\xfe\0"], "can't decode"),
    "no such label": (
        "hands_on_fluency",
        [csv_text([[5, *row(0, FLAT)]]), b"A\nB"],
        "list index out of range",
    ),
    "no JSON": ("signn", [b"{"], "Expecting property name"),
    "another JSON": ("signn", [b"[1, 2]"], "no attribute 'items'"),
    "null": ("signn", [json.dumps({"A": [[None] * FLAT]}).encode()], "row 1 holds what is not"),
    "points in points": (
        "signn",
        [json.dumps({"B": [[[1, 2]] * FLAT]}).encode()],
        "unhashable",
    ),
    "no archive": ("kelhuynh", [b"PK"], "File is not a zip file"),
    "another archive": ("kelhuynh", [zipped({"a.csv": b""})], "0 files of 0 MB in kelhuynh__"),
    "pickled objects": (
        "asl_ai",
        [zipped({FRAME: npy(np.array([{}] * DEEP, object))})],
        "Object arrays cannot be loaded when allow_pickle=False",
    ),
    "a pickle": ("asl_ai", [zipped({FRAME: pickle.dumps([1.0] * DEEP)})], "magic string"),
    "half an array": ("asl_ai", [zipped({FRAME: npy(row(0, DEEP))[:-8]})], "EOF"),
    "no labels": (
        "siruyy",
        [zipped({f"{SIRUYY}/X_train.npy": npy(np.zeros((1, 86)))})],
        "X_test",
    ),
    "fewer labels": (
        "siruyy",
        [
            zipped(
                {f"{SIRUYY}/X_{part}.npy": npy(np.zeros((2, 86))) for part in ("train", "test")}
                | {f"{SIRUYY}/y_{part}.npy": npy(np.zeros(1, int)) for part in ("train", "test")}
                | {f"{SIRUYY}/{part}.npy": npy(np.ones(86)) for part in ("mean", "std")}
            )
        ],
        "4 rows, but 2 labels",
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_other_content_is_told(put, case):
    name, contents, said = WRONG[case]
    put(name, contents, 2)
    with pytest.raises(AslError, match=said) as caught:
        load_landmarks(name)
    assert name in str(caught.value) and LANDMARK_SETS[name].source in str(caught.value)


def test_an_archive_that_would_grow_too_large_is_not_unpacked(put):
    bomb = zipped({FRAME: bytes(landmark_files.LARGEST + 1)})
    assert len(bomb) < 100_000
    put("asl_ai", [bomb], 1)
    with pytest.raises(AslError, match=r"1 files of 67 MB in asl-ai-"):
        load_landmarks("asl_ai")


def test_another_number_of_rows_is_another_version(put):
    put("m_alateegi", m_alateegi(), 3)
    with pytest.raises(AslError, match=r"m_alateegi has 2 landmark rows .* instead of 3"):
        load_landmarks("m_alateegi")


def test_they_are_listed(put, capsys):
    put("m_alateegi", m_alateegi(), 2)
    assert main(["datasets"]) == 0
    lines = {line.split()[0]: line for line in capsys.readouterr().out.splitlines()}
    assert lines["m_alateegi"].endswith("2 hands of people unknown; licence: MIT; on this machine")
    assert "9,703 hands of one person" in lines["asl_ai"]
    assert lines["asl_ai"].endswith("not on this machine")


COUNTS = {  # rows of each letter from A to Y, without J, counted when the files were looked at
    "signn": "0 26 32 20 0 25 46 26 19 41 26 0 0 28 13 0 16 0 0 35 21 32 38 28",
    "asl_ai": "404 400 403 404 403 406 404 404 403 405 405 404 404 408 405 411 404 400 403 406 405 "
    "404 405 403",
    "m_alateegi": "26 33 25 30 33 25 0 31 47 31 30 16 30 24 0 0 41 34 32 40 30 31 41 35",
    "hands_on_fluency": "16 26 23 20 27 21 20 24 20 20 20 20 20 20 18 21 20 19 25 19 19 20 23 21",
    "kelhuynh": "307 228 414 202 278 244 229 377 93 75 69 63 66 85 98 116 176 254 496 177 156 157 "
    "180 136",
    "alishlaibah": "245 257 289 334 283 250 271 0 335 275 493 228 343 290 263 256 263 282 327 460 "
    "286 299 312 346",
    "glyph": "50 50 50 50 50 50 50 50 50 39 50 50 50 50 50 50 50 50 50 50 50 50 50 50",
    "mahamfatima": "163 101 105 100 100 100 50 50 50 0 50 50 50 50 0 50 55 50 51 50 0 54 53 55",
    "siruyy": "450 100 100 100 0 100 100 100 180 250 180 250 250 200 0 220 250 300 200 450 200 100 "
    "100 300",
}


@needs_archives
@pytest.mark.parametrize("name", COUNTS)
def test_the_real_ones(name, monkeypatch):
    monkeypatch.setenv("ASL_ARCHIVES", ARCHIVES)
    if name not in find_landmark_sets():
        pytest.skip(f"ASL_ARCHIVES has no landmark rows of {name}")
    points, labels = load_landmarks(name)
    assert np.bincount(labels, minlength=24).tolist() == [*map(int, COUNTS[name].split())]
    assert len(np.unique(points, axis=0)) >= len(points) - 1  # none stands in for hands not found
    # With the palm to the camera, a hand that stretches its fingers has a palm that is about
    # two thirds as wide as high: what frames squeezed is stretched again.
    upright = points[np.isin(labels, [LETTERS.index(letter) for letter in "BVW"])]
    wide = np.abs(upright[:, 17, 0] - upright[:, 5, 0])
    high = np.abs(upright[:, 5:18:4, 1].mean(1) - upright[:, 0, 1])
    assert 0.58 < np.median(wide / high) < 0.82
