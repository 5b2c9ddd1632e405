"""Zip and tar archives as one thing: a list of files, looked at before any of them is read.

Whatever the damage of an archive raises becomes one `ArchiveError`; what the disk raises stays.
"""

import re
import stat
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from errno import EACCES, EIO, EISDIR, ENOENT, ENOTDIR, EPERM, ESTALE
from pathlib import Path, PurePosixPath
from typing import IO, Any, NamedTuple, Self

from asl import files
from asl.data.dataset import Dataset
from asl.errors import AslError

TAR_SUFFIXES = (".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tar.xz", ".txz")
SUFFIXES = (".zip", *TAR_SUFFIXES)
BOMB = 10  # times the size that a data set should have
LONGEST_HEADER = 1 << 20  # bytes of a tar header that holds a long name
LONG_HEADERS = (b"x", b"g", b"X", b"L", b"K")
END_OF_ZIP = b"PK\5\6"
MORE = b"\xff\xff"  # there: the number stands elsewhere, since two bytes are too few
ZIP_HEADER = 30  # bytes before each name in a zip archive
UNIX = (3, 19)  # systems whose zip entries have a mode
DRIVE = re.compile("[A-Za-z]:")
CANNOT_READ = {EACCES, EIO, EISDIR, ENOENT, ENOTDIR, EPERM, ESTALE}
METHODS = {8: "Deflate", 9: "Deflate64", 12: "BZIP2", 14: "LZMA", 93: "Zstandard", 98: "PPMd"}
READ_METHODS = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA}
PART = "part of a split zip archive; zip -s 0 joins the parts"
OTHER_FORMATS = {  # what else is saved under such a name, by its first bytes
    b"Rar!": "a RAR archive",
    b"7z\xbc\xaf": "a 7-Zip archive",
    b"\x28\xb5\x2f\xfd": "packed with Zstandard",
    b"<": "a web page",
    b"PK\7\x08": f"the first {PART}",
}
TAR_MAGIC = (b"\x1f\x8b", b"BZh", b"\xfd7zXZ\0")


class ArchiveError(AslError):
    """An archive that cannot be used; `reason` says why in a few words."""

    def __init__(self, source: Path, reason: str, advice: str) -> None:
        super().__init__(f"{files.shown(source)} {reason}. {advice}")
        self.reason = reason


class Entry(NamedTuple):
    """What an archive lists under one name."""

    path: PurePosixPath
    size: int  # in bytes, as the archive says
    kind: str  # "file", "folder" or what is refused: "link", "device or pipe" …
    info: Any  # what zipfile or tarfile knows of it
    unreadable: str = ""  # why the content of a file cannot be read


class Archive(NamedTuple):
    """An open archive: its files by path, what else it lists, and how an entry is opened."""

    source: Path
    dataset: Dataset
    kind: str
    entries: dict[PurePosixPath, Entry]
    others: list[Entry]  # folders, and files that a later one of the same name replaces
    open: Callable[[Any], IO[bytes] | None]


@contextmanager
def open_archive(dataset: Dataset, source: Path) -> Iterator[Archive]:
    """Open a zip or tar archive and look at all that it lists.

    ArchiveError for one that is damaged, holds links, devices, entries that overlap or paths that
    lead outside, or would grow beyond BOMB times what the data set should have.
    """
    with ExitStack() as stack:
        kind = "zip"
        with _told(dataset, source, kind):
            kind = _kind(source)
        with _told(dataset, source, kind):
            open_one: Callable[[Any], IO[bytes] | None]
            if kind == "zip":
                zipped = stack.enter_context(zipfile.ZipFile(source))
                _check_count(source, len(zipped.infolist()))
                found, open_one = _zip_entries(zipped), zipped.open
            else:
                tar = stack.enter_context(tarfile.open(source, tarinfo=_Header))
                found, open_one = _tar_entries(tar, BOMB * dataset.size), tar.extractfile
            entries, others = _checked(found, dataset, source)
        yield Archive(source, dataset, kind, entries, others, open_one)


