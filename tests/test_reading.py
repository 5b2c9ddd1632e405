"""Reading pictures: hands, letters and digits, tables, details and drawings; without TensorFlow."""

import json
import shutil
import threading
from html.parser import HTMLParser

import cv2
import numpy as np
import pandas as pd
import pytest
from conftest import ARCHIVES, REPOSITORY, needs_archives, shell
from PIL import Image

import asl
from asl import AslError, files
from asl.__main__ import main
from asl.checkpoints import save_model
from asl.data.images import find_inputs, fit, read_image
from asl.data.rendered_hands import draw_hand
from asl.export import convert
from asl.keras_setup import keras
from asl.landmarks import interpreter, networks
from asl.landmarks import joints as finding
from asl.landmarks.crops import TINY
from asl.landmarks.hands import Hand
from asl.landmarks.looks import LOOKS
from asl.models.metadata import Metadata, Threshold
from asl.prediction import predict_fitted
from asl.reader import drawings, read, tables
from asl.reader.domain_randomization import SIZE
from asl.reader.signs import OTHER, SHAPES, read_as, shape_labels

NO_HAND = 255  # of blue, in the pictures of these tests: no hand is found in them


def shade(shape, blue=0):
    """The colour in which the stand-in network sees a shape: 8 of red for each."""
    return (8 * SHAPES.index(shape), 90, blue)


def stand_in():
    """A network with the reader's inputs, which tells shapes by the red of the crop's middle, and
    a little by the joints.
    """
    joints, pixels = (
        keras.Input((LOOKS, 21, 3), name="joints"),
        keras.Input((SIZE, SIZE, 3), name="pixels"),
    )
    red = keras.ops.mean(pixels[:, 46:66, 46:66, :1], axis=(1, 2))  # the middle, all hand
    apart = red / 8 - keras.ops.arange(len(SHAPES), dtype="float32")
    places = keras.ops.take(joints[:, 0, :, 0], np.arange(len(SHAPES)) % 21, axis=1)
    return keras.Model([joints, pixels], keras.ops.softmax(places / 3 - 3 * apart * apart))


@pytest.fixture(scope="module")
def stored(tmp_path_factory):
    """The folder of a stand-in reader, as `python -m asl reader` leaves it."""
    folder = tmp_path_factory.mktemp("reader")
    metadata = Metadata("x", "reader", SHAPES, 0, threshold=Threshold(0.95, 0.7, 0.8))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(files, "MODEL", folder)
        model = stand_in()
        digest = files.sha256(convert.write_litert(model, "reader"))
        save_model(model, "reader", Metadata(**{**vars(metadata), "litert_sha256": digest}))
    return folder


def two_hands(picture, model="lite", *, every=False, name=""):
    """A large hand in the left half of a picture and a small one in its right half."""
    if picture[0, 0, 2] == NO_HAND:
        return []
    height, width = picture.shape[:2]
    random = np.random.default_rng(7)
    hands = []
    for x, size, right in ((0.25, 0.24, 0.9), (0.75, 0.1, 0.2)):
        points = random.uniform(-1, 1, (21, 3)).astype(np.float32) * size
        points = (points + np.array([x, 0.5, 0])) * [width, height, width]
        flat = points[:, :2]
        box = np.concatenate([flat.min(axis=0), flat.max(axis=0)]).astype(np.float32)
        hands.append(Hand(box, points.astype(np.float32), right, 0.97))
    return hands


@pytest.fixture
def reader(stored, home, no_further_looks, monkeypatch):
    """The stand-in reader in model/, and hands found by a stand-in of Google's networks."""
    shutil.copytree(stored, files.MODEL)
    monkeypatch.setattr(networks, "network_file", lambda name: files.HOME / name)
    monkeypatch.setattr(read, "find_hands", two_hands)
    return files.MODEL


@pytest.fixture
def no_networks(monkeypatch):
    def missing(name):
        raise AslError("The networks that find hands are not here.\nPut them into data/weights.")

    monkeypatch.setattr(networks, "network_file", missing)


