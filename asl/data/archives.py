"""Archives and folders of a data set: what is there, extracting, reading from inside."""

import os
import shutil
import tempfile
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from errno import EEXIST, EISDIR, ENAMETOOLONG, ENOTDIR
from pathlib import Path, PurePosixPath

from tqdm import tqdm

from asl import files
from asl.data.archive_formats import SUFFIXES as SUFFIXES
from asl.data.archive_formats import (
    Archive,
    ArchiveError,
    Entry,
    check_header,
    chunks,
    open_archive,
    shown_name,
)
from asl.data.dataset import Dataset
from asl.errors import AslError, few

NOTHING = "holds nothing of this data set"
SYSTEM_FILES = (".", "__MACOSX")  # what systems leave beside files
# What the disk, not the name of a file, refuses with
FULL_OR_CLOSED = files.CANNOT_WRITE - {EEXIST, EISDIR, ENAMETOOLONG, ENOTDIR}


@dataclass(frozen=True)
class Survey:
    """How much of a data set a folder or an archive holds."""

    place: Path
    count: int  # pictures, or rows of its tables
    flaw: str  # what is missing or wrong, behind the name of the place; "" where it is whole
    is_usable: bool  # whether it can be read as the data set
    is_certain: bool = True  # whether the content was looked at, and not the list alone


def survey(dataset: Dataset, place: Path, thorough: bool = False) -> Survey:
    """What a folder or an archive holds of a data set. Names alone are looked at or, if `thorough`,
    all that would be read.
    """
    try:
        if place.is_dir():
            paths = _paths_in(place)
            if dataset.pattern:
                return _survey_pictures(dataset, place, paths, is_certain=True)
            tables = _tables_in(dataset, place)
            rows = {name: _lines(_pieces(tables[name])) for name in tables} if thorough else {}
            return _survey_tables(dataset, place, list(tables), rows)
        with open_archive(dataset, place) as archive:
            if dataset.pattern:
                wanted = _pictures(archive)
                if thorough:
                    for entry in wanted.values():
                        deque(chunks(archive, entry), maxlen=0)
                return _survey_pictures(dataset, place, map(str, wanted), thorough)
            members = _tables(archive)
            rows = (
                {name: _lines(chunks(archive, members[name])) for name in members}
                if thorough
                else {}
            )
            return _survey_tables(dataset, place, list(members), rows)
    except ArchiveError as error:
        return Survey(place, 0, error.reason, is_usable=False)
    except (AslError, OSError) as error:
        return Survey(place, 0, f"cannot be read ({error})", is_usable=False)


def extract(dataset: Dataset, archive: Path) -> Path:
    """Extract the pictures of an archive to data/<name>/, whole or not at all; give that folder.

    One there that holds fewer of them is moved aside. AslError for an archive that is damaged or
    none, holds links or paths that lead out of the folder, would grow beyond ten times what the
    data set should have, or does not fit the disk.
    """
    folder = files.DATA / dataset.name
    with files.lock(folder), open_archive(dataset, archive) as opened:
        members = _pictures(opened)
        if not members:
            raise _something_else(opened, dataset.layout)
        _check_entries(opened, members)
        there = _count(dataset, _paths_in(folder))
        if there >= _count(dataset, map(str, members)):  # by whoever held the lock
            return folder
        for killed in files.DATA.glob(f".{dataset.name}-*"):
            shutil.rmtree(killed)  # an extraction that was ended from outside
        total = sum(member.size for member in members.values())
        files.check_space(files.DATA, total)
        if not there and folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
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
                _write(opened, member, whole / path)
                progress.update(member.size)
            if there:
                _move_aside(folder)
            elif folder.exists():
                folder.rmdir()
            whole.rename(folder)
    print(f"{dataset.name}: {files.shown(archive)} extracted to {files.shown(folder)}")
    return folder


def read_files(dataset: Dataset, source: Path) -> list[bytes]:
    """The contents of the data set's files, from a folder or from inside an archive.

    Raises AslError for an archive that is damaged, is none, lacks a file or holds a path that
    leads outside its folder. Nothing is extracted to the disk.
    """
    if source.is_dir():
        there = _tables_in(dataset, source)
        lacking = [name for name in dataset.files if name not in there]
        if lacking:
            raise AslError(f"{files.shown(source)} lacks {few(lacking)}: get it again.")
        return [b"".join(_pieces(there[name], -1)) for name in dataset.files]
    with open_archive(dataset, source) as archive:
        members = _tables(archive)
        for name in dataset.files:
            if name not in members:
                raise _something_else(archive, name)
        return [b"".join(chunks(archive, members[name], -1)) for name in dataset.files]


def _survey_pictures(
    dataset: Dataset, place: Path, paths: Iterable[str], is_certain: bool
) -> Survey:
    count, goal = _count(dataset, paths), sum(dataset.train_counts)
    if not count:
        return Survey(place, 0, NOTHING, is_usable=False)
    flaw = f"holds {count:,} of {goal:,} pictures" if count < goal else ""
    return Survey(place, min(count, goal or count), flaw, True, is_certain)


