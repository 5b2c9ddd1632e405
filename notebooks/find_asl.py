"""What the setup cell of every notebook imports: the package, wherever the notebook was started.

The cell looks for this file in the notebook's folder and beside it. Where it is not there, as on
Colab's bare machine, git fetches the project: write its public address in place of ADDRESS in the
cell, once it has one.
"""

import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

from asl.environment import install_missing

install_missing()  # nothing, where all packages are there

import asl  # after what it needs


def __getattr__(name: str) -> Any:
    """A setting of asl/config.py, as it is now."""
    return getattr(asl.config, name)
