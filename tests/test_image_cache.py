"""The array file of pictures: built once and whole, mapped, and built again when one changes."""

import hashlib
import os
import signal
import subprocess
import sys
import textwrap
import threading
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
from conftest import REPOSITORY

from asl import AslError, files
from asl.data import image_cache, image_folders, images, mapped_images

SHAPE = (24, 24, 3)
PATTERN = image_folders.re.compile(image_folders.ANY_FOLDER)


@pytest.fixture
def folder(home):
    """Forty pictures of noise in two folders, each of another size."""
    random = np.random.default_rng(0)
    for i in range(40):
        file = home / "pictures" / "AB"[i % 2] / f"{i:02d}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(file), random.integers(0, 256, (20 + i, 30, 3), np.uint8))
    return home / "pictures"


def read(folder):
    names, stamps, _ = image_folders.list_pictures(folder, PATTERN)
    return names, image_cache.read(folder, names, stamps, SHAPE, files.DATA / "cache/x")


def one_by_one(folder, names):
    return np.stack([images.fit(images.read_image(folder / name), SHAPE) for name in names])


def cached_files():
    return sorted(file.name for file in (files.DATA / "cache/x").iterdir())


@pytest.fixture
def decoded(monkeypatch):
    """The names of the pictures that are decoded while the test runs."""
    seen = []
    decode = image_cache.decode
    monkeypatch.setattr(
        image_cache,
        "decode",
        lambda data, name, shape: seen.append(name) or decode(data, name, shape),
    )
    return seen


def test_as_read_one_by_one(folder):
    names, pictures = read(folder)
    assert names[:3] == ["A/00.png", "A/02.png", "A/04.png"]
    np.testing.assert_array_equal(pictures.images, one_by_one(folder, names))
    assert pictures.bad == {}
    assert len(set(pictures.digests.tolist())) == 40


def test_a_second_start_decodes_nothing(folder, decoded):
    _, first = read(folder)
    assert len(decoded) == 40
    _, second = read(folder)
    assert len(decoded) == 40
    np.testing.assert_array_equal(first.images, second.images)
    assert [name.rpartition(".")[2] for name in cached_files()] == ["lock", "u8", "npz"]


def change_a_picture(folder):
    cv2.imwrite(str(folder / "A/04.png"), np.zeros((5, 5, 3), np.uint8))


def add_a_picture(folder):
    cv2.imwrite(str(folder / "B/new.png"), np.full((5, 5, 3), 9, np.uint8))


def remove_a_picture(folder):
    (folder / "A/00.png").unlink()


@pytest.mark.parametrize(
    ("change", "count"), [(change_a_picture, 40), (add_a_picture, 41), (remove_a_picture, 39)]
)
def test_whatever_changed_the_array_is_built_again(folder, decoded, change, count):
    read(folder)
    before = cached_files()
    decoded.clear()
    change(folder)
    names, pictures = read(folder)
    assert sorted(decoded) == sorted(names)
    assert len(names) == count
    np.testing.assert_array_equal(pictures.images, one_by_one(folder, names))
    # In the place of the array before it
    assert len(cached_files()) == len(before) == 3
    assert cached_files() != before
    decoded.clear()
    read(folder)
    assert decoded == []


def test_bad_pictures_are_told_again_on_every_start(folder):
    (folder / "A/empty.jpg").touch()
    (folder / "B/text.png").write_text("text")
    for _ in range(2):
        names, pictures = read(folder)
        assert {names[row] for row in pictures.bad} == {"A/empty.jpg", "B/text.png"}
        assert "A/empty.jpg is empty" in pictures.bad.values()


def test_bad_pictures_in_later_blocks_keep_their_rows(folder, monkeypatch):
    monkeypatch.setattr(image_cache, "BLOCK", 4)
    (folder / "A/39.jpg").write_text("text")
    (folder / "B/40.png").touch()
    names, pictures = read(folder)
    assert [names[row] for row in sorted(pictures.bad)] == ["A/39.jpg", "B/40.png"]
    good = [row for row in range(42) if row not in pictures.bad]
    np.testing.assert_array_equal(
        pictures.images[good], one_by_one(folder, [names[row] for row in good])
    )
    assert not pictures.images[list(pictures.bad)].any()


