"""Pictures as people have them: of any format, damaged, large, no files at all, with any name."""

import base64
import csv
import io
import itertools
import os
import socket
import subprocess
import sys
import threading
import zlib
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pandas as pd
import pytest
from conftest import REPOSITORY
from PIL import Image

import asl
from asl import AslError, prediction, read_results, results_table, write_results
from asl.__main__ import main
from asl.data import image_folders, image_formats, images
from asl.errors import printable
from asl.reader import read

pictures = pytest.mark.fault("pictures")
names = pytest.mark.fault("names")
pytestmark = pytest.mark.filterwarnings("ignore:Corrupt EXIF data")  # pytest shows what asl hides

RED, BLUE = (200, 50, 20), (20, 60, 220)
HALVES = np.zeros((40, 60, 3), np.uint8)
HALVES[:, :30], HALVES[:, 30:] = RED, BLUE
# The halves as HEIC: what writes it brings an encoder under the GPL, so the bytes stand here
HEIC = base64.b64decode(
    "AAAAHGZ0eXBoZWljAAAAAG1pZjFoZWljbWlhZgAAAX1tZXRhAAAAAAAAACFoZGxyAAAAAAAAAABwaWN0AAAAAAAAAAAA"
    "AAAAAAAAACJpbG9jAAAAAERAAAEAAQAAAAABoQABAAAAAAAAAIEAAAAjaWluZgAAAAAAAQAAABVpbmZlAgAAAAABAABo"
    "dmMxAAAAAA5waXRtAAAAAAABAAAA/WlwcnAAAADdaXBjbwAAAHZodmNDAQNwAAAAkAAAAAAAHvAA/P34+AAADwNgAAEA"
    "GEABDAH//wNwAAADAJAAAAMAAAMAHroCQGEAAQAqQgEBA3AAAAMAkAAAAwAAAwAeoCCBBZbq5Ka5uAhoMCAAAAMDIAAA"
    "AwAhYgABAAZEAcFzwIkAAAATY29scm5jbHgAAQANAAaAAAAAFGlzcGUAAAAAAAAAQAAAAEAAAAAoY2xhcAAAADwAAAAB"
    "AAAAKAAAAAH////8AAAAAv///+gAAAACAAAAEHBpeGkAAAAAAwgICAAAABhpcG1hAAAAAAAAAAEAAQWBAgMFhAAAAIlt"
    "ZGF0AAAAfSgBrwngIzV5f/sHf//AY8h5PsmM7JtR8Dq7stDwyy0VDqc2PeBal6+cDn5P4r6FtyCM/Tt/UuwNRjRI2r6W"
    "MbQtU1q5EHAPih4/ZaZ2ztw3LV1J02LACVOhIC5MDPz0e/Tk7TnVV3H6Wkp71GWz+gQ7aj4gh2pLLFJMoWPw"
)
NOISE = np.random.default_rng(0).integers(0, 256, (120, 160, 3), dtype=np.uint8)
SMOOTH = cv2.resize(NOISE[:12, :16], (160, 120), interpolation=cv2.INTER_CUBIC)


def encoded(format, image=SMOOTH, **options):
    stream = io.BytesIO()
    picture = Image.fromarray(image)
    if format == "GIF":
        picture = picture.convert("P")
    picture.save(stream, format, **options)
    return stream.getvalue()


FORMATS = {
    "jpg": ("JPEG", {}),
    "progressive.jpg": ("JPEG", {"progressive": True}),
    "best.jpg": ("JPEG", {"quality": 100, "subsampling": 0}),
    "restarts.jpg": ("JPEG", {"restart_marker_rows": 1}),
    "png": ("PNG", {}),
    "gif": ("GIF", {}),
    "bmp": ("BMP", {}),
    "tif": ("TIFF", {}),
    "lzw.tif": ("TIFF", {"compression": "tiff_lzw"}),
    "deflate.tif": ("TIFF", {"compression": "tiff_adobe_deflate"}),
    "webp": ("WEBP", {}),
    "lossless.webp": ("WEBP", {"lossless": True}),
    "avif": ("AVIF", {}),
}
FILES = {name: encoded(format, **options) for name, (format, options) in FORMATS.items()}
HAS_HEIF = image_formats.heif_reader() is not None


def refused(data, name="x.jpg"):
    with pytest.raises(AslError) as caught:
        images.decode(data, name)
    return str(caught.value)


def assert_halves(image, tolerance=6):
    assert image.shape == (40, 60, 3)
    assert image[20, 10].tolist() == pytest.approx(RED, abs=tolerance)
    assert image[20, 50].tolist() == pytest.approx(BLUE, abs=tolerance)


# Damaged files of each format


@pictures
@pytest.mark.parametrize("kept", [0.05, 0.3, 0.7, 0.98])
@pytest.mark.parametrize("name", FILES)
def test_a_file_cut_short_is_named(name, kept, capfd):
    data = FILES[name]
    told = refused(data[: int(len(data) * kept)], f"photo.{name}")
    assert told.startswith(f"photo.{name} is ")
    assert "cut short" in told
    assert capfd.readouterr().err == ""


