"""Pictures from files, whatever they are, as arrays that a network takes."""

import math
import os
import stat
import threading
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np

from asl.data import image_formats
from asl.data.image_formats import NOT_READ, UNREADABLE, PictureError, Stored
from asl.data.processors import threads
from asl.errors import AslError, few, printable

SUFFIXES = {
    *(".avif", ".bmp", ".gif", ".heic", ".heif", ".jfif", ".jpe", ".jpeg", ".jpg"),
    *(".png", ".tif", ".tiff", ".webp"),
}
SMALL_FILE = 10_000  # bytes
LARGE = 16_000_000  # pixels, or bytes: decoded one at a time, JPEG at a smaller size
LARGEST_FILE = 1 << 30  # bytes: more than the largest picture takes
NO_PICTURE = "is no picture"  # by its suffix: mentioned, but nothing is amiss
LINK_TO_FOLDER = "is a link to a folder: give the folder itself"
KINDS = {
    stat.S_IFDIR: "is a folder",
    stat.S_IFIFO: "is a pipe",
    stat.S_IFSOCK: "is a socket",
    stat.S_IFCHR: "is a device",
    stat.S_IFBLK: "is a device",
}
LeftOut = dict[str, list[str]]  # reason → names
_one_at_a_time = threading.RLock()


def read_image(
    path: str | Path | Stored, shape: tuple[int, int, int] | None = None, largest: int | None = None
) -> np.ndarray:
    """A picture as uint8 RGB (height, width, 3), upright, 0–255; with `shape` as `fit` gives it;
    with `largest` one of more than 16 million pixels at no more than that many a side.

    Grey, palette and CMYK pictures become RGB, 16-bit ones 8-bit, transparency lies on white, and
    the camera's EXIF turn is undone. AslError names a file that is missing, empty, cut short,
    damaged, too large or no picture.
    """
    name: str | Path = path.name if isinstance(path, Stored) else path
    try:
        if isinstance(path, Stored):
            return decode(path.read(), name, shape, largest)
        found = os.stat(path)
        if not stat.S_ISREG(found.st_mode):  # reading a pipe or a device may never end
            raise PictureError(path, KINDS.get(stat.S_IFMT(found.st_mode), "is no file"))
        if found.st_size > LARGEST_FILE:
            raise PictureError(path, f"is larger than {LARGEST_FILE >> 20:,} MB")
        with _one_at_a_time if found.st_size > LARGE else nullcontext():
            return decode(Path(path).read_bytes(), path, shape, largest)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        message = f"cannot read {printable(name)}: {reason}"
        raise PictureError(name, f"cannot be read: {reason}", message=message) from error


def decode(
    data: bytes,
    name: str | Path,
    shape: tuple[int, int, int] | None = None,
    largest: int | None = None,
) -> np.ndarray:
    """The bytes of a picture file as `read_image` gives them; `name` is for its messages."""
    if not data:
        raise PictureError(name, "is empty")
    format = image_formats.kind(data)
    width, height = image_formats.dimensions(data, format)
    pixels = width * height
    if pixels > image_formats.MAX_PIXELS:
        raise _too_large(name, f"{pixels / 1e6:,.0f} megapixels")
    least = (0, 0)
    box = shape[:2] if shape else (largest, largest) if largest else None
    if box and pixels > LARGE:  # twice what is made of it, so that it has something to average
        scale = 2 * min(box[0] / height, box[1] / width)
        least = (math.ceil(width * scale), math.ceil(height * scale))
    with _one_at_a_time if pixels > LARGE else nullcontext():
        try:
            image = image_formats.decode(data, name, format, least)
        except PictureError:
            raise
        except MemoryError as error:
            raise PictureError(name, "is too large for the memory that is free") from error
        except Exception as error:  # of a library that met damage
            if "MAX_IMAGE_PIXELS" in str(error):
                raise _too_large(name) from error
            raise PictureError(name, UNREADABLE) from error
        if largest and pixels > LARGE:
            scale = largest / max(image.shape[:2])
            image = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        return fit(image, shape) if shape else image


def _too_large(name: str | Path, size: str = "") -> PictureError:
    limit = f"{image_formats.MAX_PIXELS / 1e6:g}"
    return PictureError(name, f"has more than {limit} million pixels", size)


