"""The page in Chromium, clicked through, with a rendered film as its camera: make test-browser.

Skipped, by name, where Gradio, Playwright or Chromium is not to be had.
"""

import os
import re
import shutil
import subprocess
import sys
import time
from contextlib import ExitStack, contextmanager

import cv2
import numpy as np
import pytest
from conftest import ARCHIVES, REPOSITORY

from asl.data.rendered_films import draw_room, film, write_film
from asl.data.rendered_hands import draw_hands
from asl.data.rendered_motion import spell
from asl.data.rendered_rooms import draw_in_room

pytest.importorskip("gradio", reason="Gradio is not installed: make test-browser")
sync_api = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")

WORD = "HAND"
NAMES = ("chromium", "chromium-browser", "google-chrome")
CHROMIUM = next(filter(None, map(shutil.which, NAMES)), None)

SOONER = """import sys
from asl.__main__ import main
from asl.app import page
page.KEPT = (1, 8)
sys.exit(main())"""
COUNT = """() => {
  window.seen = 0;
  let last = "";
  const count = () => {
    const now = document.querySelector("svg.skeleton").outerHTML;
    window.seen += now !== last;
    last = now;
  };
  new MutationObserver(count).observe(
    document.querySelector(".over"), {childList: true, subtree: true, attributes: true});
}"""


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with a film of a word, and pictures."""
    folder = tmp_path_factory.mktemp("page")
    track = spell([WORD], signer=7, seed=1)
    write_film(folder / "word.mjpeg", film(track, draw_room("person", 1), seed=1))
    for sign in "LV":
        image = draw_in_room(sign, signer=5, seed=3)
        cv2.imwrite(str(folder / f"{sign}.jpg"), image[..., ::-1])
    hand = draw_hands(["A"], signers=[5], size=400)[0]
    cv2.imwrite(str(folder / "A.png"), hand[..., ::-1])
    cv2.imwrite(str(folder / "room.jpg"), draw_room("shelves", 1)[..., ::-1])
    cv2.imwrite(str(folder / "huge.png"), np.zeros((5001, 10000), np.uint8))
    (folder / "temporary").mkdir()
    return folder


@contextmanager
def started(place, *options):
    """The page's server, from which the address and what was printed come."""
    known = {"ASL_HOME": str(place), "TMPDIR": str(place / "temporary")}
    known |= {"ASL_ARCHIVES": ARCHIVES} if ARCHIVES else {}
    command = [sys.executable, "-c", SOONER, "app", "--no-browser", *options]
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
        pytest.fail(f"the page did not start: {told}")
    finally:
        process.terminate()
        assert process.wait(20) == 130


@pytest.fixture(scope="module")
def address(place):
    with started(place) as (address, _):
        yield address
    assert not [*(place / "temporary").glob("asl-page-*")]


@pytest.fixture(scope="module")
def chromium(place):
    """Chromium, whose camera plays the film over and over."""
    arguments = [
        "--no-sandbox",
        "--use-fake-device-for-media-stream",
        f"--use-file-for-fake-video-capture={place / 'word.mjpeg'}",
    ]
    with sync_api.sync_playwright() as playwright:
        try:
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=arguments)
        except sync_api.Error as error:
            pytest.skip(f"Chromium is not to be had: {str(error).splitlines()[0]}")
        yield browser
        browser.close()


@contextmanager
def opened(chromium, address, permissions=("camera",), width=1300, scheme="light"):
    """The page in a tab of its own; all that it asks for is here."""
    context = chromium.new_context(
        viewport={"width": width, "height": 1000},
        color_scheme=scheme,
        permissions=[*permissions, "clipboard-read", "clipboard-write"],
    )
    page = context.new_page()
    page.set_default_timeout(30_000)
    asked, wrong = [], []
    page.on("request", lambda request: asked.append(request.url))
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.goto(address)
    page.get_by_text("Click to Access Webcam").first.wait_for()
    yield page
    context.close()
    elsewhere = [url for url in asked if not url.startswith((address, "data:", "blob:"))]
    assert not elsewhere
    assert not [error for error in wrong if "Permission" not in error]