@pictures
@pytest.mark.parametrize("last", [1, 2, 3, 12])
@pytest.mark.parametrize("name", ["jpg", "progressive.jpg", "png", "gif", "avif", "webp"])
def test_a_file_that_lacks_its_last_bytes_is_named(name, last, capfd):
    assert "cut short" in refused(FILES[name][:-last], name)
    assert capfd.readouterr().err == ""


@pictures
@pytest.mark.parametrize("length", [1, 2, 3, 4, 8, 12, 20])
@pytest.mark.parametrize("name", ["jpg", "png", "gif", "bmp", "tif", "webp", "avif"])
def test_a_file_of_a_few_bytes_is_named(name, length):
    assert f"x.{name} is " in refused(FILES[name][:length], f"x.{name}")


def overwritten(data, at, bytes_):
    at = int(len(data) * at)
    return data[:at] + bytes_ + data[at + len(bytes_) :]


JUNK = {
    "zeros": bytes(200),
    "noise": np.random.default_rng(1).integers(0, 256, 200, dtype=np.uint8).tobytes(),
    "text": b"this is no part of a picture! " * 7,
    "0xff": b"\xff" * 200,
}


@pictures
@pytest.mark.parametrize("at", [0.4, 0.8])
@pytest.mark.parametrize("junk", JUNK)
@pytest.mark.parametrize(
    "name", ["jpg", "progressive.jpg", "best.jpg", "restarts.jpg", "png", "deflate.tif"]
)
def test_a_file_damaged_inside_is_named(name, junk, at, capfd):
    damaged = overwritten(FILES[name], at, JUNK[junk])
    told = refused(damaged, f"photo.{name}")
    assert told.startswith(f"photo.{name} is ")
    assert capfd.readouterr().err == ""  # libjpeg and libpng would print


@pictures
@pytest.mark.parametrize("position", range(0, 100, 10))
def test_every_changed_byte_of_a_png_is_seen(position):
    data = bytearray(FILES["png"])
    data[41 + (len(data) - 60) * position // 100] ^= 0x10
    assert "is damaged" in refused(bytes(data), "x.png") or position == 0


DAMAGE = {
    "lost": lambda data, at, dice: data[:at] + data[at + dice.integers(1, 200) :],
    "changed": lambda data, at, dice: data[:at] + bytes([data[at] ^ 0x55]) + data[at + 1 :],
    "overwritten": lambda data, at, dice: data[:at] + dice.bytes(50) + data[at + 50 :],
    "doubled": lambda data, at, dice: data[:at] + data[at - 99 :],
}


@pictures
@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("damage", DAMAGE)
@pytest.mark.parametrize("name", ["jpg", "best.jpg", "progressive.jpg"])
def test_whatever_libjpeg_would_print_about_is_refused(name, damage, seed, capfd):
    """No more can be known: a JPEG has no checksum."""
    dice = np.random.default_rng(seed)
    data = FILES[name]
    start = data.rfind(b"\xff\xda") + 120
    damaged = DAMAGE[damage](data, int(dice.integers(start, len(data) - 60)), dice)
    cv2.imdecode(np.frombuffer(damaged, np.uint8), cv2.IMREAD_COLOR)
    if capfd.readouterr().err:
        told = refused(damaged)
        assert "is damaged" in told or "is cut short" in told
    else:
        assert images.decode(damaged, "x.jpg").shape == SMOOTH.shape
    assert capfd.readouterr().err == ""


def test_a_sound_picture_is_the_same_as_opencv_makes_it():
    """simplejpeg and OpenCV rest on the same library."""
    for quality in (30, 75, 95):
        for shape in ((1, 1), (7, 13), (17, 33), (120, 160)):
            for mode, options in itertools.product(
                ("RGB", "L", "CMYK"),
                ({}, {"progressive": True}, {"subsampling": 0}, {"subsampling": 1}),
            ):
                picture = Image.fromarray(NOISE[: shape[0], : shape[1]]).convert(mode)
                stream = io.BytesIO()
                picture.save(stream, "JPEG", quality=quality, **options)
                data = stream.getvalue()
                expected = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR_RGB)
                np.testing.assert_array_equal(images.decode(data, "x"), expected)


@pictures
@pytest.mark.parametrize("turn", range(1, 9))
@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP", "AVIF", "transparent PNG"])
def test_every_turn_of_a_camera_is_undone(format, turn):
    exif = Image.Exif()
    exif[image_formats.EXIF_TURN] = turn
    corners = np.zeros((40, 60, 3), np.uint8)
    corners[:20, :30], corners[:20, 30:], corners[20:, :30] = RED, BLUE, (250, 250, 10)
    if format == "transparent PNG":
        corners = np.dstack([corners, np.full((40, 60), 255, np.uint8)])
    kind = format.removeprefix("transparent ")
    upright = Image.fromarray(corners[..., :3])
    back = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_270,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_90,
    }
    expected = np.asarray(upright.transpose(back[turn]) if turn in back else upright)
    image = images.decode(encoded(kind, corners, exif=exif, quality=95), "x")
    assert image.shape == expected.shape
    assert np.abs(image.astype(int) - expected).mean() < 6


# What stands around a picture