def picture(file, left, right="B", blue=0, size=(120, 80)):
    """A picture whose halves have the shades of two shapes."""
    image = np.full((size[1], size[0], 3), shade(left, blue), np.uint8)
    image[:, size[0] // 2 :] = shade(right, blue)
    file.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(image).save(file)
    return file


@pytest.fixture
def folder(home):
    """A letter, a digit, a hand that signs nothing, and no hand."""
    picture(home / "photos/1-letter.png", "L")
    picture(home / "photos/2-digit.png", "5", "A")
    picture(home / "photos/3-other.png", OTHER)
    picture(home / "photos/4-none.png", "A", blue=NO_HAND)
    return home / "photos"


def read_folder(path, **known):
    return tables.read_inputs(read.find_network(), find_inputs([path]), **known)


# Shapes and signs


def test_classes_of_data_sets_become_shapes():
    names = ("a", "B", "J", "del", "Y", "0", "2", "6", "9", "5", "nothing", "SPACE", "thumb")
    expected = ["A", "B", None, OTHER, "Y", "O", "V", "W", "F", "5", OTHER, OTHER, None]
    found = shape_labels(names)
    assert [SHAPES[label] if label >= 0 else None for label in found] == expected


def test_shapes_are_read_as_letters_or_as_digits():
    probabilities = np.zeros((4, len(SHAPES)))
    for row, known in enumerate(
        [{"O": 0.7, "5": 0.3}, {"O": 0.4, "5": 0.6}, {"V": 0.3, "W": 0.3, OTHER: 0.4}, {"A": 1}]
    ):
        for shape, share in known.items():
            probabilities[row, SHAPES.index(shape)] = share
    letters, is_letter = read_as(probabilities, SHAPES, "letters")
    assert letters.shape == (4, 24)
    np.testing.assert_array_equal(letters, probabilities[:, :24])
    assert is_letter.tolist() == [True, False, False, True]  # not where others are more likely
    digits, is_digit = read_as(probabilities, SHAPES, "digits")
    np.testing.assert_array_equal(digits[0], [0.7, 0, 0, 0, 0, 0.3, 0, 0, 0, 0])
    np.testing.assert_array_equal(digits[2], [0, 0, 0.3, 0, 0, 0, 0.3, 0, 0, 0])
    assert is_digit.tolist() == [True, True, False, False]


# What is read


def test_a_row_for_each_picture(reader, folder):
    found = read_folder(folder)
    table = found.table
    assert table["image"].tolist() == [file.name for file in sorted(folder.iterdir())]
    assert table["predicted"].tolist() == ["L", "", "", ""]
    assert table["second"].tolist()[1:] == ["", "", ""]
    assert (table["confidence"] > 0).tolist() == [True, False, False, False]
    no_letter = "the hand signs no letter"
    assert table["note"].tolist() == ["", no_letter, no_letter, "no hand was found"]
    assert [each.hand is None for each in found.readings] == [False, False, False, True]
    assert {each.size for each in found.readings} == {(120, 80)}
    assert found.left_out == {}


def test_digits_are_read_where_they_are_asked_for(reader, folder):
    picture(folder / "0-zero.png", "O")
    table = read_folder(folder, signs="digits").table
    assert table["predicted"].tolist() == ["0", "", "5", "", ""]
    assert table["note"][1] == "the hand signs no digit"
    with pytest.raises(AslError, match=r"no signs 'words'. There are: letters, digits"):
        read_folder(folder, signs="words")


def test_every_hand_has_a_row_where_all_are_asked_for(reader, folder):
    table = read_folder(folder, every=True).table
    names = [f"{file.name}" for file in sorted(folder.iterdir())]
    assert table["image"].tolist() == [*np.repeat(names[:3], 2), names[3]]
    assert table["predicted"].tolist() == ["L", "B", "", "A", "", "B", ""]


def test_the_folder_of_a_letter_says_what_its_pictures_show(reader, home):
    for name in ("l", "J", "other"):
        picture(home / "set" / name / "1.png", "L")
    table = read_folder(home / "set").table
    assert dict(zip(table["image"], table["actual"], strict=True)) == {
        "J/1.png": "",
        "l/1.png": "L",
        "other/1.png": "",
    }


def test_a_tiny_picture_is_cut_to_a_hand_that_signs_a_letter(reader, home, monkeypatch):
    size = (TINY - 1, TINY - 1)
    picture(home / "tiny/1-digit.png", "1", "1", size=size)
    picture(home / "tiny/2-other.png", OTHER, OTHER, size=size)
    picture(home / "tiny/3-none.png", "L", "L", blue=NO_HAND, size=size)
    picture(home / "tiny/4-none.png", OTHER, OTHER, blue=NO_HAND, size=size)
    picture(home / "tiny/5-none-large.png", "L", "L", blue=NO_HAND, size=(TINY, TINY))
    found = read_folder(home / "tiny")
    assert found.table["predicted"].tolist() == ["Y", "", "L", "", ""]  # of letters, Y is nearest
    reasons = ["", "the hand signs no letter", "", read.NO_HAND, read.NO_HAND]
    assert [each.reason for each in found.readings] == reasons
    assert [each.hand is None for each in found.readings] == [False, False, True, True, True]

    monkeypatch.setattr(finding, "find_in_each", lambda images: map(two_hands, images))
    model, _ = asl.load_model("reader")
    tiny = np.stack([read_image(file) for file in sorted((home / "tiny").iterdir())[:4]])
    expected = predict_fitted(model, tiny)
    assert SHAPES[expected[3].argmax()] == OTHER
    for row in (0, 2):
        said = found.readings[row].probabilities
        np.testing.assert_allclose(said, expected[row, :24], atol=1e-4)
    large = np.stack([read_image(home / "tiny/5-none-large.png")])
    assert not predict_fitted(model, large).any()


def test_read_without_tensorflow_is_what_keras_predicts(reader, home, monkeypatch):
    """More pictures than go through the network together, some without a hand, some unreadable."""
    count = read.BLOCK + 7
    for k in range(count):
        shape, blue = SHAPES[k % 24], NO_HAND if k % 5 == 0 else 0
        picture(home / f"photos/{k:03d}.png", shape, blue=blue)
    (home / "photos/003.png").write_text("text")
    found = read_folder(home / "photos")
    assert [*found.left_out.values()] == [[str(home / "photos/003.png")]]
    assert found.table["image"].tolist() == [f"{k:03d}.png" for k in range(count) if k != 3]

    monkeypatch.setattr(finding, "find_in_each", lambda images: map(two_hands, images))
    model, _ = asl.load_model("reader")
    kept = [
        read_image(file) for file in sorted((home / "photos").iterdir()) if "003" not in file.name
    ]
    probabilities = predict_fitted(model, np.stack(kept))
    assert (~probabilities.any(axis=1)).sum() == 8  # no hand
    expected, _ = read_as(probabilities, SHAPES, "letters")
    for row, reading in zip(expected, found.readings, strict=True):
        np.testing.assert_allclose(reading.probabilities, row, atol=1e-4)


def test_the_wanted_network_for_joints_is_used(reader, folder, monkeypatch, capsys):
    asked = []

    def find(picture, model, *, every):
        asked.append((model, every))
        return two_hands(picture)

    monkeypatch.setattr(read, "find_hands", find)
    assert main(["predict", "--landmarks", "full", "--all", str(folder)]) == 0
    assert set(asked) == {("full", True)}
    asked.clear()
    assert main(["predict", str(folder)]) == 0
    assert set(asked) == {("lite", False)}


def test_whoever_stops_asking_does_not_wait_for_the_rest(reader, home, monkeypatch):
    for k in range(60):
        picture(home / f"photos/{k:02d}.png", "L")
    monkeypatch.setattr(read, "BLOCK", 1)
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    looked, closing = [], threading.Event()

    def find(picture, model, *, every):
        looked.append(1)
        if len(looked) > 3:  # until nobody asks any more
            closing.wait(10)
        return two_hands(picture)

    monkeypatch.setattr(read, "find_hands", find)
    readings = read.read_pictures(read.find_network(), sorted((home / "photos").iterdir()))
    next(readings)
    threading.Timer(0.2, closing.set).start()
    readings.close()
    assert len(looked) < 60


def test_pictures_that_cannot_be_read_at_all(reader, home, capsys):
    (home / "photos").mkdir()
    (home / "photos/a.jpg").write_text("text")
    assert main(["predict", str(home / "photos")]) == 1
    assert "none of 1 pictures could be read: " in capsys.readouterr().err


# Which network answers


def test_without_googles_networks_whole_pictures_are_looked_at(no_networks, home, capsys):
    image = draw_hand("B", signer=3, seed=1, size=96)
    Image.fromarray(image).save(home / "B.png")
    assert main(["predict", "--output", str(home / "r.csv"), str(home / "B.png")]) == 0
    first, *_ = capsys.readouterr().out.splitlines()
    assert first == (
        "The networks that find hands are not here. Put them into data/weights. Instead, each "
        "picture is looked at as a whole, which is less exact."
    )
    (row,) = asl.read_results(home / "r.csv").to_dict("records")
    network = read._network(read.WHOLE)
    assert network.file == REPOSITORY / "model/reader-whole-picture.tflite"
    fitted = fit(image, network.metadata.input_shape).astype(np.float32)
    (told,) = interpreter.run(network.file, fitted[None])
    assert row["predicted"] == network.metadata.class_names[told[0].argmax()]
    assert row["confidence"] == pytest.approx(told[0].max(), abs=1e-4)


def test_the_network_for_whole_pictures_knows_letters_alone(no_networks, home, capsys):
    picture(home / "a.png", "A")
    assert main(["predict", "--signs", "digits", str(home / "a.png")]) == 1
    assert "the network for whole pictures knows no digits, only letters" in capsys.readouterr().err


def test_whole_pictures_have_details_and_drawings_without_hands(no_networks, home):
    picture(home / "a.png", "A")
    arguments = ["--details", str(home / "d.jsonl"), "--draw", str(home / "drawn")]
    assert main(["predict", *arguments, str(home / "a.png")]) == 0
    told = json.loads((home / "d.jsonl").read_text())
    assert "box" not in told and (told["width"], told["height"]) == (120, 80)
    assert (home / "drawn/00001-a.jpg").is_file()


DAMAGED = {
    "a flipped byte": lambda folder: flip(folder / "reader.tflite"),
    "cut short": lambda folder: cut(folder / "reader.tflite"),
    "empty": lambda folder: (folder / "reader.tflite").write_bytes(b""),
    "no metadata": lambda folder: (folder / "reader.json").unlink(),
    "metadata that is none": lambda folder: (folder / "reader.json").write_text("{"),
    "metadata that is a list": lambda folder: (folder / "reader.json").write_text("[]"),
    "metadata of another": lambda folder: edit(folder / "reader.json", litert_sha256="0" * 64),
    "metadata without its digest": lambda folder: edit(folder / "reader.json", litert_sha256=""),
}


def flip(file):
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 0xFF
    file.write_bytes(content)


def cut(file):
    file.write_bytes(file.read_bytes()[:-200])


def edit(file, **changes):
    file.write_text(json.dumps(json.loads(file.read_text()) | changes))


@pytest.mark.parametrize("damage", DAMAGED)
def test_a_damaged_reader_is_not_used(damage, reader, folder, capsys):
    DAMAGED[damage](reader)
    assert main(["predict", "--output", str(files.RESULTS), str(folder)]) == 1
    told = capsys.readouterr().err
    assert told.startswith("asl: model/reader.") and told.count("\n") == 1
    assert "damaged" in told and "train it again: python -m asl reader" in told
    assert not files.RESULTS.exists()


def test_no_reader_at_all(reader, folder, monkeypatch, capsys):
    (reader / "reader.tflite").unlink()
    monkeypatch.setattr(files, "REPOSITORY", files.HOME / "elsewhere")
    assert main(["predict", str(folder)]) == 1
    assert "model/reader.tflite is not there: python -m asl reader makes it" in (
        capsys.readouterr().err
    )


# In the shell


def test_the_shell_says_why_there_is_no_letter(reader, folder, capsys):
    assert main(["predict", "--output", str(files.RESULTS), str(folder)]) == 0
    head, *rows, unsure, written = capsys.readouterr().out.splitlines()
    assert head.split() == ["picture", "letter", "confidence", "second", "note"]
    assert rows[3].split(maxsplit=2) == ["4-none.png", "0.00", "no hand was found"]
    assert rows[0].split()[:2] == ["1-letter.png", "L"]
    assert unsure.startswith("3 of 4 lie below the confidence threshold of 0.70")
    assert written == "4 pictures predicted, written to results.csv"
    table = pd.read_csv(files.RESULTS, keep_default_na=False)
    assert table["predicted"].tolist() == ["L", "", "", ""]
    assert table["confidence"].tolist()[1:] == [0, 0, 0]
    assert list(table) == list(asl.read_results())  # as ever, no column more


def test_pictures_are_counted_and_not_hands(reader, folder, capsys):
    assert main(["predict", "--all", "--output", str(files.RESULTS), str(folder)]) == 0
    assert "4 pictures predicted, written" in capsys.readouterr().out
    assert len(asl.read_results()) == 7


def test_the_table_alone_goes_to_standard_output(no_networks, home, capsys):
    picture(home / "a.png", "A")
    drawn = ["--draw", str(home / "drawn")]
    assert main(["predict", "--output", "-", *drawn, str(home / "a.png")]) == 0
    printed = capsys.readouterr()
    head, row = printed.out.splitlines()
    assert head == "image,actual,predicted,confidence,second,second_confidence"
    assert row.startswith(f"{home}/a.png,,")
    assert "looked at as a whole" in printed.err and "look at " in printed.err


@pytest.mark.parametrize("option", [["--draw", "d"], ["--details", "d"], ["--all"]])
def test_only_the_reader_looks_for_hands(option, folder, home, monkeypatch, capsys):
    monkeypatch.chdir(home)
    assert main(["predict", "--model", "letters-cnn", *option, str(folder)]) == 1
    assert f"{option[0]} show hands, which only the reader looks for" in capsys.readouterr().err
    assert not (home / "d").exists()


WITHOUT_TENSORFLOW = """
import sys
import numpy as np
from asl.__main__ import main
from asl.landmarks import looks, networks
from asl.landmarks.hand_landmarks import Landmarks
from asl.landmarks.hands import Hand
from asl.reader import read

points = np.random.default_rng(0).uniform(20, 60, (21, 3)).astype(np.float32)
networks.network_file = lambda name: None
read.find_hands = lambda *_, **__: [Hand(np.float32([20, 20, 60, 60]), points, 0.9, 0.9)]
looks.find_landmarks = lambda *_, **__: Landmarks(points, 0.9, 0.9)
assert main(["predict", "--draw", "drawn", "--details", "d.jsonl", *sys.argv[1:]]) == 0
print(sorted({"tensorflow", "keras"} & set(sys.modules)))
"""


def test_reading_imports_no_tensorflow(stored, home, tmp_path):
    shutil.copytree(stored, home / "model")
    picture(home / "a.png", "L")
    code = WITHOUT_TENSORFLOW.replace('"drawn"', f'"{home}/drawn"').replace(
        '"d.jsonl"', f'"{home}/d.jsonl"'
    )
    done = shell("-c", code, home / "a.png", home=home, module=None)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "[]"
    assert "L" in done.stdout
    assert json.loads((home / "d.jsonl").read_text())["predicted"] == "L"


@needs_archives
def test_a_photograph_is_read_without_tensorflow(stored, home):
    """With Google's own networks, as a person calls it."""
    shutil.copytree(stored, home / "model")
    image = draw_hand("V", signer=3, seed=5, size=240)
    Image.fromarray(image).save(home / "v.png")
    done = shell(
        *("-X", "importtime", "-m", "asl", "predict", "--details", home / "d.jsonl"),
        *("--signs", "digits", home / "v.png"),
        home=home,
        module=None,
        ASL_ARCHIVES=ARCHIVES,
    )
    assert done.returncode == 0, done.stderr
    imported = {line.split("|")[-1].strip() for line in done.stderr.splitlines() if "|" in line}
    assert {"asl.reader.read", "ai_edge_litert"} <= imported
    assert not {"tensorflow", "keras"} & imported
    told = json.loads((home / "d.jsonl").read_text())
    left, top, right, bottom = told["box"]
    assert 0 <= left < right <= told["width"] and 0 <= top < bottom <= told["height"]
    assert told["right_hand"] > 0.5 < told["presence"]


# Details


def test_details_are_a_line_of_json_for_each_row(reader, folder, home):
    output = home / "details.jsonl"
    assert main(["predict", "--all", "--details", str(output), str(folder)]) == 0
    rows = [json.loads(line) for line in output.read_text().splitlines()]
    table = read_folder(folder, every=True).table
    assert [row["image"] for row in rows] == table["image"].tolist()
    assert [row["predicted"] for row in rows] == table["predicted"].tolist()
    assert [row["note"] for row in rows] == table["note"].tolist()
    np.testing.assert_allclose([row["confidence"] for row in rows], table["confidence"], atol=1e-4)
    hands = two_hands(read_image(folder / "1-letter.png"))
    for row, hand in zip(rows, hands, strict=False):
        left, top, right, bottom = row["box"]
        assert 0 <= left < right <= row["width"] == 120
        assert 0 <= top < bottom <= row["height"] == 80
        np.testing.assert_allclose(row["box"], hand.box, atol=0.051)
        np.testing.assert_allclose(row["points"], hand.points, atol=0.051)
        assert (row["presence"], row["right_hand"]) == (0.97, hand.right)
    assert {"box", "points", "presence", "right_hand"} & rows[-1].keys() == set()  # no hand


def test_details_of_names_that_are_no_text(reader, home):
    folder = home / "photos"
    for name in ("a\nb.png", "手.png", 'quote".png'):
        picture(folder / name, "L")
    tables.write_details(read_folder(folder), home / "d.jsonl")
    lines = (home / "d.jsonl").read_bytes().splitlines()
    assert sorted(json.loads(line)["image"] for line in lines) == sorted(
        ["a\nb.png", "手.png", 'quote".png']
    )


@pytest.mark.parametrize("name", ["photos/1-letter.png", "model/reader.json", "same.csv"])
def test_details_overwrite_nothing_that_is_needed(name, reader, folder, home, capsys):
    before = {file: file.read_bytes() for file in home.rglob("*") if file.is_file()}
    output = ["--details", str(home / name), "--output", str(home / "same.csv")]
    assert main(["predict", *output, str(folder)]) == 1
    assert capsys.readouterr().err.startswith("asl: ")
    assert {file: file.read_bytes() for file in home.rglob("*") if file.is_file()} == before


# Drawings


class Page(HTMLParser):
    """The pictures of a page and what is told of each."""

    def __init__(self, file):
        super().__init__()
        self.pictures, self.texts = [], []
        self.feed(file.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attrs):
        if tag == "img":
            self.pictures.append(dict(attrs)["src"])
            self.texts.append("")
        assert tag in {
            *("meta", "title", "style", "h1", "div", "figure", "img", "figcaption", "b", "br"),
        }

    def handle_data(self, data):
        if self.texts:
            self.texts[-1] += data


def test_pictures_are_drawn_and_the_least_confident_come_first(reader, folder, home, capsys):
    image = np.full((80, 120, 3), (8 * 3 + 4, 90, 0), np.uint8)  # between D and E
    Image.fromarray(image).save(folder / "5-unsure.png")
    assert main(["predict", "--draw", str(home / "drawn"), str(folder)]) == 0
    assert f"look at {home}/drawn/index.html" in capsys.readouterr().out
    page = Page(home / "drawn/index.html")
    assert sorted(page.pictures) == sorted(
        file.name for file in (home / "drawn").iterdir() if file.suffix == ".jpg"
    )
    assert len(page.pictures) == 5
    assert page.pictures[3:] == ["00005-5-unsure.jpg", "00001-1-letter.jpg"]
    assert page.texts[4].startswith("L 9") and "1-letter.png" in page.texts[4]
    assert ", else D " in page.texts[3] or ", else E " in page.texts[3]
    assert "no hand was found" in page.texts[page.pictures.index("00004-4-none.jpg")]
    assert "signs no letter" in page.texts[page.pictures.index("00003-3-other.jpg")]


def test_the_joints_are_drawn_where_they_are(reader, home):
    picture(home / "photos/a.png", "L", "L")
    picture(home / "photos/b.png", "L", "L", NO_HAND)
    found = read_folder(home / "photos")
    drawings.draw(found, find_inputs([home / "photos"]), home / "drawn")
    drawn, empty = (read_image(home / f"drawn/{name}.jpg") for name in ("00001-a", "00002-b"))
    assert drawn.shape == (213, 320, 3)  # small pictures are enlarged
    hand, scale = found.readings[0].hand, 320 / 120
    changed = np.abs(drawn.astype(int) - shade("L")).max(axis=2) > 60
    for x, y in np.rint(hand.points[:, :2] * scale).astype(int):
        assert changed[y - 2 : y + 3, x - 2 : x + 3].any()
    assert not changed[:, round(hand.box[2] * scale) + 8 :].any()  # one hand was asked for
    assert np.abs(empty.astype(int) - shade("L", NO_HAND)).max() < 12


def test_large_pictures_are_drawn_smaller(reader, home):
    picture(home / "photos/a.png", "L", size=(1500, 1000))
    drawings.draw(read_folder(home / "photos"), find_inputs([home / "photos"]), home / "drawn")
    assert read_image(home / "drawn/00001-a.jpg").shape == (640, 960, 3)


def test_names_are_escaped(reader, home):
    names = [
        "<script>alert(1)</script>".replace("/", "") + ".png",
        '"><b>&amp;.png',
        "a b.png",
        "手.png",
    ]
    for name in names:
        picture(home / "photos" / name, "L")
    drawings.draw(read_folder(home / "photos"), find_inputs([home / "photos"]), home / "drawn")
    page = Page(home / "drawn/index.html")  # which knows no tag but ours
    for name in names:
        assert sum(text.strip().endswith(name) for text in page.texts) == 1, name
    for name in page.pictures:
        assert name.isascii() and (home / "drawn" / name).is_file()


@pytest.mark.parametrize("there", ["a file", "another page", "a file in its place"])
def test_a_folder_with_other_things_is_left_alone(there, reader, folder, home, capsys):
    drawn = home / "drawn"
    if there == "a file in its place":
        drawn.write_text("precious")
    else:
        drawn.mkdir()
        (drawn / ("index.html" if there == "another page" else "x.txt")).write_text("precious")
    before = {file: file.read_bytes() for file in home.rglob("*") if file.is_file()}
    assert main(["predict", "--draw", str(drawn), str(folder)]) == 1
    told = capsys.readouterr().err
    assert "holds other things already: give --draw a new or an empty folder" in told
    assert {file: file.read_bytes() for file in home.rglob("*") if file.is_file()} == before


def test_a_second_time_into_the_same_folder(reader, folder, home):
    (home / "drawn").mkdir()  # an empty one is taken, too
    for number in range(2):
        assert main(["predict", "--draw", str(home / "drawn"), str(folder)]) == 0
        assert len(Page(home / "drawn/index.html").pictures) == 4 + number
        picture(folder / "6-new.png", "A")
    assert cv2.imread(str(home / "drawn/00005-6-new.jpg")) is not None


def test_drawings_of_an_earlier_time_go_and_nothing_else(reader, folder, home):
    drawn = home / "drawn"
    assert main(["predict", "--draw", str(drawn), str(folder)]) == 0
    for name in ("00009-mine.jpg", "notes.txt"):
        (drawn / name).write_text("precious")
    (home / "00009-outside.jpg").write_text("precious")
    page = drawn / "index.html"
    page.write_text(page.read_text() + '<img src="../00009-outside.jpg"><img src="notes.txt">')
    for name in ("1-letter", "3-other"):
        (folder / f"{name}.png").unlink()
    assert main(["predict", "--draw", str(drawn), str(folder)]) == 0
    made = {"00001-2-digit.jpg", "00002-4-none.jpg"}
    assert set(Page(page).pictures) == made
    kept = {"index.html", "00009-mine.jpg", "notes.txt"}
    assert {file.name for file in drawn.iterdir()} == made | kept
    assert (home / "00009-outside.jpg").read_text() == "precious"


@pytest.mark.parametrize("after", [0, 1, 3])
@pytest.mark.parametrize("before", ["new", "empty", "drawn before"])
def test_drawing_goes_on_after_it_was_killed(before, after, reader, folder, home, monkeypatch):
    """Killed after so many drawings: the next time takes the folder, and leaves nothing over."""
    drawn = home / "drawn"
    if before == "empty":
        drawn.mkdir()
    elif before == "drawn before":
        picture(folder / "0-old.png", "A")
        assert main(["predict", "--draw", str(drawn), str(folder)]) == 0
        (folder / "0-old.png").unlink()
    left, write = [None] * after, drawings.draw_picture

    def killed(*arguments):
        if not left:
            raise KeyboardInterrupt  # as far as the folder is concerned
        left.pop()
        return write(*arguments)

    monkeypatch.setattr(drawings, "draw_picture", killed)
    assert main(["predict", "--draw", str(drawn), str(folder)]) == 130
    assert "Not finished" in (drawn / "index.html").read_text()
    monkeypatch.setattr(drawings, "draw_picture", write)
    (folder / "1-letter.png").unlink()
    assert main(["predict", "--draw", str(drawn), str(folder)]) == 0
    names = {file.name for file in drawn.iterdir()}
    assert len(names) == 4 and names == {"index.html", *Page(drawn / "index.html").pictures}
    assert "Not finished" not in (drawn / "index.html").read_text()


def test_a_folder_in_which_the_page_was_just_begun_is_taken(reader, folder, home):
    (home / "drawn").mkdir()
    left = home / "drawn/.index-999999999-0123abcd.html"
    left.write_text("<!doctype")
    assert main(["predict", "--draw", str(home / "drawn"), str(folder)]) == 0
    assert not left.exists()


@pytest.mark.parametrize("given", ["drawn", "drawn/00001-1-letter.jpg", "link", "."])
def test_drawings_are_not_read_as_pictures(given, reader, folder, home, capsys):
    drawn = home / "drawn"
    assert main(["predict", "--draw", str(drawn), str(folder)]) == 0
    (home / "link").symlink_to(drawn)
    before = {file: file.read_bytes() for file in drawn.iterdir()}
    assert main(["predict", "--draw", str(drawn), str(home / given)]) == 1
    assert "they would be taken for pictures" in capsys.readouterr().err
    assert {file: file.read_bytes() for file in drawn.iterdir()} == before
