"""The packages of a notebook's machine: `install_missing` brings what is missing, and nothing else.
What is too old is replaced where the machine is a hosted notebook's; elsewhere it is a person's.

The setup cell of every notebook calls it. It needs nothing beyond Python itself, and imports none
of the packages that it looks for: what is not imported can be replaced without a restart.
"""

import contextlib
import importlib
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, distributions, packages_distributions, version
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

from asl.errors import AslError, few

REQUIREMENTS = Path(__file__).resolve().parents[2] / "requirements.txt"
# Names under which the same modules are installed as well; never two of them beside each other
ALSO = {
    "tensorflow": ("tensorflow-cpu", "tensorflow-macos", "tensorflow-intel", "tf-nightly"),
    "opencv-python-headless": (
        "opencv-python",
        "opencv-contrib-python",
        "opencv-contrib-python-headless",
    ),
    "jupyter": ("jupyterlab", "notebook", "ipykernel"),  # that a notebook runs in
}
# What they are imported as, where that is another name
MODULES = {"opencv-python-headless": "cv2", "pillow": "PIL", "scikit-learn": "sklearn"}
JAX = "0.7"  # the oldest that will do in place of TensorFlow, see pyproject.toml
# Set by Colab, Kaggle, Binder and Deepnote, whose machines are there for one notebook
HOSTED = (
    "COLAB_RELEASE_TAG",
    "KAGGLE_KERNEL_RUN_TYPE",
    "BINDER_LAUNCH_HOST",
    "DEEPNOTE_PROJECT_ID",
)


class Requirement(NamedTuple):
    """A line of requirements.txt: a package, and the oldest version that will do."""

    name: str
    oldest: str

    @property
    def module(self) -> str:
        """What it is imported as."""
        return MODULES.get(self.name, self.name.replace("-", "_"))


def install_missing() -> None:
    """Install the packages of requirements.txt that are missing here; in a hosted notebook also
    those that are too old; and only those.

    In a virtual environment that has them all it says nothing. Elsewhere, as in a hosted notebook,
    it says in a line what it found; and that the kernel must be restarted, where a package that is
    in use was replaced. AslError where they cannot be installed, and for packages that are too old
    in a person's own environment, where other work may need them as they are: nothing is installed.
    """
    lacking = [line for line in read_requirements() if not _is_here(line)]
    old = [line for line in lacking if _found(line.name)]
    # Under the name that is there: two of them beside each other spoil both
    wanted = [f"{(_found(name) or (name, ''))[0]}>={oldest}" for name, oldest in lacking]
    if old and not any(name in os.environ for name in HOSTED):
        told = (f"{' '.join(_found(name) or ())} (needed: {oldest})" for name, oldest in old)
        raise AslError(
            f"too old here: {few(told)}. Nothing was replaced, since other work may need them as "
            f"they are. Take an environment of the project's own (README.md), or replace them: "
            f"{_by_hand(wanted)}. Then restart the kernel and run this cell again."
        )
    if lacking:
        before, modules = _versions(), packages_distributions()
        _install(wanted)
        _say_what_is_in_use(before, modules)
    elif sys.prefix == sys.base_prefix:  # no virtual environment
        names = ("jax" if _with_jax() else "tensorflow", "keras", "numpy")
        found = [" ".join(_found(name) or (name, "of unknown version")) for name in names]
        print(f"Nothing is missing: Python {sys.version.split()[0]}, {', '.join(found)}.")


def read_requirements(file: Path | None = None) -> list[Requirement]:
    """The lines of requirements.txt; none where the file is not there. Where Keras is to compute
    with JAX (KERAS_BACKEND), that stands in place of TensorFlow.
    """
    file = file or REQUIREMENTS
    text = file.read_text(encoding="utf-8") if file.is_file() else ""
    text = re.sub(r"^tensorflow>=.*", f"jax>={JAX}", text, flags=re.M) if _with_jax() else text
    return [Requirement(*found) for found in re.findall(r"^([\w.-]+)>=([\w.]+)", text, re.M)]


def _with_jax() -> bool:
    return os.environ.get("KERAS_BACKEND") == "jax"


def is_older(version: str, other: str) -> bool:
    """Whether a version comes before another: 3.9 before 3.10."""
    one, two = ([int(part) for part in re.findall(r"\d+", each)] for each in (version, other))
    length = max(len(one), len(two))
    return one + [0] * (length - len(one)) < two + [0] * (length - len(two))


def _is_here(wanted: Requirement) -> bool:
    """Whether a package, or another of its names, is installed and new enough."""
    found = _found(wanted.name)
    if found is None:  # some systems install modules without saying so
        return find_spec(wanted.module) is not None
    return not is_older(found[1], wanted.oldest)


def _found(name: str) -> tuple[str, str] | None:
    """The name and version by which a package is installed; None where it is not."""
    for each in (name, *ALSO.get(name, ())):
        with contextlib.suppress(PackageNotFoundError):
            return each, version(each)
    return None


def _versions() -> dict[str, str]:
    return {each.metadata["Name"].lower(): each.version for each in distributions()}


def _install(packages: list[str]) -> None:
    print(f"Missing or too old here: {', '.join(packages)}. Installing …", flush=True)
    command = [sys.executable, "-m", "pip", "install", "--quiet", *packages]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        lines = (done.stderr or done.stdout).strip().splitlines()
        errors = [line for line in lines if line.lower().startswith("error")]
        reason = (errors or lines or ["it gives no reason"])[-1]
        raise AslError(
            f"pip could not install {few(packages)} ({reason[:200]}). Install them by hand: "
            f"{_by_hand(packages)}"
        )
    importlib.invalidate_caches()
    if "asl" in sys.modules:  # imported before what it needs was there
        importlib.reload(sys.modules["asl"])


def _by_hand(packages: list[str]) -> str:
    """What to type, so that a shell takes none of it for its own signs."""
    return " ".join([sys.executable, "-m pip install", *(f'"{each}"' for each in packages)])


def _say_what_is_in_use(before: dict[str, str], modules: Mapping[str, list[str]]) -> None:
    """Whether the kernel goes on with an old version of something that was replaced."""
    after = _versions()
    replaced = {name for name, found in before.items() if after.get(name, found) != found}
    in_use = sorted(
        name
        for module, names in modules.items()
        if module in sys.modules
        for name in map(str.lower, names)
        if name in replaced
    )
    if in_use:
        print(f"Restart the kernel, then run this cell again: {few(in_use)} was in use.")
    else:
        print("Installed; no restart is needed.")
