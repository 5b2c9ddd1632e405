"""Archives and folders as people have them: read whole, or refused in one line."""

import dataclasses
import errno
import io
import os
import resource
import stat
import struct
import sys
import tarfile
import types
import zipfile
from pathlib import Path

import numpy as np
import pytest

from asl import DATASETS, AslError, files
from asl.data import archives, download

pytestmark = pytest.mark.fault("archives")

ABC, LETTERS = DATASETS["abc"], DATASETS["letters"]
RANDOM = np.random.default_rng(0)
PICTURES = {
    f"{letter}/{letter}{number}.jpg": RANDOM.integers(0, 16, 3000, np.uint8).tobytes()
    for letter in "ABC"
    for number in (1, 2)
}
METHODS = {
    "stored": zipfile.ZIP_STORED,
    "deflate": zipfile.ZIP_DEFLATED,
    "bz2": zipfile.ZIP_BZIP2,
    "lzma": zipfile.ZIP_LZMA,
}
TAR_MODES = {
    ".tar": "w",
    ".tar.gz": "w:gz",
    ".tgz": "w:gz",
    ".tar.bz2": "w:bz2",
    ".tbz2": "w:bz2",
    ".tar.xz": "w:xz",
    ".txz": "w:xz",
}
PACKED = [*METHODS, ".tar", ".tar.gz", ".tar.bz2", ".tar.xz"]


def pack(form, contents):
    """An archive as bytes: by the name of a zip method, or by a suffix of tar."""
    out = io.BytesIO()
    if form in METHODS:
        with zipfile.ZipFile(out, "w", METHODS[form]) as archive:
            for name, content in contents.items():
                archive.writestr(name, content)
    else:
        with tarfile.open(fileobj=out, mode=TAR_MODES[form]) as archive:
            for name, content in contents.items():
                member = tarfile.TarInfo(name)
                member.size = len(content)
                archive.addfile(member, io.BytesIO(content))
    return out.getvalue()


def suffix_of(form):
    return ".zip" if form in METHODS else form


def extracted(folder):
    return {
        file.relative_to(folder).as_posix(): file.read_bytes()
        for file in folder.rglob("*")
        if file.is_file()
    }


def refused(home, content, match, name="a.zip"):
    """The archive is refused with one short line, and nothing of it stays."""
    (home / name).write_bytes(content)
    with pytest.raises(AslError, match=match) as caught:
        archives.extract(ABC, home / name)
    assert name in str(caught.value)
    assert len(str(caught.value)) < 500
    assert str(caught.value).isprintable()
    assert [each.name for each in (home / "data").iterdir()] == [".abc.lock"]


def whole(home, content, expected=PICTURES, name="a.zip"):
    (home / name).write_bytes(content)
    assert extracted(archives.extract(ABC, home / name)) == expected


@pytest.mark.parametrize("form", [*METHODS, *TAR_MODES])
def test_every_format_is_read(home, form):
    whole(home, pack(form, PICTURES), name="a" + suffix_of(form))
    tables = {f"deep/{name}": name.encode() for name in LETTERS.files}
    (home / "t").write_bytes(pack(form, tables))
    assert archives.read_files(LETTERS, home / "t") == [name.encode() for name in LETTERS.files]


@pytest.mark.parametrize("form", PACKED)
@pytest.mark.parametrize("name", ["a.zip", "a.tar.gz"])
def test_the_content_tells_the_format_where_the_name_is_wrong(home, form, name):
    whole(home, pack(form, PICTURES), name=name)