def _checked(
    found: Iterator[Entry], dataset: Dataset, source: Path
) -> tuple[dict[PurePosixPath, Entry], list[Entry]]:
    """The files of an archive, and what else it lists; ArchiveError for what no honest archive of
    this set holds.
    """
    entries: dict[PurePosixPath, Entry] = {}
    others, total = [], 0
    for entry in found:
        total += entry.size
        fault, shown = "", shown_name(entry.path)
        if entry.path.is_absolute() or ".." in entry.path.parts or DRIVE.match(str(entry.path)):
            fault = f"holds a path that leads outside its folder ({shown})"
        elif entry.kind not in ("file", "folder"):
            fault = f"holds a {entry.kind} ({shown})"
        elif total > BOMB * dataset.size:  # the archive's own word, but reading stops there
            sizes = f"{total / 1e6:,.0f} MB, and {dataset.title} has {dataset.size / 1e6:,.0f}"
            fault = f"would grow to {sizes}"
        if fault:
            advice = "Nothing of it was read. Get it again from its publisher."
            raise ArchiveError(source, fault, advice)
        if entry.kind == "folder":
            others.append(entry)
            continue
        if entry.path in entries:  # of two of one name the later one counts, as with unzip
            others.append(entries[entry.path])
        entries[entry.path] = entry
    return entries, others


def chunks(archive: Archive, entry: Entry, size: int = 1 << 20) -> Iterator[bytes]:
    """The content of an entry in pieces of `size` bytes, -1 for all at once; ArchiveError for one
    that is damaged, encrypted or packed in a way that is not read here.
    """
    if entry.unreadable:
        where = files.shown(files.DATA / archive.dataset.name)
        advice = f"Extract it with the program that you know for it, to {where}/."
        raise ArchiveError(archive.source, entry.unreadable, advice)
    with _told(archive.dataset, archive.source, archive.kind):
        packed, got = archive.open(entry.info), 0
        assert packed is not None  # entries are files
        with packed:
            while piece := packed.read(size):
                got += len(piece)
                yield piece
        if got != entry.size:
            raise EOFError(f"{got:,} bytes instead of {entry.size:,} in {shown_name(entry.path)}")


def check_header(archive: Archive, entry: Entry) -> None:
    """ArchiveError for an entry whose name in the list of a zip archive is not the one that stands
    before its content: a picture might be missing for it.
    """
    if archive.kind == "zip" and not entry.unreadable:
        with _told(archive.dataset, archive.source, archive.kind):
            opened = archive.open(entry.info)
            assert opened is not None
            opened.close()


def shown_name(path: str | PurePosixPath) -> str:
    """A name from an archive for a message: short, and without characters that steer terminals."""
    name = str(path)
    name = name if name.isprintable() else ascii(name)[1:-1]
    return name if len(name) <= 80 else f"{name[:40]}…{name[-30:]}"


@contextmanager
def _told(dataset: Dataset, source: Path, kind: str) -> Iterator[None]:
    """ArchiveError for whatever the damage of an archive raises while it is read."""
    try:
        yield
    except AslError:
        raise
    except Exception as error:  # of the decompressors, of struct, of codecs, of memory …
        if isinstance(error, OSError) and error.errno in CANNOT_READ:
            advice = "Look at its permissions and at the disk that it lies on."
            raise ArchiveError(source, f"cannot be read ({error.strerror})", advice) from error
        first = next(iter(str(error).splitlines()), "")
        why = _other_format(source) or shown_name(first) or type(error).__name__
        raise ArchiveError(
            source,
            f"is not a whole {kind} archive ({why})",
            "It is damaged, a download that was cut short, or something else. Delete it and get "
            f"it again from {dataset.source}.",
        ) from error


def _kind(source: Path) -> str:
    """ "zip" or "tar", by the name, unless the first bytes are those of the other one."""
    with source.open("rb") as opened:
        head = opened.read(512)
    is_tar = head.startswith(TAR_MAGIC) or head[257:262] == b"ustar"
    if source.name.lower().endswith(TAR_SUFFIXES):
        return "zip" if head.startswith(b"PK") else "tar"
    return "tar" if is_tar and not zipfile.is_zipfile(source) else "zip"


