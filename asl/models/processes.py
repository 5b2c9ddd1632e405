"""Several processes that train one network: how they meet, what they tell each other, and what
becomes of them where one of them ends.

Where process 0 is killed, JAX aborts the others from within, before Python could say anything. So
each process has a companion that does nothing but say it then.
"""

from __future__ import annotations

import atexit
import contextlib
import io
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

from asl.errors import AslError, few

CONNECT = 30  # seconds in which the first process must answer
GATHER = 300  # seconds in which all of them must have come
SILENT = 30  # seconds after which a process that says nothing counts as ended
BLOCK = 1 << 26  # bytes that are sent at a time
DONE, ENDED = "done", "ended"
COMPANION = "import sys; sys.stdin.buffer.read() or sys.stderr.write(sys.argv[1])"
GO_ON = (
    "What was trained is kept after each whole epoch: start all processes again with the same "
    "commands, and they go on from there."
)


def join(coordinator: str, process: int, processes: int) -> None:
    """Meet the other processes; AslError where they do not come."""
    import jax

    if process:
        _wait_for(coordinator)
    last_words = f"asl: this process was ended, from outside or because another one was. {GO_ON}\n"
    companion = subprocess.Popen(
        [sys.executable, "-I", "-S", "-c", COMPANION, last_words],
        stdin=subprocess.PIPE,
        start_new_session=True,  # Ctrl-C is not for it
    )
    try:
        jax.distributed.initialize(
            coordinator,
            processes,
            process,
            initialization_timeout=GATHER,
            heartbeat_timeout_seconds=4 * SILENT,  # after our own watch, which says why
        )
    except Exception as error:  # whatever the connection raises
        companion.communicate(b"dismissed")
        raise AslError(
            f"the {processes} processes did not meet at {coordinator} ({_reason(error)}). Start "
            f"all of them within {GATHER // 60} minutes, each with its own --process, from 0 to "
            f"{processes - 1}, and see that nothing else uses this port."
        ) from error
    from jax._src import distributed  # JAX shows its client nowhere else

    watch = _Watch(distributed.global_state.client, process, processes)
    watch.companion = companion
    watch.start()
    atexit.register(_leave)  # before JAX, which waits for the others


def several() -> bool:
    """Whether this process is one of several."""
    return _Watch.running is not None


def is_first() -> bool:
    """Whether this process is the one that writes files."""
    return _Watch.running is None or _Watch.running.process == 0


def tell(state: str) -> None:
    """Tell the others that this process is DONE, or has ENDED before it was."""
    watch = _Watch.running
    if watch is not None:
        watch.said = state
        with contextlib.suppress(Exception):  # they may have ended themselves
            watch.say()


def _leave() -> None:
    """End without waiting for the others where this process ended before it was done."""
    watch = _Watch.running
    if watch is not None:
        watch.dismiss()
        if watch.said == ENDED:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(1)


def _wait_for(coordinator: str) -> None:
    """AslError unless the first process answers."""
    host, _, port = coordinator.rpartition(":")
    last, end = "no answer", time.monotonic() + CONNECT
    while (left := end - time.monotonic()) > 0:
        try:
            socket.create_connection((host.strip("[]"), int(port)), timeout=left).close()
            return
        except OSError as error:
            last = error.strerror or str(error)
            time.sleep(min(0.5, max(end - time.monotonic(), 0)))
    raise AslError(
        f"nothing answers at {coordinator} ({last}; tried for {CONNECT} s). Process 0 must run on "
        "that machine, and its port be open to this one."
    )