def outcome(home, content, name):
    """True for the whole result, False for a refusal; anything else fails."""
    file = home / name
    file.write_bytes(content)
    try:
        folder = archives.extract(ABC, file)
    except AslError as error:
        assert file.name in str(error)
        assert "\n" not in str(error)
        assert not (files.DATA / "abc").exists()
        return False
    found = extracted(folder)
    for path in sorted(folder.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    folder.rmdir()
    assert found == PICTURES
    return True


@pytest.mark.parametrize("form", PACKED)
def test_an_archive_cut_anywhere_is_whole_or_refused(home, form):
    content = pack(form, PICTURES)
    # Behind the content of a tar come 20 blocks of zeros, and one of them is enough
    needed = len(content) - (9000 if form == ".tar" else 0)
    lengths = [0, 1, 4, 22, 100, 511, 512, 513, *RANDOM.integers(0, needed, 20), needed - 1]
    for length in lengths:
        assert not outcome(home, content[:length], "a" + suffix_of(form)), length
    assert outcome(home, content, "a" + suffix_of(form))


@pytest.mark.parametrize("form", [each for each in PACKED if each != ".tar"])
@pytest.mark.parametrize("seed", range(3))
def test_an_archive_with_flipped_bytes_is_whole_or_refused(home, form, seed):
    content, random = pack(form, PICTURES), np.random.default_rng(seed)
    refusals = 0
    for place in random.integers(0, len(content), 25):
        spoiled = bytearray(content)
        spoiled[place] ^= int(random.integers(1, 256))
        refusals += not outcome(home, bytes(spoiled), "a" + suffix_of(form))
    assert refusals > 10


@pytest.mark.parametrize("form", METHODS)
def test_the_list_of_a_zip_with_each_byte_flipped(home, form):
    """All that is behind the pictures: names, sizes, offsets, checksums, the end."""
    few = dict(list(PICTURES.items())[:2])
    content = pack(form, few)
    start = content.index(b"PK\1\2")
    for place in range(start, len(content)):
        for mask in (0x01, 0x40):
            spoiled = bytearray(content)
            spoiled[place] ^= mask
            (home / "a.zip").write_bytes(spoiled)
            try:
                with archives.open_archive(ABC, home / "a.zip") as archive:
                    members = archives._pictures(archive)
                    archives._check_entries(archive, members)
                    found = {
                        str(path): b"".join(archives.chunks(archive, entry))
                        for path, entry in members.items()
                    }
            except AslError:
                continue
            assert found == few, (place - start, mask)


@pytest.mark.parametrize("seed", range(3))
def test_the_headers_of_a_tar_with_flipped_bytes(home, seed):
    """Headers have a checksum; the content of a plain tar has none."""
    content, random = pack(".tar", PICTURES), np.random.default_rng(seed)
    starts = [
        place for place in range(0, len(content), 512) if content[place + 257 :][:5] == b"ustar"
    ]
    refusals = 0
    for place in random.integers(0, 500, 25):
        spoiled = bytearray(content)
        spoiled[random.choice(starts) + place] ^= int(random.integers(1, 256))
        refusals += not outcome(home, bytes(spoiled), "a.tar")
    assert refusals > 20  # two bytes behind the checksum say nothing


def with_zip_entries(change, form="deflate"):
    """The pictures in a zip, and what `change` writes behind them."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", METHODS[form]) as archive:
        for name, content in PICTURES.items():
            archive.writestr(name, content)
        change(archive)
    return out.getvalue()


def with_mode(name, mode):
    def add(archive):
        member = zipfile.ZipInfo(name)
        member.create_system = 3
        member.external_attr = mode << 16
        archive.writestr(member, b"/etc/passwd")

    return with_zip_entries(add)


def adding(name, content=b"x"):
    return with_zip_entries(lambda archive: archive.writestr(name, content))


ODD = {  # entries that belong to nothing: the rest is read
    "no name": adding("QQQ").replace(b"QQQ", b"\0QQ"),
    "a name that ends in the middle": adding("QQQQ").replace(b"QQQQ", b"q\0QQ"),
    "a dot": adding("."),
    "a slash": adding("/"),
    "a folder of its own": adding("./"),
    "folders": adding("A/", b""),
    "other files": adding("README.txt"),
    "a colon": adding("12:30/notes.txt"),
    "of macOS": adding("__MACOSX/A/._A1.jpg"),
    "an icon of macOS": adding("Icon\r"),
    "hidden": adding(".DS_Store"),
    "a hidden folder": adding(".git/A/A9.jpg"),
    "steering characters": adding("notes\x1b[2J\n.txt"),
    "other letters": adding("größe/手.txt"),
    "a name too long": adding("x" * 300 + ".txt"),
    "thumbs": adding("A/Thumbs.db"),
    "dots": adding("A/...txt"),
    "a pipe of another system": adding("pipe|name?.txt"),
}


@pytest.mark.parametrize("content", ODD.values(), ids=ODD)
def test_odd_entries_are_left_alone(home, content):
    whole(home, content)


def test_names_as_windows_and_tar_write_them(home):
    whole(home, pack("deflate", {name.replace("/", "\\"): PICTURES[name] for name in PICTURES}))


def test_names_that_begin_with_a_dot_and_a_slash(home):
    whole(home, pack(".tar.gz", {"./" + name: PICTURES[name] for name in PICTURES}), name="a.tgz")


def test_names_of_other_letters(home):
    contents = {f"größe 手/{name}": content for name, content in PICTURES.items()}
    whole(home, pack("deflate", contents), contents)


def test_names_that_are_no_utf8(home):
    """A tar keeps bytes; they come out as they went in."""
    contents = {f"gr\udcf6\udcdfe/{name}": content for name, content in PICTURES.items()}
    whole(home, pack(".tar", contents), contents, "a.tar")


def test_line_breaks_in_names_of_pictures(home):
    contents = {f"a\nb/{name}": content for name, content in PICTURES.items()}
    whole(home, pack("deflate", contents), contents)


def test_the_later_of_two_of_one_name_counts_as_with_unzip(home):
    with pytest.warns(UserWarning, match="Duplicate name"):
        content = adding("A/A1.jpg", b"newer")
    whole(home, content, PICTURES | {"A/A1.jpg": b"newer"})


def test_something_before_and_behind_a_zip(home):
    whole(home, b"#!/bin/sh\nexit 1\n" * 50 + pack("deflate", PICTURES))


def test_a_comment_behind_a_zip(home):
    whole(home, with_zip_entries(lambda archive: setattr(archive, "comment", b"a comment" * 99)))


def test_zip64(home):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in PICTURES.items():
            with archive.open(name, "w", force_zip64=True) as entry:
                entry.write(content)
    whole(home, out.getvalue())


OUTSIDE = [
    "../evil",
    "/etc/evil",
    "a/../../evil",
    "C:\\evil",
    "c:evil",
    "\\\\server\\x",
    "..\\evil",
]


@pytest.mark.parametrize("name", [*OUTSIDE, "../A/A9.jpg", "A/../../A/A9.jpg", "/A/A9.jpg"])
@pytest.mark.parametrize("form", ["deflate", ".tar.gz"])
def test_paths_that_lead_outside(home, form, name):
    refused(home, pack(form, PICTURES | {name: b"x"}), "a path that leads outside its folder")


MODES = [stat.S_IFIFO, stat.S_IFCHR, stat.S_IFBLK, stat.S_IFSOCK]


@pytest.mark.parametrize("name", ["A/A9.jpg", "other"])
@pytest.mark.parametrize("mode", MODES)
def test_devices_and_pipes_in_a_zip(home, mode, name):
    refused(home, with_mode(name, mode | 0o644), rf"holds a device or pipe \({name}\)")


def test_links_in_a_zip(home):
    refused(home, with_mode("A/A9.jpg", stat.S_IFLNK | 0o777), r"holds a link \(A/A9\.jpg\)")


KINDS = {
    "hard link": (tarfile.LNKTYPE, "link"),
    "link": (tarfile.SYMTYPE, "link"),
    "pipe": (tarfile.FIFOTYPE, "device or pipe"),
    "character device": (tarfile.CHRTYPE, "device or pipe"),
    "block device": (tarfile.BLKTYPE, "device or pipe"),
    "rest of a file": (b"M", "file that began in another archive"),
}


@pytest.mark.parametrize(("kind", "message"), KINDS.values(), ids=KINDS)
def test_links_and_devices_in_a_tar(home, kind, message):
    out = io.BytesIO(pack(".tar", PICTURES))
    with tarfile.open(fileobj=out, mode="a") as archive:
        member = tarfile.TarInfo("A/A9.jpg")
        member.type, member.linkname = kind, "/etc/passwd"
        archive.addfile(member)
    refused(home, out.getvalue(), rf"holds a {message} \(A/A9\.jpg\)", "a.tar")


def patched(offset, value, content=None):
    """A zip with a field of each entry of its list changed, and in what stands before the files."""
    content = bytearray(content or pack("deflate", PICTURES))
    for magic, shift in ((b"PK\1\2", 0), (b"PK\3\4", -2)):
        start = content.find(magic)
        while start >= 0:
            content[start + offset + shift : start + offset + shift + len(value)] = value
            start = content.find(magic, start + 4)
    return bytes(content)


FLAGS, METHOD, SIZE = 8, 10, 24


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (patched(FLAGS, b"\1\0"), r"asks for a password \(A/A1\.jpg\).* to data/abc/"),
        (patched(FLAGS, b"\x21\0"), "asks for a password|not a whole zip"),
        (patched(FLAGS, b"\x20\0"), "not a whole zip archive"),
        (patched(METHOD, b"\x09\0"), r"packed in a way that is not read here \(Deflate64\)"),
        (patched(METHOD, b"\x5d\0"), r"not read here \(Zstandard\)|is not a whole"),
        (patched(METHOD, b"\x62\0"), r"not read here \(PPMd\)"),
        (patched(METHOD, b"\x01\0"), r"not read here \(method 1\)"),
        (patched(METHOD, b"\x63\0"), r"not read here \(method 99\)"),
        (patched(METHOD, b"\x0c\0"), "not a whole zip archive"),
        (patched(METHOD, b"\x0e\0"), "not a whole zip archive"),
        (patched(METHOD, b"\0\0"), "not a whole zip archive"),
        (patched(SIZE, struct.pack("<I", 10)), "not a whole zip archive"),
        (patched(SIZE, struct.pack("<I", 3001)), "3,000 bytes instead of 3,001"),
        (patched(SIZE, struct.pack("<I", 2**31)), "would grow to 2,147 MB, and A, B and C"),
        (patched(SIZE, b"\xff\xff\xff\xff"), "would grow to|not a whole zip"),
    ],
)  # fmt: skip
def test_what_is_packed_in_ways_that_are_not_read(home, content, message):
    refused(home, content, message)


@pytest.mark.parametrize("offset", [0, -1, -40])
def test_entries_that_share_bytes_are_a_bomb(home, offset):
    content = bytearray(pack("stored", PICTURES))
    first = content.index(b"PK\1\2")
    second = content.index(b"PK\1\2", first + 4)
    where = struct.unpack_from("<I", content, second + 42)[0]
    struct.pack_into("<I", content, second + 42, where + offset if offset else 0)
    refused(home, bytes(content), "entries overlap")


@pytest.mark.parametrize("form", [".tar", ".tar.gz", ".tar.xz"])
def test_a_tar_that_says_it_is_large(home, form):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode=TAR_MODES[form]) as archive:
        member = tarfile.TarInfo("A/A1.jpg")
        member.size = 200_000_000
        archive.fileobj.write(member.tobuf())  # a header without its content
    refused(home, out.getvalue(), "would grow to 200 MB", "a" + form)


@pytest.mark.parametrize("kind", [b"L", b"K", b"x", b"g"])
def test_a_tar_with_a_name_of_a_gigabyte(home, kind):
    header = tarfile.TarInfo("x")
    header.size, header.type = 1 << 30, kind
    content = pack(".tar", PICTURES)[: 6 * (512 + 3072)] + header.tobuf() + bytes(100_000)
    refused(home, content, "a header of an impossible size", "a.tar")


@pytest.mark.parametrize("size", ["-1", "-512", "-1024", "-100000"])
def test_a_tar_that_leads_back_is_never_read_for_ever(home, size):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for name, content in PICTURES.items():
            member = tarfile.TarInfo(name)
            member.size, member.pax_headers = len(content), {"size": size}
            archive.addfile(member, io.BytesIO(content))
    refused(home, out.getvalue(), "not a whole tar archive", "a.tar")


def test_data_behind_the_end_of_a_tar_is_bounded(home):
    import gzip

    content = gzip.compress(gzip.decompress(pack(".tar.gz", PICTURES)) + bytes(200_000_000), 1)
    refused(home, content, "it goes on behind its end", "a.tgz")


@pytest.mark.parametrize("form", list(TAR_MODES))
def test_two_tars_one_behind_the_other_are_not_read_by_half(home, form):
    names = list(PICTURES)
    parts = [pack(form, {name: PICTURES[name] for name in some}) for some in (names[:3], names[3:])]
    refused(home, b"".join(parts), "it goes on behind its end", "a" + form)


@pytest.mark.parametrize("form", ["deflate", ".tar"])
def test_a_name_that_is_a_file_and_a_folder(home, form):
    content = pack(form, PICTURES | {"A/A1.jpg/A/A5.jpg": b"x"})
    refused(
        home, content, r"one name as a file and as a folder \(A/A1\.jpg\)", "a" + suffix_of(form)
    )


@pytest.mark.parametrize(
    "name", ["x" * 300 + "/A/A9.jpg", "/".join(["y" * 200] * 30) + "/A/A9.jpg"]
)
def test_names_that_are_too_long_for_the_disk(home, name):
    message = r"a name that this disk does not take \(.*File name too long\)"
    refused(home, pack("deflate", PICTURES | {name: b"x"}), message)


def test_names_that_differ_by_case_alone(home, monkeypatch):
    contents = PICTURES | {"a/A1.jpg": b"other", "x/A/A1.jpg": b"1", "X/A/A1.jpg": b"2"}
    kept = {name: content for name, content in contents.items() if name != "a/A1.jpg"}
    whole(home, pack("deflate", contents), kept)


def test_names_that_differ_by_case_alone_on_a_disk_that_tells_none(home, monkeypatch):
    """macOS and Windows keep one of two such files: nothing is lost silently."""
    real = Path.open

    def folded(self, mode="r", *rest, **known):
        lowered = Path(str(self).replace("/X/", "/x/")) if "x" in mode else self
        lowered.parent.mkdir(parents=True, exist_ok=True)
        return real(lowered, mode, *rest, **known)

    monkeypatch.setattr(Path, "open", folded)
    content = pack("deflate", PICTURES | {"x/A/A1.jpg": b"1", "X/A/A1.jpg": b"2"})
    refused(home, content, "a name that this disk does not take .*File exists")


NO_ARCHIVES = {
    "nothing": (b"", "not a whole zip archive"),
    "text": (b"hello" * 1000, "not a whole zip archive"),
    "zeros": (bytes(100_000), "not a whole zip archive"),
    "a web page": (
        b"<!DOCTYPE html><html>Sign in</html>",
        r"not a whole zip archive \(a web page\)",
    ),
    "RAR": (b"Rar!\x1a\7\1\0" + bytes(1000), r"\(a RAR archive\)"),
    "7-Zip": (b"7z\xbc\xaf\x27\x1c" + bytes(1000), r"\(a 7-Zip archive\)"),
    "gzip": (__import__("gzip").compress(b"no tar" * 1000), "not a whole tar archive"),
    "an empty zip": (pack("deflate", {}), r"holds no <letter>/A1\.jpg …: it is not A, B and C"),
    "an empty tar": (bytes(pack(".tar", {})), "not a whole zip archive"),
    "a first part": (b"PK\7\x08" + pack("stored", PICTURES)[:9000], "the first part of a split"),
    "other pictures": (pack("deflate", {"cats/1.jpg": b"x"}), "it is not A, B and C"),
    "another archive": (
        pack("stored", {f"d/{number}.zip": pack("deflate", PICTURES) for number in range(5)}),
        r"but another archive \(d/0\.zip, d/1\.zip, d/2\.zip and 2 more\)\. Extract it, and put",
    ),
    "a tar inside": (pack("stored", {"abc.tar.gz": b"x"}), r"another archive \(abc\.tar\.gz\)"),
}


@pytest.mark.parametrize(("content", "message"), NO_ARCHIVES.values(), ids=NO_ARCHIVES)
def test_what_is_no_archive_of_this_set(home, content, message):
    refused(home, content, message)


def test_a_last_part_of_a_split_zip(home):
    content = bytearray(pack("stored", PICTURES))
    struct.pack_into("<HH", content, content.rindex(b"PK\5\6") + 4, 2, 2)
    refused(home, bytes(content)[5000:], "the last part of a split zip archive")


@pytest.mark.parametrize("form", PACKED)
def test_tables_in_a_damaged_archive(home, form):
    tables = {name: RANDOM.bytes(5000) for name in LETTERS.files}
    content = bytearray(pack(form, tables))
    if form == ".tar":
        content[:100] = RANDOM.bytes(100)
    content[2000:2100] = RANDOM.bytes(100)
    (home / f"a{suffix_of(form)}").write_bytes(content)
    with pytest.raises(AslError, match=r"is not a whole (zip|tar) archive .*It is damaged"):
        archives.read_files(LETTERS, home / f"a{suffix_of(form)}")


ERRORS = [
    *[EOFError("e"), ValueError("v"), OverflowError("o"), struct.error("s"), MemoryError()],
    *[OSError("Invalid data stream"), OSError(errno.EINVAL, "Invalid argument"), KeyError("k")],
    *[RuntimeError("r"), NotImplementedError("n"), UnicodeDecodeError("utf-8", b"x", 0, 1, "u")],
    *[IndexError("i"), AttributeError("a"), RecursionError("d"), zipfile.BadZipFile("b\nc" * 500)],
]


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_whatever_damage_raises(home, monkeypatch, error):
    def fail(*_):
        raise error

    monkeypatch.setattr(zipfile.ZipExtFile, "read", fail)
    refused(home, pack("deflate", PICTURES), "not a whole zip archive .*It is damaged")


def test_a_full_disk_still_says_so(home):
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    (home / "a.zip").write_bytes(pack("deflate", PICTURES))
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limits[1]))
    try:
        with pytest.raises(AslError, match="cannot write data/abc: File too large"):
            archives.extract(ABC, home / "a.zip")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert [each.name for each in (home / "data").iterdir()] == [".abc.lock"]


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES])
def test_a_disk_that_refuses(home, monkeypatch, number):
    real = Path.open

    def refuse(self, mode="r", *rest, **known):
        if "x" in mode:
            raise OSError(number, os.strerror(number))
        return real(self, mode, *rest, **known)

    (home / "a.zip").write_bytes(pack("deflate", PICTURES))
    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(AslError, match=f"cannot write data/abc: {os.strerror(number)}"):
        archives.extract(ABC, home / "a.zip")


@pytest.mark.parametrize("number", [errno.EACCES, errno.EIO, errno.ENOENT])
def test_an_archive_that_cannot_be_read(home, monkeypatch, number):
    real = Path.open

    def refuse(self, *rest, **known):
        if self.name == "a.zip":
            raise OSError(number, os.strerror(number))
        return real(self, *rest, **known)

    (home / "a.zip").write_bytes(pack("deflate", PICTURES))
    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(AslError, match=rf"a\.zip cannot be read \({os.strerror(number)}\)"):
        archives.extract(ABC, home / "a.zip")


# What is found first, and what is passed over


@pytest.fixture(autouse=True)
def six(monkeypatch):
    """Entries of six pictures, and of tables with three and two rows."""
    entry = dataclasses.replace(ABC, train_counts=(2, 2, 2))
    monkeypatch.setitem(DATASETS, "abc", entry)
    tables = dataclasses.replace(LETTERS, train_counts=(3,), test_counts=(2,))
    monkeypatch.setitem(DATASETS, "letters", tables)
    return entry


def put(folder, contents):
    for name, content in contents.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


def some(count):
    return dict(list(PICTURES.items())[:count])


ROWS = dict(zip(LETTERS.files, (b"label\n0\n1\n2\n", b"label\n0\n1\n"), strict=True))
TRAIN, TEST = LETTERS.files
INCOMPLETE_TABLES = {
    "one is missing": {TRAIN: ROWS[TRAIN]},
    "the other is missing": {TEST: ROWS[TEST]},
    "one is cut short": ROWS | {TRAIN: b"label\n0\n1\n"},
    "the other is empty": ROWS | {TEST: b""},
    "both are empty": {TRAIN: b"", TEST: b""},
    "more rows in the other": {TRAIN: b"label\n0\n", TEST: b"label\n0\n1\n2\n3\n4\n"},
}


def find(name, capsys):
    """Where the set is found, and the line about what was passed over."""
    place = download.find(DATASETS[name])
    return place, capsys.readouterr().out


@pytest.mark.parametrize("where", ["data", "archives"])
@pytest.mark.parametrize("contents", INCOMPLETE_TABLES.values(), ids=INCOMPLETE_TABLES)
def test_an_incomplete_folder_of_tables_hides_no_archive(
    home, monkeypatch, capsys, contents, where
):
    put(home / "data/letters", contents)
    put(home / where, {"letters.zip": pack("deflate", ROWS)})
    monkeypatch.setenv("ASL_ARCHIVES", str(home / "archives"))
    place, said = find("letters", capsys)
    assert place == home / where / "letters.zip"
    assert said.startswith(f"letters: {files.shown(place)} is used; passed over: data/letters (")
    assert said.count("\n") == 1


def test_a_whole_folder_of_tables_comes_first(home, capsys):
    put(home / "data/letters", ROWS)
    put(home / "data", {"letters.zip": pack("deflate", ROWS)})
    assert find("letters", capsys) == (home / "data/letters", "")


@pytest.mark.parametrize("count", [1, 3, 5])
@pytest.mark.parametrize("form", ["deflate", ".tar.gz"])
def test_an_incomplete_folder_of_pictures_hides_no_archive(home, capsys, count, form):
    put(home / "data/abc", some(count))
    put(home / "data", {f"abc{suffix_of(form)}": pack(form, PICTURES)})
    place, said = find("abc", capsys)
    assert place == home / f"data/abc{suffix_of(form)}"
    assert f"passed over: data/abc (holds {count} of 6 pictures)" in said
    folder = archives.extract(DATASETS["abc"], place)
    assert extracted(folder) == PICTURES
    assert extracted(home / "data/abc-incomplete-1") == some(count)  # nothing is lost
    assert find("abc", capsys)[0] == home / "data/abc"


def test_an_incomplete_folder_is_used_where_there_is_nothing_better(home, capsys):
    put(home / "data/abc", some(4))
    put(home / "data", {"abc.zip": pack("deflate", some(3))})
    place, said = find("abc", capsys)
    assert place == home / "data/abc"
    assert "data/abc.zip (holds 3 of 6 pictures)" in said


def test_what_is_beside_a_whole_folder_is_not_even_opened(home, capsys, monkeypatch):
    put(home / "data/abc", PICTURES | {"notes.txt": b"mine"})
    put(home / "data", {"abc.zip": b"damaged"})
    monkeypatch.setattr(archives, "open_archive", None)
    assert find("abc", capsys) == (home / "data/abc", "")


def damaged(contents):
    content = bytearray(pack("deflate", contents))
    content[40:60] = b"x" * 20
    return bytes(content)


BAD_ARCHIVES = {
    "empty": b"",
    "a web page": b"<html>Sign in</html>",
    "cut short": pack("deflate", PICTURES)[:-100],
    "damaged within": damaged(PICTURES),
    "something else": pack("deflate", {"cats/1.jpg": b"x"}),
    "fewer pictures": pack("deflate", some(5)),
    "a bomb": adding("A/A7.jpg", bytes(151_000_000)),
    "a path outside": adding("../evil"),
    "another archive": pack("stored", {"abc.zip": pack("deflate", PICTURES)}),
    "a password": patched(FLAGS, b"\1\0"),
}


@pytest.mark.parametrize("name", ["abc.zip", "datacamp-abc.zip", "abc.tar.gz", "abc (1).zip"])
@pytest.mark.parametrize("content", BAD_ARCHIVES.values(), ids=BAD_ARCHIVES)
def test_a_bad_archive_hides_no_good_one(home, monkeypatch, capsys, content, name):
    put(home / "first", {name: content})
    put(home / "second", {"abc.zip": pack("deflate", PICTURES)})
    for folders in ("first:second", "first:nowhere:second", "second:first"):
        named = os.pathsep.join(str(home / each) for each in folders.split(":"))
        monkeypatch.setenv("ASL_ARCHIVES", named)
        place, said = find("abc", capsys)
        assert place == home / "second/abc.zip"
        assert ("passed over: first/" in said) == folders.startswith("first")
    assert extracted(archives.extract(DATASETS["abc"], place)) == PICTURES


def test_a_bad_archive_hides_no_good_one_in_data(home, monkeypatch, capsys):
    put(home / "first", {"abc.zip": damaged(PICTURES)})
    put(home / "data", {"abc.zip": pack("deflate", PICTURES)})
    monkeypatch.setenv("ASL_ARCHIVES", str(home / "first"))
    place, said = find("abc", capsys)
    assert place == home / "data/abc.zip"
    assert "passed over: first/abc.zip (is not a whole zip archive" in said


@pytest.mark.parametrize(
    "bad", [damaged(ROWS), pack("deflate", INCOMPLETE_TABLES["one is cut short"])]
)
def test_a_bad_archive_of_tables_hides_no_good_one(home, monkeypatch, capsys, bad):
    put(home / "first", {"letters.zip": bad})
    put(home / "data", {"archive (2).zip": pack("deflate", ROWS)})
    monkeypatch.setenv("ASL_ARCHIVES", str(home / "first"))
    place, said = find("letters", capsys)
    assert place == home / "data/archive (2).zip"
    assert "first/letters.zip (" in said


def test_a_damaged_archive_that_is_the_only_one_is_told_when_it_is_read(home, capsys):
    put(home / "data", {"abc.zip": BAD_ARCHIVES["cut short"]})
    place, said = find("abc", capsys)
    assert (place, said) == (home / "data/abc.zip", "")
    with pytest.raises(AslError, match="not a whole zip archive"):
        archives.extract(DATASETS["abc"], place)


@pytest.mark.parametrize("suffix", [".zip", ".ZIP", *TAR_MODES])
def test_names_and_suffixes_under_which_an_archive_is_found(home, capsys, suffix):
    form = "deflate" if suffix.lower() == ".zip" else suffix
    put(home / "data", {f"letters{suffix}": pack(form, ROWS)})
    assert find("letters", capsys) == (home / f"data/letters{suffix}", "")


@pytest.mark.parametrize(
    "name", ["archive.zip", "archive (1).zip", "archive(3).zip", "Archive.tar.gz"]
)
def test_archive_zip_is_looked_into(home, capsys, name):
    form = ".tar.gz" if name.endswith(".gz") else "deflate"
    put(home / "data", {name: pack(form, PICTURES)})
    assert find("letters", capsys) == (None, "")
    put(home / "data", {name: pack(form, ROWS)})
    assert find("letters", capsys) == (home / "data" / name, "")


# What is said when nothing is found


def refuse(*_, **__):
    raise OSError("no network here")


@pytest.fixture
def no_network(monkeypatch):
    monkeypatch.setitem(sys.modules, "kagglehub", types.SimpleNamespace(dataset_download=refuse))
    for name in ("KAGGLE_KEY", "KAGGLE_API_TOKEN", "KAGGLE_CONFIG_DIR"):
        monkeypatch.delenv(name, raising=False)


def message_of(name="letters"):
    with pytest.raises(AslError, match="is not on this machine") as caught:
        download.fetch(DATASETS[name])
    return str(caught.value)


@pytest.mark.parametrize(
    ("value", "named"),
    [
        ("/nowhere", ["/nowhere"]),
        ("/nowhere:/neither", ["/nowhere", "/neither"]),
        ("{home}:/nowhere", ["/nowhere"]),
        ("{home}/a.zip", ["a.zip"]),
        ("~/Downloads", ["~/Downloads"]),
        (":", []),
        ("{home}", []),
    ],
)
def test_folders_in_asl_archives_that_are_not_there(home, monkeypatch, no_network, value, named):
    (home / "a.zip").write_bytes(b"")
    monkeypatch.setenv("ASL_ARCHIVES", value.format(home=home))
    message = message_of()
    assert (": no folder that can be read" in message) == bool(named)
    for each in named:
        assert f"{each}" in message.split("ASL_ARCHIVES names", 1)[1]
    assert len(message) < 900


def test_hundred_folders_that_are_not_there_are_told_shortly(home, monkeypatch, no_network):
    monkeypatch.setenv(
        "ASL_ARCHIVES", os.pathsep.join(f"/nowhere/{number}" for number in range(100))
    )
    assert "and 97 more" in message_of()
    assert "ASL_ARCHIVES names /nowhere/0, /nowhere/1, /nowhere/2 and 97 more:" in message_of()


def test_a_folder_of_credentials_that_is_not_there(home, monkeypatch, no_network):
    monkeypatch.setenv("KAGGLE_CONFIG_DIR", "/nowhere/kaggle")
    message = message_of()
    assert "KAGGLE_CONFIG_DIR names /nowhere/kaggle: no folder" in message
    assert "there are none (~/.kaggle/kaggle.json, or in KAGGLE_CONFIG_DIR" in message
    assert "KAGGLE_CONFIG_DIR" not in message_of("abc")  # which is not on Kaggle


@pytest.mark.parametrize(
    ("contents", "flaw"),
    [
        ({"letters/" + TRAIN: ROWS[TRAIN]}, f"data/letters (lacks {TEST})"),
        ({"archive.zip": b"<html>"}, "data/archive.zip (is not a whole zip archive (a web page))"),
        ({"archive.zip": pack("deflate", {TRAIN: b""})}, f"data/archive.zip (lacks {TEST})"),
        ({"archive.zip": pack("deflate", {"cats/1.jpg": b"x"})}, ""),
        ({"letters/notes.txt": b"x"}, ""),
    ],
)
def test_what_is_there_and_no_use_is_named(home, no_network, contents, flaw):
    put(home / "data", contents)
    assert download.find(DATASETS["letters"]) is None
    message = message_of()
    assert (f"Passed over: {flaw}." in message) == bool(flaw)
    assert ("Passed over" in message) == bool(flaw)


def test_an_incomplete_folder_of_kagglehub_is_said(home, monkeypatch, capsys):
    hub = put(home / "hub", INCOMPLETE_TABLES["one is cut short"])
    api = types.SimpleNamespace(dataset_download=lambda handle: str(hub))
    monkeypatch.setitem(sys.modules, "kagglehub", api)
    assert download.fetch(DATASETS["letters"]) == hub
    assert f"{hub} holds 4 of 5 rows" in capsys.readouterr().out
    put(home / "data", {"letters.zip": pack("deflate", ROWS)})
    assert (
        download.find(DATASETS["letters"]) == home / "data/letters.zip"
    )  # and it is asked no more


@pytest.mark.parametrize(
    ("came", "reason"),
    [
        ({}, "0 archives came instead of one"),
        ({"a.zip": b"", "b.zip": b""}, "2 archives came instead of one"),
        ({"a.zip": b"<html>"}, r"what came is not a whole zip archive \(a web page\)"),
        ({"a.zip": pack("deflate", ROWS)[:100]}, "what came is not a whole zip archive"),
        ({"a.zip": pack("deflate", {"cats/1.jpg": b"x"})}, "what came holds nothing of this"),
    ],
)
def test_a_download_that_is_not_the_set_does_not_stay_as_it(
    home, monkeypatch, no_network, came, reason
):
    api = types.SimpleNamespace(
        dataset_download_files=lambda handle, path, quiet: put(Path(path), came | {"x.txt": b""})
    )
    monkeypatch.setitem(sys.modules, "kaggle", types.SimpleNamespace(api=api))
    monkeypatch.setenv("KAGGLE_API_TOKEN", "x")
    with pytest.raises(AslError, match=f"with credentials: {reason}"):
        download.fetch(DATASETS["letters"])
    assert not list((home / "data").glob("*.zip"))