def _end_of(source: Path) -> bytes:
    """What stands at the end of a zip archive: the numbers of its parts and of its entries."""
    with source.open("rb") as opened:
        opened.seek(max(0, source.stat().st_size - (1 << 16) - 22))
        tail = opened.read()
    place = tail.rfind(END_OF_ZIP)
    return tail[place:] if place >= 0 else b""


def _other_format(source: Path) -> str:
    """What an archive that cannot be opened is, where its first or last bytes tell it."""
    head = end = b""
    with suppress(OSError):
        end = _end_of(source)
        with source.open("rb") as opened:
            head = opened.read(64).lstrip()
    for magic, name in OTHER_FORMATS.items():
        if head.startswith(magic):
            return name
    return "" if end[4:6] in (b"", b"\0\0", MORE) else f"the last {PART}"


def _check_count(source: Path, listed: int) -> None:
    """BadZipFile where the end says another number of entries: damage may hide one of them."""
    count = _end_of(source)[10:12]
    if count != MORE and count != (listed % (1 << 16)).to_bytes(2, "little"):
        raise zipfile.BadZipFile(f"it lists {listed:,} entries, and its end says another number")


def _zip_entries(opened: zipfile.ZipFile) -> Iterator[Entry]:
    """What a zip archive lists. BadZipFile where entries share bytes, as in a zip bomb."""
    end = 0
    for info in sorted(opened.infolist(), key=lambda info: info.header_offset):
        if info.header_offset < end:
            raise zipfile.BadZipFile(f"entries overlap: {shown_name(info.filename)}")
        end = info.header_offset + ZIP_HEADER + len(info.filename) + info.compress_size
    for info in opened.infolist():
        name = info.filename.replace("\\", "/")
        mode, kind, unreadable = stat.S_IFMT(info.external_attr >> 16), "file", ""
        if name.endswith("/") or (mode == stat.S_IFDIR and not info.file_size):
            kind = "folder"
        elif mode == stat.S_IFLNK:
            kind = "link"
        elif mode not in (0, stat.S_IFREG) and info.create_system in UNIX:
            kind = "device or pipe"
        elif info.flag_bits & 1:
            unreadable = f"asks for a password ({shown_name(name)})"
        elif info.compress_type not in READ_METHODS:
            method = METHODS.get(info.compress_type, f"method {info.compress_type}")
            unreadable = f"is packed in a way that is not read here ({method})"
        if name.strip("./"):  # some programs list the folder itself
            yield Entry(PurePosixPath(name), info.file_size, kind, info, unreadable)


class _Header(tarfile.TarInfo):
    """A header in a tar archive. tarfile takes one that is damaged for the end of the archive and
    reads a long name of any length into memory; here both are errors.
    """

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> Self:
        header = super().frombuf(buf, encoding, errors)
        if header.size < 0 or (header.type in LONG_HEADERS and header.size > LONGEST_HEADER):
            raise tarfile.ReadError("a header of an impossible size")
        return header

    @classmethod
    def fromtarfile(cls, tarfile_: tarfile.TarFile) -> Self:
        try:
            return super().fromtarfile(tarfile_)
        except tarfile.EOFHeaderError:  # type: ignore[attr-defined]
            raise
        except tarfile.HeaderError as error:
            raise tarfile.ReadError(f"damaged or cut short: {error}") from error


def _tar_entries(opened: tarfile.TarFile, most: int) -> Iterator[Entry]:
    """What a tar archive lists; then its end is read, since a checksum may stand there."""
    offset = -1
    for info in opened:
        if info.size < 0 or opened.offset <= offset:  # it would be read for ever
            raise tarfile.ReadError("a header of an impossible size")
        offset = opened.offset
        kind = "file"
        if info.islnk() or info.issym():
            kind = "link"
        elif info.isdev():
            kind = "device or pipe"
        elif info.type == b"M":
            kind = "file that began in another archive"
        elif not info.isreg():
            kind = "folder"  # or the name of the tape: nothing to read
        name = info.name.replace("\\", "/")
        if name.strip("./"):
            yield Entry(PurePosixPath(name), info.size, kind, info)
    assert opened.fileobj is not None
    while piece := opened.fileobj.read(1 << 20):
        most -= len(piece)
        if most < 0 or piece.strip(b"\0"):  # or another archive stands there
            raise tarfile.ReadError("it goes on behind its end")