def interrupt_at(count, monkeypatch):
    """Let the decoding of this many pictures be interrupted, as by Ctrl-C."""
    decode, seen, lock = image_cache.decode, [], threading.Lock()

    def interrupted(data, name, shape):
        with lock:
            seen.append(name)
            if len(seen) >= count:
                raise KeyboardInterrupt
        return decode(data, name, shape)

    monkeypatch.setattr(image_cache, "decode", interrupted)
    monkeypatch.setattr(image_cache, "BLOCK", 4)


def test_an_interrupted_build_leaves_nothing_and_the_next_is_whole(folder):
    with pytest.MonkeyPatch.context() as patch:
        interrupt_at(20, patch)
        with pytest.raises(KeyboardInterrupt):
            read(folder)
    assert cached_files() == [".index.npz.lock"]
    names, pictures = read(folder)
    np.testing.assert_array_equal(pictures.images, one_by_one(folder, names))
    assert len(cached_files()) == 3


def test_an_interrupted_build_leaves_the_array_before_it(folder):
    names, first = read(folder)
    before = cached_files()
    change_a_picture(folder)
    with pytest.MonkeyPatch.context() as patch:
        interrupt_at(20, patch)
        with pytest.raises(KeyboardInterrupt):
            read(folder)
    assert cached_files() == before
    # What is left if the pictures go now is the whole array before
    kept, pictures = image_cache.stored(files.DATA / "cache/x")
    assert kept == names
    np.testing.assert_array_equal(pictures.images, first.images)