def start_camera(page):
    page.locator("text=Click to Access Webcam >> visible=true").first.click()
    record = page.locator('button[aria-label="start or stop reading"]:visible').first
    record.wait_for()
    record.click()


def until(page, what, seconds=30):
    """Wait until `what` gives something, and give that."""
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        if found := what():
            return found
        page.wait_for_timeout(100)
    pytest.fail("waited in vain")


def keep(page, name):
    """A screenshot, where SCREENSHOTS names a folder."""
    if folder := os.environ.get("SCREENSHOTS"):
        page.screenshot(path=f"{folder}/{name}.png", full_page=True)


def text_of(page):
    return page.get_by_label("What you spelled").input_value()


def test_a_word_before_the_camera_becomes_text(chromium, address):
    with opened(chromium, address) as page:
        assert "no frame is stored or sent" in page.inner_text("body")
        assert "is no interpreter" in page.inner_text("body")
        start_camera(page)
        words = until(page, lambda: text_of(page).count(" ") > 1 and text_of(page).split())
        assert WORD in words[:2]  # the film may have been met half-way
        assert page.locator(".skeleton").count()
        page.get_by_role("button", name="Copy").click()
        copied = until(page, lambda: page.evaluate("navigator.clipboard.readText()"))
        assert WORD in copied
        page.locator('button[aria-label="start or stop reading"]:visible').first.click()  # stops
        page.wait_for_timeout(500)
        page.get_by_role("button", name="Clear").click()
        until(page, lambda: text_of(page) == "")
        for name in ("Space", "Delete"):
            assert page.get_by_role("button", name=name).is_enabled()


def test_frames_come_often_and_letters_soon(chromium, address):
    with opened(chromium, address) as page:
        start_camera(page)
        page.wait_for_timeout(1500)
        page.evaluate(COUNT)
        page.wait_for_timeout(6000)
        a_second = page.evaluate("window.seen") / 6
        print(f"{a_second:.1f} skeletons a second")
        assert a_second > 3  # of many machines; 12 where this was written


def test_two_tabs_do_not_write_into_each_other(chromium, address):
    with opened(chromium, address) as first, opened(chromium, address) as second:
        start_camera(first)
        until(first, lambda: text_of(first))
        assert text_of(second) == ""
        second.get_by_role("button", name="Space").click()
        until(second, lambda: text_of(second) == " ")
    with opened(chromium, address) as third:  # closed tabs leave the page working
        start_camera(third)
        until(third, lambda: text_of(third))


def test_photographs_are_read_and_nothing_of_them_is_left(chromium, address, place):
    with opened(chromium, address) as page:
        page.get_by_role("tab", name="Photo").click()
        names = ["L.jpg", "V.jpg", "A.png", "room.jpg", "huge.png"]
        page.locator("input[type=file][multiple]").set_input_files([place / n for n in names])
        page.locator(".photos figure").nth(3).wait_for()
        told = page.inner_text("#figures")
        for sign in "LVA":
            assert re.search(rf"^{sign} \d+ %", told, re.MULTILINE), told
        assert "No hand was found here." in told
        assert "huge.png has more than 50 megapixels" in told
        with page.expect_download() as download:
            page.get_by_role("link", name="results.csv").click()
        table = download.value.path().read_text()
        assert len(table.splitlines()) == 5 and table.splitlines()[1].startswith("L.jpg,,L,")
        until(page, lambda: not pictures_in(place / "temporary"))
        assert page.locator(".photos figure").count() == 4


def pictures_in(folder):
    files = [each for each in folder.rglob("*") if each.is_file()]
    return [each for each in files if each.suffix in (".jpg", ".png")]


def test_ten_tabs_drop_the_same_pictures_at_once(chromium, address, place):
    with ExitStack() as stack:
        pages = [stack.enter_context(opened(chromium, address)) for _ in range(10)]
        for page in pages:
            page.get_by_role("tab", name="Photo").click()
        pictures = [place / "L.jpg", place / "V.jpg"]
        for page in pages:
            page.locator("input[type=file][multiple]").set_input_files(pictures)
        for page in pages:
            page.locator(".photos figure").nth(1).wait_for()
            assert page.locator("#figures b").all_inner_texts() == ["L", "V"]


