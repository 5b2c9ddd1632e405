"""Executing a notebook in a kernel of its own, which can start while the one before still works."""

import ast
import asyncio
import contextlib
import signal
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient

KERNEL_SECONDS = 5  # that an interrupted kernel has to end by itself
ENDING_SECONDS = 20  # that one has which is not needed any more, and may be in an import
LOOK = 0.02  # seconds between two looks at whether it is its turn
FREE_MEMORY = 3 << 30  # bytes; with less, the next kernel waits until this one has ended

# Executed in a kernel that waits for its turn, in a namespace of its own: no cell can miss an
# import that it should have made. What fails here fails again in its cell, and is told there.
GET_READY = """
for _line in {lines!r}:
    try:
        exec(_line, {{}})
    except Exception:
        pass
"""


class Execution:
    """A notebook, a kernel that is started for it at once, and the thread that talks to it.

    The kernel imports what the notebook's cells use, and waits; `finish` executes the cells. `end`
    ends a kernel whose notebook is not to be executed.
    """

    def __init__(self, notebook: nbformat.NotebookNode, folder: Path) -> None:
        self.notebook = notebook
        self.raised: list[BaseException] = []
        self.turn = threading.Event()
        self.client = NotebookClient(
            notebook,
            timeout=None,
            record_timing=False,
            kernel_name="python3",
            extra_arguments=["--log-level=40"],  # its notes on encryption help no reader
            resources={"metadata": {"path": str(folder)}},
            on_notebook_start=self._get_ready,
        )
        self.worker = threading.Thread(target=self._work, daemon=True)
        self.worker.start()

    def finish(self, on_cell_start: Callable) -> None:
        """Execute the notebook; interrupted, end its kernel and raise KeyboardInterrupt.

        In a thread, since nbclient takes an interruption in the main one for the kernel's death.
        """
        self.client.on_cell_start = on_cell_start
        self.turn.set()
        try:
            while self.worker.is_alive():
                self.worker.join(1)  # in pieces, so that Windows hears Ctrl-C, too
        except KeyboardInterrupt:
            for ending in (signal.SIGINT, getattr(signal, "SIGKILL", signal.SIGTERM)):
                with contextlib.suppress(Exception):  # it may have ended already
                    manager: Any = self.client.km
                    manager.provisioner.process.send_signal(ending)
                self.worker.join(KERNEL_SECONDS)
                if not self.worker.is_alive():
                    break
            raise
        if self.raised:
            raise self.raised[0]

    def end(self) -> None:
        """End the kernel without executing anything."""
        self.notebook.cells = []
        self.turn.set()
        self.worker.join(ENDING_SECONDS)

    def _work(self) -> None:
        try:
            # stderr: what the kernel says when it is ended
            asyncio.run(self.client.async_execute(stderr=subprocess.DEVNULL))
        except BaseException as error:
            self.raised.append(error)

    async def _get_ready(self, notebook: nbformat.NotebookNode) -> None:
        if not self.turn.is_set():
            talk: Any = self.client.kc
            talk.execute(GET_READY.format(lines=imports(notebook)), silent=True)
        while not self.turn.is_set():
            await asyncio.sleep(LOOK)


def imports(notebook: nbformat.NotebookNode) -> list[str]:
    """The imports of a notebook's cells, as lines of code. The package loads a name, asl.NAME, when
    it is first used: so these are among them.
    """
    lines: dict[str, None] = {}
    for cell in notebook.cells:
        with contextlib.suppress(SyntaxError):  # of IPython's own language
            nodes = ast.walk(ast.parse(cell.source if cell.cell_type == "code" else ""))
            for node in nodes:
                if isinstance(node, ast.Import | ast.ImportFrom):
                    lines[ast.unparse(node)] = None
                if isinstance(node, ast.Attribute) and ast.unparse(node.value) == "asl":
                    lines[f"import asl; asl.{node.attr}"] = None
    return [*lines]


def there_is_memory() -> bool:
    """Whether a second kernel may be started beside the one that works."""
    with contextlib.suppress(Exception):  # psutil comes with ipykernel
        import psutil

        return psutil.virtual_memory().available > FREE_MEMORY
    return False
