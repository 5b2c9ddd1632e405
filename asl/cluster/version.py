"""Which package and which network a process has: workers with another one are refused."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

from asl import files

DIGITS = 12  # of a hash


@cache
def package_version() -> str:
    """A hash of the package's files: whoever has the same reads pictures in the same way."""
    package = Path(__file__).resolve().parents[1]
    told = hashlib.sha256()
    for file in sorted(package.rglob("*.py"), key=lambda each: each.relative_to(package).parts):
        told.update(str(file.relative_to(package).as_posix()).encode() + b"\0" + file.read_bytes())
    return told.hexdigest()[:DIGITS]


def network_version(model: str) -> str:
    """The network that `predict` would run: its file, a hash of its weights, and what runs it.
    AslError where it is not there, or damaged.
    """
    if model == "reader":
        from asl.reader.read import find_network

        file = find_network().file
        return f"{file.name} {files.sha256(file)[:DIGITS]}"
    from asl import checkpoints
    from asl.export.network import find_exported

    file = checkpoints.find(model)
    metadata = checkpoints.read_metadata(file)
    runs = "LiteRT" if find_exported(file, metadata) else "Keras"
    return f"{file.name} {str(metadata.weights_sha256)[:DIGITS]} by {runs}"