def _survey_tables(
    dataset: Dataset, place: Path, there: list[str], lines: dict[str, int]
) -> Survey:
    """`lines` are those of the tables; without them, the tables that are there count as whole."""
    lacking = [name for name in dataset.files if name not in there]
    goals = (sum(dataset.train_counts), sum(dataset.test_counts))
    rows = {name: goal for name, goal in zip(dataset.files, goals, strict=True) if name in there}
    for name, found in lines.items():
        rows[name] = max(0, min(rows[name], found - 1))
    flaw, count = "", sum(rows.values())
    if lacking:
        flaw = f"lacks {few(lacking)}" if there else NOTHING
    elif count < sum(goals):
        flaw = f"holds {count:,} of {sum(goals):,} rows"
    return Survey(place, count, flaw, not lacking, bool(lines))


def _paths_in(folder: Path) -> Iterator[str]:
    """The files below a folder, as paths inside it, without what systems leave there."""
    for place, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(SYSTEM_FILES)]
        inside = os.path.relpath(place, folder).replace(os.sep, "/") + "/"
        for name in names:
            if not name.startswith(SYSTEM_FILES):
                yield (inside + name).removeprefix("./")


def _count(dataset: Dataset, paths: Iterable[str]) -> int:
    """How many of the paths are pictures of the data set; a second copy of a folder counts once."""
    assert dataset.pattern is not None
    return len(
        {"/".join(path.rsplit("/", 2)[-2:]) for path in paths if dataset.pattern.search(path)}
    )


def _tables_in(dataset: Dataset, folder: Path) -> dict[str, Path]:
    found: dict[str, Path] = {}
    for path in sorted(_paths_in(folder)):
        file = folder / path
        if file.name in dataset.files and file.is_file():
            found.setdefault(file.name, file)
    return found


def _tables(archive: Archive) -> dict[str, Entry]:
    found: dict[str, Entry] = {}
    for path, entry in archive.entries.items():
        if path.name in archive.dataset.files and not _is_systems(path):
            found.setdefault(path.name, entry)
    return found


def _pictures(archive: Archive) -> dict[PurePosixPath, Entry]:
    pattern = archive.dataset.pattern
    assert pattern is not None
    return {
        path: entry
        for path, entry in archive.entries.items()
        if pattern.search(str(path)) and not _is_systems(path)
    }


def _is_systems(path: PurePosixPath) -> bool:
    return any(part.startswith(SYSTEM_FILES) for part in path.parts)


def _pieces(file: Path, size: int = 1 << 20) -> Iterator[bytes]:
    try:
        with file.open("rb") as opened:
            while piece := opened.read(size):
                yield piece
    except OSError as error:
        raise AslError(f"{files.shown(file)} cannot be read: {error.strerror}.") from error


def _lines(pieces: Iterable[bytes]) -> int:
    """How many lines a text has, whatever its line ends."""
    feeds = returns = 0
    last = b"\n"
    for piece in pieces:
        feeds += piece.count(b"\n")
        returns += 0 if feeds else piece.count(b"\r")
        last = piece[-1:]
    return (feeds or returns) + (last not in b"\r\n")


def _check_entries(archive: Archive, members: dict[PurePosixPath, Entry]) -> None:
    """ArchiveError for a name that is a file and a folder at once, and for damage in what will not
    be extracted: it may have been a member.
    """
    both = [path for member in members for path in member.parents if path in members]
    if both:
        reason = f"holds one name as a file and as a folder ({shown_name(both[0])})"
        raise ArchiveError(archive.source, reason, "Get it again from its publisher.")
    rest = (entry for path, entry in archive.entries.items() if path not in members)
    for entry in (*rest, *archive.others):
        check_header(archive, entry)


def _write(archive: Archive, member: Entry, file: Path) -> None:
    pieces = chunks(archive, member)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        opened = file.open("xb")  # a name that is there already differs by case alone
    except (OSError, ValueError) as error:
        if getattr(error, "errno", None) in FULL_OR_CLOSED:
            raise
        why = getattr(error, "strerror", None) or error
        reason = f"holds a name that this disk does not take ({shown_name(member.path)}: {why})"
        where = files.shown(files.DATA / archive.dataset.name)
        advice = f"Extract it to {where}/ by hand, with names that are allowed here."
        raise ArchiveError(archive.source, reason, advice) from error
    with opened:
        for piece in pieces:
            opened.write(piece)


def _move_aside(folder: Path) -> None:
    number = 1
    while (aside := folder.with_name(f"{folder.name}-incomplete-{number}")).exists():
        number += 1
    folder.rename(aside)
    print(f"{folder.name}: the incomplete {files.shown(folder)} is now {files.shown(aside)}")


def _something_else(archive: Archive, lacking: str) -> ArchiveError:
    dataset = archive.dataset
    inside = [shown_name(path) for path in archive.entries if path.name.lower().endswith(SUFFIXES)]
    if inside:
        reason = f"holds no {lacking} but another archive ({few(inside)})"
        return ArchiveError(archive.source, reason, "Extract it, and put that one in its place.")
    reason = f"holds no {lacking}: it is not {dataset.title}"
    return ArchiveError(archive.source, reason, f"Get it from {dataset.source}.")
