"""The page's server, and Chromium with a film as its camera; for the tests, and for the bench."""

import atexit
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
NAMES = ("chromium", "chromium-browser", "google-chrome")
CHROMIUM = next(filter(None, map(shutil.which, NAMES)), None)
# On a machine that is busy with other things: films are so many times slower, and so is the clock
SLOWER = int(os.environ.get("SLOWER", "1"))
SERVER = f"""import sys, time, types
from asl.__main__ import main
from asl.app import page, page_collect, page_practise
for each in (page, page_collect, page_practise):
    each.time = types.SimpleNamespace(monotonic=lambda: time.monotonic() / {SLOWER})
sys.exit(main())"""
START_OR_STOP = 'button[aria-label="start or stop reading"]:visible'


class DidNotStart(Exception):
    """What the server printed, or what is not to be had."""


@contextmanager
def started(home: Path, options: tuple = (), server: str = SERVER, **known: str) -> Iterator:
    """The page's server, with this home folder: its address, and what was printed. Ctrl-C ends it
    as it should, and nothing is left where temporary files lie.
    """
    temporary = Path(tempfile.mkdtemp(prefix="temporary-", dir=home))
    known |= {"ASL_HOME": str(home), "TMPDIR": str(temporary)}
    command = [sys.executable, "-c", server, "app", "--no-browser", *options]
    process = subprocess.Popen(
        command, cwd=REPOSITORY, env=os.environ | known, stdout=subprocess.PIPE, text=True
    )
    told = ""
    try:
        for line in process.stdout:
            told += line
            if found := re.search(r"http://127\.0\.0\.1:\d+", line):
                yield found[0], told
                return
        raise DidNotStart(told)
    finally:
        process.terminate()
        assert process.wait(60) == 130
        assert not [*temporary.glob("asl-*")]


@contextmanager
def chromium_with(film: Path | None, cameras: int = 0) -> Iterator:
    """Chromium, whose camera plays a film over and over; or that has so many cameras, which show
    test pictures of its own, since it has one camera at most for a film.
    """
    from playwright.sync_api import Error

    arguments = ["--no-sandbox"]
    if film:
        arguments += ["--use-fake-device-for-media-stream"]
        arguments += [f"--use-file-for-fake-video-capture={film}"]
    elif cameras:
        arguments += [f"--use-fake-device-for-media-stream=device-count={cameras}"]
    try:
        browser = _playwright().chromium.launch(executable_path=CHROMIUM, args=arguments)
    except Error as error:
        raise DidNotStart(str(error).splitlines()[0]) from error
    yield browser
    browser.close()


@cache
def _playwright():
    """One for all browsers: a second one beside it is refused."""
    from playwright.sync_api import sync_playwright

    started = sync_playwright().start()
    atexit.register(started.stop)
    return started


@contextmanager
def opened(
    chromium, address: str, permissions=("camera",), width=1300, scheme="light", script=""
) -> Iterator:
    """The page in a tab of its own, which asks for nothing from elsewhere and makes no error."""
    context = chromium.new_context(
        viewport={"width": width, "height": 1000},
        color_scheme=scheme,
        permissions=[*permissions, "clipboard-read", "clipboard-write"],
    )
    page = context.new_page()
    page.set_default_timeout(90_000)
    asked, wrong = [], []
    page.on("request", lambda request: asked.append(request.url))
    page.on("pageerror", lambda error: wrong.append(str(error)))
    if script:
        page.add_init_script(script)
    page.goto(address)
    page.get_by_text("Click to Access Webcam").first.wait_for()
    yield page
    context.close()
    elsewhere = [url for url in asked if not url.startswith((address, "data:", "blob:"))]
    assert not elsewhere
    assert not [error for error in wrong if not re.search("Permission|not found", error)]


def slowly(images: Iterable) -> Iterator:
    """The images of a film that is so many times slower."""
    for image in images:
        yield from [image] * SLOWER


def start_camera(page) -> None:
    """Let the camera of the tab that is open run, and its images be read."""
    page.locator("text=Click to Access Webcam >> visible=true").first.click()
    record = page.locator(START_OR_STOP).first
    record.wait_for()
    record.click()


def text_of(page) -> str:
    """What was spelled."""
    return page.get_by_label("What you spelled").input_value()


def until(page, what, seconds: float = 90):
    """Wait until `what` gives something, and give that; TimeoutError if it does not."""
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        if found := what():
            return found
        page.wait_for_timeout(100)
    raise TimeoutError("waited in vain")


# Frames carry their number as black and white squares in a corner, which the server reads and says
# with what it found in them: so each answer is known to belong to one frame. The script runs before
# the document has an element, so the document itself is observed; and Gradio changes what lies over
# the camera in place, so that attribute is observed too
BITS = 14
MARKED_SERVER = SERVER.replace(
    "sys.exit",
    f"""import numpy as np
drawn = page.skeleton
def marked(hand, image):
    squares = image[4, 4 : 8 * {BITS} : 8].mean(axis=-1) > 127
    number = int((squares << np.arange({BITS})).sum())
    return drawn(hand, image).replace("<svg ", f'<svg data-frame="{{number}}" ', 1)
page.skeleton = marked
sys.exit""",
)
MARKS = f"""(() => {{
  window.taken = [];
  window.shown = [];
  const encode = HTMLCanvasElement.prototype.toDataURL;
  HTMLCanvasElement.prototype.toDataURL = function (...how) {{
    const pen = this.getContext("2d"), number = window.taken.length;
    window.taken.push(performance.now());
    pen.save();
    pen.setTransform(1, 0, 0, 1, 0, 0);
    for (let bit = 0; bit < {BITS}; bit++) {{
      pen.fillStyle = (number >> bit) & 1 ? "#fff" : "#000";
      pen.fillRect(8 * bit, 0, 8, 8);
    }}
    pen.restore();
    return encode.apply(this, how);
  }};
  let last = -1;
  new MutationObserver(() => {{
    const over = document.querySelector("svg.skeleton");
    const number = over ? +over.dataset.frame : -1;
    if (number === last) return;
    last = number;
    const is_hand = over.children.length > 0;
    requestAnimationFrame(() => window.shown.push(
      [number, performance.now() - window.taken[number], performance.now(), is_hand]));
  }}).observe(
    document, {{attributeFilter: ["data-frame"], childList: true, subtree: true}});
}})()"""


def frames_shown(page, seconds: float) -> tuple[float, list[float]]:
    """How many frames a second are answered on the page, which was opened with MARKS; and for each
    with a hand in it, the milliseconds from when it was taken until its letter was drawn.
    """
    page.wait_for_timeout(1500)
    page.evaluate("window.shown.length = 0")
    page.wait_for_timeout(1000 * seconds)
    shown = page.evaluate("window.shown")
    return len(shown) / seconds, [delay for _, delay, _, is_hand in shown if is_hand]
