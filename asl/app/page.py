"""The page: four tabs, Spell, Photo, Practise and Collect, made with Gradio, as are the other files
here whose names begin with `page`. What they say comes from the rest, which needs no Gradio.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np

from asl.app import look, photo, spell, words
from asl.app.camera import skeleton
from asl.app.page_camera import PICTURES, QUICK, STREAM, stage
from asl.app.page_collect import collect_tab
from asl.app.page_practise import practise_tab
from asl.app.spell import Speller
from asl.reader.read import Network
from asl.spelling.steady import DWELL

# Seconds: how often what was dropped is looked over, and how old it is when it is deleted; not at
# once, since Gradio has one file for what two tabs drop, where it is the same
KEPT = (10, 120)
EDITS = {
    "write": "Write",
    "repeat": "Repeat",
    "space": "Space",
    "delete": "Delete",
    "clear": "Clear",
}
SLOWEST, QUICKEST = 2.0, 0.1  # seconds that a letter is held


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
            practise_tab(gr, network, page)
        with gr.Tab("Collect") as tab:
            collect_tab(gr, network, page, tab)
    return page


def _spell_tab(gr: Any, network: Network) -> None:
    session = gr.State(Speller())
    gr.Markdown(look.SPELL)
    with gr.Row():
        with gr.Column(scale=3, min_width=320):
            camera, over = stage(gr, "Camera")
        with gr.Column(scale=2, min_width=320):
            card = gr.HTML(spell.card(Speller(), 0))
            text = gr.Textbox(label="What you spelled", lines=2, interactive=False)
            status = gr.HTML(elem_classes="unseen-block", container=False, padding=False)
            with gr.Row():
                guesses = [gr.Button(visible=False, min_width=88) for _ in range(words.COUNT)]
            with gr.Row():
                edits = {how: gr.Button(name, min_width=88) for how, name in EDITS.items()}
                copy = gr.Button("Copy", min_width=88)
            _spell_settings(gr, session, written := [text, status, *guesses])
    gr.Markdown(look.GESTURES, elem_classes="gestures")
    _spell_camera(gr, network, session, (camera, over), [card, *written])

    def edited(how: str) -> Any:
        return lambda session: _written(gr, session, spell.edit(session, how, time.monotonic()))

    def completed(session: Speller, word: str) -> tuple[Any, ...]:
        return _written(gr, session, spell.complete(session, word))

    for how, button in edits.items():
        button.click(edited(how), session, written, **QUICK)
    for guess in guesses:
        guess.click(completed, [session, guess], written, **QUICK)
    copy.click(None, text, None, js=look.COPY)


def _spell_settings(gr: Any, session: Any, written: list[Any]) -> None:
    """How long a letter is held, and whether words are suggested."""
    dwell = gr.Slider(
        QUICKEST,
        SLOWEST,
        DWELL,
        step=0.05,
        label="Seconds that a letter is held until it is written",
        elem_id="dwell",
    )
    asks = gr.Checkbox(
        label="Suggest words",
        info="From a list of frequent English words on this machine. Nothing is changed by itself.",
    )

    def set_dwell(session: Speller, seconds: float) -> None:
        session.dwell = float(seconds)

    def set_asked(session: Speller, is_asked: bool) -> tuple[Any, ...]:
        session.suggests = is_asked
        return _written(gr, session, session.state.text)

    dwell.change(set_dwell, [session, dwell], None, **QUICK)
    asks.change(set_asked, [session, asks], written, **QUICK)


def _written(gr: Any, session: Speller, text: str) -> tuple[Any, ...]:
    """The text, for screen readers too, and the words it may become."""
    found = spell.suggestions(session)
    guesses = [gr.update(value=word, visible=True) for word in found]
    guesses += [gr.update(visible=False)] * (words.COUNT - len(found))
    return text, spell.status(text), *guesses


def _spell_camera(
    gr: Any, network: Network, session: Any, stage: tuple[Any, Any], told: list[Any]
) -> None:
    camera, over = stage

    def frame(image: np.ndarray | None, session: Speller) -> tuple[Any, ...]:
        if image is None:
            return (gr.skip(),) * (1 + len(told))
        now, before = time.monotonic(), session.state.text
        image = spell.see_letters(session, network, image, now)
        text = session.state.text
        new = _written(gr, session, text) if text != before else (gr.skip(),) * (len(told) - 1)
        return skeleton(session.last.hand, image), spell.card(session, now), *new

    camera.stream(frame, [camera, session], [over, *told], **STREAM)


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
