"""Finding a data set on this machine, or fetching it.

In this order: extracted under data/<name>/; as an archive in a folder that ASL_ARCHIVES names, or
in data/; from Kaggle without an account (kagglehub); from Kaggle with credentials (kaggle). Tables
are read from inside their archive; pictures are extracted to data/<name>/ first.
"""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from filelock import FileLock
from tqdm import tqdm

from asl import paths
from asl.errors import AslError

if TYPE_CHECKING:
    from asl.datasets import Dataset

BOMB = 10  # times the size that a data set should have
ADVICE = {  # what Kaggle refuses with, and what helps
    401: "it does not accept the credentials: make a new token at https://www.kaggle.com/settings "
    "and put it at ~/.kaggle/kaggle.json",
    403: "it wants its rules accepted first: open {source}, sign in and accept them",
    404: "it has no such data set any more",
    429: "it has had too many requests: wait some minutes and try again",
}


def find(dataset: Dataset) -> Path | None:
    """The folder or the archive that holds the data set on this machine, or None."""
    folder = paths.DATA / dataset.name
    if _is_in(dataset, folder):
        return folder
    for archives in paths.archive_folders():
        for name in dataset.archives:
            archive = archives / name
            # archive.zip is what Kaggle's web page calls every download: look inside
            if archive.is_file() and (name != "archive.zip" or _holds(archive, dataset)):
                return archive
    return None


def find_folder(dataset: Dataset) -> Path | None:
    """The folder that holds a data set of pictures, extracted from its archive first where that is
    what there is; None where there is neither.
    """
    source = find(dataset)
    if source is None or source.is_dir():
        return source
    return extract(dataset, source)


def fetch_folder(dataset: Dataset) -> Path:
    """Like `fetch`, for a data set of pictures: the folder that holds them."""
    with FileLock(paths.locked(paths.DATA / dataset.name)):
        source = find(dataset) or fetch(dataset)
    return source if source.is_dir() else extract(dataset, source)


def extract(dataset: Dataset, archive: Path) -> Path:
    """Extract the pictures of an archive to data/<name>/, whole or not at all; give that folder.

    AslError for an archive that is cut short or none, holds links or paths that lead out of the
    folder, would grow beyond ten times what the data set should have, or does not fit the disk.
    """
    folder = paths.DATA / dataset.name
    with FileLock(paths.locked(folder)), _whole_zip(dataset, archive) as opened:
        if _is_in(dataset, folder):  # by whoever held the lock
            return folder
        members = {
            path: member
            for path, member in _members(opened, archive, dataset).items()
            if not member.is_dir()
            and dataset.pattern.search(str(path))
            and not any(part.startswith((".", "__MACOSX")) for part in path.parts)
        }
        if not members:
            raise AslError(
                f"{paths.shown(archive)} holds no {dataset.layout}: it is not {dataset.title}. "
                f"Get it from {dataset.source}."
            )
        for killed in paths.DATA.glob(f".{dataset.name}-*"):
            shutil.rmtree(killed)  # an extraction that was ended from outside
        total = sum(member.file_size for member in members.values())
        paths.check_space(paths.DATA, total)
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise AslError(
                f"{paths.shown(folder)} holds something else than {dataset.layout}. Move it away, "
                f"so that {paths.shown(archive)} can be extracted there."
            )
        with (
            paths.explained(folder),
            tempfile.TemporaryDirectory(dir=paths.DATA, prefix=f".{dataset.name}-") as temporary,
            tqdm(total=total, unit="B", unit_scale=True, desc="extracting", delay=1,
                 leave=False) as progress,
        ):  # fmt: skip
            whole = Path(temporary, "whole")
            for path, member in members.items():
                target = whole / path
                target.parent.mkdir(parents=True, exist_ok=True)
                with opened.open(member) as packed, target.open("wb") as out:
                    shutil.copyfileobj(packed, out)
                progress.update(member.file_size)
            if folder.exists():
                folder.rmdir()
            whole.rename(folder)
    print(f"{dataset.name}: {paths.shown(archive)} extracted to {paths.shown(folder)}")
    return folder


def fetch(dataset: Dataset) -> Path:
    """Download the data set from Kaggle; give the folder or archive.

    Raises AslError that says what was tried and where to put the archive by hand.
    """
    refusals = []
    ways = (("without an account", _kagglehub), ("with credentials", _kaggle))
    for way, get in ways if dataset.kaggle else ():
        print(f"{dataset.name}: fetching {dataset.kaggle} from Kaggle {way} …")
        try:
            return get(dataset)
        except KeyboardInterrupt:
            raise
        except (Exception, SystemExit) as error:  # kaggle may end the program
            refusals.append(f"{way}: {_reason(error, dataset)}")
    archive = paths.shown(paths.DATA / dataset.archives[0])
    tried = f" and Kaggle gave nothing ({'; '.join(refusals)})" if refusals else ""
    raise AslError(
        f"{dataset.title} is not on this machine{tried}.\n"
        f"Download it in a browser from {dataset.source} and put the archive at {archive} "
        f"(or extracted into {paths.shown(paths.DATA / dataset.name)}/, or name the folder it "
        "lies in with the environment variable ASL_ARCHIVES). "
        "Data set sample needs no download."
    )


