"""The tab Practise, made with Gradio."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np

from asl.app import look, photo, practise, shown_hands
from asl.app.camera import see, skeleton
from asl.app.page_camera import PICTURES, QUICK, STREAM, stage
from asl.app.practise import Practice
from asl.reader.read import Network

TURNING = QUICK | {"queue": True, "concurrency_limit": 4}


def practise_tab(gr: Any, network: Network, page: Any) -> None:
    practice = gr.State(Practice())
    gr.Markdown(look.PRACTISE)
    with gr.Row():
        with gr.Column(scale=2, min_width=300):
            target, shown = gr.HTML(), gr.HTML(elem_id="shown")
            with gr.Row():
                sides = {
                    name: gr.Button(name.capitalize(), min_width=60) for name in shown_hands.SIDES
                }
        with gr.Column(scale=3, min_width=320):
            camera, over = stage(gr, "Camera")
            answer = gr.HTML(elem_id="answer")
            with gr.Row():
                skip = gr.Button("Skip this letter", min_width=80)
                upload = gr.UploadButton("Show a photo", file_types=PICTURES, min_width=80)
    with gr.Row():  # a row of its own: on a telephone the camera is then close to the hand
        with gr.Column(scale=2, min_width=300):
            views = _views(gr)
        with gr.Column(scale=3, min_width=320):
            word = gr.Dropdown(
                [("any letters", ""), *practise.WORDS],
                value="",
                allow_custom_value=True,
                label="What to spell: a word from the list, or type one",
            )
            score = gr.HTML()
    told = [target, shown, answer, score]
    _camera(gr, network, practice, (camera, over), told)
    _buttons(network, practice, (skip, upload, word), told)
    _turning(gr, practice, views, sides, shown)
    page.load(view, practice, told, **QUICK)


def _views(gr: Any) -> list[Any]:
    """How the hand is shown, as shown_hands.hand_picture takes it."""
    most, step = shown_hands.MOST_TILTED, shown_hands.STEP
    turn = gr.Slider(-180, 180, 0, step=step, label="Turn it, in degrees", elem_id="turn")
    tilt = gr.Slider(-most, most, 0, step=step, label="Tilt it, in degrees", elem_id="tilt")
    seen = gr.Radio([*shown_hands.SEEN], value=shown_hands.MIRROR, label="The hand")
    left = gr.Checkbox(label="I sign with my left hand")
    return [seen, turn, tilt, left]


def view(practice: Practice, said: str = "") -> tuple[str, ...]:
    """Target, hand, answer and score as HTML."""
    practice.said = ""
    return (
        practise.target_html(practice),
        shown_hands.hand_picture(practice.target, *practice.view),
        practise.answer_html(practice, time.monotonic(), said),
        practise.score_html(practice.scores),
    )


def _camera(
    gr: Any, network: Network, practice: Any, camera_over: tuple[Any, Any], told: list[Any]
) -> None:
    camera, over = camera_over

    def frame(image: np.ndarray | None, practice: Practice) -> tuple[Any, ...]:
        if image is None:
            return (gr.skip(),) * 5
        now, before = time.monotonic(), practice.scores
        image = see(practice, network, image, now)
        lines = skeleton(practice.last.hand, image)
        if practise.judge(practice, now):
            practise.go_on(practice)
            return lines, *view(practice)
        said, told_before = practise.answer_html(practice, now), practice.said
        practice.said = said
        said = said if said != told_before else gr.skip()  # a screen reader says it once
        score = practise.score_html(practice.scores)
        score = score if practice.scores is not before else gr.skip()
        return lines, gr.skip(), gr.skip(), said, score

    camera.stream(frame, [camera, practice], [over, *told], **STREAM)


def _buttons(network: Network, practice: Any, parts: tuple[Any, Any, Any], told: list[Any]) -> None:
    skip, upload, word = parts

    def skipped(practice: Practice) -> tuple[str, ...]:
        practise.skip(practice)
        return view(practice)

    def chosen(practice: Practice, word: str) -> tuple[str, ...]:
        practise.start(practice, word)
        return view(practice)

    def judged(file: str, practice: Practice) -> tuple[str, ...]:
        hand = photo.read_hand(network, Path(file))
        said = hand if isinstance(hand, str) else practise.judge_photo(practice, *hand)
        return view(practice, said)

    skip.click(skipped, practice, told, **QUICK)
    word.input(chosen, [practice, word], told, **QUICK)
    known = {"api_visibility": "private", "concurrency_limit": 2}
    upload.upload(judged, [upload, practice], told, **known)


def _turning(gr: Any, practice: Any, views: list[Any], sides: dict[str, Any], shown: Any) -> None:
    """The hand from another side: by the sliders, which the mouse on the picture moves as well, or
    by a button.
    """

    def turned(practice: Practice, *seen: Any) -> str:
        practice.view = seen
        return shown_hands.hand_picture(practice.target, *seen)

    # One event for all: while a view is drawn the mouse goes on, and the last place of it counts
    inputs = [each.input for each in views]
    gr.on(inputs, turned, [practice, *views], shown, trigger_mode="always_last", **TURNING)
    for name, button in sides.items():

        def side(practice: Practice, seen: str, left: bool, name: str = name) -> tuple[Any, ...]:
            angles = shown_hands.SIDES[name]
            return *angles, turned(practice, seen, *angles, left)

        button.click(side, [practice, views[0], views[3]], [*views[1:3], shown], **QUICK)
