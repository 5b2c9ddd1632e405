"""A picture of oneself into a folder: from the browser's camera in Colab, from this machine's else.

Nothing leaves the machine that runs the notebook.
"""

import base64
import time
from importlib import import_module
from itertools import count
from pathlib import Path
from typing import Any

from asl import files
from asl.errors import AslError

SECONDS = 5.0  # to hold up a hand
NONE = (
    "no camera can be used here: {why}. Take pictures with another program and put them into "
    "{folder}; in a notebook, upload = True asks for files."
)
# Run by Colab in the browser: shows the camera, waits for a click, gives a JPEG as a data URL
TAKE = """
(async () => {
  const box = document.createElement("div");
  const video = document.createElement("video");
  const button = document.createElement("button");
  button.textContent = "Take the picture";
  box.append(video, document.createElement("br"), button);
  document.body.appendChild(box);
  try {
    video.srcObject = await navigator.mediaDevices.getUserMedia({video: true});
    await video.play();
    google.colab.output.setIframeHeight(document.documentElement.scrollHeight, true);
    await new Promise((resolve) => { button.onclick = resolve; });
    const canvas = document.createElement("canvas");
    canvas.width = video.videoWidth;
    canvas.height = video.videoHeight;
    canvas.getContext("2d").drawImage(video, 0, 0);
    return canvas.toDataURL("image/jpeg", 0.9);
  } finally {
    if (video.srcObject) video.srcObject.getTracks().forEach((track) => track.stop());
    box.remove();
  }
})()
"""


def take_picture(folder: str | Path, seconds: float = SECONDS) -> Path:
    """Take a picture of whoever is before the camera, and write it into `folder` as a JPEG file;
    gives its path.

    In Colab the browser shows its camera, and a button takes the picture. Elsewhere the camera of
    the machine that runs the notebook is shown for so many seconds; what it sees last is the
    picture. AslError where there is no camera, or where it may not be used.
    """
    folder = Path(folder)
    try:
        ask_browser = import_module("google.colab.output").eval_js
    except ImportError:
        jpeg = _from_this_machine(folder, seconds)
    else:
        jpeg = _from_browser(ask_browser, folder)
    folder.mkdir(parents=True, exist_ok=True)
    paths = (folder / f"camera {number}.jpg" for number in count(1))
    path = next(path for path in paths if not path.exists())
    with files.write_beside(path) as temporary:
        temporary.write_bytes(jpeg)
    print(f"taken: {files.shown(path)}")
    return path


def _from_browser(ask_browser: Any, folder: Path) -> bytes:
    try:
        return base64.b64decode(str(ask_browser(TAKE)).partition(",")[2])
    except Exception as error:  # Colab's own, with what the browser says
        why = (str(error).strip().splitlines() or ["the browser gave no picture"])[0]
        raise AslError(NONE.format(why=why, folder=files.shown(folder))) from error


def _from_this_machine(folder: Path, seconds: float) -> bytes:
    cv2 = import_module("cv2")
    camera, jpeg = cv2.VideoCapture(0), b""
    try:
        ends, shown = time.monotonic() + seconds, None
        while camera.isOpened():
            is_there, image = camera.read()
            if not is_there:
                break
            jpeg = cv2.imencode(".jpg", image)[1].tobytes()
            shown = _show(cv2.imencode(".jpg", image[:, ::-1])[1].tobytes(), shown)
            if time.monotonic() >= ends:
                return jpeg
    finally:
        camera.release()
    why = "it gives no more images" if jpeg else "there is none, or it may not be used"
    raise AslError(NONE.format(why=why, folder=files.shown(folder)))


def _show(jpeg: bytes, shown: Any) -> Any:
    """Show an image, as in a mirror, in the place of the one before; nothing outside notebooks."""
    try:
        from IPython import display
    except ImportError:
        return None
    image = display.Image(jpeg, format="jpeg")
    if shown is None:
        return display.display(image, display_id=True)
    shown.update(image)
    return shown