def read_files(dataset: Dataset, source: Path) -> list[bytes]:
    """The contents of the data set's files, from a folder or from inside a zip archive.

    Raises AslError for an archive that is cut short, is none, lacks a file or holds a path that
    leads outside its folder. Nothing is extracted to the disk.
    """
    if source.is_dir():
        return [_below(source, name).read_bytes() for name in dataset.files]
    with _whole_zip(dataset, source) as archive:
        members = _members(archive, source, dataset)
        chosen = []
        for name in dataset.files:
            found = [member for path, member in members.items() if path.name == name]
            if not found:
                raise AslError(
                    f"{paths.shown(source)} holds no {name}: it is not {dataset.title}. "
                    f"Get it from {dataset.source}."
                )
            chosen.append(found[0])
        return list(_read_members(archive, chosen))


@contextmanager
def _whole_zip(dataset: Dataset, source: Path) -> Iterator[zipfile.ZipFile]:
    """An open archive; AslError for whatever its damage raises while it is read."""
    try:
        with zipfile.ZipFile(source) as archive:
            yield archive
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        raise AslError(
            f"{paths.shown(source)} is not a whole zip archive ({error}): a download that was "
            f"cut short, or something else. Delete it and get it again from {dataset.source}."
        ) from error


def _members(
    archive: zipfile.ZipFile, source: Path, dataset: Dataset
) -> dict[PurePosixPath, zipfile.ZipInfo]:
    """What the archive holds, by path; AslError for what no honest archive of this set holds."""
    members = {}
    again = "nothing of it was read. Get it again from its publisher."
    for member in archive.infolist():
        path = PurePosixPath(member.filename.replace("\\", "/"))
        if path.is_absolute() or ".." in path.parts or ":" in path.parts[0]:
            raise AslError(
                f"{paths.shown(source)} holds a path that leads outside its folder "
                f"({member.filename}): {again}"
            )
        if stat.S_ISLNK(member.external_attr >> 16):
            raise AslError(f"{paths.shown(source)} holds a link ({member.filename}): {again}")
        members[path] = member
    # The sizes are the archive's own word, but reading stops there
    total = sum(member.file_size for member in members.values())
    if total > BOMB * dataset.size:
        raise AslError(
            f"{paths.shown(source)} would grow to {total / 1e6:,.0f} MB, and {dataset.title} has "
            f"{dataset.size / 1e6:,.0f}: {again}"
        )
    return members


def _read_members(
    archive: zipfile.ZipFile, members: list[zipfile.ZipInfo], block: int = 1 << 22
) -> Iterator[bytes]:
    total = sum(member.file_size for member in members)
    with tqdm(
        total=total, unit="B", unit_scale=True, desc="reading the archive", delay=1, leave=False
    ) as progress:
        for member in members:
            parts = []
            with archive.open(member) as file:
                while part := file.read(block):
                    parts.append(part)
                    progress.update(len(part))
            yield b"".join(parts)


def _below(folder: Path, name: str) -> Path | None:
    return next((path for path in sorted(folder.rglob(name)) if path.is_file()), None)


def _is_in(dataset: Dataset, folder: Path) -> bool:
    if dataset.pattern is None:
        return all(_below(folder, name) for name in dataset.files)
    files = (Path(place, name) for place, _, names in os.walk(folder) for name in names)
    return any(dataset.pattern.search(file.relative_to(folder).as_posix()) for file in files)


def _holds(archive: Path, dataset: Dataset) -> bool:
    try:
        with zipfile.ZipFile(archive) as opened:
            inside = opened.namelist()
    except (zipfile.BadZipFile, OSError):
        return False
    if dataset.pattern is not None:
        return any(dataset.pattern.search(name) for name in inside)
    return {PurePosixPath(name).name for name in inside}.issuperset(dataset.files)


def _kagglehub(dataset: Dataset) -> Path:
    import kagglehub  # takes a second to import, and only a download needs it

    folder = Path(kagglehub.dataset_download(dataset.kaggle))
    if not _is_in(dataset, folder):
        lacking = ", ".join(dataset.files) or dataset.layout
        raise AslError(f"the download lacks {lacking}; delete {folder} and try again")
    return folder


def _kaggle(dataset: Dataset) -> Path:
    home = Path(os.environ.get("KAGGLE_CONFIG_DIR") or Path.home() / ".kaggle")
    files = (home / "kaggle.json", home / "access_token")
    given = {"KAGGLE_API_TOKEN", "KAGGLE_KEY"} & os.environ.keys()
    if not given and not any(file.is_file() for file in files):
        raise AslError("there are none (~/.kaggle/kaggle.json)")

    import kaggle  # logs in, and ends the program with a page of help if it cannot

    # The folder stays after a broken download, and the next one goes on with what is there
    folder = paths.DATA / f".download-{dataset.name}"
    kaggle.api.dataset_download_files(dataset.kaggle, path=str(folder), quiet=False)
    (downloaded,) = folder.glob("*.zip")
    archive = downloaded.replace(paths.DATA / dataset.archives[0])
    shutil.rmtree(folder)
    return archive


def _reason(error: BaseException, dataset: Dataset) -> str:
    """What went wrong and what to do, in a line; the clients' own messages fill a page."""
    status = getattr(getattr(error, "response", None), "status_code", None)
    if status in ADVICE:
        return f"{status}, {ADVICE[status].format(source=dataset.source)}"
    if "Max retries exceeded" in str(error) or type(error).__name__.endswith("Timeout"):
        return "no connection"
    return next(iter(str(error).strip().splitlines()), "")[:160] or type(error).__name__
