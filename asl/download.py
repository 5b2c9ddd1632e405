"""Finding a data set on this machine, or fetching it.

In this order: extracted under data/<name>/; as an archive in the folder that ASL_ARCHIVES names,
or in data/; from Kaggle without an account (kagglehub); from Kaggle with credentials (kaggle).
"""

from __future__ import annotations

import os
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from tqdm import tqdm

from asl import paths
from asl.errors import AslError

if TYPE_CHECKING:
    from asl.datasets import Dataset


def find(dataset: Dataset) -> Path | None:
    """The folder or the archive that holds the data set on this machine, or None."""
    folder = paths.DATA / dataset.name
    if all(_below(folder, name) for name in dataset.files):
        return folder
    for archives in filter(None, (os.environ.get("ASL_ARCHIVES"), paths.DATA)):
        for name in dataset.archives:
            archive = Path(archives) / name
            # archive.zip is what Kaggle's web page calls every download: look inside
            if archive.is_file() and (name != "archive.zip" or _holds(archive, dataset.files)):
                return archive
    return None


def fetch(dataset: Dataset) -> Path:
    """Download the data set from Kaggle; give the folder or archive.

    Raises AslError that says what was tried and where to put the archive by hand.
    """
    refusals = []
    for way, get in (("without an account", _kagglehub), ("with credentials", _kaggle)):
        print(f"{dataset.name}: fetching {dataset.kaggle} from Kaggle {way} …")
        try:
            return get(dataset)
        except KeyboardInterrupt:
            raise
        except (Exception, SystemExit) as error:  # kaggle may end the program
            refusals.append(f"{way}: {_reason(error)}")
    archive = paths.shown(paths.DATA / dataset.archives[0])
    raise AslError(
        f"{dataset.title} is not on this machine and Kaggle could not be reached "
        f"({'; '.join(refusals)}).\n"
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
    try:
        with zipfile.ZipFile(source) as archive:
            members = _members(archive, source)
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
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        raise AslError(
            f"{paths.shown(source)} is not a whole zip archive ({error}): a download that was "
            f"cut short, or something else. Delete it and get it again from {dataset.source}."
        ) from error


def _members(archive: zipfile.ZipFile, source: Path) -> dict[PurePosixPath, zipfile.ZipInfo]:
    members = {}
    for member in archive.infolist():
        path = PurePosixPath(member.filename.replace("\\", "/"))
        if path.is_absolute() or ".." in path.parts or ":" in path.parts[0]:
            raise AslError(
                f"{paths.shown(source)} holds a path that leads outside its folder "
                f"({member.filename}): nothing of it was read. Get it again from its publisher."
            )
        members[path] = member
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


def _holds(archive: Path, files: tuple[str, ...]) -> bool:
    try:
        with zipfile.ZipFile(archive) as opened:
            inside = {PurePosixPath(name).name for name in opened.namelist()}
    except (zipfile.BadZipFile, OSError):
        return False
    return inside.issuperset(files)


def _kagglehub(dataset: Dataset) -> Path:
    import kagglehub  # takes a second to import, and only a download needs it

    folder = Path(kagglehub.dataset_download(dataset.kaggle))
    missing = [name for name in dataset.files if not _below(folder, name)]
    if missing:
        raise AslError(f"the download lacks {', '.join(missing)}; delete {folder} and try again")
    return folder


def _kaggle(dataset: Dataset) -> Path:
    home = Path(os.environ.get("KAGGLE_CONFIG_DIR") or Path.home() / ".kaggle")
    files = (home / "kaggle.json", home / "access_token")
    given = {"KAGGLE_API_TOKEN", "KAGGLE_KEY"} & os.environ.keys()
    if not given and not any(file.is_file() for file in files):
        raise AslError("there are none (~/.kaggle/kaggle.json)")

    import kaggle  # logs in, and ends the program with a page of help if it cannot

    paths.DATA.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=paths.DATA, prefix=".download-") as folder:
        kaggle.api.dataset_download_files(dataset.kaggle, path=folder, quiet=False)
        (downloaded,) = Path(folder).glob("*.zip")
        return downloaded.replace(paths.DATA / dataset.archives[0])


def _reason(error: BaseException) -> str:
    """The first line of what went wrong; the clients' own messages fill a page."""
    if "Max retries exceeded" in str(error) or type(error).__name__.endswith("Timeout"):
        return "no connection"
    return next(iter(str(error).strip().splitlines()), "")[:160] or type(error).__name__
