import stat
import sys
import types
import zipfile

import pytest

from asl import DATASETS, AslError, files, load
from asl.data import archives, download

LETTERS = DATASETS["letters"]
FILES = LETTERS.files


def make_archive(file, names=FILES, content=b"content"):
    file.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in names:
            archive.writestr(name, content)
    return file


def test_found_nowhere(home):
    assert download.find(LETTERS) is None


def test_extracted_comes_before_archives(home):
    archive = make_archive(home / "data/sign-language-mnist.zip")
    assert download.find(LETTERS) == archive
    for name in FILES:
        (home / "data/letters/some/folder").mkdir(parents=True, exist_ok=True)
        (home / "data/letters/some/folder" / name).touch()
    assert download.find(LETTERS) == home / "data/letters"


def test_kaggles_archive_zip_is_taken_only_if_it_holds_the_files(home):
    make_archive(home / "data/archive.zip", ["something/else.csv"])
    assert download.find(LETTERS) is None
    archive = make_archive(home / "data/archive.zip")
    assert download.find(LETTERS) == archive


def test_files_from_inside_an_archive(home):
    archive = make_archive(home / "a.zip", [f"deep/{name}" for name in FILES], b"label\n")
    assert archives.read_files(LETTERS, archive) == [b"label\n", b"label\n"]


@pytest.mark.parametrize("name", ["../evil.csv", "/etc/evil.csv", "a/../../evil", "C:\\evil.csv"])
def test_an_archive_that_leads_outside_is_refused(home, name):
    archive = make_archive(home / "a.zip", [*FILES, name])
    with pytest.raises(AslError, match="a path that leads outside its folder"):
        archives.read_files(LETTERS, archive)