def fit(image: np.ndarray, shape: tuple[int, int, int]) -> np.ndarray:
    """A picture uint8 (h, w, 1 or 3) at `shape` (height, width, channels), padded, not squashed.

    The padding repeats the picture's border, so that it brings no edge of its own. Shrinking
    averages over areas. This stands outside the network, other than the scaling of values, because
    pictures of different sizes cannot be stacked into one array.
    """
    height, width, channels = shape
    if channels == 1 and image.shape[2] == 3:
        image = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    elif channels == 3 and image.shape[2] == 1:
        image = cv2.cvtColor(image, cv2.COLOR_GRAY2RGB)
    scale = min(height / image.shape[0], width / image.shape[1])
    size = (max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale)))
    if size != image.shape[1::-1]:
        method = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
        image = cv2.resize(image, size, interpolation=method)
    top, left = (height - image.shape[0]) // 2, (width - image.shape[1]) // 2
    bottom, right = height - image.shape[0] - top, width - image.shape[1] - left
    image = cv2.copyMakeBorder(image, top, bottom, left, right, cv2.BORDER_REPLICATE)
    return image.reshape(shape)


def scan(folder: str | Path) -> Iterator[tuple[str, os.DirEntry | None, str]]:
    """All that lies below a folder, but for folders and for what is hidden (begins with a dot).

    Gives the path inside it with /, the entry, and why it cannot be taken for a picture, or "". No
    link to a folder is followed, so that none can lead in a circle.
    """
    waiting = [""]
    while waiting:
        place = waiting.pop()
        try:
            with os.scandir(os.path.join(folder, place)) as found:
                entries = [entry for entry in found if entry.name[0] != "."]
            entries.sort(key=lambda entry: entry.name)
        except OSError as error:
            yield place or ".", None, f"is a folder that cannot be opened: {error.strerror}"
            continue
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                waiting.append(place + entry.name + "/")
            else:
                yield place + entry.name, entry, _why_not(entry)


def _why_not(entry: os.DirEntry) -> str:
    if not entry.is_file(follow_symlinks=False):
        try:
            mode = entry.stat().st_mode
        except OSError as error:
            return broken_link(error)
        if stat.S_ISDIR(mode):
            return LINK_TO_FOLDER
        if not stat.S_ISREG(mode):
            return KINDS.get(stat.S_IFMT(mode), "is no file")
    # As os.path.splitext, in less time: this is asked of every file
    suffix = entry.name[max(entry.name.rfind("."), 0) :].lower()
    return "" if suffix in SUFFIXES else NOT_READ.get(suffix, NO_PICTURE)


def broken_link(error: OSError) -> str:
    """Why a path that is there cannot be followed."""
    if isinstance(error, FileNotFoundError):
        return "is a link that leads nowhere"
    return f"cannot be read: {error.strerror}"  # such as a loop of links


def find_images(folder: str | Path) -> list[Path]:
    """All pictures below a folder, by their suffix, sorted; hidden files and folders left out.

    What looks like a picture and is none that can be read is printed.
    """
    found, left_out = _list(folder)
    missed = {reason: names for reason, names in left_out.items() if reason != NO_PICTURE}
    if missed:
        print(f"{printable(folder)}: left out: {summary(missed)}")
    return [Path(folder, name) for name in found]


def _list(folder: str | Path) -> tuple[list[str], LeftOut]:
    """Names of the pictures below a folder, sorted by their parts, and what was left out."""
    names, left_out = [], LeftOut()
    for name, _, reason in scan(folder):
        if reason:
            left_out.setdefault(reason, []).append(printable(name))
        else:
            names.append(name)
    return sorted(names, key=lambda name: name.split("/")), {
        reason: sorted(each) for reason, each in left_out.items()
    }


class Inputs(NamedTuple):
    """Pictures that were given, row by row, and what was left out."""

    names: list[str]  # what each is called
    files: Sequence[Path | Stored]
    folders: list[str]  # the sub-folder that each lies in, "" for none
    left_out: LeftOut