TRAILERS = {
    "zeros": bytes(5000),
    "text with markers": b"JFIF \xff\xda and \xff\xd9 and \xff\xd8\xff",
    "start of a scan": b"\xff\xda" * 50,
    "motion photo": b"MotionPhoto_Data\0\0\0\x18ftypmp42" + b"\xff\xda\x00" * 300,
    "second picture": FILES["jpg"],
    "half a picture": FILES["jpg"][:2000],
    "one byte": b"\n",
    "0xff": b"\xff" * 100,
}


@pictures
@pytest.mark.parametrize("trailer", TRAILERS)
@pytest.mark.parametrize("name", ["jpg", "progressive.jpg", "png"])
def test_what_follows_the_end_does_no_harm(name, trailer, capfd):
    data = FILES[name]
    image = images.decode(data + TRAILERS[trailer], "x.jpg")
    np.testing.assert_array_equal(image, images.decode(data, "x.jpg"))
    assert capfd.readouterr().err == ""
    assert "cut short" in refused(data[:-40])  # no less


@pictures
@pytest.mark.parametrize("trailer", ["zeros", "second picture", "text with markers"])
def test_a_cut_picture_with_a_trailer_is_damaged_all_the_same(trailer):
    data = FILES["jpg"]
    told = refused(data[: len(data) // 2] + TRAILERS[trailer])
    assert "is damaged" in told or "cut short" in told


def segment(marker, content):
    return b"\xff" + bytes([marker]) + (len(content) + 2).to_bytes(2) + content


HEADER_PARTS = {
    "thumbnail": segment(0xE1, b"Exif\0\0II*\0\x08\0\0\0\0\0" + encoded("JPEG", NOISE[:20, :20])),
    "comment with markers": segment(0xFE, b"\xff\xd9 \xff\xda \xff\xd8"),
    "long comment": segment(0xFE, b"\xff\xd9" * 30000),
    "padding": b"\xff\xff\xff" + segment(0xFE, b"x"),
    "unknown segment": segment(0xEF, b"anything"),
    "empty segment": segment(0xE5, b""),
    "damaged exif": segment(0xE1, b"Exif\0\0not a header"),
    "adobe": segment(0xED, b"Photoshop 3.0\x008BIM" + bytes(30)),
}


@pictures
@pytest.mark.parametrize("part", HEADER_PARTS)
def test_what_stands_in_the_header_does_no_harm(part, capfd):
    data = FILES["jpg"]
    longer = data[:2] + HEADER_PARTS[part] + data[2:]
    np.testing.assert_array_equal(images.decode(longer, "x"), images.decode(data, "x"))
    for cut in (1, 200, len(data) - 10):  # its thumbnail has an end of its own
        assert "cut short" in refused(longer[:-cut])
    assert capfd.readouterr().err == ""


@pictures
def test_zeros_before_the_end_as_some_cameras_write_them_are_no_damage(capfd):
    for name in ("jpg", "best.jpg"):
        data = FILES[name]
        for count in (1, 4, 60):
            padded = data[:-2] + bytes(count) + b"\xff\xd9"
            np.testing.assert_array_equal(images.decode(padded, "x"), images.decode(data, "x"))
    assert "damaged" in refused(FILES["jpg"][:-2] + b"some other bytes" + b"\xff\xd9")
    assert capfd.readouterr().err == ""


@pictures
def test_a_later_version_of_jfif_is_read():
    data = bytearray(FILES["jpg"])
    data[data.index(b"JFIF\0") + 5] = 9
    np.testing.assert_array_equal(images.decode(bytes(data), "x"), images.decode(FILES["jpg"], "x"))


# Formats and suffixes


@pictures
@pytest.mark.parametrize("suffix", ["jpg", "jpe", "jfif", "JPEG", "png", "heic", "avif", "tiff"])
@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP", "AVIF", "GIF", "BMP", "TIFF"])
def test_the_content_counts_and_not_the_suffix(tmp_path, format, suffix):
    file = tmp_path / f"photo.{suffix}"
    file.write_bytes(encoded(format, HALVES))
    assert images.find_images(tmp_path) == [file]
    assert_halves(images.read_image(file), tolerance=60 if format == "GIF" else 12)


@pictures
@pytest.mark.skipif(not HAS_HEIF, reason="pi-heif is not installed")
@pytest.mark.parametrize("suffix", ["heic", "HEIC", "heif", "jpg"])
def test_heic_is_read(tmp_path, suffix):
    file = tmp_path / f"photo.{suffix}"
    file.write_bytes(HEIC)
    assert_halves(images.read_image(file))


@pictures
@pytest.mark.skipif(not HAS_HEIF, reason="pi-heif is not installed")
@pytest.mark.parametrize("kept", [20, 100, 300, 420, 545])
def test_heic_cut_short_is_named(kept):
    assert "x.heic is no picture that can be read, or is cut short" in refused(
        HEIC[:kept], "x.heic"
    )


@pictures
def test_heic_without_the_package_says_what_to_install(monkeypatch):
    for name in ("pi_heif", "pillow_heif"):
        monkeypatch.setitem(sys.modules, name, None)
    image_formats.heif_reader.cache_clear()
    try:
        told = refused(HEIC, "IMG_1.HEIC")
    finally:
        image_formats.heif_reader.cache_clear()
    assert told == "IMG_1.HEIC is HEIC, which needs a package: python -m pip install pi-heif"


TAKEN_FOR_PICTURES = {
    **dict.fromkeys(["cr2", "NEF", "dng", "arw", "raf", "orf"], "camera's raw file"),
    **dict.fromkeys(["psd", "xcf"], "image editor"),
    **dict.fromkeys(["svg", "eps"], "drawing of lines"),
    "pdf": "document",
    **dict.fromkeys(["mp4", "MOV", "avi"], "film"),
    **dict.fromkeys(["jxl", "ico"], "format that is not read"),
}


@pictures
@pytest.mark.parametrize("suffix", TAKEN_FOR_PICTURES)
def test_what_people_take_for_pictures_is_named(tmp_path, suffix, capsys):
    (tmp_path / "one.jpg").write_bytes(FILES["jpg"])
    for number in range(11):
        (tmp_path / f"photo{number:02d}.{suffix}").write_bytes(b"II*\0 whatever it holds")
    assert [file.name for file in images.find_images(tmp_path)] == ["one.jpg"]
    told = capsys.readouterr().out
    assert TAKEN_FOR_PICTURES[suffix] in told
    assert f"(photo00.{suffix}, photo01.{suffix}, photo02.{suffix} and 8 more)" in told
    found = images.find_inputs([tmp_path])
    lines, failed = images.told(found.left_out)
    assert failed
    assert lines[0] == "11 left out:"
    alone = tmp_path / f"photo00.{suffix}"
    assert TAKEN_FOR_PICTURES[suffix] in refused(alone.read_bytes(), alone)


@pictures
@pytest.mark.parametrize(
    "content", [b"%PDF-1.7 ...", b"<svg/>", b"8BPS\0\1", b"\0\0\0\x18ftypqt  "]
)
def test_other_contents_under_a_pictures_suffix_are_named(content):
    assert "x.jpg is " in refused(content + bytes(100))


@pictures
@pytest.mark.parametrize("brand", [b"mp42", b"isom", b"qt  ", b"3gp5"])
def test_a_film_under_a_pictures_suffix_is_called_one(brand):
    assert "is a film" in refused(b"\0\0\0\x18ftyp" + brand + bytes(100), "IMG_2.jpg")


# Large pictures


def png_header(width, height):
    head = b"IHDR" + width.to_bytes(4) + height.to_bytes(4) + b"\x08\x02\0\0\0"
    start = b"\x89PNG\r\n\x1a\n" + (13).to_bytes(4) + head + zlib.crc32(head).to_bytes(4)
    return start + bytes(1000)


def jpeg_of(width, height):
    data = bytearray(FILES["jpg"])
    at = data.index(b"\xff\xc0")
    data[at + 5 : at + 9] = height.to_bytes(2) + width.to_bytes(2)
    return bytes(data)


TOO_LARGE = {
    "png": png_header(20_000, 20_000),
    "longest.png": png_header(2**31 - 1, 2**31 - 1),
    "jpg": jpeg_of(20_000, 20_000),
    "largest.jpg": jpeg_of(65_500, 65_500),
    "bmp": b"BM" + FILES["bmp"][2:18] + (20_000).to_bytes(4, "little") * 2 + FILES["bmp"][26:],
    "gif": b"GIF89a" + (20_000).to_bytes(2, "little") * 2 + FILES["gif"][10:],
    "avif": FILES["avif"].replace(
        b"ispe\0\0\0\0\0\0\0\xa0\0\0\0\x78", b"ispe\0\0\0\0" + (20_000).to_bytes(4) * 2
    ),
}


@pictures
@pytest.mark.parametrize("name", TOO_LARGE)
def test_a_picture_that_is_too_large_is_refused_with_its_size(name):
    told = refused(TOO_LARGE[name], f"bomb.{name}")
    assert f"bomb.{name} has more than 100 million pixels (" in told
    assert told.endswith(" megapixels)")
    assert "400 mega" in told or "est" in name


@pictures
def test_a_large_jpeg_is_reduced_while_it_is_decoded(monkeypatch):
    data = encoded("JPEG", cv2.resize(SMOOTH, (1600, 1200)), quality=95)
    whole = images.decode(data, "x", (64, 64, 3))
    decoded = []
    decode = image_formats.decode
    monkeypatch.setattr(
        image_formats, "decode", lambda *given: decoded.append(decode(*given)) or decoded[-1]
    )
    monkeypatch.setattr(images, "LARGE", 1_000_000)
    reduced = images.decode(data, "x", (64, 64, 3))
    assert decoded[0].shape == (150, 200, 3)  # at least twice what is asked for
    assert np.abs(whole.astype(int) - reduced).max() <= 6
    images.decode(data, "x")
    assert decoded[1].shape == (1200, 1600, 3)


@pictures
@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP", "TIFF", "BMP", "GIF", "AVIF"])
def test_large_pictures_are_decoded_one_at_a_time(format, tmp_path, monkeypatch):
    monkeypatch.setattr(images, "LARGE", 10_000)
    files = []
    for number in range(6):
        files.append(tmp_path / f"{number}.x")
        files[-1].write_bytes(encoded(format, NOISE))
    running, most, lock = [0], [0], threading.Lock()
    decode = image_formats.decode

    def counted(*given):
        with lock:
            running[0] += 1
            most[0] = max(most[0], running[0])
        image = decode(*given)
        with lock:
            running[0] -= 1
        return image

    monkeypatch.setattr(image_formats, "decode", counted)
    monkeypatch.setattr(images, "SMALL_FILE", 1)  # so that threads are used
    assert len(list(images.read_images(files, (28, 28, 1)))) == 6
    assert most == [1]


@pictures
def test_a_hundred_megapixels_take_little_memory(tmp_path):
    strip = np.repeat(NOISE[:1, :100, :1], 100, axis=1)[0, :, 0]
    Image.fromarray(np.broadcast_to(strip, (10_000, 10_000))).save(tmp_path / "x.jpg", quality=50)
    code = (
        "import resource, sys\n"
        "from asl.data import images\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "assert images.read_image(sys.argv[1], (64, 64, 3)).shape == (64, 64, 3)\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "x.jpg")],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
    )
    scale = 1 if sys.platform == "darwin" else 1024
    assert int(done.stdout) * scale < 100e6, done.stderr  # whole it would take 300 MB


