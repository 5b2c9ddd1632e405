"""Archives: what a ZIP may hold before any of it is used, extracting, reading from inside."""

import os
import shutil
import stat
import tempfile
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from tqdm import tqdm

from asl import files
from asl.data.dataset import Dataset
from asl.errors import AslError

BOMB = 10  # times the size that a data set should have


def extract(dataset: Dataset, archive: Path) -> Path:
    """Extract the pictures of an archive to data/<name>/, whole or not at all; give that folder.

    AslError for an archive that is cut short or none, holds links or paths that lead out of the
    folder, would grow beyond ten times what the data set should have, or does not fit the disk.
    """
    folder = files.DATA / dataset.name
    with files.lock(folder), _whole_zip(dataset, archive) as opened:
        if is_in(dataset, folder):  # by whoever held the lock
            return folder
        members = {
            path: member
            for path, member in _members(opened, archive, dataset).items()
            if not member.is_dir()
            and _is_all(dataset, [str(path)])
            and not any(part.startswith((".", "__MACOSX")) for part in path.parts)
        }
        if not members:
            raise _something_else(dataset, archive, dataset.layout)
        for killed in files.DATA.glob(f".{dataset.name}-*"):
            shutil.rmtree(killed)  # an extraction that was ended from outside
        total = sum(member.file_size for member in members.values())
        files.check_space(files.DATA, total)
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise AslError(
                f"{files.shown(folder)} holds something else than {dataset.layout}. Move it away, "
                f"so that {files.shown(archive)} can be extracted there."
            )
        with (
            files.explained(folder),
            tempfile.TemporaryDirectory(dir=files.DATA, prefix=f".{dataset.name}-") as temporary,
            tqdm(total=total, unit="B", unit_scale=True, desc="extracting", delay=1,
                 leave=False) as progress,
        ):  # fmt: skip
            whole = Path(temporary, "whole")
            for path, member in members.items():
                (whole / path).parent.mkdir(parents=True, exist_ok=True)
                with opened.open(member) as packed, (whole / path).open("wb") as out:
                    shutil.copyfileobj(packed, out)
                progress.update(member.file_size)
            if folder.exists():
                folder.rmdir()
            whole.rename(folder)
    print(f"{dataset.name}: {files.shown(archive)} extracted to {files.shown(folder)}")
    return folder


def read_files(dataset: Dataset, source: Path) -> list[bytes]:
    """The contents of the data set's files, from a folder or from inside a zip archive.

    Raises AslError for an archive that is cut short, is none, lacks a file or holds a path that
    leads outside its folder. Nothing is extracted to the disk.
    """
    if source.is_dir():
        there = sorted(filter(Path.is_file, source.rglob("*")), reverse=True)
        first = {file.name: file for file in there}
        return [first[name].read_bytes() for name in dataset.files]
    with _whole_zip(dataset, source) as archive:
        members: dict[str, zipfile.ZipInfo] = {}
        for path, member in _members(archive, source, dataset).items():
            members.setdefault(path.name, member)
        for name in dataset.files:
            if name not in members:
                raise _something_else(dataset, source, name)
        return [archive.read(members[name]) for name in dataset.files]


def is_in(dataset: Dataset, folder: Path) -> bool:
    """Whether a folder holds the data set's files, extracted."""
    found = (Path(place, name) for place, _, names in os.walk(folder) for name in names)
    return _is_all(dataset, (file.relative_to(folder).as_posix() for file in found))


def holds(archive: Path, dataset: Dataset) -> bool:
    """Whether an archive, whatever it is called, holds the data set."""
    try:
        with zipfile.ZipFile(archive) as opened:
            return _is_all(dataset, opened.namelist())
    except (zipfile.BadZipFile, OSError):
        return False


def _is_all(dataset: Dataset, paths: Iterable[str]) -> bool:
    """Whether these paths are the data set: all of its tables, or some of its pictures."""
    if dataset.pattern:
        return any(map(dataset.pattern.search, paths))
    return {PurePosixPath(path).name for path in paths}.issuperset(dataset.files)


@contextmanager
def _whole_zip(dataset: Dataset, source: Path) -> Iterator[zipfile.ZipFile]:
    """An open archive; AslError for whatever its damage raises while it is read."""
    try:
        with zipfile.ZipFile(source) as archive:
            yield archive
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        raise AslError(
            f"{files.shown(source)} is not a whole zip archive ({error}): a download that was "
            f"cut short, or something else. Delete it and get it again from {dataset.source}."
        ) from error


def _something_else(dataset: Dataset, archive: Path, lacking: str) -> AslError:
    return AslError(
        f"{files.shown(archive)} holds no {lacking}: it is not {dataset.title}. "
        f"Get it from {dataset.source}."
    )


def _members(
    archive: zipfile.ZipFile, source: Path, dataset: Dataset
) -> dict[PurePosixPath, zipfile.ZipInfo]:
    """What the archive holds, by path; AslError for what no honest archive of this set holds."""
    members = {}
    refusal = ""
    for member in archive.infolist():
        path = PurePosixPath(member.filename.replace("\\", "/"))
        members[path] = member
        if path.is_absolute() or ".." in path.parts or ":" in path.parts[0]:
            refusal = f"holds a path that leads outside its folder ({member.filename})"
        elif stat.S_ISLNK(member.external_attr >> 16):
            refusal = f"holds a link ({member.filename})"
    # The sizes are the archive's own word, but reading stops there
    total = sum(member.file_size for member in members.values())
    if total > BOMB * dataset.size:
        sizes = f"{total / 1e6:,.0f} MB, and {dataset.title} has {dataset.size / 1e6:,.0f}"
        refusal = refusal or f"would grow to {sizes}"
    if refusal:
        raise AslError(
            f"{files.shown(source)} {refusal}: nothing of it was read. Get it again from its "
            "publisher."
        )
    return members
