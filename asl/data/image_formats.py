"""The bytes of a picture file, of whatever format, as an array; what is damaged is refused.

JPEG goes through simplejpeg, since OpenCV gives a grey smear for a damaged file and libjpeg prints
about it; HEIC through pi-heif where that is installed; the others through OpenCV. Reasons are
worded to follow a name: "photo.jpg is cut short".
"""

import io
import math
import os
import re
import struct
import warnings
import zlib
from collections.abc import Callable
from functools import cache
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

import cv2
import numpy as np
import simplejpeg
from PIL import (
    AvifImagePlugin,
    BmpImagePlugin,
    GifImagePlugin,
    Image,
    ImageFile,
    ImageOps,
    JpegImagePlugin,
    PngImagePlugin,
    TiffImagePlugin,
    WebPImagePlugin,
    features,
)

from asl.errors import AslError, printable

MAX_PIXELS = int(os.environ.get("OPENCV_IO_MAX_IMAGE_PIXELS", 100_000_000))
BACKDROP = 255  # what shows through where a picture is transparent
STRIP = 1 << 20  # pixels that are laid on it at a time, since that takes much memory
CUT = "is cut short"
DAMAGED = "is damaged"
UNREADABLE = "is no picture that can be read, or is cut short"
NEEDS_HEIF = "is HEIC, which needs a package: python -m pip install pi-heif"
FILM = "is a film: save single frames of it as JPEG"
# Formats that people take for pictures, by suffix
NOT_READ = {
    suffix: reason
    for reason, suffixes in {
        "is a camera's raw file: export it as JPEG": (
            "3fr arw cr2 cr3 crw dng erf kdc mrw nef nrw orf pef raf raw rw2 sr2 srw x3f"
        ),
        "is a drawing of lines: export it as PNG": "ai cdr emf eps svg svgz wmf",
        "is a file of an image editor: export it as PNG": "afphoto kra psb psd xcf",
        "is a document: export its pages as PNG": "djvu pdf",
        FILM: "3gp avi flv m4v mkv mov mp4 mpeg mpg mts webm wmv",
        "is of a format that is not read here: save it as PNG": (
            "bpg dcm dds exr fits flif hdr ico icns j2k jp2 jpx jxl jxr pam pbm pcx pgm pnm ppm "
            "qoi ras tga wdp xbm xpm"
        ),
    }.items()
    for suffix in (f".{each}" for each in suffixes.split())
}
BEGINS = {
    b"\x89PNG\r\n\x1a\n": "PNG",
    b"\xff\xd8": "JPEG",
    b"GIF8": "GIF",
    b"BM": "BMP",
    b"II*\0": "TIFF",
    b"MM\0*": "TIFF",
    b"II+\0": "TIFF",
    b"MM\0+": "TIFF",
}
# Pillow reads their headers alone; its Image.open would have a limit of its own
HEADERS: dict[str, Callable[[io.BytesIO], ImageFile.ImageFile]] = {
    "JPEG": JpegImagePlugin.JpegImageFile,
    "PNG": PngImagePlugin.PngImageFile,
    "GIF": GifImagePlugin.GifImageFile,
    "BMP": BmpImagePlugin.BmpImageFile,
    "TIFF": TiffImagePlugin.TiffImageFile,
    "WebP": WebPImagePlugin.WebPImageFile,
}
HEIC_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs"}
warnings.filterwarnings("ignore", module=r"PIL\.")  # of damage, which we name ourselves
EXIF_TURN = 0x0112
TURNS = {  # as a camera's EXIF numbers them: transposed or not, then flipped or not
    2: (False, 1),
    3: (False, -1),
    4: (False, 0),
    5: (True, None),
    6: (True, 1),
    7: (True, -1),
    8: (True, 0),
}


class PictureError(AslError):
    """Why one picture cannot be used: `name` as it is shown, and `reason` as others have it too."""

    def __init__(self, name: str | Path, reason: str, detail: str = "", message: str = "") -> None:
        detail = f" ({detail})" if detail else ""
        self.name = printable(name) + detail
        self.reason = reason
        super().__init__(message or f"{printable(name)} {reason}{detail}")


class Stored(NamedTuple):
    """A picture that is no file of its own here: what it is called, and what gives its bytes."""

    name: str
    read: Callable[[], bytes]


def kind(data: bytes) -> str:
    """The format by a file's first bytes, whatever its suffix says; "" for none of those here."""
    for begin, name in BEGINS.items():
        if data.startswith(begin):
            return name
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "WebP"
    if data[4:8] != b"ftyp":
        return ""
    end = min(int.from_bytes(data[:4]), 256)
    brands = {data[8:12], *(data[at : at + 4] for at in range(16, end, 4))}
    if brands & {b"avif", b"avis"}:
        return "AVIF"
    return "HEIC" if brands & {*HEIC_BRANDS, b"mif1", b"msf1"} else "film"