@pictures
def test_a_file_of_many_gigabytes_is_not_even_read(tmp_path):
    with open(tmp_path / "x.png", "wb") as file:
        file.truncate(50 << 30)  # holes take no space
    with pytest.raises(AslError, match="is larger than 1,024 MB"):
        images.read_image(tmp_path / "x.png")
    found, _, left_out = image_folders.list_pictures(tmp_path, image_folders.re.compile("x"))
    assert found == []
    assert left_out == {"larger than 1,024 MB": ["x.png"]}


# What is no file


def make_pipe(path):
    os.mkfifo(path)


def make_socket(path):
    here = Path.cwd()
    os.chdir(path.parent)  # the path of a socket must be short
    with socket.socket(socket.AF_UNIX) as opened:
        opened.bind(path.name)
    os.chdir(here)


ODD = {
    "a pipe": make_pipe,
    "a socket": make_socket,
    "a device": lambda path: path.symlink_to("/dev/zero"),
    "a link that leads nowhere": lambda path: path.symlink_to(path.parent / "gone"),
    "Too many levels": lambda path: path.symlink_to(path.name),
    "a link to a folder": lambda path: path.symlink_to("."),
    "picture that can be read": lambda path: path.write_bytes(b"\0" * 99),
    "is empty": lambda path: path.touch(),
}


