"""Where things live, found from the repository and never from the current folder.

ASL_HOME moves all that is written (data, models, runs, results.csv) to another folder.
"""

import hashlib
import os
import re
import secrets
import shutil
import stat
import zlib
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from errno import (
    EACCES,
    EDQUOT,
    EEXIST,
    EFBIG,
    EISDIR,
    ELOOP,
    ENAMETOOLONG,
    ENOSPC,
    ENOTDIR,
    EPERM,
    EROFS,
)
from pathlib import Path

from filelock import FileLock, Timeout

from asl.errors import AslError

REPOSITORY = Path(__file__).resolve().parent.parent
HOME = Path(os.environ.get("ASL_HOME") or REPOSITORY).resolve()
NOTEBOOKS = REPOSITORY / "notebooks"
DATA = HOME / "data"
MODEL = HOME / "model"
RUNS = HOME / "runs"
RESULTS = HOME / "results.csv"

CANNOT_WRITE = {
    *(EACCES, EDQUOT, EEXIST, EFBIG, EISDIR, ELOOP),
    *(ENAMETOOLONG, ENOSPC, ENOTDIR, EPERM, EROFS),
}
CHECKED_BLOCK = 4 << 20  # bytes of a checksum
# What `write_beside` calls its files: .stem-process-random.suffix
TEMPORARY = re.compile(r"\..*-(\d+)-[0-9a-f]{8}(\.[^/]*)?")


def shown(path: str | Path) -> str:
    """The path as a reader wants to see it: relative to the home folder where it lies inside; an
    address (s3://…) without what follows its ?, which may hold a key.
    """
    if "://" in str(path):
        return str(path).partition("?")[0]
    path = Path(path)
    return str(path.relative_to(HOME)) if path.is_relative_to(HOME) else str(path)


def archive_folders() -> list[Path]:
    """The folders in which downloads are looked for: those that the environment variable
    ASL_ARCHIVES names, separated as in PATH, then data/.
    """
    named = os.environ.get("ASL_ARCHIVES", "").split(os.pathsep)
    return [*(Path(folder) for folder in named if folder), DATA]


@contextmanager
def lock(path: Path, busy: str = "") -> Iterator[None]:
    """Let one process at a time make `path`: others wait or, with `busy`, are refused with it.

    The message may hold {process}, the number of the process that has the lock. AslError where the
    lock cannot be written.
    """
    beside = path.with_name(f".{path.name[-200:]}.lock")
    with explained(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        guard = FileLock(beside)
        try:
            guard.acquire(timeout=0 if busy else -1)
        except Timeout:
            with suppress(OSError):
                holder = beside.with_suffix(".process").read_text()
                raise AslError(busy.format(process=holder)) from None
            raise AslError(busy.format(process="another")) from None
    try:
        if busy:
            with suppress(OSError):  # only for the message
                beside.with_suffix(".process").write_text(str(os.getpid()))
        yield
    finally:
        if busy:
            beside.with_suffix(".process").unlink(missing_ok=True)
        guard.release()


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
    the temporary file goes and what was there before stays. What killed processes left beside it
    is swept away. AslError for a full disk, a folder that is not writable, and a path that is
    there but no file: a folder, a link, a device.
    """
    path = Path(path)
    suffix = "".join(path.suffixes)
    suffix = suffix if len(suffix) < 30 else path.suffix[:30]
    stem = path.name.removesuffix(suffix)[:60]  # the name must not become longer than names may be
    temporary = path.with_name(f".{stem}-{os.getpid()}-{secrets.token_hex(4)}{suffix}")
    with explained(path):
        _check_regular(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        _sweep(path.parent)
        try:
            yield temporary
            with temporary.open("rb") as written:
                os.fsync(written.fileno())  # the rename must not overtake the content
            os.replace(temporary, path)
        finally:
            temporary.unlink(missing_ok=True)


def check_output(path: str | Path, inputs: Iterable[str | Path]) -> None:
    """AslError unless something may be written to `path`: a regular file or a new one, and none of
    the inputs (files, and folders with all that is in them).
    """
    path = Path(path)
    with explained(path):
        _check_regular(path)
        place = next(each for each in path.absolute().parents if each.exists())
        if not place.is_dir() or not os.access(place, os.W_OK):
            raise PermissionError(EACCES, os.strerror(EACCES))
        if not path.exists():
            return
        for given in map(Path, inputs):
            if given.exists() and _is_among(path, given):
                raise AslError(
                    f"{path} is one of the inputs ({given}): it would be lost. Choose another "
                    "output file."
                )


def _is_among(path: Path, given: Path) -> bool:
    """Whether a file is the given one, or one in the given folder that is no table."""
    if not given.is_dir():
        return path.samefile(given)
    inside = path.resolve().is_relative_to(given.resolve())
    linked = path.stat().st_nlink > 1  # only then may it be there under another name
    return (inside and path.suffix != ".csv") or (
        linked and any(each.is_file() and each.samefile(path) for each in given.rglob("*"))
    )


def _check_regular(path: Path) -> None:
    """AslError for what is there and is no file of its own."""
    try:
        mode = path.lstat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        return
    if stat.S_ISREG(mode):
        return
    kind = {stat.S_IFDIR: "a folder", stat.S_IFLNK: "a link"}.get(stat.S_IFMT(mode), "a device")
    raise AslError(
        f"cannot write {shown(path)}: it is {kind}, and what is written must be a file of its "
        "own. Choose another name, or move it away."
    )


def _sweep(folder: Path) -> None:
    """Delete what processes that are no longer there left of files that they were writing."""
    for entry in os.scandir(folder):
        found = TEMPORARY.fullmatch(entry.name)
        if found and not _is_alive(int(found[1])):
            with suppress(OSError):
                os.unlink(entry.path)


def _is_alive(process: int) -> bool:
    """Whether a process of this number runs; where that cannot be asked safely, yes."""
    if os.name != "posix":
        return True
    try:
        os.kill(process, 0)  # signal 0 does nothing
    except (ProcessLookupError, OverflowError):
        return False
    except OSError:
        return True
    return True


def stamp(found: os.stat_result) -> tuple[int, int, int]:
    """What changes when a file does: its size and, in ns, when its content and its entry changed.
    The last one tells also of a file that was given the time of another.
    """
    return found.st_size, found.st_mtime_ns, found.st_ctime_ns


def sha256(file: Path) -> str:
    """The SHA-256 of a file, as hexadecimal digits."""
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def checksums(file: Path) -> list[int]:
    """A checksum (CRC-32) of each CHECKED_BLOCK bytes of a file."""

    def check(start: int) -> int:
        with file.open("rb") as opened:
            opened.seek(start)
            return zlib.crc32(opened.read(CHECKED_BLOCK))

    with ThreadPoolExecutor() as pool:  # reading and zlib let go of the interpreter's lock
        return list(pool.map(check, range(0, file.stat().st_size, CHECKED_BLOCK)))
