import csv

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from asl import AslError, build, predict, predict_files, read_results, results_table, write_results
from asl.data.hand_poses import LETTERS


@pytest.fixture(scope="module")
def model():
    return build("cnn", (28, 28, 1), 24)


@pytest.fixture
def folder(tmp_path, parts):
    """Twelve pictures in class folders, three bad ones, and two files that are no pictures."""
    for row in range(12):
        file = tmp_path / "pictures" / LETTERS[parts.test.labels[row]] / f"{row}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(parts.test.images[row, ..., 0]).save(file)
    (tmp_path / "pictures/empty.jpg").touch()
    (tmp_path / "pictures/text.png").write_text("text")
    (tmp_path / "pictures/A/cut.jpg").write_bytes(b"\xff\xd8\xff\xe0")
    (tmp_path / "pictures/notes.txt").write_text("no picture")
    (tmp_path / "pictures/.hidden.png").touch()
    return tmp_path / "pictures"


def test_two_most_likely_classes_by_hand():
    probabilities = np.array([[0.1, 0.7, 0.2], [0.5, 0.1, 0.4]])
    table = results_table(["x", "y"], probabilities, ["A", "B", "C"], ["B", "C"])
    assert table.to_numpy().tolist() == [
        ["x", "B", "B", 0.7, "C", 0.2],
        ["y", "C", "A", 0.5, "C", 0.4],
    ]


def test_written_as_promised_and_read_back(home):
    probabilities = np.array([[0.123456, 0.876544], [1, 0], [0.99997, 0.00003]])
    table = results_table(["ü,1", "b", "c"], probabilities, ["A", "B"])
    path = write_results(table)
    assert path.read_bytes().decode("utf-8") == (
        "image,actual,predicted,confidence,second,second_confidence\n"
        '"ü,1",,B,0.8765,A,0.1235\n'
        "b,,A,1.0000,B,0.0000\n"
        "c,,A,0.9999,B,0.0000\n"  # not all is never 1
    )
    assert read_results()["actual"].tolist() == ["", "", ""]
    assert read_results()["confidence"].tolist() == [0.8765, 1.0, 0.9999]
    assert next(csv.DictReader(path.open(encoding="utf-8")))["image"] == "ü,1"


def test_results_that_are_not_there(home):
    with pytest.raises(AslError, match=r"results\.csv is not there: notebook 08_predict"):
        read_results()


def test_images_of_another_shape_are_refused(model):
    with pytest.raises(AslError, match=r"\(64, 64, 3\), but the network takes \(28, 28, 1\)"):
        predict(model, np.zeros((2, 64, 64, 3), np.uint8))


def test_files_give_what_arrays_give(model, folder, parts):
    table, _ = predict_files(model, LETTERS, [folder])
    names = sorted(f"{LETTERS[parts.test.labels[row]]}/{row}.png" for row in range(12))
    assert table["image"].tolist() == names  # relative to the folder
    assert table["actual"].tolist() == [name[0] for name in names]
    rows = [int(name[2:-4]) for name in names]
    expected = results_table(names, predict(model, parts.test.images[rows]), LETTERS)
    pd.testing.assert_series_equal(table["confidence"], expected["confidence"], rtol=1e-4)
    assert table["predicted"].tolist() == expected["predicted"].tolist()


def test_bad_pictures_are_listed_and_the_rest_is_predicted(model, folder):
    table, bad = predict_files(model, LETTERS, [folder])
    assert len(table) == 12
    assert len(bad) == 3
    for name, reason in (("empty.jpg", "empty"), ("text.png", "no pic"), ("cut.jpg", "cut short")):
        assert any(name in message and reason in message for message in bad)


def test_single_pictures_keep_their_name_and_order(model, folder):
    files = [folder / "B/2.png", folder / "A/0.png"]
    table, bad = predict_files(model, LETTERS, files)
    assert table["image"].tolist() == [str(file) for file in files]
    assert table["actual"].tolist() == ["", ""]
    assert bad == []


def test_only_bad_pictures(model, folder):
    with pytest.raises(AslError, match=r"none of 1 pictures could be read: .*text\.png"):
        predict_files(model, LETTERS, [folder / "text.png"])


def test_batches_of_many_sizes_raise_no_alarm(caplog):
    """TensorFlow warns of each size of batch that it has not met, which helps no reader."""
    for seed in range(4):
        network = build("cnn", (28, 28, 1), 3, seed=seed)
        for count in (1, 2, 3):
            predict(network, np.zeros((count, 28, 28, 1), np.uint8))
    assert not caplog.records
