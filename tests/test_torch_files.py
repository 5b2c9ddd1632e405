"""Files of PyTorch, written by torch (tests/parity/make_reference.py), read without it."""

import io
import pickle
import zipfile

import numpy as np
import pytest
from torch_weights import REFERENCE

from asl.models.torch_files import MAGIC, read_tensors


@pytest.mark.parametrize("name", ["small.pth", "small_older.pth"])
def test_the_arrays_are_torchs(name):
    found, expected = read_tensors(REFERENCE / name), np.load(REFERENCE / "small.npz")
    assert list(found) == expected.files
    for key, array in found.items():
        assert array.dtype == expected[key].dtype
        np.testing.assert_array_equal(array, expected[key])


def test_code_is_refused():
    with pytest.raises(ValueError, match=r"it holds torch\.nn\.modules.*, which is no tensor"):
        read_tensors(REFERENCE / "module.pth")


class Runs:
    def __reduce__(self):
        return print, ("this must not be printed",)


def older(content):
    return b"".join(pickle.dumps(each, 2) for each in (MAGIC, 1001, {}, content, []))


def zipped(content):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("x/data.pkl", pickle.dumps(content, 2))
    return out.getvalue()


@pytest.mark.parametrize("form", [older, zipped])
@pytest.mark.parametrize("content", [Runs(), {"a": Runs()}, {"a": 3}, [1, 2], "text", None])
def test_anything_but_tensors_is_refused(form, content, tmp_path, capsys):
    (tmp_path / "x.pth").write_bytes(form(content))
    with pytest.raises(ValueError, match=r"no tensor|no dictionary of tensors"):
        read_tensors(tmp_path / "x.pth")
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("name", ["small.pth", "small_older.pth"])
def test_a_file_cut_short_is_refused_wherever_it_is_cut(name, tmp_path):
    whole = (REFERENCE / name).read_bytes()
    for length in range(0, len(whole), 97):
        (tmp_path / "x.pth").write_bytes(whole[:length])
        with pytest.raises((ValueError, EOFError, pickle.UnpicklingError, OSError)):
            read_tensors(tmp_path / "x.pth")


@pytest.mark.parametrize("name", ["small.pth", "small_older.pth"])
def test_damage_never_ends_in_anything_but_an_error_or_arrays(name, tmp_path):
    whole, random = (REFERENCE / name).read_bytes(), np.random.default_rng(0)
    for _ in range(300):
        damaged = bytearray(whole)
        for place in random.integers(0, len(whole), 3):
            damaged[place] = random.integers(256)
        (tmp_path / "x.pth").write_bytes(damaged)
        try:
            found = read_tensors(tmp_path / "x.pth")
        except Exception:  # the caller names the file, whatever it was
            continue
        assert sum(array.size for array in found.values()) < 1000
