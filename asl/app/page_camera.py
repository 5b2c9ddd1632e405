"""What the tabs of the page share: the camera with what lies over its picture, and how Gradio is
asked to answer.
"""

from __future__ import annotations

from typing import Any

from asl.app import look

EVERY = 0.08  # seconds from frame to frame
CAMERA = {"video": {"width": {"ideal": 640}, "height": {"ideal": 480}}}
PICTURES = ["image", ".heic", ".heif", ".avif"]  # which not every system takes for images
QUICK = {"show_progress": "hidden", "api_visibility": "private", "queue": False}
STREAM = {
    "stream_every": EVERY,
    "show_progress": "hidden",
    "concurrency_limit": None,  # a stream lasts as long as its tab
    "api_visibility": "private",
}


def stage(gr: Any, label: str) -> tuple[Any, Any]:
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
