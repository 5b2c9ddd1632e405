"""The pictures that are to be predicted, listed in blocks: of folders, lists, Parquet, addresses.

A listing is the same each time for the same pictures, and so is the name of each block: a second
start finds by it what the first one did. Names are all that is held of a million pictures; their
bytes are read by the workers.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from asl.cluster.addresses import file_system, unreachable
from asl.cluster.parquet import Rows, list_rows
from asl.data import images
from asl.errors import AslError, printable
from asl.files import shown

LISTS, TABLE = (".txt", ".lst"), ".parquet"


class Picture(NamedTuple):
    """A picture to be read."""

    name: str  # in the results
    path: str  # absolute or, with `root`, within that file system
    folder: str  # the sub-folder that it lies in, which may say what it shows
    root: str = ""  # address of the file system, "" for this machine's files


class Skipped(NamedTuple):
    """What was listed and is no picture that can be read."""

    name: str
    reason: str


class Block(NamedTuple):
    """What one worker reads at a time, and writes as one part."""

    name: str  # from what is in it
    pictures: tuple[Picture, ...]  # or
    rows: Rows | None = None

    @property
    def length(self) -> int:
        return self.rows.length if self.rows else len(self.pictures)


def list_blocks(inputs: Sequence[str | Path], size: int) -> Iterator[Block | Skipped]:
    """Blocks of at most `size` pictures, or of rows of a Parquet file; and what is left out.

    AslError for a path that does not exist, and an address that cannot be reached.
    """
    waiting: list[Picture] = []
    for each in list_pictures(inputs):
        if isinstance(each, Rows):
            text = f"{each.name}\n{each.size}\n{each.group}\n{each.start}\n{each.length}"
            yield Block(_digest(text), (), each)
        elif isinstance(each, Skipped):
            yield each
        else:
            waiting.append(each)
            if len(waiting) == size:
                yield _block(waiting)
                waiting = []
    if waiting:
        yield _block(waiting)


def _block(pictures: list[Picture]) -> Block:
    return Block(_digest("\0".join(each.name for each in pictures)), tuple(pictures))


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def list_pictures(inputs: Sequence[str | Path]) -> Iterator[Picture | Rows | Skipped]:
    """The pictures that paths and addresses lead to, each once, called as `predict` calls them."""
    given = list(dict.fromkeys(map(str, inputs)))
    check_inputs(given)
    alone = len(given) == 1
    seen: set[int] | None = None if alone and not _is_list(given[0]) else set()
    for text in given:
        for each in _list_one(text, alone):
            if seen is not None and not isinstance(each, Skipped):
                start = (each.group, each.start) if isinstance(each, Rows) else ()
                key = hash((each.root, _place(each.path, each.root), start))
                if key in seen:
                    continue
                seen.add(key)
            yield each


def check_inputs(given: Sequence[str]) -> None:
    """AslError where nothing was given, or a path or an address does not exist or cannot be
    reached: before any time is spent, and anything written.
    """
    if not given:
        raise AslError("no pictures were given: name some, or folders of them.")
    for text in given:
        if "://" in text:
            _is_folder(text)
        elif not os.path.exists(text or "\0"):
            raise AslError(
                f"{printable(text) or 'an empty path'} does not exist: give pictures, folders of "
                "pictures, lists of paths (.txt), Parquet files, or addresses such as s3://…"
            )


def check_output(output: str, given: Sequence[str]) -> None:
    """AslError where the parts would lie among the pictures, and be listed with them."""
    place = _comparable(output)
    for text in given:
        folder = _comparable(text)
        if (place + "/").startswith(folder + "/"):
            raise AslError(
                f"{printable(place)} lies inside {printable(folder)}, which is to be read: choose "
                "an output folder beside it."
            )


def _comparable(text: str) -> str:
    return text.partition("?")[0].rstrip("/") if "://" in text else os.path.realpath(text)


def _list_one(text: str, alone: bool) -> Iterator[Picture | Rows | Skipped]:
    if "://" in text:
        yield from _list_address(text, alone)
    elif os.path.isdir(text):
        yield from _list_folder(text, alone)
    elif _is_list(text):
        yield from _list_lines(text)
    elif text.lower().endswith(TABLE):
        yield from _rows(text, os.path.abspath(text), "")
    else:
        yield Picture(str(Path(text)), os.path.abspath(text), "")


def _is_list(text: str) -> bool:
    return "://" not in text and text.lower().endswith(LISTS) and os.path.isfile(text)


def _list_folder(text: str, alone: bool) -> Iterator[Picture | Rows | Skipped]:
    folder, root = Path(text), os.path.abspath(text)
    for inside, _, reason in images.scan(root):
        name = inside if alone else str(folder / inside)
        if inside.lower().endswith(TABLE):
            yield from _rows(name, os.path.join(root, inside), "")
        elif reason:
            yield Skipped(printable(name), reason)
        else:
            yield Picture(name, os.path.join(root, inside), _folder(inside))


def _folder(inside: str) -> str:
    return inside.rpartition("/")[0].rpartition("/")[2]


def _list_lines(text: str) -> Iterator[Picture | Rows | Skipped]:
    """A path or an address a line; paths count from the current folder, as in the shell."""
    try:
        with open(text, encoding="utf-8", errors="surrogateescape") as lines:
            for line in lines:
                name = line.rstrip("\r\n")
                if "://" in name:
                    root, path = _root_and_path(name)
                    yield Picture(name, path, "", root)
                elif name.lower().endswith(TABLE):
                    yield from _rows(name, os.path.abspath(name), "")
                elif name:
                    yield Picture(str(Path(name)), os.path.abspath(name), "")
    except OSError as error:
        raise AslError(f"{printable(text)} cannot be read: {error.strerror}.") from error


@lru_cache(1024)
def _real(folder: str) -> str:
    return os.path.realpath(folder)


def _place(path: str, root: str) -> str:
    """What is the same for all ways to write a path; the name of a link counts, not its end."""
    if root:
        return path
    folder, name = os.path.split(path)
    return os.path.join(_real(folder), name)


def _root_and_path(address: str) -> tuple[str, str]:
    """s3://bucket/a/b.png?region=… → s3://bucket?region=…, and the path in the file system."""
    scheme, _, rest = address.partition("://")
    path, mark, query = rest.partition("?")
    host, _, inside = path.partition("/")
    _, root = file_system(f"{scheme}://{host}/{mark}{query}" if host else f"{scheme}:///")
    return f"{scheme}://{host}/{mark}{query}", "/".join(filter(None, (root.rstrip("/"), inside)))