def dimensions(data: bytes, format: str) -> tuple[int, int]:
    """Width and height as the header says, before anything is decoded; 0, 0 where unknown."""
    try:
        if format == "PNG":
            return struct.unpack(">II", data[16:24])
        if format == "JPEG":
            height, width, _, _ = simplejpeg.decode_jpeg_header(data, strict=False)
            return width, height
        if format in ("AVIF", "HEIC"):  # of all parts the largest
            parts = re.findall(rb"ispe\0{4}(.{4})(.{4})", data[: 1 << 20], re.DOTALL)
            sizes = [(int.from_bytes(width), int.from_bytes(height)) for width, height in parts]
            return max(sizes, key=math.prod, default=(0, 0))
    except (struct.error, ValueError, KeyError):
        pass  # of a rare kind, or damaged
    try:
        return HEADERS[format](io.BytesIO(data)).size
    except Exception:  # Pillow raises whatever the damage meets first
        return 0, 0


def decode(data: bytes, name: str | Path, format: str, least: tuple[int, int]) -> np.ndarray:
    """The picture as uint8 RGB (h, w, 3), upright; PictureError where it is damaged.

    A JPEG may come smaller than it is, but not below `least` (width, height), if that is not 0.
    """
    if format == "HEIC":
        return _heic(data, name)
    if format == "AVIF" and features.check("avif"):  # OpenCV leaves it lying on its side
        return _from_pillow(AvifImagePlugin.AvifImageFile(io.BytesIO(data)))
    not_read = FILM if format == "film" else NOT_READ.get(Path(name).suffix.lower())
    if format == "film" or (format == "TIFF" and not_read):  # raw files hold a small TIFF
        raise PictureError(name, not_read or UNREADABLE)
    if format == "PNG":
        _check_png(data, name)
    if format == "TIFF":
        _check_tiff(data, name)
    image = _jpeg(data, name, least) if format == "JPEG" else _opencv(data, format)
    if image is None:
        raise PictureError(name, not_read or UNREADABLE)
    return image


@cache
def heif_reader() -> ModuleType | None:
    """The package that reads HEIC, if one is installed."""
    for name in ("pi_heif", "pillow_heif"):
        try:
            return import_module(name)
        except ImportError:
            continue
    return None


def _jpeg(data: bytes, name: str | Path, least: tuple[int, int]) -> np.ndarray | None:
    try:
        image = simplejpeg.decode_jpeg(data, "RGB", min_width=least[0], min_height=least[1])
        if least == (0, 0) and "K" in simplejpeg.decode_jpeg_header(data, strict=False)[2]:
            return _opencv(data, "JPEG")  # the same, but for the rounding of CMYK
    except (ValueError, KeyError) as error:
        told = str(error)
        if "Premature end" in told:
            raise PictureError(name, CUT) from error
        rare = "subsampling" in told or isinstance(error, KeyError)  # or no header at all
        if not rare and not _harmless(told, data):
            raise PictureError(name, DAMAGED) from error
        picture = JpegImagePlugin.JpegImageFile(io.BytesIO(data))
        picture.load()  # raises where it is cut short
        return _opencv(data, "JPEG") if picture.mode == "CMYK" else _from_pillow(picture)
    return _turned(image, _exif(data)) if b"Exif\0\0" in data[: 1 << 17] else image


def _harmless(told: str, data: bytes) -> bool:
    """Whether libjpeg's warning is of something that changes no pixel."""
    padding = re.search(r"(\d+) extraneous bytes before marker 0xd9", told)
    if padding:  # some cameras write zeros before the end
        return bytes(int(padding[1])) + b"\xff\xd9" in data
    return "unknown JFIF revision" in told or "Invalid SOS parameters" in told


def _exif(data: bytes) -> bytes:
    """The Exif segment of a JPEG, found by walking from segment to segment."""
    at = 2
    while data[at : at + 1] == b"\xff" and data[at + 1] not in (0xD9, 0xDA):
        if data[at + 1] == 0xFF:  # padding
            at += 1
            continue
        end = at + 2 + int.from_bytes(data[at + 2 : at + 4])
        if data[at + 1] == 0xE1 and data[at + 4 : at + 10] == b"Exif\0\0":
            return data[at + 4 : end]
        at = end
    return b""