@pictures
@pytest.mark.parametrize("reason", ODD)
def test_what_is_no_file_is_named_in_a_folder(reason, tmp_path, stub, capsys):
    folder = tmp_path / "pictures"
    folder.mkdir()
    (folder / "good.jpg").write_bytes(FILES["jpg"])
    ODD[reason](folder / "odd.jpg")
    assert main(["predict", str(folder)]) == 1
    printed = capsys.readouterr()
    assert "good.jpg" in printed.out
    assert "1 left out:" in printed.err
    assert "odd.jpg" in printed.err
    assert reason in printed.err


@pictures
@pytest.mark.parametrize("reason", ODD)
def test_what_is_no_file_is_named_where_it_was_given(reason, tmp_path, stub, capsys):
    ODD[reason](tmp_path / "odd.jpg")
    if reason == "a link to a folder":
        reason = "odd.jpg"
    reason = reason.removeprefix("is ")
    assert main(["predict", str(tmp_path / "odd.jpg")]) == 1
    printed = capsys.readouterr()
    assert "odd.jpg" in printed.err
    assert reason in printed.err


@pictures
@pytest.mark.parametrize("reason", [each for each in ODD if each[0] in "aT"])
def test_what_is_no_file_is_named_in_a_data_set(reason, tmp_path):
    folder = tmp_path / "set"
    (folder / "A").mkdir(parents=True)
    (folder / "A/good.jpg").write_bytes(FILES["jpg"])
    ODD[reason](folder / "A/odd.jpg")
    pattern = image_folders.re.compile(image_folders.ANY_FOLDER)
    found, _, left_out = image_folders.list_pictures(folder, pattern)
    assert found == ["A/good.jpg"]
    (told,) = left_out
    assert reason in told or "leads out of the folder" in told
    assert left_out[told] == ["A/odd.jpg"]


@pictures
@pytest.mark.parametrize("given", ["/dev/null", "/dev/zero", "/dev/random"])
def test_a_device_that_was_given_is_named(given, stub, capsys):
    assert main(["predict", given]) == 1
    assert f"a device ({given})" in capsys.readouterr().err


@pictures
@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ("", "an empty path"),
        ("x" * 300, "File name too long"),
        ("nowhere/x.png", "does not exist"),
        ("file/x.png", "does not exist"),
        ("loop/x.png", "Too many levels"),
        ("broken", "is a link that leads nowhere"),
        ("a\0b", "null"),
    ],
)
def test_a_path_that_leads_to_nothing_is_named(given, reason, tmp_path, monkeypatch, stub, capsys):
    monkeypatch.chdir(tmp_path)
    Path("file").touch()
    Path("loop").symlink_to("loop")
    Path("broken").symlink_to("gone")
    assert main(["predict", given]) == 1
    assert reason in capsys.readouterr().err


