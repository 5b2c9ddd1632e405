"""Caches that are damaged, incomplete or of other files: made again, never used."""

import os
import shutil

import numpy as np
import pytest
from PIL import Image

from asl import build, files, load, split
from asl.data.rendered_hands import draw_hand
from asl.models import transfer
from asl.models.backbones import FEATURES

fault = pytest.mark.fault("caches")


def cut(data, random):
    return data[: random.integers(1, len(data))]


def flip(data, random):
    damaged = bytearray(data)
    for place in random.integers(0, len(data), max(1, len(data) // 1000)):
        damaged[place] ^= 1 + random.integers(255)
    return bytes(damaged)


def flip_one(data, random):
    damaged = bytearray(data)
    damaged[random.integers(len(data))] ^= 1
    return bytes(damaged)


DAMAGE = {
    "empty": lambda data, random: b"",
    "cut": cut,
    "a thousandth flipped": flip,
    "one bit flipped": flip_one,
    "zeros": lambda data, random: bytes(len(data)),
    "text": lambda data, random: b"hello",
    "longer": lambda data, random: data + b"more",
    "not there": None,
}


@pytest.fixture
def signs(home):
    """folder:PATH of two classes, twelve pictures each."""
    for sign in "BL":
        (home / "signs" / sign).mkdir(parents=True)
        for seed in range(12):
            draw(home / "signs" / sign / f"{seed}.png", sign, seed)
    return home / "signs"


def draw(file, sign, seed):
    Image.fromarray(draw_hand(sign, signer=seed % 3, seed=seed, size=48)).save(file)


def cached(home):
    """The files of all caches, without locks."""
    found = (home / "data/cache").rglob("*")
    return sorted(file for file in found if file.is_file() and file.suffix != ".lock")


def features(frozen, samples):
    return transfer.frozen_features(frozen, samples.images, "x").values


@pytest.fixture(scope="module")
def frozen():
    from asl.keras_setup import keras

    model = build("mobilenetv2", (48, 48, 3), 2, weights=None, size=32)
    return keras.Model(model.inputs[0], model.get_layer(FEATURES).output)


@fault
@pytest.mark.parametrize("damage", DAMAGE)
def test_each_file_of_each_cache_is_made_again(damage, signs, home, frozen):
    """The array of pictures with its index, the groups, the table of a drawn set, the features."""
    name, random = f"folder:{signs}", np.random.default_rng(0)

    def everything():
        samples, drawn = load(name, image_shape=(48, 48, 3)), load("tiny")
        found = [np.asarray(samples.images[:]), split(samples).train.groups, drawn.images]
        return [*found, features(frozen, samples)]

    expected = everything()
    there = cached(home)
    assert len(there) == 6  # array, index, groups, table, features, their notes
    for file in there:
        data = file.read_bytes()
        if DAMAGE[damage] is None:
            file.unlink()
        else:
            file.write_bytes(DAMAGE[damage](data, random))
        for one, two in zip(everything(), expected, strict=True):
            np.testing.assert_allclose(one, two, atol=1e-6)
        assert cached(home) == there


@fault
@pytest.mark.parametrize("kept_time", [False, True])
def test_pictures_replaced_under_the_same_names(kept_time, signs, home):
    """The array and the groups are those of the new ones, also where size and time are the old."""
    name = f"folder:{signs}"
    before = load(name)
    groups = split(before).train.groups
    assert len(np.unique(groups)) > 1
    one = signs / "B/0.png"
    for file in (signs / "B").glob("*.png"):
        found = file.stat()
        data = one.read_bytes()
        if file != one:
            file.write_bytes(data + bytes(max(0, found.st_size - len(data))))
        if kept_time:
            os.utime(file, ns=(found.st_atime_ns, found.st_mtime_ns))
    after = load(name)
    assert (after.images[:12] == after.images[0]).all()
    np.testing.assert_array_equal(after.names, before.names)
    of_b = split(after, by="group")
    rows = np.concatenate([part.groups[part.labels == 0] for part in of_b])
    assert len(np.unique(rows)) == 1


@fault
def test_an_array_of_other_pictures_is_not_taken(signs, home):
    """Two folders whose caches were swapped."""
    other = shutil.copytree(signs, home / "other")
    for file in (other / "B").glob("*.png"):
        draw(file, "W", int(file.stem))
    names = [f"folder:{folder}" for folder in (signs, other)]
    expected = [load(name).images for name in names]
    arrays = sorted((home / "data/cache").rglob("images-*.u8"))
    first, second = (file.read_bytes() for file in arrays)
    arrays[0].write_bytes(second)
    arrays[1].write_bytes(first)
    for name, images in zip(names, expected, strict=True):
        np.testing.assert_array_equal(load(name).images, images)


@fault
@pytest.mark.parametrize("lacks", ["labels", "images", "names", "fingerprint"])
def test_a_table_that_lacks_a_column(lacks, home):
    expected = load("tiny")
    file = home / "data/cache/tiny.npz"
    with np.load(file) as stored:
        columns = {name: stored[name] for name in stored.files if name != lacks}
    np.savez(file, **columns)
    np.testing.assert_array_equal(load("tiny").labels, expected.labels)


@fault
@pytest.mark.parametrize("rows", [0, 100])
def test_a_table_whose_columns_do_not_fit(rows, home):
    expected = load("tiny")
    file = home / "data/cache/tiny.npz"
    with np.load(file) as stored:
        columns = dict(stored)
    np.savez(file, **columns | {"labels": columns["labels"][:rows]})
    np.testing.assert_array_equal(load("tiny").labels, expected.labels)
    assert len(files.checksums(file)) == 1