def _list_address(text: str, alone: bool) -> Iterator[Picture | Rows | Skipped]:
    is_folder = _is_folder(text)
    files, path = file_system(text)
    address = text.partition("?")[0].rstrip("/")
    try:
        if not is_folder:
            yield from _found(text, files, path, "", text)
            return
        for each in _walk(files, path):
            inside = each.path[len(path.rstrip("/")) + 1 :]
            name = inside if alone else f"{address}/{inside}"
            yield from _found(text, files, each.path, inside, name)
    except OSError as error:
        raise unreachable(text, error) from error


def _is_folder(address: str) -> bool:
    """Whether it is a folder, not a file; AslError where it is neither, or cannot be reached."""
    from pyarrow.fs import FileType

    found, path = file_system(address)
    try:
        kind = found.get_file_info(path).type
    except OSError as error:
        raise unreachable(address, error) from error
    if kind == FileType.NotFound:
        raise AslError(f"{printable(shown(address))} does not exist, or may not be read.")
    return kind == FileType.Directory


def _found(root: str, files: Any, path: str, inside: str, name: str):
    suffix = os.path.splitext(path)[1].lower()
    if suffix == TABLE:
        yield from _rows(name, path, root)
    elif inside and suffix not in images.SUFFIXES:
        yield Skipped(printable(name), images.NOT_READ.get(suffix, images.NO_PICTURE))
    else:
        yield Picture(name, path, _folder(inside), root)


def _walk(files: Any, path: str) -> Iterator[Any]:
    """What lies below a folder of an address, sorted, a folder at a time; nothing hidden."""
    from pyarrow.fs import FileSelector, FileType

    waiting = [path]
    while waiting:
        found = sorted(files.get_file_info(FileSelector(waiting.pop())), key=lambda one: one.path)
        for each in found:
            if each.base_name[:1] in (".", "_"):
                continue
            if each.type == FileType.Directory:
                waiting.append(each.path)
            elif each.path != path:
                yield each


def _rows(name: str, path: str, root: str) -> Iterator[Rows | Skipped]:
    found = list_rows(name, path, root)
    if isinstance(found, str):
        yield Skipped(printable(name), found)
    else:
        yield from found
