"""The page: three tabs, Spell, Photo and Practise, made with Gradio. What they say comes from the
other files here, which need no Gradio.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np

from asl.app import look, photo, practise, shown_hands, spell
from asl.app.camera import Session, edit, reading, see, skeleton
from asl.app.practise import Practice
from asl.reader.read import Network
from asl.spelling.steady import DWELL

EVERY = 0.08  # seconds from frame to frame
CAMERA = {"video": {"width": {"ideal": 640}, "height": {"ideal": 480}}}
# Seconds: how often what was dropped is looked over, and how old it is when it is deleted; not at
# once, since Gradio has one file for what two tabs drop, where it is the same
KEPT = (10, 60)
PICTURES = ["image", ".heic", ".heif", ".avif"]  # which not every system takes for images
QUICK = {"show_progress": "hidden", "api_visibility": "private", "queue": False}
STREAM = {
    "stream_every": EVERY,
    "show_progress": "hidden",
    "concurrency_limit": None,  # a stream lasts as long as its tab
    "api_visibility": "private",
}


def build(network: Network) -> Any:
    """The page as Gradio's Blocks."""
    import gradio as gr

    with gr.Blocks(
        title="Spell to your computer", analytics_enabled=False, delete_cache=KEPT
    ) as page:
        gr.Markdown(look.INTRODUCTION)
        with gr.Tab("Spell"):
            _spell_tab(gr, network)
        with gr.Tab("Photo"):
            _photo_tab(gr, network)
        with gr.Tab("Practise"):
            _practise_tab(gr, network, page)
    return page


def _stage(gr: Any, label: str) -> tuple[Any, Any]:
    """The camera, and what lies over its picture."""
    gr.HTML(look.TROUBLE, container=False, padding=False)
    with gr.Group(elem_classes="stage"):
        options = gr.WebcamOptions(mirror=True, constraints=CAMERA)
        camera = gr.Image(
            sources=["webcam"],
            streaming=True,
            webcam_options=options,
            label=label,
            show_label=False,
            buttons=[],
            height=420,
        )
        over = gr.HTML(elem_classes="over", container=False, padding=False)
    return camera, over


def _spell_tab(gr: Any, network: Network) -> None:
    session = gr.State(Session())
    gr.Markdown(look.SPELL)
    with gr.Row():
        with gr.Column(scale=3, min_width=320):
            camera, over = _stage(gr, "Camera")
        with gr.Column(scale=2, min_width=320):
            card = gr.HTML(spell.card(reading(Session(), 0)))
            text = gr.Textbox(label="What you spelled", lines=2, interactive=False)
            status = gr.HTML(elem_classes="unseen-block", container=False, padding=False)
            with gr.Row():
                edits = {
                    how: gr.Button(name, min_width=80)
                    for how, name in (("space", "Space"), ("delete", "Delete"), ("clear", "Clear"))
                }
                copy = gr.Button("Copy", min_width=80)
            dwell = gr.Slider(
                0.1, 2, DWELL, step=0.05, label="Seconds that a letter is held until it is written"
            )

    def frame(image: np.ndarray | None, session: Session) -> tuple[Any, ...]:
        if image is None:
            return gr.skip(), gr.skip(), gr.skip(), gr.skip()
        now, before = time.monotonic(), session.state.text
        image = see(session, network, image, now)
        written = session.state.text
        new = (written, spell.status(written)) if written != before else (gr.skip(), gr.skip())
        lines = skeleton(session.last.hand, image)
        return lines, spell.card(reading(session, now)), *new

    camera.stream(frame, [camera, session], [over, card, text, status], **STREAM)
    for how, button in edits.items():
        button.click(lambda session, how=how: edit(session, how), session, text, **QUICK)
    copy.click(None, text, None, js=look.COPY)

    def set_dwell(seconds: float, session: Session) -> None:
        session.dwell = float(seconds)

    dwell.change(set_dwell, [dwell, session], None, **QUICK)


def _photo_tab(gr: Any, network: Network) -> None:
    gr.Markdown(look.PHOTO)
    with gr.Row():
        with gr.Column(scale=1, min_width=280):
            dropped = gr.File(
                label="Pictures", file_count="multiple", file_types=PICTURES, height=180
            )
            signs = gr.Radio(
                [("letters", "letters"), ("digits", "digits")],
                value="letters",
                label="What they show",
                info="0 and O, 2 and V, 6 and W are one hand shape.",
            )
        with gr.Column(scale=2, min_width=320):
            figures = gr.HTML("Nothing was dropped yet.", elem_id="figures")
            link = gr.HTML()

    def read(files: list[str] | None, signs: str) -> tuple[Any, ...]:
        paths = [Path(each) for each in files or []]
        if not paths:
            return gr.skip(), gr.skip(), None
        told = photo.read_photos(network, paths, signs)
        return told.figures, told.download, None

    dropped.upload(
        read,
        [dropped, signs],
        [figures, link, dropped],
        concurrency_limit=2,
        api_visibility="private",
    )