def test_a_learner_practises_before_the_camera(chromium, address):
    with opened(chromium, address) as page:
        page.get_by_role("tab", name="Practise").click()
        word = page.get_by_label("What to spell")
        word.fill(WORD)
        word.press("Enter")
        target = page.locator(".target")
        until(page, lambda: target.inner_text().strip() == WORD)
        start_camera(page)
        until(page, lambda: "Right: H!" in page.inner_text("#answer"))
        until(page, lambda: page.locator(".target").get_attribute("aria-label").startswith("A,"))
        assert page.locator("table.score").count() == 1


def test_a_learner_practises_with_photographs_and_buttons(chromium, address, place):
    with opened(chromium, address) as page:
        page.get_by_role("tab", name="Practise").click()
        word = page.get_by_label("What to spell")
        word.fill("LJV")
        word.press("Enter")
        shown = page.locator("svg.shown")
        until(page, lambda: "shows L, as in a mirror" in shown.get_attribute("aria-label"))
        upload = page.locator("input[type=file]:not([multiple])").last
        upload.set_input_files(place / "A.png")
        until(page, lambda: "This looks like A." in page.inner_text("#answer"))
        assert "Straighten your index finger." in page.inner_text("#answer")
        upload.set_input_files(place / "L.jpg")
        until(page, lambda: "Right, that was L!" in page.inner_text("#answer"))
        until(page, lambda: page.locator("svg.shown animateMotion").count() == 1)
        page.get_by_label("side").check()
        until(page, lambda: "from the side" in shown.get_attribute("aria-label"))
        page.get_by_role("button", name="Skip").click()
        until(page, lambda: "shows V" in shown.get_attribute("aria-label"))


def test_a_camera_that_is_denied_is_told(chromium, address):
    with opened(chromium, address, permissions=()) as page:
        page.locator("text=Click to Access Webcam >> visible=true").first.click()
        trouble = page.locator(".camera-trouble").first
        until(page, lambda: "not allowed" in trouble.inner_text())
        page.get_by_role("tab", name="Photo").click()
        assert page.get_by_text("Drop pictures of hands").is_visible()


def test_a_camera_that_is_taken_away_is_told(chromium, address):
    with opened(chromium, address) as page:
        start_camera(page)
        until(page, lambda: page.locator(".skeleton").count())
        tracks = "document.querySelector('video').srcObject.getVideoTracks()"
        page.evaluate(f"{tracks}[0].dispatchEvent(new Event('ended'))")
        trouble = page.locator(".camera-trouble").first
        until(page, lambda: "taken away" in trouble.inner_text())


def test_the_keyboard_alone_will_do(chromium, address):
    with opened(chromium, address) as page:
        page.get_by_role("tab", name="Spell").focus()
        page.keyboard.press("Tab")
        page.get_by_role("tab", name="Practise").focus()
        page.keyboard.press("Enter")
        skip = page.get_by_role("button", name="Skip this letter")
        skip.wait_for()
        skip.focus()
        page.keyboard.press("Enter")
        page.locator("table.score").wait_for()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1300, 400])
def test_nothing_is_wider_than_the_window(chromium, address, place, width, scheme):
    with opened(chromium, address, width=width, scheme=scheme) as page:
        for name in ("Spell", "Photo", "Practise"):
            page.get_by_role("tab", name=name).click()
            if name == "Photo":
                pictures = [place / each for each in ("L.jpg", "room.jpg", "huge.png")]
                page.locator("input[type=file][multiple]").set_input_files(pictures)
                page.locator(".photos figure").nth(1).wait_for()
            else:
                start_camera(page)
                page.locator(".skeleton polyline >> visible=true").first.wait_for()
            keep(page, f"{name}-{width}-{scheme}")
            assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_a_taken_port_gives_the_next(place, address):
    port = int(address.rpartition(":")[2])
    with started(place, "--port", str(port)) as (other, told):
        assert int(other.rpartition(":")[2]) > port
        assert f"port {port} is taken" in told
