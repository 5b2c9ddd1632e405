"""Pictures from files, whatever they are, as arrays that a network takes."""

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np

from asl.errors import AslError

SUFFIXES = {".bmp", ".gif", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"}
SMALL_FILE = 10_000  # bytes
BACKDROP = 255  # what shows through where a picture is transparent


def read_image(path: str | Path) -> np.ndarray:
    """A picture as uint8 RGB (height, width, 3), upright, 0–255.

    Grey, palette and CMYK pictures become RGB, 16-bit ones 8-bit, transparency lies on white, and
    the camera's EXIF turn is undone. AslError names a file that is missing, empty, cut short or no
    picture.
    """
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        raise AslError(f"cannot read {path}: {error.strerror}") from error
    return decode(data, path)


def decode(data: bytes, name: str | Path) -> np.ndarray:
    """The bytes of a picture file as `read_image` gives them; `name` is for its messages."""
    if not data:
        raise AslError(f"{name} is empty")
    try:
        image = _decode(data)
    except cv2.error as error:
        large = "MAX_IMAGE_PIXELS" in str(error.err)
        reason = "has more than 100 million pixels" if large else "cannot be decoded"
        raise AslError(f"{name} {reason}") from error
    if image is None:
        raise AslError(f"{name} is no picture that can be read, or is cut short")
    return image


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


def find_images(folder: str | Path) -> list[Path]:
    """All pictures below a folder, by their suffix, sorted; hidden files and folders left out."""
    found = []
    for place, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if name[0] != "."]
        found += [Path(place, name) for name in files if name[0] != "."]
    return sorted(path for path in found if path.suffix.lower() in SUFFIXES)


def find_inputs(inputs: Sequence[str | Path]) -> tuple[list[str], list[Path]]:
    """What each picture is called, and its file, from paths of pictures and of folders of them.

    A picture is called what it was given as, one in a folder by its path inside that folder.
    AslError for a path that does not exist, a folder without pictures, and no path at all.
    """
    names, files = [], []
    for given in map(Path, inputs):
        if given.is_dir():
            found = find_images(given)
            if not found:
                raise AslError(f"{given} holds no pictures ({', '.join(sorted(SUFFIXES))}).")
            names += [file.relative_to(given).as_posix() for file in found]
            files += found
        elif given.exists():
            names.append(str(given))
            files.append(given)
        else:
            raise AslError(f"{given} does not exist: give pictures, or folders of pictures.")
    if not files:
        raise AslError("no pictures were given: name some, or folders of them.")
    return names, files


def read_images(files: list[Path], shape: tuple[int, int, int]) -> Iterator[np.ndarray | AslError]:
    """Each picture fitted to `shape`, in the order of `files`, or the error that it gave."""

    def read(path: Path) -> np.ndarray | AslError:
        try:
            return fit(read_image(path), shape)
        except AslError as error:
            return error

    # Threads share the decoding of large pictures; with small ones they only wait for each other
    sizes = [path.stat().st_size for path in files[:50] if path.is_file()]
    if sum(sizes) <= len(sizes) * SMALL_FILE:
        yield from map(read, files)
        return
    with ThreadPoolExecutor() as pool:
        yield from pool.map(read, files)


def _decode(data: bytes) -> np.ndarray | None:
    """An encoded picture as uint8 RGB (h, w, 3), or None if it is none."""
    encoded = np.frombuffer(data, np.uint8)
    if data.startswith(b"\xff\xd8"):  # JPEG has no transparency
        # An end marker must follow the last start of scan; a thumbnail's own end comes before it
        whole = data.rfind(b"\xff\xd9") >= data.rfind(b"\xff\xda")
        return cv2.imdecode(encoded, cv2.IMREAD_COLOR_RGB) if whole else None
    image = cv2.imdecode(encoded, cv2.IMREAD_UNCHANGED)
    if image is None:
        return None
    if image.shape[2:] == (4,):
        return _on_backdrop(image)
    if data.startswith(b"\x89PNG") and image.dtype == np.uint8 and b"eXIf" not in data:
        # What is most frequent need not be decoded twice
        return cv2.cvtColor(image, cv2.COLOR_GRAY2RGB if image.ndim == 2 else cv2.COLOR_BGR2RGB)
    return cv2.imdecode(encoded, cv2.IMREAD_COLOR_RGB)  # undoes turns, makes 16 bits 8


def _on_backdrop(image: np.ndarray) -> np.ndarray:
    """BGR with transparency, uint8 or uint16 (h, w, 4), as uint8 RGB (h, w, 3)."""
    if image.dtype == np.uint16:
        image = (image // 257).astype(np.uint8)
    alpha = image[..., 3:].astype(np.float32) / 255
    return np.round(image[..., 2::-1] * alpha + BACKDROP * (1 - alpha)).astype(np.uint8)
