"""The tab Collect, made with Gradio."""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from asl.app import collect, look
from asl.app.camera import skeleton
from asl.app.collect import Collector
from asl.app.page_camera import QUICK, STREAM, stage
from asl.reader.read import Network

SEVERAL = 10  # pictures, one after the other


def collect_tab(gr: Any, network: Network, page: Any, tab: Any) -> None:
    session = gr.State(Collector())
    gr.Markdown(look.COLLECT)
    with gr.Row():
        with gr.Column(scale=3, min_width=320):
            camera, over = stage(gr, "Camera")
        with gr.Column(scale=2, min_width=320):
            name = gr.Dropdown(
                [*collect.NAMES],
                value="A",
                allow_custom_value=True,
                label="What the hand shows: choose it, or type a name",
            )
            with gr.Row():
                one = gr.Button("Save one", variant="primary", min_width=120)
                several = gr.Button(f"Save {SEVERAL}", min_width=100)
                stop = gr.Button("Stop", min_width=80)
                back = gr.Button("Delete the last one", min_width=170)
            said = gr.HTML(collect.said_html(""), elem_id="saved")
            counts = gr.HTML(elem_id="counts")

    def frame(image: np.ndarray | None, session: Collector) -> tuple[Any, ...]:
        if image is None:
            return (gr.skip(),) * 3
        before, count = session.said, len(session.saved)
        seen = collect.see_hand(session, network, image, time.monotonic())
        told = collect.said_html(session.said) if session.said != before else gr.skip()
        table = collect.counts_html() if len(session.saved) != count else gr.skip()
        return skeleton(session.last.hand, seen), told, table

    camera.stream(frame, [camera, session], [over, said, counts], **STREAM)

    def asked(count: int) -> Any:
        return lambda session, name: collect.said_html(collect.ask(session, name, count))

    one.click(asked(1), [session, name], said, **QUICK)
    several.click(asked(SEVERAL), [session, name], said, **QUICK)
    stop.click(lambda session: collect.said_html(collect.stop(session)), session, said, **QUICK)

    def taken_back(session: Collector) -> tuple[str, str]:
        return collect.said_html(collect.take_back(session)), collect.counts_html()

    back.click(taken_back, session, [said, counts], **QUICK)
    for shown in (page.load, tab.select):
        shown(collect.counts_html, None, counts, **QUICK)
