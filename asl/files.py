"""Where things live, found from the repository and never from the current folder.

ASL_HOME moves all that is written (data, models, runs, results.csv) to another folder.
"""

import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from errno import EACCES, EDQUOT, EEXIST, EFBIG, EISDIR, ENOSPC, ENOTDIR, EPERM, EROFS
from pathlib import Path

from asl.errors import AslError

REPOSITORY = Path(__file__).resolve().parent.parent
HOME = Path(os.environ.get("ASL_HOME") or REPOSITORY).resolve()
NOTEBOOKS = REPOSITORY / "notebooks"
DATA = HOME / "data"
MODEL = HOME / "model"
RUNS = HOME / "runs"
RESULTS = HOME / "results.csv"

CANNOT_WRITE = {EACCES, EDQUOT, EEXIST, EFBIG, EISDIR, ENOSPC, ENOTDIR, EPERM, EROFS}


def shown(path: str | Path) -> str:
    """The path as a reader wants to see it: relative to the home folder where it lies inside."""
    path = Path(path)
    return str(path.relative_to(HOME)) if path.is_relative_to(HOME) else str(path)


def archive_folders() -> list[Path]:
    """The folders in which downloads are looked for: those that the environment variable
    ASL_ARCHIVES names, separated as in PATH, then data/.
    """
    named = os.environ.get("ASL_ARCHIVES", "").split(os.pathsep)
    return [*(Path(folder) for folder in named if folder), DATA]


def locked(path: Path) -> Path:
    """The file that is locked while `path` is made, so that no two notebooks make it at once."""
    with explained(path):
        path.parent.mkdir(parents=True, exist_ok=True)
    return path.with_name(f".{path.name}.lock")


@contextmanager
def explained(path: str | Path) -> Iterator[None]:
    """Make AslError of a full disk, or of a folder that is not writable, while `path` is made."""
    try:
        yield
    except OSError as error:
        if error.errno not in CANNOT_WRITE:
            raise
        raise AslError(
            f"cannot write {shown(path)}: {error.strerror}. What was there before is unchanged. "
            "Free some space or choose a folder you may write to (ASL_HOME), then run it again."
        ) from error


def check_space(folder: Path, size: int) -> None:
    """AslError unless `size` bytes and a tenth more are free where the folder lies."""
    place = next(each for each in (folder, *folder.parents) if each.exists())
    free = shutil.disk_usage(place).free
    if free < 1.1 * size:
        raise AslError(
            f"{shown(folder)} needs {size / 1e6:,.0f} MB; its disk has {free / 1e6:,.0f} MB free. "
            "Free some space or choose another folder (ASL_HOME), then run it again."
        )


@contextmanager
def write_beside(path: str | Path) -> Iterator[Path]:
    """Give a temporary path beside `path`, renamed onto it at the end: whole or not at all.

    The temporary name keeps all suffixes, by which writers choose the format. If the block raises,
    the temporary file goes and what was there before stays. A full disk or a folder that is not
    writable raises AslError.
    """
    path = Path(path)
    suffix = "".join(path.suffixes)
    stem = path.name.removesuffix(suffix)
    temporary = path.with_name(f".{stem}-{secrets.token_hex(4)}{suffix}")
    with explained(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            yield temporary
            with temporary.open("rb") as written:
                os.fsync(written.fileno())  # the rename must not overtake the content
            os.replace(temporary, path)
        finally:
            temporary.unlink(missing_ok=True)
