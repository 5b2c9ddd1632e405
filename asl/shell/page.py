"""The command `app`: the page in the browser."""

from __future__ import annotations

import argparse


def app(options: argparse.Namespace) -> None:
    from asl.app import server

    server.serve(options.port, browser=options.browser)
