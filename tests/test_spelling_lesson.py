"""What notebook 12 uses beside its lesson; and its features, which are those of the network."""

import nbformat
import numpy as np
import pytest
from conftest import REPOSITORY
from PIL import Image

from asl import files
from asl.data.rendered_hands import hand_points
from asl.landmarks.hand_landmarks import Landmarks
from asl.reader.signs import OTHER, SHAPES
from asl.spelling import lesson
from asl.spelling.follow import NOTHING, Seen
from asl.spelling.motion import templates


@pytest.fixture(scope="module")
def film():
    """A film of A and Z whose images are grey, since drawing them takes seconds."""
    track = lesson.spell(["AZ"], signer=1, seed=0, per_second=2)
    times = np.arange(round(track.seconds * 10)) / 10
    images = [np.full((480, 640, 3), 100 + row % 50, np.uint8) for row in range(len(times))]
    return lesson.Film(track, times, images, 10)


def seen_hand(points):
    return Seen(Landmarks(points.astype(np.float32), 0.9, 0.9), np.zeros(len(SHAPES), np.float32))


def cell(name):
    notebook = nbformat.read(REPOSITORY / "notebooks/12_spell.ipynb", as_version=4)
    return next(each.source for each in notebook.cells if each.id == name)


def test_the_features_of_the_notebook_are_those_of_the_network():
    from asl.models.joints import joint_features

    points = hand_points(["G", "Y"], signers=[1, 2]) * 150
    names = {}
    exec(cell("12-features"), names)
    expected = np.asarray(joint_features(points))
    pairs = np.triu_indices(21, 1)
    for hand, row in zip(points, expected, strict=True):
        places, directions, distances = names["features"](hand)
        made = np.concatenate([places.ravel(), directions.ravel(), distances[pairs]])
        np.testing.assert_allclose(made, row, atol=0.02)  # the network keeps off zero lengths


def test_images_are_those_in_which_letters_are_signed(film):
    images, captions = lesson.some_images(film, 5)
    assert images.shape == (5, 480, 640, 3)
    seconds = [float(caption.removesuffix(" s")) for caption in captions]
    first, last = film.track.letters
    assert first.start - 0.5 < seconds[0] < seconds[-1] < last.end + 0.5


def test_shapes_as_text():
    shapes = np.zeros((5, len(SHAPES)))
    for row, shape in ((1, "B"), (2, OTHER), (4, "1")):
        shapes[row, SHAPES.index(shape)] = 0.4
    assert lesson.shapes_as_text(shapes, rate=2) == "·B?·\n1"
    assert lesson.shapes_as_text(shapes[:0], rate=2) == ""


def test_two_hands_are_drawn_where_fewer_were_found():
    hand = np.ones((21, 3))
    assert lesson.two_hands([None, hand, 2 * hand, 3 * hand])[1][0, 0] == 2
    one, two = lesson.two_hands([None, hand])
    assert np.ptp(one[:, 1]) > 2 * np.ptp(two[:, 1])


def test_the_path_of_a_letter_is_like_its_form_also_for_a_left_hand(film):
    names = {"np": np}
    exec(cell("12-path"), names)
    points = lesson.track_points(film.track, film.times)
    mirrored = [seen_hand(each * [-1, 1, 1]) for each in points]
    for seen in ([], mirrored):
        path = names["evenly"](lesson.tip_path(film, seen, "Z", "Z"))
        assert (templates("Z") @ path.ravel()).max() > 0.96


def test_crops_of_held_letters_alone(film, home):
    points = lesson.track_points(film.track, film.times) * 8 + [320, 240, 0]
    folder = lesson.save_crops(film, [seen_hand(each) for each in points], home / "crops")
    crops, names = lesson.crops_in(folder)
    assert set(names) == {"A"} and 2 <= len(names) <= 4
    assert crops.shape == (len(names), 112, 112, 3)
    for seen in ([], [NOTHING] * len(points)):
        empty, names = lesson.crops_in(lesson.save_crops(film, seen, home / "none"))
        assert not len(empty) and not names


def test_own_pictures_come_before_drawn_ones(home, capsys):
    drawn = lesson.own_pictures(False, False)
    assert drawn == files.RUNS / "drawn/spell"
    assert "drawn: L V" in capsys.readouterr().out
    Image.new("RGB", (64, 64)).save(home / "data/my_pictures/mine.png")
    assert lesson.own_pictures(False, False) == home / "data/my_pictures"
