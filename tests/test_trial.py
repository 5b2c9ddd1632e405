"""The same pictures before two networks."""

import numpy as np
import pytest
from PIL import Image

from asl import AslError, build, find_images, predict
from asl.data.images import fit, read_image
from asl.models.metadata import Metadata
from asl.reader import read, trial
from asl.reader.signs import SIGNS


@pytest.mark.parametrize(
    ("class_names", "kind", "drawn"),
    [
        (("A", "B", "C", "L"), "letters", ["B", "L"]),
        (("a", "k", "v"), "letters", ["a", "k"]),
        (("0", "1", "5"), "digits", ["1", "5"]),
        (("3", "l", "m"), "letters", ["l", "m"]),
        (("yes", "no"), "letters", ["B", "L"]),
    ],
)
def test_two_signs_are_drawn_close_up_and_in_a_room(class_names, kind, drawn, home):
    assert trial.kind_of(class_names) == kind
    assert trial.draw_pictures(home / "drawn", class_names) == drawn
    names = [str(file.relative_to(home / "drawn")) for file in find_images(home / "drawn")]
    assert names == [f"{sign}/{where}.png" for sign in drawn for where in ("close up", "in a room")]


def test_both_are_asked_the_same_pictures(home, monkeypatch, capsys):
    folder = home / "mine"
    trial.draw_pictures(folder, ("B", "L"))
    (folder / "B/broken.png").write_bytes(b"no picture")

    def tell(network, pictures, *, signs, every, landmarks):
        for row, file in enumerate(pictures):
            if file.stem == "broken":
                yield read.PictureError(file, "is damaged")
            else:
                chances = np.eye(len(SIGNS[signs]))[row]
                yield [read.Reading(row, (9, 9), None, chances)]

    monkeypatch.setattr(trial.tables, "read_pictures", tell)
    model = build("cnn", (28, 28, 1), 2)
    metadata = Metadata("tiny", "cnn", ("B", "L"), 0, input_shape=(28, 28, 1))
    asked = trial.ask_both(model, metadata, None, folder)
    assert "broken" in capsys.readouterr().out
    assert asked.actual.tolist() == ["B", "B", "L", "L"]
    assert asked.readers.argmax(axis=1).tolist() == [1, 2, 3, 4]  # 0 was the broken one
    files = [file for file in find_images(folder) if file.stem != "broken"]
    for file, picture, seen in zip(files, asked.pictures, asked.seen, strict=True):
        np.testing.assert_array_equal(picture, np.array(Image.open(file)))
        np.testing.assert_array_equal(seen, fit(read_image(file), (28, 28, 1)))
    np.testing.assert_allclose(asked.ours, predict(model, asked.seen), atol=1e-6)
    assert asked.signs == SIGNS["letters"]
    assert asked.hands == [None] * 4


def test_a_folder_without_pictures(home):
    (home / "mine").mkdir()
    metadata = Metadata("tiny", "cnn", ("B", "L"), 0, input_shape=(28, 28, 1))
    with pytest.raises(AslError, match="no picture"):
        trial.ask_both(None, metadata, None, home / "mine")