def test_an_archive_cut_short(home):
    archive = make_archive(home / "a.zip", content=bytes(range(256)) * 100)
    whole = archive.read_bytes()
    for length in (0, 10, len(whole) // 2, len(whole) - 1):
        archive.write_bytes(whole[:length])
        with pytest.raises(AslError, match=r"a\.zip is not a whole zip archive"):
            archives.read_files(LETTERS, archive)


def test_an_archive_with_a_damaged_middle(home):
    archive = make_archive(home / "a.zip", content=bytes(range(256)) * 100)
    damaged = bytearray(archive.read_bytes())
    damaged[80:120] = b"x" * 40
    archive.write_bytes(damaged)
    with pytest.raises(AslError, match="not a whole zip archive"):
        archives.read_files(LETTERS, archive)


def test_an_archive_of_something_else(home):
    archive = make_archive(home / "a.zip", ["cats.csv"])
    with pytest.raises(AslError, match=r"holds no sign_mnist_train\.csv: it is not Sign Language"):
        archives.read_files(LETTERS, archive)
    archive.write_text("<html>Sign in to Kaggle</html>")
    with pytest.raises(AslError, match="not a whole zip archive"):
        archives.read_files(LETTERS, archive)


class Refusal(Exception):
    pass


def refuse(*_, **__):
    raise Refusal("no network here\nand a long page of help")


def test_no_network_and_no_archive_says_where_to_put_it(home, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "kagglehub", types.SimpleNamespace(dataset_download=refuse))
    monkeypatch.setitem(sys.modules, "kaggle", None)  # its import fails
    with pytest.raises(AslError) as caught:
        load("letters")
    message = str(caught.value)
    assert "data/sign-language-mnist.zip" in message
    assert "https://www.kaggle.com/datasets/datamunge/sign-language-mnist" in message
    assert "no network here" in message
    assert "long page" not in message
    assert [file.suffix for file in home.rglob("*") if file.is_file()] == [".lock"]


def test_kaggle_without_credentials_is_not_asked(home, monkeypatch):
    """The real `import kaggle` prints a page of help and may end the program."""
    monkeypatch.setitem(sys.modules, "kagglehub", types.SimpleNamespace(dataset_download=refuse))
    monkeypatch.setenv("KAGGLE_CONFIG_DIR", str(home))
    for name in ("KAGGLE_KEY", "KAGGLE_API_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.delitem(sys.modules, "kaggle", raising=False)
    with pytest.raises(AslError, match=r"with credentials: there are none \(~/\.kaggle"):
        download.fetch(LETTERS)
    assert "kaggle" not in sys.modules


def test_kaggle_that_ends_the_program_ends_only_this_way(home, monkeypatch):
    def leave(*_, **__):
        raise SystemExit(1)

    api = types.SimpleNamespace(dataset_download_files=leave)
    monkeypatch.setitem(sys.modules, "kagglehub", types.SimpleNamespace(dataset_download=refuse))
    monkeypatch.setitem(sys.modules, "kaggle", types.SimpleNamespace(api=api))
    monkeypatch.setenv("KAGGLE_API_TOKEN", "x")
    with pytest.raises(AslError, match="with credentials: 1"):
        download.fetch(LETTERS)


def test_the_real_kagglehub_without_a_network(home, monkeypatch):
    """A proxy that nobody answers stands for no network."""
    for name in ("HTTPS_PROXY", "https_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.setenv("KAGGLE_CONFIG_DIR", str(home))
    for name in ("KAGGLE_KEY", "KAGGLE_API_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(AslError, match="without an account: no connection"):
        download.fetch(LETTERS)


def test_kagglehub_first(home, monkeypatch):
    folder = home / "hub"
    folder.mkdir()
    for name in FILES:
        (folder / name).touch()
    asked = []

    def fetch(handle):
        asked.append(handle)
        return str(folder)

    monkeypatch.setitem(sys.modules, "kagglehub", types.SimpleNamespace(dataset_download=fetch))
    assert download.fetch(LETTERS) == folder
    assert asked == ["datamunge/sign-language-mnist"]


def test_kaggle_with_credentials_second(home, monkeypatch):
    def fetch(handle, path, quiet):
        make_archive(home / path / "sign-language-mnist.zip")

    api = types.SimpleNamespace(dataset_download_files=fetch)
    monkeypatch.setitem(sys.modules, "kagglehub", types.SimpleNamespace(dataset_download=refuse))
    monkeypatch.setitem(sys.modules, "kaggle", types.SimpleNamespace(api=api))
    monkeypatch.setenv("KAGGLE_API_TOKEN", "x")
    archive = download.fetch(LETTERS)
    assert archive == home / "data/sign-language-mnist.zip"
    assert [path.name for path in (home / "data").iterdir()] == [archive.name]
    assert download.find(LETTERS) == archive


ABC = DATASETS["abc"]
PICTURES = [f"{letter}/{letter}{i}.jpg" for letter in "ABC" for i in (1, 2)]


def test_pictures_are_extracted_and_nothing_else(home):
    archive = make_archive(
        home / "a.zip", [*PICTURES, "notes.txt", "__MACOSX/A/A1.jpg", "D/D1.jpg"]
    )
    (home / "data/.abc-killed/whole").mkdir(parents=True)  # what a killed extraction left
    folder = archives.extract(ABC, archive)
    assert folder == home / "data/abc"
    assert not (home / "data/.abc-killed").exists()
    found = [file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file()]
    assert sorted(found) == PICTURES


def add_link(file, name="A/A3.jpg", target="/etc/passwd"):
    with zipfile.ZipFile(file, "a") as archive:
        member = zipfile.ZipInfo(name)
        member.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(member, target)


def test_hostile_archives_of_pictures_leave_nothing(home, monkeypatch):
    outside = make_archive(home / "outside.zip", [*PICTURES, "../../A/A3.jpg"])
    link = make_archive(home / "link.zip", PICTURES)
    add_link(link)
    bomb = make_archive(home / "bomb.zip", PICTURES)
    with zipfile.ZipFile(bomb, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("A/A3.jpg", bytes(151_000_000))
    cut = make_archive(home / "cut.zip", PICTURES, bytes(range(256)) * 100)
    cut.write_bytes(cut.read_bytes()[:-30])
    damaged = make_archive(home / "damaged.zip", PICTURES, bytes(range(256)) * 100)
    content = bytearray(damaged.read_bytes())
    content[60:100] = b"x" * 40
    damaged.write_bytes(content)
    other = make_archive(home / "other.zip", ["cats/1.jpg"])
    for file, message in (
        (outside, "leads outside its folder"),
        (link, r"holds a link \(A/A3\.jpg\)"),
        (bomb, r"would grow to 151 MB, and A, B and C .* has 15"),
        (cut, "not a whole zip archive"),
        (damaged, "not a whole zip archive"),
        (other, "it is not A, B and C"),
    ):
        with pytest.raises(AslError, match=message):
            archives.extract(ABC, file)
    left = [file.name for file in (home / "data").iterdir()]
    assert left == [".abc.lock"]
    assert bomb.stat().st_size < 1_000_000


def test_a_disk_too_small_for_the_pictures(home, monkeypatch):
    archive = make_archive(home / "a.zip", PICTURES)
    usage = types.SimpleNamespace(free=10)
    monkeypatch.setattr(files.shutil, "disk_usage", lambda _: usage)
    with pytest.raises(AslError, match="its disk has 0 MB free"):
        archives.extract(ABC, archive)
    assert not (home / "data/abc").exists()


def test_what_lies_where_pictures_should_go_stays(home):
    archive = make_archive(home / "a.zip", PICTURES)
    (home / "data/abc").mkdir(parents=True)
    (home / "data/abc/diary.txt").write_text("mine")
    with pytest.raises(AslError, match="holds something else"):
        archives.extract(ABC, archive)
    assert [file.name for file in (home / "data/abc").iterdir()] == ["diary.txt"]


def test_a_set_that_is_not_on_kaggle_names_the_page(home):
    with pytest.raises(AslError) as caught:
        load("abc")
    message = str(caught.value)
    assert "https://www.datacamp.com/projects/509" in message
    assert "data/datacamp-abc.zip" in message
    assert "Kaggle" not in message