def _turned(image: np.ndarray, exif: bytes | Image.Exif) -> np.ndarray:
    """The picture upright, from how the camera says that it was held."""
    if isinstance(exif, bytes):
        loaded = Image.Exif()
        try:
            loaded.load(exif)
        except Exception:  # damaged: Pillow raises whatever the damage meets first
            return image
        exif = loaded
    transposed, flip = TURNS.get(exif.get(EXIF_TURN, 1), (False, None))
    if transposed:
        image = cv2.transpose(image)
    return image if flip is None else cv2.flip(image, flip)


def _heic(data: bytes, name: str | Path) -> np.ndarray:
    reader = heif_reader()
    if reader is None:
        raise PictureError(name, NEEDS_HEIF)
    return _from_pillow(reader.open_heif(io.BytesIO(data)).to_pillow(), upright=True)


def _from_pillow(picture: Image.Image, upright: bool = False) -> np.ndarray:
    if not upright:
        picture = ImageOps.exif_transpose(picture)
    if "A" not in picture.getbands():
        return np.array(picture.convert("RGB"))
    return _on_backdrop(np.asarray(picture.convert("RGBA"))[..., [2, 1, 0, 3]])


def _check_png(data: bytes, name: str | Path) -> None:
    """Every chunk of a PNG has a checksum; libpng would print about a wrong one."""
    view, at = memoryview(data), 8
    while at + 12 <= len(data):
        end = at + 8 + int.from_bytes(view[at : at + 4])
        if end + 4 > len(data):
            break
        needed = not view[at + 4] & 0x20  # a small first letter: readers may do without
        if needed and zlib.crc32(view[at + 4 : end]) != int.from_bytes(view[end : end + 4]):
            raise PictureError(name, DAMAGED)
        if view[at + 4 : at + 8] == b"IEND":
            return
        at = end + 4
    raise PictureError(name, CUT)


def _check_tiff(data: bytes, name: str | Path) -> None:
    """OpenCV gives what libtiff could decode before it met a wrong checksum."""
    try:
        tags = TiffImagePlugin.TiffImageFile(io.BytesIO(data)).tag_v2
        deflated = tags.get(TiffImagePlugin.COMPRESSION) in (8, 32946)
        offsets = tags.get(TiffImagePlugin.STRIPOFFSETS) or tags.get(TiffImagePlugin.TILEOFFSETS)
        counts = tags.get(TiffImagePlugin.STRIPBYTECOUNTS) or tags.get(
            TiffImagePlugin.TILEBYTECOUNTS
        )
    except Exception:  # of a kind that Pillow does not know
        return
    try:
        for offset, count in zip(offsets or (), counts or (), strict=True) if deflated else ():
            zlib.decompress(data[offset : offset + count])
    except (zlib.error, ValueError) as error:
        raise PictureError(name, DAMAGED) from error


def _opencv(data: bytes, format: str) -> np.ndarray | None:
    """An encoded picture as uint8 RGB (h, w, 3), or None if it is none."""
    encoded = np.frombuffer(data, np.uint8)
    if format == "JPEG":  # has no transparency
        return cv2.imdecode(encoded, cv2.IMREAD_COLOR_RGB)
    image = cv2.imdecode(encoded, cv2.IMREAD_UNCHANGED)
    if image is None:
        return None
    transparent = image.shape[2:] == (4,)
    if transparent or (format in ("PNG", "WebP") and image.dtype == np.uint8):
        if transparent:
            image = _on_backdrop(image)
        else:  # what is most frequent need not be decoded twice
            colour = cv2.COLOR_GRAY2RGB if image.ndim == 2 else cv2.COLOR_BGR2RGB
            image = cv2.cvtColor(image, colour)
        exif = {"PNG": b"eXIf", "WebP": b"EXIF"}.get(format)
        if exif and exif in data:
            return _turned(image, HEADERS[format](io.BytesIO(data)).getexif())
        return image
    del image  # it may be large
    return cv2.imdecode(encoded, cv2.IMREAD_COLOR_RGB)  # undoes turns, makes 16 bits 8


def _on_backdrop(image: np.ndarray) -> np.ndarray:
    """BGR with transparency, uint8 or uint16 (h, w, 4), as uint8 RGB (h, w, 3)."""
    laid = np.empty((*image.shape[:2], 3), np.uint8)
    rows = max(1, STRIP // image.shape[1])
    for start in range(0, len(image), rows):
        strip = image[start : start + rows]
        if strip.dtype == np.uint16:
            strip = (strip // 257).astype(np.uint8)
        alpha = strip[..., 3:].astype(np.float32) / 255
        laid[start : start + rows] = np.round(strip[..., 2::-1] * alpha + BACKDROP * (1 - alpha))
    return laid
