"""The array file: made once, mapped, kept up to date, and gone on with after an interruption."""

import os
import signal
import subprocess
import sys
import textwrap

import cv2
import numpy as np
import pytest
from conftest import REPOSITORY

from asl import AslError, arrays, folders, images, paths

SHAPE = (24, 24, 3)
PATTERN = folders.re.compile(folders.ANY_FOLDER)


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
    names, stamps, _ = folders.list_pictures(folder, PATTERN)
    return names, arrays.read(folder, names, stamps, SHAPE, paths.DATA / "cache/x")


def one_by_one(folder, names):
    return np.stack([images.fit(images.read_image(folder / name), SHAPE) for name in names])


@pytest.fixture
def decoded(monkeypatch):
    """The names of the pictures that are decoded while the test runs."""
    seen = []
    decode = arrays.decode
    monkeypatch.setattr(
        arrays, "decode", lambda data, name: seen.append(name) or decode(data, name)
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
    assert sorted(file.suffix for file in (paths.DATA / "cache/x").iterdir()) == [
        ".lock", ".npz", ".u8"
    ]  # fmt: skip


def test_only_what_changed_is_done_again(folder, decoded):
    read(folder)
    decoded.clear()
    cv2.imwrite(str(folder / "A/04.png"), np.zeros((5, 5, 3), np.uint8))
    cv2.imwrite(str(folder / "B/new.png"), np.full((5, 5, 3), 9, np.uint8))
    (folder / "A/00.png").unlink()
    names, pictures = read(folder)
    assert sorted(decoded) == ["A/04.png", "B/new.png"]
    assert len(names) == 40
    np.testing.assert_array_equal(pictures.images, one_by_one(folder, names))


def test_bad_pictures_are_told_again_on_every_start(folder):
    (folder / "A/empty.jpg").touch()
    (folder / "B/text.png").write_text("text")
    for _ in range(2):
        names, pictures = read(folder)
        assert {names[row] for row in pictures.bad} == {"A/empty.jpg", "B/text.png"}
        assert "A/empty.jpg is empty" in pictures.bad.values()


def test_killed_halfway_it_goes_on_where_it_stopped(folder, home, monkeypatch, decoded):
    script = f"""
        import os, sys
        sys.path[:0] = [{str(REPOSITORY)!r}, {str(REPOSITORY / "tests")!r}]
        from pathlib import Path
        from asl import arrays, folders
        arrays.BLOCK = 4
        write, calls = arrays._write_rows, []
        def count(*arguments):
            write(*arguments)
            calls.append(1)
            if len(calls) == 10:  # five blocks, images and records
                os.kill(os.getpid(), {int(signal.SIGKILL)})
        arrays._write_rows = count
        folder = Path({str(folder)!r})
        names, stamps, _ = folders.list_pictures(folder, folders.re.compile(folders.ANY_FOLDER))
        arrays.read(folder, names, stamps, {SHAPE}, Path({str(paths.DATA / "cache/x")!r}))
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(script)], env={**os.environ})
    assert done.returncode == -signal.SIGKILL
    names, pictures = read(folder)
    assert sorted(decoded) == sorted(names[20:])
    np.testing.assert_array_equal(pictures.images, one_by_one(folder, names))


def test_two_at_once_build_it_once(folder, decoded):
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(2) as pool:
        first, second = pool.map(read, [folder, folder])
    assert len(decoded) == 40
    np.testing.assert_array_equal(first[1].images, second[1].images)


def test_a_damaged_array_file_is_made_again(folder, decoded):
    read(folder)
    (file,) = (paths.DATA / "cache/x").glob("*.u8")
    file.write_bytes(file.read_bytes()[:-1])
    names, pictures = read(folder)
    assert len(decoded) == 80
    np.testing.assert_array_equal(pictures.images, one_by_one(folder, names))


def test_a_disk_too_small_is_told_before_anything_is_written(folder, monkeypatch):
    usage = type("usage", (), {"free": 1000})
    monkeypatch.setattr(paths.shutil, "disk_usage", lambda _: usage)
    with pytest.raises(AslError, match="needs 0 MB; its disk has 0 MB free"):
        read(folder)
    assert not list((paths.DATA / "cache/x").glob("*.u8"))


def test_rows_are_like_an_array(folder, monkeypatch):
    monkeypatch.setattr(arrays, "IN_MEMORY", 0)
    monkeypatch.setattr(arrays, "RESIDENT", 5000)  # so that memory is handed back in between
    names, pictures = read(folder)
    rows, array = pictures.images, one_by_one(folder, names)
    assert isinstance(rows, arrays.Rows)
    assert (rows.shape, rows.dtype, len(rows)) == (array.shape, array.dtype, 40)
    mask = np.arange(40) % 3 == 0
    for key in (7, -1, slice(3, 9), mask, np.array([5, 2]), np.array([[1, 2], [3, 4]])):
        np.testing.assert_array_equal(rows[key], array[key])
    np.testing.assert_array_equal(rows[0, ::2, ::2, 0], array[0, ::2, ::2, 0])
    np.testing.assert_array_equal(rows[3:9, ::2], array[3:9, ::2])
    np.testing.assert_array_equal(np.asarray(rows), array)
    fewer = rows.take(mask).take(np.array([3, 1]))
    np.testing.assert_array_equal(fewer[:], array[mask][[3, 1]])
    np.testing.assert_array_equal(arrays.take(array, mask), array[mask])