class _Watch(threading.Thread):
    """Says that this process is alive, and ends it, with a message, where another one is not."""

    running: _Watch | None = None
    companion: subprocess.Popen | None = None

    def __init__(self, client: Any, process: int, processes: int) -> None:
        super().__init__(daemon=True)
        self.client = client  # of the service with which JAX's processes tell each other things
        self.process, self.processes, self.said = process, processes, "0"
        self.heard: dict[int, tuple[str, float]] = {}  # what each process said last, and since when
        _Watch.running = self

    def say(self) -> None:
        self.client.key_value_set(f"asl/{self.process}", self.said, allow_overwrite=True)

    def dismiss(self) -> None:
        """The companion has nothing to say: this process ends of itself."""
        if self.companion is not None:
            self.companion.communicate(b"dismissed")
            self.companion = None

    def run(self) -> None:
        answered = time.monotonic()
        while self.said not in (DONE, ENDED):
            try:
                self.say()
                self._listen(self.client.key_value_dir_get("asl"))
                answered = time.monotonic()
            except Exception:  # whatever the connection raises
                if time.monotonic() - answered > SILENT / 3:
                    give_up("process 0 no longer answers")
            time.sleep(1)
            if self.said.isdecimal():
                self.said = str(int(self.said) + 1)

    def _listen(self, known: list[tuple[str, str]]) -> None:
        now = time.monotonic()
        for name, state in known:
            number = int(name.rpartition("/")[2])
            before, since = self.heard.get(number, ("", now))
            self.heard[number] = (state, now) if state != before else (before, since)
            silent = state != DONE and now - self.heard[number][1] > SILENT
            if number != self.process and (state == ENDED or silent):
                give_up(f"process {number} of {self.processes} has ended")


def give_up(reason: str) -> NoReturn:
    """End this process with a message: JAX would wait, or end it without one."""
    sys.stderr.write(f"asl: {reason}, and this process cannot go on alone. {GO_ON}\n")
    sys.stderr.flush()
    if _Watch.running is not None:
        _Watch.running.dismiss()
    os._exit(1)


@contextlib.contextmanager
def explained() -> Iterator[None]:
    """Say what an error of the connection means, where there are several processes."""
    try:
        yield
    except Exception as error:
        if not several():
            raise
        from jax.errors import JaxRuntimeError

        if not isinstance(error, JaxRuntimeError):
            raise
        give_up(f"another process has ended, or cannot be reached ({_reason(error)})")


def check_same(key: str) -> None:
    """AslError, in all processes, unless this text is the same in all."""
    if not several():
        return
    from jax.experimental import multihost_utils

    with explained():
        keys = multihost_utils.process_allgather(np.frombuffer(key.encode(), np.uint8))
    other = [number for number, each in enumerate(keys) if (each != keys[0]).any()]
    if other:
        raise AslError(
            f"process {few(other)} would train something else than process 0: images, settings or "
            "first weights differ. Give all of them the same command, the same data sets and the "
            "same versions of all packages."
        )


@contextlib.contextmanager
def shared_folder(folder: Path) -> Iterator[Path]:
    """A folder of a training for this process: the first one's is the folder itself; the others
    have a copy of it, which is gone afterwards.
    """
    if not several():
        yield folder
        return
    with explained():
        content = _from_first(_packed(folder) if is_first() else b"")
    if is_first():
        yield folder
        return
    with tempfile.TemporaryDirectory() as place:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            if archive.namelist():
                archive.extractall(Path(place) / folder.name)
        yield Path(place) / folder.name


def _packed(folder: Path) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for file in sorted(folder.rglob("*")):
            if file.is_file():
                archive.write(file, file.relative_to(folder))
    return packed.getvalue()


def _from_first(content: bytes) -> bytes:
    """The first process's bytes, in all of them."""
    from jax.experimental import multihost_utils

    def send(values: np.ndarray) -> np.ndarray:
        return np.asarray(multihost_utils.broadcast_one_to_all(values))

    high, low = send(np.array(divmod(len(content), BLOCK), np.int32)).tolist()
    size = high * BLOCK + low
    values = np.frombuffer(content or bytes(size), np.uint8)
    return b"".join(send(values[at : at + BLOCK]).tobytes() for at in range(0, size, BLOCK))


def _reason(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return (lines or [type(error).__name__])[0][:160]