def _practise_tab(gr: Any, network: Network, page: Any) -> None:
    practice = gr.State(Practice())
    gr.Markdown(look.PRACTISE)
    with gr.Row():
        with gr.Column(scale=2, min_width=300):
            target, shown = gr.HTML(), gr.HTML()
        with gr.Column(scale=3, min_width=320):
            camera, over = _stage(gr, "Camera")
            answer = gr.HTML(elem_id="answer")
            with gr.Row():
                skip = gr.Button("Skip this letter", min_width=80)
                upload = gr.UploadButton("Show a photo", file_types=PICTURES, min_width=80)
    with gr.Row():
        with gr.Column(scale=2, min_width=300):
            views = _views(gr)
            word = gr.Dropdown(
                [("any letters", ""), *practise.WORDS],
                value="",
                allow_custom_value=True,
                label="What to spell: a word from the list, or type one",
            )
        with gr.Column(scale=3, min_width=320):
            score = gr.HTML()
    told = [target, shown, answer, score]
    _practise_camera(gr, network, practice, (camera, over), told)
    _practise_buttons(network, practice, (skip, upload, word, views), told)
    page.load(_practise_view, practice, told, **QUICK)


def _views(gr: Any) -> list[Any]:
    """How the hand is shown, as shown_hands.hand_picture takes it."""
    seen, sides = [*shown_hands.ANGLES], [shown_hands.FRONT, shown_hands.SIDE]
    return [
        gr.Radio(seen, value=seen[0], label="The hand"),
        gr.Radio(sides, value=sides[0], label="From"),
        gr.Checkbox(label="I sign with my left hand"),
    ]


def _practise_view(practice: Practice, said: str = "") -> tuple[str, ...]:
    """Target, hand, answer and score as HTML."""
    practice.said = ""
    return (
        practise.target_html(practice),
        shown_hands.hand_picture(practice.target, *practice.view),
        practise.answer_html(practice, time.monotonic(), said),
        practise.score_html(practice.scores),
    )


def _practise_camera(
    gr: Any, network: Network, practice: Any, stage: tuple[Any, Any], told: list[Any]
) -> None:
    camera, over = stage

    def frame(image: np.ndarray | None, practice: Practice) -> tuple[Any, ...]:
        if image is None:
            return (gr.skip(),) * 5
        now, before = time.monotonic(), practice.scores
        image = see(practice, network, image, now)
        lines = skeleton(practice.last.hand, image)
        if practise.judge(practice, now):
            practise.go_on(practice)
            return lines, *_practise_view(practice)
        said, told_before = practise.answer_html(practice, now), practice.said
        practice.said = said
        said = said if said != told_before else gr.skip()  # a screen reader says it once
        score = practise.score_html(practice.scores)
        score = score if practice.scores is not before else gr.skip()
        return lines, gr.skip(), gr.skip(), said, score

    camera.stream(frame, [camera, practice], [over, *told], **STREAM)


def _practise_buttons(
    network: Network, practice: Any, parts: tuple[Any, Any, Any, list[Any]], told: list[Any]
) -> None:
    skip, upload, word, views = parts

    def skipped(practice: Practice) -> tuple[str, ...]:
        practise.skip(practice)
        return _practise_view(practice)

    def chosen(practice: Practice, word: str) -> tuple[str, ...]:
        practise.start(practice, word)
        return _practise_view(practice)

    def turned(practice: Practice, *view: Any) -> tuple[str, ...]:
        practice.view = view
        return _practise_view(practice)

    def judged(file: str, practice: Practice) -> tuple[str, ...]:
        hand = photo.read_hand(network, Path(file))
        said = hand if isinstance(hand, str) else practise.judge_photo(practice, *hand)
        return _practise_view(practice, said)

    skip.click(skipped, practice, told, **QUICK)
    word.input(chosen, [practice, word], told, **QUICK)
    for each in views:
        each.input(turned, [practice, *views], told, **QUICK)
    known = {"api_visibility": "private", "concurrency_limit": 2}
    upload.upload(judged, [upload, practice], told, **known)