def test_a_killed_build_is_not_taken_and_what_it_left_is_cleared_away(folder, decoded):
    script = f"""
        import os, sys, threading
        sys.path[:0] = [{str(REPOSITORY)!r}]
        from pathlib import Path
        from asl.data import image_cache, image_folders
        image_cache.BLOCK = 4
        decode, seen, lock = image_cache.decode, [], threading.Lock()
        def count(data, name, shape):
            with lock:
                seen.append(name)
                if len(seen) == 20:
                    os.kill(os.getpid(), {int(signal.SIGKILL)})
            return decode(data, name, shape)
        image_cache.decode = count
        folder = Path({str(folder)!r})
        pattern = image_folders.re.compile(image_folders.ANY_FOLDER)
        names, stamps, _ = image_folders.list_pictures(folder, pattern)
        cache = Path({str(files.DATA / "cache/x")!r})
        image_cache.read(folder, names, stamps, {SHAPE}, cache)
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(script)], env={**os.environ})
    assert done.returncode == -signal.SIGKILL
    assert image_cache.stored(files.DATA / "cache/x") is None
    names, pictures = read(folder)
    assert sorted(decoded) == sorted(names)
    np.testing.assert_array_equal(pictures.images, one_by_one(folder, names))
    assert [name.rpartition(".")[2] for name in cached_files()] == ["lock", "u8", "npz"]


def test_two_at_once_build_it_once(folder, decoded):
    with ThreadPoolExecutor(2) as pool:
        first, second = pool.map(read, [folder, folder])
    assert len(decoded) == 40
    np.testing.assert_array_equal(first[1].images, second[1].images)


@pytest.mark.parametrize("pattern", ["*.u8", "index.npz"])
def test_a_damaged_array_file_is_made_again(folder, decoded, pattern):
    read(folder)
    (file,) = (files.DATA / "cache/x").glob(pattern)
    file.write_bytes(file.read_bytes()[:-1])
    names, pictures = read(folder)
    assert len(decoded) == 80
    np.testing.assert_array_equal(pictures.images, one_by_one(folder, names))


def test_a_disk_too_small_is_told_before_anything_is_written(folder, monkeypatch):
    usage = type("usage", (), {"free": 1000})
    monkeypatch.setattr(files.shutil, "disk_usage", lambda _: usage)
    with pytest.raises(AslError, match="needs 0 MB; its disk has 0 MB free"):
        read(folder)
    assert cached_files() == [".index.npz.lock"]


def test_mapped_images_are_like_an_array(folder, monkeypatch):
    monkeypatch.setattr(image_cache, "IN_MEMORY", 0)
    monkeypatch.setattr(mapped_images, "RESIDENT", 5000)  # memory is handed back in between
    names, pictures = read(folder)
    mapped, array = pictures.images, one_by_one(folder, names)
    assert isinstance(mapped, mapped_images.MappedImages)
    assert (mapped.shape, mapped.dtype, len(mapped)) == (array.shape, array.dtype, 40)
    assert mapped.ndim == array.ndim
    mask = np.arange(40) % 3 == 0
    for key in (7, -1, slice(3, 9), mask, np.array([5, 2]), np.array([[1, 2], [3, 4]])):
        np.testing.assert_array_equal(mapped[key], array[key])
    np.testing.assert_array_equal(mapped[0, ::2, ::2, 0], array[0, ::2, ::2, 0])
    np.testing.assert_array_equal(mapped[3:9, ::2], array[3:9, ::2])
    np.testing.assert_array_equal(np.asarray(mapped), array)
    fewer = mapped.take(mask).take(np.array([3, 1]))
    np.testing.assert_array_equal(fewer[:], array[mask][[3, 1]])
    assert isinstance(mapped_images.take(mapped, mask), mapped_images.MappedImages)
    np.testing.assert_array_equal(mapped_images.take(mapped, mask)[:], array[mask])
    np.testing.assert_array_equal(mapped_images.take(array, mask), array[mask])


def test_rows_that_lie_far_apart_are_read_a_few_at_a_time(tmp_path, monkeypatch):
    """Around each, the system may map a huge page."""
    array = np.random.default_rng(0).integers(0, 256, (50, 6, 5, 3), np.uint8)
    array.tofile(tmp_path / "images")
    mapped = np.memmap(tmp_path / "images", np.uint8, "r", shape=array.shape)
    images, reads, pages = mapped_images.released(mapped), [], []

    class Watched:
        _mmap = SimpleNamespace(madvise=lambda advice: pages.append(len(reads)))

        def __getitem__(self, rows):
            reads.append(len(rows))
            return mapped[rows]

    images.array = Watched()
    monkeypatch.setattr(mapped_images, "RESIDENT", 2000)
    monkeypatch.setattr(mapped_images, "AROUND", 300)  # with its own 90 bytes: five rows
    rows = np.arange(0, 50, 5)
    np.testing.assert_array_equal(images[rows], array[rows])
    assert reads == [5, 5] and pages == [2]
    np.testing.assert_array_equal(images[3:20], array[3:20])  # no more than lies between
    assert reads == [5, 5, 17] and pages == [2]


@pytest.mark.parametrize("every", [1, 3])
def test_the_hash_of_images_is_that_of_their_bytes_wherever_they_are(every, tmp_path, monkeypatch):
    array = np.random.default_rng(0).integers(0, 256, (50, 6, 5, 3), np.uint8)
    array.tofile(tmp_path / "images")
    mapped = np.memmap(tmp_path / "images", np.uint8, "r", shape=array.shape)
    monkeypatch.setattr(mapped_images, "RESIDENT", 700)  # seven images at a time
    true = hashlib.sha256(array[::every].tobytes()).hexdigest()
    for images_of in (array, mapped, mapped_images.released(mapped)):
        known = hashlib.sha256()
        mapped_images.update_hash(known.update, images_of, every)
        assert known.hexdigest() == true


def test_what_is_mapped_is_handed_back_and_what_is_not_stays(tmp_path):
    array = np.zeros((4, 2, 2, 1), np.float32)
    assert mapped_images.released(array) is array
    array.tofile(tmp_path / "features")
    mapped = np.memmap(tmp_path / "features", np.float32, "r", shape=array.shape)
    assert isinstance(mapped_images.released(mapped), mapped_images.MappedImages)
    computed = mapped + 1  # of numpy's kind for mapped arrays, but in memory
    assert mapped_images.released(computed) is computed
