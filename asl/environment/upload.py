"""Pictures from a reader's own machine into a folder: in Colab, and in Jupyter."""

from importlib import import_module
from pathlib import Path
from typing import Any

from asl import files


def upload_pictures(folder: str | Path) -> None:
    """Ask for picture files, and put them into `folder`.

    Colab waits until they are there. In Jupyter a button appears and the notebook goes on: choose
    files, then run the next cells again. Where there is neither, it says where to put them.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    try:
        import_module("google.colab.files").upload(target_dir=str(folder))
        return
    except ImportError:
        pass
    try:
        widgets, display = import_module("ipywidgets"), import_module("IPython.display").display
    except ImportError:
        print(f"Put pictures into {files.shown(folder)}, then run the next cells.")
        return
    button = widgets.FileUpload(accept="image/*", multiple=True, description="Pictures")
    button.observe(lambda change: _save(change["new"], folder), names="value")
    display(button)


def _save(uploaded: Any, folder: Path) -> None:
    """Write what a FileUpload gives: in ipywidgets 8 a tuple of dicts, in 7 a dict of them."""
    found = uploaded.items() if isinstance(uploaded, dict) else [(f["name"], f) for f in uploaded]
    for name, file in found:
        with files.write_beside(folder / Path(name).name) as temporary:
            temporary.write_bytes(bytes(file["content"]))
    print(f"{len(found)} in {files.shown(folder)}: run the next cells again.")
