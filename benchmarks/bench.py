"""Measure every figure of the project; write benchmarks/results.json and benchmarks/RESULTS.md.

    make bench                                    all of it, some hours on two cores
    .venv/bin/python benchmarks/bench.py loading  one part; the others' rows stay
    .venv/bin/python benchmarks/report.py         measure nothing, only write what is known

The data sets must be on this machine (see data/README.md). Data, checkpoints and caches go to
runs/bench, or to the folder that ASL_HOME names, and leave those of the project alone. `make bench`
empties it first; a part that is run by itself takes over the checkpoints that it finds there.
"""

import argparse
import datetime
import importlib
import json
import os
import platform
import sys
import textwrap
from pathlib import Path

import home  # noqa: F401  (before asl)
import report
from parts import PARTS

from asl.errors import AslError


def main() -> None:
    for name in chosen_parts():
        part = PARTS[name]
        print(f"— {name}: {part.about}", flush=True)
        rows = getattr(importlib.import_module(part.module), name.replace("-", "_"))()
        measured = {"date": datetime.date.today().isoformat(), "machine": machine()}
        found = report.read() | {name: {row: rows[row] | measured for row in rows}}
        report.write(found)
        print(json.dumps(rows, indent=2, ensure_ascii=False), flush=True)
    report.update_readme(report.read())


def chosen_parts() -> list[str]:
    """The parts named in the shell, or all; ends with the names there are if one is unknown."""
    told = [
        textwrap.fill(
            f"{name:16}{part.minutes:3d} min  {part.about}", 96, subsequent_indent=" " * 25
        )
        for name, part in PARTS.items()
    ]
    parser = argparse.ArgumentParser(
        description=__doc__,
        epilog="parts, and about how long each takes on two cores:\n\n" + "\n".join(told),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("parts", nargs="*", metavar="PART", help="all of them unless told")
    chosen = parser.parse_args().parts
    for name in chosen:
        if name not in PARTS:
            parser.error(f"there is no part {name!r}. There are: {', '.join(PARTS)}.")
    return chosen or list(PARTS)


def machine() -> str:
    """What was measured on: processor, cores, graphics processor if TensorFlow uses one."""
    processor = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        lines = cpuinfo.read_text().splitlines()
        processor = next((x.split(": ")[1] for x in lines if x.startswith("model name")), processor)
    told = [processor, f"{os.cpu_count()} cores"]
    if "tensorflow" in sys.modules:
        from tensorflow import config

        for device in config.list_physical_devices("GPU"):
            told.append(config.experimental.get_device_details(device).get("device_name", "GPU"))
    return ", ".join([*told, platform.system(), f"Python {platform.python_version()}"])


if __name__ == "__main__":
    try:
        main()
    except AslError as error:
        sys.exit(f"{error}")