def find_inputs(inputs: Sequence[str | Path]) -> Inputs:
    """The pictures that paths of pictures and of folders of them lead to, each once.

    A picture is called what it was given as, one in a folder by the folder as it was given and its
    path inside; where one folder alone was given, by its path inside. AslError for a path that
    does not exist, a folder without pictures, and no path at all.
    """
    once: dict[str, Path] = {}
    for given in inputs:
        once.setdefault(_place(given), Path(given))
    alone = len(once) == 1
    paths: list[Path] = []
    result = Inputs([], paths, [], {})
    seen = set()
    for place, given in once.items():
        inside, left_out = [""], LeftOut()
        reason = _given_as(given)
        if reason == KINDS[stat.S_IFDIR]:
            inside, left_out = _list(given)
            if not inside:
                but = f" Left out: {summary(left_out)}." if left_out else ""
                raise AslError(
                    f"{printable(given)} holds no pictures ({', '.join(sorted(SUFFIXES))}).{but}"
                )
        elif reason:
            inside, left_out = [], {reason: [printable(given)]}
        for why, names in left_out.items():
            names = names if alone else [printable(given / name) for name in names]
            result.left_out.setdefault(why, []).extend(names)
        for name in inside:
            if (key := os.path.join(place, name) if name else place) not in seen:
                seen.add(key)
                result.names.append(name if name and alone else str(given / name))
                paths.append(given / name)
                result.folders.append(name.rpartition("/")[0].rpartition("/")[2])
    if not inputs:
        raise AslError("no pictures were given: name some, or folders of them.")
    return result


def _place(given: str | Path) -> str:
    """What is the same for all ways to write a path; the name of a link counts, not its end."""
    if not str(given):
        raise AslError("an empty path was given: name pictures, or folders of them.")
    try:
        if os.path.isdir(given):
            return os.path.realpath(given)
        folder, name = os.path.split(os.path.abspath(given))
        return os.path.join(os.path.realpath(folder), name)
    except (OSError, ValueError):
        return str(given)  # _given_as says what is wrong with it


def _given_as(given: Path) -> str:
    """ "" for a file, "is a folder", or why it is neither; AslError where nothing is there."""
    try:
        mode = os.stat(given).st_mode
    except (OSError, ValueError) as error:
        reason = f"cannot be read: {getattr(error, 'strerror', None) or error}"
        if isinstance(error, FileNotFoundError | NotADirectoryError):
            link = os.path.islink(given)
            reason = "is a link that leads nowhere" if link else "does not exist"
        raise AslError(
            f"{printable(given)} {reason}: give pictures, or folders of pictures."
        ) from error
    return "" if stat.S_ISREG(mode) else KINDS.get(stat.S_IFMT(mode), "is no file")


def summary(left_out: LeftOut) -> str:
    """How many were left out, and why, with the first three of each."""
    return "; ".join(
        f"{len(names):,} {noun(reason)} ({few(names)})" for reason, names in left_out.items()
    )


def told(left_out: LeftOut) -> tuple[list[str], bool]:
    """Lines that say how many were left out and why, and whether any looks like a picture."""
    if not left_out:
        return [], False
    lines = [f"{sum(map(len, left_out.values())):,} left out:"]
    for reason, names in left_out.items():
        many = f"{len(names):,} {noun(reason)} ({few(names)})"
        lines.append(f"{names[0]} {reason}" if len(names) == 1 else many)
    return lines, left_out.keys() != {NO_PICTURE}


def noun(reason: str) -> str:
    """A reason after a count in place of a name: "is empty" → "empty"."""
    for verb, instead in (("is ", ""), ("has ", "of ")):
        if reason.startswith(verb):
            return instead + reason.removeprefix(verb)
    return reason


def read_images(
    files: Iterable[Path | Stored], shape: tuple[int, int, int]
) -> Iterator[np.ndarray | PictureError]:
    """Each picture fitted to `shape`, in the order of `files`, or the error that it gave."""
    files = list(files)

    def read(path: Path | Stored) -> np.ndarray | PictureError:
        try:
            return read_image(path, shape)
        except PictureError as error:
            return error

    # Threads share the decoding of large pictures; with small ones they only wait for each other
    on_disk = [path for path in files[:50] if isinstance(path, Path) and path.is_file()]
    sizes = [path.stat().st_size for path in on_disk]
    if sum(sizes) <= len(sizes) * SMALL_FILE:
        yield from map(read, files)
        return
    with ThreadPoolExecutor(min(32, 3 * threads())) as pool:
        yield from pool.map(read, files)
