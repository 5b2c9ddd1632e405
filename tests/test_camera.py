"""Taking a picture: in Colab by the browser, elsewhere by the camera of this machine."""

import base64
import sys
from types import ModuleType

import cv2
import numpy as np
import pytest

from asl import AslError, read_image, take_picture

GREEN = np.zeros((48, 64, 3), np.uint8)
GREEN[:, :32] = (0, 200, 0)  # so that it shows when it is mirrored


class Camera:
    """A stand-in for cv2.VideoCapture that gives so many images."""

    def __init__(self, count):
        self.left, self.is_released = count, False

    def __call__(self, number):
        assert number == 0
        return self

    def isOpened(self):
        return self.left is not None

    def read(self):
        if not self.left:
            return False, None
        self.left -= 1
        return True, GREEN

    def release(self):
        self.is_released = True


@pytest.fixture
def camera(monkeypatch):
    def put(count):
        camera = Camera(count)
        monkeypatch.setattr(cv2, "VideoCapture", camera)
        return camera

    return put


def test_this_machines_camera_gives_its_last_image_as_it_is(camera, home, capsys):
    there = camera(3)
    path = take_picture(home / "mine", seconds=0)
    assert there.is_released and there.left == 2
    left, right = np.split(read_image(path).astype(int), 2, axis=1)
    assert left[..., 1].mean() > 180 and right[..., 1].mean() < 20
    assert "taken: mine/camera 1.jpg" in capsys.readouterr().out


def test_a_second_picture_leaves_the_first(camera, home):
    camera(9)
    (home / "camera 2.jpg").write_bytes(b"of yesterday")
    names = [take_picture(home, seconds=0).name for _ in range(2)]
    assert names == ["camera 1.jpg", "camera 3.jpg"]
    assert (home / "camera 2.jpg").read_bytes() == b"of yesterday"


@pytest.mark.parametrize(("count", "why"), [(None, "there is none"), (1, "gives no more images")])
def test_no_camera_is_said_with_what_to_do(camera, home, count, why):
    there = camera(count)
    with pytest.raises(AslError, match=rf"{why}.* put them into mine; .*upload = True"):
        take_picture(home / "mine", seconds=60)
    assert there.is_released
    assert not (home / "mine").exists()


@pytest.fixture
def colab(monkeypatch):
    """A stand-in for google.colab.output; `colab.answer` is what the browser gives."""
    output = ModuleType("google.colab.output")
    output.answer = lambda script: ""
    output.eval_js = lambda script: output.answer(script)
    for name in ("google", "google.colab"):
        monkeypatch.setitem(sys.modules, name, ModuleType(name))
    monkeypatch.setitem(sys.modules, "google.colab.output", output)
    return output


def test_colab_gives_what_the_browser_took(colab, home):
    jpeg = cv2.imencode(".jpg", GREEN)[1].tobytes()
    url = "data:image/jpeg;base64," + base64.b64encode(jpeg).decode()
    colab.answer = lambda script: url if "getUserMedia" in script else ""
    assert take_picture(home).read_bytes() == jpeg


def test_a_camera_that_is_denied_in_colab(colab, home):
    def deny(script):
        raise RuntimeError("NotAllowedError: Permission denied\n  at <anonymous>")

    colab.answer = deny
    with pytest.raises(AslError, match=r"NotAllowedError: Permission denied\. Take pictures with"):
        take_picture(home / "mine")
    assert not (home / "mine").exists()
