import subprocess
import sys
from pathlib import Path

import pytest
from conftest import REPOSITORY

from asl import AslError, files


def test_found_from_the_repository_not_from_the_current_folder(tmp_path):
    code = "from asl import files; print(files.DATA, files.NOTEBOOKS, sep='\\n')"
    printed = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env={"PYTHONPATH": str(REPOSITORY)},
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    assert printed == [str(REPOSITORY / "data"), str(REPOSITORY / "notebooks")]


def test_importing_asl_is_quick_and_loads_no_library():
    code = "import sys, asl; print([name for name in sys.modules if name in ('numpy', 'keras')])"
    printed = subprocess.run([sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True)
    assert printed.stdout.strip() == b"[]", printed.stderr


def test_written_whole_with_the_permissions_of_other_files(tmp_path):
    with files.write_beside(tmp_path / "new" / "file.txt") as temporary:
        temporary.write_text("new")
        assert temporary.suffix == ".txt"
        assert not (tmp_path / "new" / "file.txt").exists()
    (tmp_path / "plain").touch()
    assert (tmp_path / "new" / "file.txt").read_text() == "new"
    assert (tmp_path / "new" / "file.txt").stat().st_mode == (tmp_path / "plain").stat().st_mode
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["file.txt"]


def test_what_was_there_stays_when_writing_fails(tmp_path):
    file = tmp_path / "file.txt"
    file.write_text("old")
    with pytest.raises(ZeroDivisionError), files.write_beside(file) as temporary:
        temporary.write_text("half")
        raise ZeroDivisionError
    assert file.read_text() == "old"
    assert list(tmp_path.iterdir()) == [file]


def test_a_full_disk_is_told_in_a_sentence(tmp_path):
    file = tmp_path / "file.bin"
    file.write_bytes(b"old")
    code = f"""
import resource, sys
from asl import AslError, files
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))  # as a full disk: writing on fails
try:
    with files.write_beside({str(file)!r}) as temporary:
        temporary.write_bytes(bytes(5000))
except AslError as error:
    print(error)
"""
    printed = subprocess.run(
        [sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, text=True
    ).stdout
    assert "cannot write" in printed
    assert "file.bin" in printed
    assert file.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [file]


def test_a_folder_that_cannot_be_written_to_is_told_in_a_sentence(tmp_path):
    (tmp_path / "folder").write_text("a file in the folder's place")
    with (
        pytest.raises(AslError, match=r"cannot write .*results\.csv"),
        files.write_beside(tmp_path / "folder" / "results.csv"),
    ):
        pass


def test_other_errors_pass_through(tmp_path):
    with pytest.raises(FileNotFoundError), files.write_beside(tmp_path / "x"):
        (tmp_path / "missing").read_text()


def test_addresses_are_shown_without_what_may_hold_a_key():
    assert files.shown("s3://museum/out?region=x&secret_key=y") == "s3://museum/out"
    assert files.shown(files.HOME / "a" / "b.csv") == str(Path("a", "b.csv"))
