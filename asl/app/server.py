"""The server of the page: it answers this machine alone, and the page asks nothing of another."""

from __future__ import annotations

import os
import socket
import sys
import tempfile
import time
import webbrowser
from typing import Any

from asl.app import look, page
from asl.errors import AslError
from asl.spelling.film import spelling_network

HOST, PORT, TRIED = "127.0.0.1", 7860, 50
_kept: list[tempfile.TemporaryDirectory] = []
CSP = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:; "
    "style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; media-src 'self' data: blob:; "
    "font-src 'self' data:; connect-src 'self' data: blob:; worker-src 'self' blob:; "
    "frame-src 'none'; object-src 'none'; form-action 'none'; base-uri 'self'"
)
MISSING = (
    "the page needs Gradio, the extra `app`, which is not installed: `make app` installs it and "
    "starts the page; or, in this folder, python -m pip install '.[app]'."
)


def serve(port: int | None = None, browser: bool = True, wait: bool = True) -> str:
    """Start the page, and with `wait` stay until it is interrupted. Gives its address. AslError
    without Gradio, without the networks, and where no port is free.
    """
    folder = tempfile.TemporaryDirectory(prefix="asl-page-", ignore_cleanup_errors=True)
    prepare_gradio(folder.name)
    network = spelling_network()
    wanted = PORT if port is None else port
    free = free_port(wanted)
    if free != wanted:
        print(f"port {wanted} is taken, so the page has the next free one")
    app = page.build(network)
    app.launch(server_name=HOST, server_port=free, prevent_thread_lock=True, **_settings())
    address = f"http://{HOST}:{free}"
    print(f"the page is at {address}" + (" (Ctrl-C ends it)" if wait else ""), flush=True)
    if browser and has_browser():
        webbrowser.open(address)
    if not wait:
        _kept.append(folder)  # removed when Python ends
        return address
    try:
        while True:
            time.sleep(3600)
    finally:
        app.close(verbose=False)
        folder.cleanup()


def prepare_gradio(folder: str) -> None:
    """Say where what is dropped on the page lies until it is read; AslError without Gradio."""
    os.environ["GRADIO_TEMP_DIR"] = folder  # read when it is imported, as are these
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    try:
        import gradio  # noqa: F401
    except ImportError as error:
        raise AslError(MISSING) from error


def _settings() -> dict[str, Any]:
    """What Gradio is told: nothing leaves, nothing is kept, and no fonts of the web."""
    import gradio as gr
    from starlette.middleware import Middleware

    own = ["system-ui", "sans-serif"]
    return {
        "share": False,
        "quiet": True,
        "inbrowser": False,
        "ssr_mode": False,
        "run_history": False,
        "footer_links": [],
        "enable_monitoring": False,
        "mcp_server": False,
        "max_file_size": "200mb",  # beyond it not even refused kindly
        "app_kwargs": {"middleware": [Middleware(_Header)]},
        "theme": gr.themes.Default(
            primary_hue="blue", font=own, font_mono=["ui-monospace", "monospace"]
        ).set(  # small text that can be read
            body_text_color_subdued="*neutral_600",
            body_text_color_subdued_dark="*neutral_300",
            block_info_text_color="*neutral_600",
            block_info_text_color_dark="*neutral_300",
        ),
        "css": look.CSS,
        "head": look.HEAD,
    }


class _Header:
    """Adds to each answer what the browser may load: only what comes from here."""

    def __init__(self, app: Any) -> None:
        self.app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        async def with_header(message: Any) -> None:
            if message["type"] == "http.response.start":
                added = (b"content-security-policy", CSP.encode())
                message["headers"] = [*message["headers"], added]
            await send(message)

        await self.app(scope, receive, with_header)


def free_port(first: int) -> int:
    """The first free one of so many ports; AslError where none is."""
    for port in range(first, min(first + TRIED, 65536)):
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as tried:
            tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                tried.bind((HOST, port))
            except OSError:
                continue
            return port
    raise AslError(f"no port from {first} on is free: name another one with --port.")


def has_browser() -> bool:
    """Whether there is a screen for a browser; one for terminals would take the terminal."""
    if sys.platform.startswith("linux"):
        return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
    return True
