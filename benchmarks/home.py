"""Imported before asl: where the repository is, and the home folder of the benchmark.

Data, checkpoints and caches go to the folder that ASL_HOME names, or to runs/bench, and leave those
of the project alone.
"""

import os
import sys
from pathlib import Path

BENCHMARKS = Path(__file__).resolve().parent
REPOSITORY = BENCHMARKS.parent

sys.path.insert(0, str(REPOSITORY))
if not os.environ.get("ASL_HOME"):
    os.environ["ASL_HOME"] = str(REPOSITORY / "runs/bench")