@pytest.fixture
def closed(tmp_path, monkeypatch):
    """A folder and a file that may not be opened, whoever runs the tests."""
    folder = tmp_path / "closed"
    (folder / "A").mkdir(parents=True)
    for name in ("good.jpg", "secret.jpg", "A/x.jpg"):
        (folder / name).write_bytes(FILES["jpg"])
    scandir, read_bytes = os.scandir, Path.read_bytes

    def refuse(path):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(
        os, "scandir", lambda path: refuse(path) if str(path).endswith("A/") else scandir(path)
    )
    monkeypatch.setattr(
        Path, "read_bytes", lambda path: refuse(path) if "secret" in path.name else read_bytes(path)
    )
    return folder


@pictures
def test_what_may_not_be_opened_is_named(closed, stub, capsys):
    assert main(["predict", str(closed)]) == 1
    printed = capsys.readouterr()
    assert "good.jpg" in printed.out
    assert "2 left out:" in printed.err
    assert "A/ is a folder that cannot be opened: Permission denied" in printed.err
    assert "secret.jpg cannot be read: Permission denied" in printed.err
    pattern = image_folders.re.compile(image_folders.ANY_FOLDER)
    _, _, left_out = image_folders.list_pictures(closed, pattern)
    assert left_out["a folder that cannot be opened: Permission denied"] == ["A/"]


@pictures
def test_loops_of_folders_end(tmp_path, stub, capsys):
    (tmp_path / "a/b").mkdir(parents=True)
    (tmp_path / "a/x.jpg").write_bytes(FILES["jpg"])
    (tmp_path / "a/b/up").symlink_to(tmp_path / "a")
    (tmp_path / "a/self").symlink_to(".")
    assert main(["predict", str(tmp_path)]) == 1
    printed = capsys.readouterr()
    assert printed.out.count(".jpg") == 1
    assert "2 a link to a folder: give the folder itself (a/b/up, a/self)" in printed.err


# What predict says


@pytest.fixture
def stub(monkeypatch):
    """Networks that need no TensorFlow: what they predict is not looked at. In the shell it is the
    one for whole pictures, which needs no hands.
    """
    model = SimpleNamespace(input_shape=(None, 28, 28, 1))
    monkeypatch.setattr(read, "find_network", lambda: read._network(read.WHOLE))
    monkeypatch.setattr(
        prediction,
        "predict_input",
        lambda model, seen: np.tile([0.75, 0.25], (len(seen.values), 1)),
    )
    return model


def table_of(stub, *given):
    return prediction.predict_files(stub, ["A", "B"], given)


@pictures
def test_eleven_of_twelve_that_cannot_be_read_are_told(tmp_path, stub, capsys, monkeypatch):
    monkeypatch.setattr(image_formats, "heif_reader", lambda: None)
    folder = tmp_path / "phone"
    folder.mkdir()
    (folder / "one.jpg").write_bytes(FILES["jpg"])
    for number in range(11):
        (folder / f"IMG_{number:02d}.HEIC").write_bytes(HEIC)
    (folder / "notes.txt").touch()
    assert main(["predict", str(folder)]) == 1
    assert capsys.readouterr().err.splitlines() == [
        "12 left out:",
        "  notes.txt is no picture",
        "  11 HEIC, which needs a package: python -m pip install pi-heif "
        "(IMG_00.HEIC, IMG_01.HEIC, IMG_02.HEIC and 8 more)".replace("IMG_", f"{folder}/IMG_"),
    ]


@pictures
def test_other_files_are_mentioned_and_are_no_failure(tmp_path, stub, capsys):
    for name in ("x.jpg", "notes.txt", ".hidden.jpg", "Makefile", "a.csv", "b.json"):
        (tmp_path / name).write_bytes(FILES["jpg"])
    assert main(["predict", str(tmp_path)]) == 0
    told = capsys.readouterr().err
    assert "4 no picture (Makefile, a.csv, b.json and 1 more)" in told
    assert "hidden" not in told


@pictures
def test_a_folder_of_nothing_that_can_be_read_says_why(tmp_path, stub, capsys):
    for number in range(5):
        (tmp_path / f"{number}.cr2").touch()
    assert main(["predict", str(tmp_path)]) == 1
    told = capsys.readouterr().err
    assert "holds no pictures (.avif, .bmp" in told
    assert "5 a camera's raw file: export it as JPEG (0.cr2, 1.cr2, 2.cr2 and 2 more)" in told


@pictures
def test_messages_stay_short(tmp_path, stub, capsys):
    for number in range(300):
        (tmp_path / f"{number}.jpg").write_bytes(b"text")
    assert main(["predict", str(tmp_path)]) == 1
    assert len(capsys.readouterr().err) < 600


# The same names in several folders


@pytest.fixture
def two(tmp_path, monkeypatch):
    for folder in ("a", "b"):
        for name in ("A/1.jpg", "2.jpg"):
            (tmp_path / folder / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / folder / name).write_bytes(FILES["jpg"])
    monkeypatch.chdir(tmp_path)
    return tmp_path


