"""Uploading pictures: in Colab, in Jupyter, and where there is neither."""

import sys
from types import ModuleType, SimpleNamespace

import pytest

from asl import upload_pictures


@pytest.fixture
def colab(monkeypatch):
    """A stand-in for google.colab.files, which saves what a person chose."""

    def upload(target_dir):
        with open(f"{target_dir}/a.jpg", "wb") as file:
            file.write(b"picture")

    module = ModuleType("google.colab.files")
    module.upload = upload
    for name in ("google", "google.colab"):
        monkeypatch.setitem(sys.modules, name, ModuleType(name))
    monkeypatch.setitem(sys.modules, "google.colab.files", module)


@pytest.fixture
def button(monkeypatch):
    """A stand-in for ipywidgets.FileUpload; `button.choose` is what a person does."""
    button = SimpleNamespace(shown=0)

    def observe(handler, names):
        assert names == "value"
        button.choose = lambda value: handler({"new": value})

    def show(each):
        assert each is button
        button.shown += 1

    button.observe = observe
    widgets = SimpleNamespace(FileUpload=lambda **_: button)
    monkeypatch.setitem(sys.modules, "ipywidgets", widgets)
    monkeypatch.setitem(sys.modules, "IPython.display", SimpleNamespace(display=show))
    return button


def test_colab_asks_and_waits(colab, button, home):
    upload_pictures(home / "mine")
    assert (home / "mine/a.jpg").read_bytes() == b"picture"
    assert not button.shown


@pytest.mark.parametrize(
    "value",
    [
        ({"name": "../b.png", "content": memoryview(b"1")}, {"name": "c.png", "content": b"2"}),
        {"../b.png": {"content": b"1"}, "c.png": {"content": b"2"}},
    ],
    ids=["ipywidgets 8", "ipywidgets 7"],
)
def test_jupyter_shows_a_button_and_saves_what_is_chosen(value, button, home, capsys):
    upload_pictures(home / "mine")
    assert button.shown == 1
    assert not list((home / "mine").iterdir())
    button.choose(value)
    found = {file.name: file.read_bytes() for file in home.rglob("*.png")}
    assert found == {"b.png": b"1", "c.png": b"2"}
    assert (home / "mine/b.png").exists()  # nothing is written beside the folder
    assert "2 in mine" in capsys.readouterr().out


def test_without_either_it_says_where_to_put_them(home, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "ipywidgets", None)
    upload_pictures(home / "mine")
    assert "Put pictures into mine" in capsys.readouterr().out
    assert (home / "mine").is_dir()
