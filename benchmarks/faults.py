"""Bad input, faults and interruptions: how many cases of each class are answered well."""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from common import text
from home import REPOSITORY

CLASSES = {
    "tables": "tables with mistakes",
    "caches": "caches that are damaged or of other files",
    "networks": "networks and metadata that disagree",
    "outputs": "outputs that would destroy something",
    "interruptions": "interruptions, two at once, errors nobody foresaw",
    "terminals": "terminals, streams and homes of any kind",
    "pictures": "pictures as people have them",
    "names": "names of files",
    "archives": "archives and folders",
    "values": "wrong values",
    "versions": "older, newer and missing libraries",
    "clusters": "clusters whose workers, parts or address fail",
    "kills": "kill -9 at random moments",
}


def faults() -> dict:
    """Runs every test with the marker `fault`, and those of tests/faults; a row a class."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder, "report.json")
        clean = {key: value for key, value in os.environ.items() if key != "ASL_HOME"}
        chosen = ["-m", "fault", "-o", "norecursedirs=parity", "--faults-report", str(report)]
        subprocess.run(
            [sys.executable, "-m", "pytest", *chosen],
            cwd=REPOSITORY,
            env=clean,
            check=False,  # a case that failed is counted
        )
        counts = json.loads(report.read_text())
    rows = {}
    for name in sorted(counts, key=list(CLASSES).index):
        tried, passed = counts[name]
        rows[f"{CLASSES[name]}: answered well"] = text(f"{passed:,} of {tried:,}", "all")
    tried, passed = (sum(each[k] for each in counts.values()) for k in range(2))
    return rows | {"all classes: answered well": text(f"{passed:,} of {tried:,}", "all")}