@names
@pytest.mark.parametrize(
    ("given", "rows"),
    [
        (["a"], ["2.jpg", "A/1.jpg"]),
        (["a", "b"], ["a/2.jpg", "a/A/1.jpg", "b/2.jpg", "b/A/1.jpg"]),
        (["b", "a"], ["b/2.jpg", "b/A/1.jpg", "a/2.jpg", "a/A/1.jpg"]),
        (["a", "a"], ["2.jpg", "A/1.jpg"]),
        (["a", "./a/", "b/../a"], ["2.jpg", "A/1.jpg"]),
        (["a", "a/2.jpg"], ["a/2.jpg", "a/A/1.jpg"]),
        (["a/2.jpg", "a"], ["a/2.jpg", "a/A/1.jpg"]),
        (["a/2.jpg", "a/2.jpg"], ["a/2.jpg"]),
        (["a/2.jpg", "b/2.jpg"], ["a/2.jpg", "b/2.jpg"]),
        (["a", "a/A"], ["a/2.jpg", "a/A/1.jpg"]),
        (["a/A", "b/A"], ["a/A/1.jpg", "b/A/1.jpg"]),
        (["."], ["a/2.jpg", "a/A/1.jpg", "b/2.jpg", "b/A/1.jpg"]),
    ],
)
def test_rows_can_be_told_apart(given, rows, two, stub):
    table, bad = table_of(stub, *given)
    assert table["image"].tolist() == rows
    assert bad == []


@names
def test_absolute_and_relative_paths_lead_to_one_picture(two, stub):
    table, _ = table_of(stub, "a", two / "a/2.jpg", two / "a")
    assert table["image"].tolist() == ["a/2.jpg", "a/A/1.jpg"]
    (two / "link").symlink_to("a")
    assert len(table_of(stub, "a", "link")[0]) == 2


@names
def test_the_class_still_comes_from_the_folder_inside(two, stub):
    table, _ = table_of(stub, "a", "b")
    assert dict(zip(table["image"], table["actual"], strict=True)) == {
        "a/2.jpg": "",
        "a/A/1.jpg": "A",
        "b/2.jpg": "",
        "b/A/1.jpg": "A",
    }
    assert table_of(stub, "a/A/1.jpg")[0]["actual"].tolist() == [""]


@names
def test_what_was_left_out_of_several_folders_can_be_told_apart(two, stub):
    for folder in ("a", "b"):
        (two / folder / "x.cr2").touch()
    _, bad = table_of(stub, "a", "b")
    assert [message.split()[0] for message in bad] == ["a/x.cr2", "b/x.cr2"]


# Any file name


NAMES = [
    b"plain.jpg",
    b"with spaces.jpg",
    b"  leading spaces.jpg",
    b"trailing.jpg.jpg",
    b"line\nbreak.jpg",
    b"line\n\nbreaks\n.jpg",
    b"carriage\rreturn.jpg",
    b"both\r\nof them.jpg",
    b"\r.jpg",
    b"\n.jpg",
    b"tab\there.jpg",
    b"\tleading tab.jpg",
    b"comma,comma.jpg",
    b'quo"te.jpg',
    b'"quoted".jpg',
    b'""".jpg',
    b'",".jpg',
    b"'single'.jpg",
    b"=1+1.jpg",
    b'=HYPERLINK("x","y").jpg',
    b"+1.jpg",
    b"-1.jpg",
    b"@SUM(A1).jpg",
    b"'=1+1.jpg",
    b"''=1.jpg",
    b"'plain.jpg",
    b"\r=1.jpg",
    b"a=1.jpg",
    b" =1.jpg",
    b"=.jpg",
    b"\xff.jpg",
    b"caf\xe9.jpg",
    b"\xc3\x28.jpg",
    b"\xed\xa0\x80.jpg",
    b"\xf0\x9f.jpg",
    b"=\xff\n,.jpg",
    b"\\xff.jpg",
    b"\\\xff.jpg",
    b"\\\\xff.jpg",
    b"\\\\\xff.jpg",
    b"back\\slash.jpg",
    b"\\n.jpg",
    b"\\ud800.jpg",
    "café.jpg".encode(),
    "cafe\u0301.jpg".encode(),
    "手.jpg".encode(),
    "יד.jpg".encode(),
    "\u202egpj.exe.jpg".encode(),
    "🤟🏽.jpg".encode(),
    "👩‍👩‍👧.jpg".encode(),
    "\u2028line separator.jpg".encode(),
    "\x85next line.jpg".encode(),
    "\ufeffbom.jpg".encode(),
    "＝1.jpg".encode(),
    b"\x1b[31mred.jpg",
    b"\x07bell\x08.jpg",
    b"\x0b\x0c.jpg",
    b"\x7f.jpg",
    b"#comment.jpg",
    b"%s {} $HOME `x`.jpg",
    b"*?[x].jpg",
    b"-rf.jpg",
    b"NA.jpg",
    b"a;b|c.jpg",
    b"<b>&amp;.jpg",
    b"n" * 251 + b".jpg",
    "手".encode() * 83 + b"__.jpg",
]


def readers(path):
    """The first column and the number of rows as pandas and Python's strict reader see them."""
    raw = path.read_bytes()
    raw.decode("utf-8")
    with open(path, encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file, strict=True))
    table = pd.read_csv(path, dtype=str, keep_default_na=False)
    assert [row[0] for row in rows[1:]] == table["image"].tolist()
    assert {len(row) for row in rows} == {6}
    return table


