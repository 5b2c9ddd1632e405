"""The page in Chromium, clicked through, with a rendered film as its camera: make test-browser.

Skipped, by name, where Gradio, Playwright or Chromium is not to be had.
"""

import os
import re
from contextlib import ExitStack

import cv2
import numpy as np
import pytest
from conftest import ARCHIVES

from asl.data.rendered_films import draw_room, film, write_film
from asl.data.rendered_hands import draw_hands
from asl.data.rendered_motion import rest, spell
from asl.data.rendered_rooms import draw_in_room

pytest.importorskip("gradio", reason="Gradio is not installed: make test-browser")
pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")

from driver import (
    MARKED_SERVER,
    MARKS,
    SLOWER,
    START_OR_STOP,
    DidNotStart,
    chromium_with,
    frames_shown,
    opened,
    slowly,
    start_camera,
    started,
    text_of,
    until,
)

WORD = "HAND"
TABS = ("Spell", "Photo", "Practise", "Collect")
# What is dropped goes sooner than on the page; and what was sent carries its number
SERVER = MARKED_SERVER.replace("sys.exit", f"page.KEPT = (1, {8 * SLOWER})\nsys.exit")


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with films, and pictures."""
    folder = tmp_path_factory.mktemp("page")
    track = spell([WORD], signer=7, seed=1)
    write_film(folder / "word.mjpeg", slowly(film(track, draw_room("person", 1), seed=1)))
    for sign in "LV":
        image = draw_in_room(sign, signer=5, seed=3)
        cv2.imwrite(str(folder / f"{sign}.jpg"), image[..., ::-1])
    hand = draw_hands(["A"], signers=[5], size=400)[0]
    cv2.imwrite(str(folder / "A.png"), hand[..., ::-1])
    cv2.imwrite(str(folder / "room.jpg"), draw_room("shelves", 1)[..., ::-1])
    cv2.imwrite(str(folder / "huge.png"), np.zeros((5001, 10000), np.uint8))
    (folder / "heavy.jpg").write_bytes((folder / "L.jpg").read_bytes() + bytes(20_000_000))
    return folder


@pytest.fixture(scope="module")
def address(place):
    known = {"ASL_ARCHIVES": ARCHIVES} if ARCHIVES else {}
    with started(place, server=SERVER, **known) as (address, _):
        yield address


@pytest.fixture(scope="module")
def chromium(place):
    """Chromium, whose camera plays the film over and over."""
    with ExitStack() as stack:
        try:
            browser = stack.enter_context(chromium_with(place / "word.mjpeg"))
        except DidNotStart as error:
            pytest.skip(f"Chromium is not to be had: {error}")
        yield browser


def keep(page, name):
    """A screenshot, where SCREENSHOTS names a folder."""
    if folder := os.environ.get("SCREENSHOTS"):
        page.screenshot(path=f"{folder}/{name}.png", full_page=True)


def test_a_word_before_the_camera_becomes_text(chromium, address):
    with opened(chromium, address) as page:
        assert "no frame is sent anywhere, and none is stored" in page.inner_text("body")
        assert "is no interpreter" in page.inner_text("body")
        start_camera(page)
        words = until(page, lambda: text_of(page).count(" ") > 1 and text_of(page).split())
        assert WORD in words[:2]  # the film may have been met half-way
        assert page.locator(".skeleton").count()
        page.get_by_role("button", name="Copy").click()
        copied = until(page, lambda: page.evaluate("navigator.clipboard.readText()"))
        assert WORD in copied
        page.locator(START_OR_STOP).first.click()  # stops
        page.wait_for_timeout(500)
        page.get_by_role("button", name="Clear").click()
        until(page, lambda: text_of(page) == "")
        for name, text in (("Space", " "), ("Repeat", " "), ("Delete", ""), ("Write", "")):
            page.get_by_role("button", name=name, exact=True).click()
            until(page, lambda text=text: text_of(page) == text)


def test_words_are_suggested_where_they_were_asked_for(chromium, address):
    with opened(chromium, address) as page:
        start_camera(page)
        until(page, lambda: text_of(page).endswith("HA"))
        assert not page.get_by_role("button", name="HAVE").count()
        page.get_by_label("Suggest words").check()
        until(page, lambda: text_of(page).endswith("HA"))
        page.locator(START_OR_STOP).first.click()
        guess = page.get_by_role("button", name=re.compile("^HA.+$")).first
        word = guess.inner_text()
        guess.click()
        until(page, lambda: text_of(page).endswith(word + " "))


def idle(kind):
    track = rest(kind, signer=8, seed=2, seconds=12) if kind else None
    return film(track, draw_room("person", 2), seed=2, seconds=12)


@pytest.mark.parametrize("kind", [None, "hanging"])
def test_nothing_is_written_where_nobody_spells(address, place, kind):
    path = write_film(place / "idle.mjpeg", slowly(idle(kind)))
    with chromium_with(path) as chromium, opened(chromium, address) as page:
        start_camera(page)
        until(page, lambda: page.locator(".skeleton").count())
        page.wait_for_timeout(10_000 * SLOWER)
        assert text_of(page) == ""


def test_frames_come_often_and_letters_soon(chromium, address):
    with opened(chromium, address, script=MARKS) as page:
        start_camera(page)
        until(page, lambda: page.locator(".skeleton polyline").count())
        a_second, delays = frames_shown(page, 6)
        print(f"{a_second:.1f} frames a second, {np.median(delays):.0f} ms to a letter")
        assert a_second > 1 and np.median(delays) > 0  # how much, benchmarks/page.py measures


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
        names = ["L.jpg", "V.jpg", "A.png", "room.jpg", "huge.png", "heavy.jpg"]
        page.locator("input[type=file][multiple]").set_input_files([place / n for n in names])
        page.locator(".photos figure").nth(3).wait_for()
        told = page.inner_text("#figures")
        for sign in "LVA":
            assert re.search(rf"^{sign} \d+ %", told, re.MULTILINE), told
        assert "No hand was found here." in told
        assert "huge.png has more than 50 megapixels" in told
        assert "heavy.jpg is larger than 20 MB" in told
        with page.expect_download() as download:
            page.get_by_role("link", name="results.csv").click()
        table = download.value.path().read_text()
        assert len(table.splitlines()) == 5 and table.splitlines()[1].startswith("L.jpg,,L,")
        until(page, lambda: not pictures_in(place))
        assert page.locator(".photos figure").count() == 4


def pictures_in(folder):
    files = [each for each in folder.glob("temporary-*/**/*") if each.is_file()]
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
        page.get_by_role("button", name="Side").click()
        until(page, lambda: "from the side" in shown.get_attribute("aria-label"))
        page.get_by_role("button", name="Skip").click()
        until(page, lambda: "shows V" in shown.get_attribute("aria-label"))


def test_the_hand_is_turned_with_the_mouse_and_by_keys(chromium, address):
    with opened(chromium, address) as page:
        page.get_by_role("tab", name="Practise").click()
        shown = page.locator("svg.shown")
        box = shown.bounding_box()
        page.mouse.move(box["x"] + 100, box["y"] + 100)
        page.mouse.down()
        page.mouse.move(box["x"] + 160, box["y"] + 140, steps=6)
        page.mouse.up()
        turned = "turned by 30 and tilted by 20 degrees"
        until(page, lambda: turned in shown.get_attribute("aria-label"))
        page.mouse.move(box["x"] + 10, box["y"] + 10)  # the button is up
        page.locator("#turn input[type=range]").focus()
        page.keyboard.press("ArrowRight")
        until(page, lambda: "turned by 35 and" in shown.get_attribute("aria-label"))
        page.get_by_role("button", name="Front").click()
        until(page, lambda: "from the front" in shown.get_attribute("aria-label"))
        assert page.locator("#turn input[type=range]").input_value() == "0"
        page.get_by_label("as others see it").check()
        page.get_by_label("left hand").check()
        told = "A left hand that shows A, as others see it, from the front"
        until(page, lambda: shown.get_attribute("aria-label") == told)


def test_pictures_are_collected_only_when_that_is_asked_for(chromium, address, place):
    hands = place / "data/my_hands"
    with opened(chromium, address) as page:
        page.get_by_role("tab", name="Collect").click()
        until(page, lambda: "none yet" in page.inner_text("#counts"))
        start_camera(page)
        page.locator(".skeleton polyline >> visible=true").first.wait_for()
        assert not hands.exists()
        name = page.get_by_label("What the hand shows")
        name.fill("my sign")
        name.press("Enter")
        page.get_by_role("button", name="Save one").click()
        until(page, lambda: "Saved data/my_hands/my sign/" in page.inner_text("#saved"))
        until(page, lambda: "my sign\t1" in page.inner_text("#counts"))
        assert len([*hands.rglob("*.jpg")]) == 1 and str(hands) in page.inner_text("#counts")
        page.get_by_role("button", name="Delete the last one").click()
        until(page, lambda: not [*hands.rglob("*.jpg")])
        until(page, lambda: "none yet" in page.inner_text("#counts"))


# Which camera the open tab shows
CAMERA = "document.querySelector('video').srcObject.getVideoTracks()[0].getSettings().deviceId"


def test_of_two_cameras_one_is_chosen(address):
    with chromium_with(None, cameras=2) as chromium, opened(chromium, address) as page:
        page.locator("text=Click to Access Webcam >> visible=true").first.click()
        page.locator(START_OR_STOP).first.wait_for()
        first = page.evaluate(CAMERA)
        # It is offered while no image is read
        page.get_by_label("select input source").locator("visible=true").click()
        cameras = page.get_by_label("select source", exact=True)
        values = cameras.locator("option").evaluate_all("all => all.map(each => each.value)")
        [second] = {*values} - {first}
        cameras.select_option(second)
        until(page, lambda: page.evaluate(CAMERA) == second)
        assert not page.locator(".skeleton").count()
        page.locator(START_OR_STOP).first.click()
        until(page, lambda: page.locator(".skeleton").count())


def test_a_camera_that_is_missing_is_told(address):
    with chromium_with(None) as chromium, opened(chromium, address) as page:
        page.locator("text=Click to Access Webcam >> visible=true").first.click()
        trouble = page.locator(".camera-trouble").first
        until(page, lambda: "No camera was found" in trouble.inner_text())


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


# What a screen reader says of each part that can be worked
UNNAMED = """() => [...document.querySelectorAll(
    "button, input, select, textarea, a[href], [role=slider], [role=progressbar], [role=img], img"
  )].filter(each => each.offsetParent !== null && each.type !== "file").filter(each => !(
    each.getAttribute("aria-label") || each.getAttribute("aria-labelledby") || each.alt ||
    each.title || each.innerText?.trim() || [...(each.labels || [])].some(l => l.innerText.trim())
  )).map(each => each.outerHTML.slice(0, 200))"""


def test_all_that_can_be_worked_has_a_name_for_screen_readers(chromium, address):
    with opened(chromium, address) as page:
        assert page.evaluate("document.documentElement.lang") == "en"
        for name in TABS:
            page.get_by_role("tab", name=name).click()
            page.wait_for_timeout(300)
            assert page.evaluate(UNNAMED) == []


def tab_to(page, text):
    """Press Tab until something that says this has the focus."""
    said = "(document.activeElement.ariaLabel || '') + document.activeElement.innerText"
    for _ in range(60):
        page.keyboard.press("Tab")
        if text in page.evaluate(said):
            return
    pytest.fail(f"the keyboard does not reach {text}")


def test_the_keyboard_alone_will_do(chromium, address):
    with opened(chromium, address) as page:
        tab_to(page, "Spell")
        tab_to(page, "Click to Access Webcam")
        page.keyboard.press("Enter")
        page.locator(START_OR_STOP).first.wait_for()
        tab_to(page, "start or stop reading")
        page.keyboard.press("Enter")
        until(page, lambda: text_of(page))
        page.keyboard.press("Enter")
        tab_to(page, "Space")
        page.keyboard.press("Enter")
        until(page, lambda: text_of(page).endswith(" "))
        page.get_by_role("tab", name="Spell").focus()
        for _ in range(2):
            page.keyboard.press("ArrowRight")
        page.keyboard.press("Enter")
        tab_to(page, "Skip this letter")
        page.keyboard.press("Enter")
        page.locator("table.score").wait_for()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1300, 400])
def test_nothing_is_wider_than_the_window(chromium, address, place, width, scheme):
    with opened(chromium, address, width=width, scheme=scheme) as page:
        for name in TABS:
            page.get_by_role("tab", name=name).click()
            if name == "Photo":
                pictures = [place / each for each in ("L.jpg", "room.jpg", "huge.png")]
                page.locator("input[type=file][multiple]").set_input_files(pictures)
                page.locator(".photos figure").nth(1).wait_for()
            else:
                start_camera(page)
                page.locator(".skeleton polyline >> visible=true").first.wait_for()
            page.wait_for_timeout(1000)
            keep(page, f"{name}-{width}-{scheme}")
            assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_a_taken_port_gives_the_next(place, address):
    port = int(address.rpartition(":")[2])
    known = {"ASL_ARCHIVES": ARCHIVES} if ARCHIVES else {}
    with started(place, ("--port", str(port)), **known) as (other, told):
        assert int(other.rpartition(":")[2]) > port
        assert f"port {port} is taken" in told
