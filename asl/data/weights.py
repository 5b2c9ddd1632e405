"""Files of weights: found on this machine or fetched, and checked before they are used.

They are looked for in data/weights, where what is fetched is kept and others may be put by hand,
and in the folders that ASL_ARCHIVES names.
"""

import hashlib
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path

from tqdm import tqdm

from asl import files
from asl.errors import AslError, few

TIMEOUT = 5  # seconds without a byte: who has no connection need not wait long to know
PIECE = 1 << 16  # bytes
ARCHIVES = ", or into a folder that ASL_ARCHIVES names."


@dataclass(frozen=True)
class WeightsFile:
    """A file of weights: what it is called, its hash as far as it is known, its address."""

    name: str
    digest: str = ""  # algorithm:hexadecimal digits, all of them or the first
    url: str = ""


def find_file(known: Sequence[WeightsFile], what: str, advice: str = ARCHIVES) -> Path:
    """One of these files, any that is there and has its digest; else the first one is fetched.

    A file that is damaged or of another hash is passed over, with a line. `what` says whose weights
    they are, and `advice` what there is to do but to put a file into data/weights, both for
    messages. AslError where there is neither a file nor a network, and where what comes is not
    what was promised.
    """
    flaws: list[str] = []
    if found := _look(known, flaws):
        return found
    file = files.DATA / "weights" / known[0].name
    with files.lock(file):
        found = _look(known, [])  # whoever held the lock may have fetched it
        return found or _fetch(known, file, what, flaws, advice)


def _look(known: Sequence[WeightsFile], flaws: list[str]) -> Path | None:
    """The first good file; what is passed over is added to `flaws` and, if one is good, said."""
    for place in (files.DATA / "weights", *files.archive_folders()):
        for each in known:
            file = place / each.name
            if not file.is_file():
                continue
            flaw = _flaw(file, each)
            if not flaw:
                if flaws:
                    print(f"{files.shown(file)} is used; passed over: {few(flaws)}")
                return file
            flaws.append(f"{files.shown(file)} {flaw}")
    return None


def _flaw(file: Path, known: WeightsFile) -> str:
    """What is wrong with a file, or "" if it has the digest that is known of it."""
    algorithm, _, digest = known.digest.partition(":")
    if not digest:
        return ""
    try:
        with file.open("rb") as opened:
            found = hashlib.file_digest(opened, algorithm).hexdigest()
    except OSError as error:
        return f"cannot be read ({error.strerror})"
    if found.startswith(digest):
        return ""
    return f"is damaged, or not what its name says ({algorithm} {found[:8]}…, not {digest[:8]}…)"


def _fetch(
    known: Sequence[WeightsFile], file: Path, what: str, flaws: list[str], advice: str
) -> Path:
    """Download with progress, check, and only then give the file its name."""
    passed = f"{few(flaws)}. " if flaws else ""
    print(f"{passed}Fetching {what}, {known[0].url} …")
    try:
        with files.write_beside(file) as temporary:
            download(known[0].url, temporary)
            if flaw := _flaw(temporary, known[0]):
                raise AslError(
                    f"what came from {known[0].url} {flaw}. Try again later, or put "
                    f"{known[0].name} into {files.shown(file.parent)}{advice}"
                )
    except (OSError, ValueError, HTTPException) as error:
        names = " or ".join(each.name for each in known)
        raise AslError(
            f"{passed}{what[:1].upper() + what[1:]} are not on this machine and cannot be fetched "
            f"({_reason(error)}).\nPut {names} into {files.shown(file.parent)}{advice}"
        ) from error
    return file


def download(url: str, file: Path) -> None:
    """Write what is at an address to a file, with progress. OSError where it cannot be had."""
    if not url:
        raise ValueError("no address is known")
    request = urllib.request.Request(url, headers={"User-Agent": "asl"})
    with urllib.request.urlopen(request, timeout=TIMEOUT) as answer, file.open("wb") as out:
        size = int(answer.headers.get("Content-Length") or 0)
        with tqdm(total=size or None, unit="B", unit_scale=True, leave=False, delay=0.5) as bar:
            while piece := answer.read(PIECE):
                out.write(piece)
                bar.update(len(piece))
        if size and out.tell() != size:
            raise ConnectionError(f"it ended after {out.tell():,} of {size:,} bytes")


def _reason(error: Exception) -> str:
    """The first line of an error, without what urllib wraps around it."""
    cause = getattr(error, "reason", None) or error
    status = getattr(error, "code", None)
    text = getattr(cause, "strerror", None) or str(cause)
    line = next(iter(text.strip().splitlines()), type(error).__name__)
    return f"{status} {line}"[:160] if status else line[:160]
