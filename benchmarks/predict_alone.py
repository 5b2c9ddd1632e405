"""`python -m asl predict PATH` in a process of its own; prints how many hands were found, and the
megabytes at its peak. Nothing else is imported here: TensorFlow would take seconds and memory.
"""

import json
import sys
from pathlib import Path

import home  # noqa: F401  (before asl)

from asl import files
from asl.__main__ import main


def predict(path: str) -> dict:
    details = files.HOME / "details.jsonl"
    code = main(["predict", path, "--output", str(files.RESULTS), "--details", str(details)])
    if code:
        sys.exit(code)
    rows = [json.loads(line) for line in details.read_text().splitlines()]
    # What the system counts by rusage would begin with the memory of whoever started this process
    peak = Path("/proc/self/status").read_text().partition("VmHWM:")[2].split()[0]
    return {"hands": sum("box" in row for row in rows), "megabytes": int(peak) * 1024 / 1e6}


if __name__ == "__main__":
    print(json.dumps(predict(sys.argv[1])))