@pytest.fixture(params=NAMES, ids=lambda name: ascii(name)[:40])
def named(request, tmp_path):
    folder = tmp_path / "named"
    folder.mkdir()
    try:
        with open(os.path.join(os.fsencode(folder), request.param), "wb") as file:
            file.write(FILES["jpg"])
    except OSError:
        pytest.skip("this system does not allow the name")
    return folder, os.fsdecode(request.param)


@names
def test_any_name_is_read_printed_and_written(named, stub, home):
    folder, name = named
    with io.TextIOWrapper(io.BytesIO(), "ascii") as narrow, pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "stdout", io.TextIOWrapper(io.BytesIO(), "utf-8"))
        output = home / "out.csv"
        assert main(["predict", "--output", str(output), str(folder)]) == 0
        sys.stdout.flush()
        printed = sys.stdout.buffer.getvalue().decode("utf-8").splitlines()
        narrow.write(printable(ascii(name)))
    assert len(printed) == 4  # a head, one row, how many are unsure, and what was written
    table = readers(output)
    assert len(table) == 1
    cell = table["image"][0]
    assert cell[0] not in "=+-@\t\r"
    assert read_results(output)["image"].tolist() == [name]
    if name.isprintable() and name.lstrip("'")[0] not in "=+-@" and "\\" not in name:
        assert cell == name
        assert name in printed[1]


@names
def test_a_name_of_a_damaged_picture_is_told_on_one_line(named, stub, capsys):
    folder, name = named
    (folder / name).write_bytes(b"text")
    (folder / "good.jpg").write_bytes(FILES["jpg"])
    assert main(["predict", str(folder)]) == 1
    told = capsys.readouterr().err
    assert told.isprintable() or all(each in "\n\u200d" or each.isprintable() for each in told)
    assert len(told.splitlines()) == 2
    assert printable(name) in told


@names
def test_all_names_at_once_have_a_row_each(tmp_path, stub):
    folder = tmp_path / "named"
    folder.mkdir()
    for name in NAMES:
        with open(os.path.join(os.fsencode(folder), name), "wb") as file:
            file.write(FILES["jpg"])
    found, bad = table_of(stub, folder)
    assert bad == []
    written = write_results(found)
    assert sorted(read_results(written)["image"]) == sorted(map(os.fsdecode, NAMES))
    assert len(set(readers(written)["image"])) == len(NAMES)


@names
@pytest.mark.parametrize("text", ["=1", "+", "-", "@", "\t", "\r", "'=", "''-", "'", "", "a", "'a"])
def test_every_column_of_text_is_safe_and_comes_back(text, home):
    table = results_table([text or "x"], np.array([[0.75, 0.25]]), [text, f"{text}2"], [text])
    read = read_results(write_results(table))
    for column in ("actual", "predicted", "second"):
        assert read[column].tolist() == table[column].tolist()
    raw = readers(files_path := home / "results.csv")
    assert files_path.exists()
    for column in ("image", "actual", "predicted", "second"):
        assert not raw[column][0].startswith(("=", "+", "-", "@", "\t", "\r"))


@names
def test_no_two_texts_share_a_cell(home):
    """Over texts of the characters that matter, drawn at random."""
    dice = np.random.default_rng(0)
    characters = [*"\\x8f0ud'=-+@\t\r\n\", éa", "\udcff", "\udc80", "\ud800", "\udfff"]
    texts = {"".join(dice.choice(characters, dice.integers(1, 8))) for _ in range(3000)}
    texts = sorted(texts)
    table = results_table(texts, np.tile([0.75, 0.25], (len(texts), 1)), ["A", "B"])
    written = write_results(table)
    assert read_results(written)["image"].tolist() == texts
    assert readers(written)["image"].is_unique


@names
def test_ordinary_names_have_the_bytes_they_always_had(home):
    table = results_table(["a/1.png", "ü,1"], np.array([[0.75, 0.25], [0, 1]]), ["A", "B"])
    assert write_results(table).read_bytes().decode() == (
        "image,actual,predicted,confidence,second,second_confidence\n"
        "a/1.png,,A,0.7500,B,0.2500\n"
        '"ü,1",,B,1.0000,A,0.0000\n'
    )


@names
@pytest.mark.parametrize(
    "content",
    [b"", b"\xff\xfe\0", b"image\nx\n", b"a,b,c\n1,2,3\n", b'image,"', b"\0" * 50],
)
def test_a_damaged_table_of_results_is_named(content, home):
    (home / "results.csv").write_bytes(content)
    with pytest.raises(AslError, match=r"results\.csv is no table of predictions"):
        read_results()


@names
def test_a_data_set_of_any_names_is_loaded(home, capsys):
    for number, name in enumerate(NAMES):
        for letter in (b"A", b"B"):
            folder = os.path.join(os.fsencode(home), b"own", letter)
            os.makedirs(folder, exist_ok=True)
            with open(os.path.join(folder, name), "wb") as file:
                file.write(FILES["jpg"] + letter + str(number).encode())
    samples = asl.load(f"folder:{home / 'own'}")
    assert len(samples) == 2 * len(NAMES)
    expected = {f"{letter}/{os.fsdecode(name)}" for letter in "AB" for name in NAMES}
    assert set(samples.names) == expected
    again = asl.load(f"folder:{home / 'own'}")  # from the array file
    assert again.names.tolist() == samples.names.tolist()
