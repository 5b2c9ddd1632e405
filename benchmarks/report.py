"""Write benchmarks/RESULTS.md, and the marked blocks of README.md, from what was measured.

.venv/bin/python benchmarks/report.py writes them without measuring anything.
"""

import json

import pandas as pd
from home import BENCHMARKS, REPOSITORY
from parts import PARTS

from asl import files
from asl.rounding import percent

RESULTS = BENCHMARKS / "results.json"
PAGE = BENCHMARKS / "RESULTS.md"
README = REPOSITORY / "README.md"

# Rows of results.json that the README shows between its marks <!-- results -->
HEADLINES: tuple[str, ...] = (
    "make run, after the install",
    "sample, signers not trained on",
    "letters, mistakes of 7,172, seeds 0–9",
    "letters, test images with a near-duplicate in training",
    "training to the saved best model, as a share of the best-known public recipe",
    "student_digits, seeds 0–4",
    "alphabet, seeds 0–4",
    "signers, mean of the five and the worst",
    "reader, mean over the sets left out",
    "one photograph, from a cold start",
    "240 photographs, with the start",
    "predict, PNG files",
)

INTRODUCTION = """\
# What was measured

Written by the benchmark from `results.json`; do not edit it by hand. `make bench` measures all of
it, the command in each section that section alone. The data sets must be on the machine
([data/README.md](../data/README.md)).

A figure of a network on test images is correct/total, percent, and where it is given the 95 %
interval; "seeds 0–4" are as many trainings, which differ in their split, first weights and order.
`outdated` marks rows that were measured in a way that is no longer the project's.
"""


def read() -> dict[str, dict]:
    """Part → row → value, unit, target, date, machine; in the order of PARTS."""
    found = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}
    return {part: found[part] for part in PARTS if part in found}


def write(found: dict[str, dict]) -> None:
    """Keep the rows in results.json, and write RESULTS.md."""
    found = {part: found[part] for part in PARTS if part in found}
    with files.write_beside(RESULTS) as temporary:
        text = json.dumps(found, indent=2, ensure_ascii=False) + "\n"
        temporary.write_text(text, encoding="utf-8")
    with files.write_beside(PAGE) as temporary:
        temporary.write_text(page(found), encoding="utf-8")


def page(found: dict[str, dict]) -> str:
    """RESULTS.md: a section a part, a row a figure."""
    sections = [INTRODUCTION]
    for name, rows in found.items():
        part = PARTS[name]
        lines = [
            f"## {part.title}\n\n{part.about}\n",
            f"```sh\n.venv/bin/python benchmarks/bench.py {name}\n```\n",
            "| what | reached | target | date | machine |\n|---|---|---|---|---|",
            *(
                f"| {_name(what, row)} | {reached(row)} | {row['target']} | {row['date']} | "
                f"{row['machine']} |"
                for what, row in rows.items()
            ),
        ]
        sections.append("\n".join(lines) + "\n")
    return "\n".join(sections)


def reached(row: dict) -> str:
    """The value of a row as text, with its unit."""
    value = row["value"]
    if isinstance(value, str):
        return value
    digits = 0 if isinstance(value, int) or value >= 1000 else 1 if value >= 10 else 2
    digits = 3 if digits and value < 1 else digits
    return f"{value:,.{digits}f} {row['unit']}".strip()


def _name(what: str, row: dict) -> str:
    return f"{what} (outdated: {row['outdated']})" if "outdated" in row else what


def update_readme(found: dict[str, dict]) -> None:
    """Replace what stands between the marks of the README, of those blocks whose marks it has."""
    before = README.read_text(encoding="utf-8")
    text = before
    blocks = {"results": headlines, "matrix": matrix}
    for name, block in blocks.items():
        start, end = f"<!-- {name} -->\n", f"<!-- /{name} -->"
        head, opened, rest = text.partition(start)
        _, closed, tail = rest.partition(end)
        content = block(found) if opened and closed else ""
        if content:
            text = f"{head}{start}{content}\n{end}{tail}"
    if text != before:
        with files.write_beside(README) as temporary:
            temporary.write_text(text, encoding="utf-8")


def headlines(found: dict[str, dict]) -> str:
    """The rows that HEADLINES names."""
    rows = {what: row for part in found.values() for what, row in part.items()}
    missing = [what for what in HEADLINES if what not in rows]
    if missing:
        print(f"not measured yet, so not in the README: {', '.join(missing)}")
    lines = [
        f"| {_name(what, rows[what])} | {reached(rows[what])} | {rows[what]['target']} |"
        for what in HEADLINES
        if what in rows
    ]
    return "\n".join(["| what | reached | target |", "|---|---|---|", *lines]) if lines else ""


def matrix(found: dict[str, dict]) -> str:
    """What the part `matrix` left in model/matrix.csv: a row a network, a column a data set."""
    file = REPOSITORY / "model/matrix.csv"
    if not file.is_file():
        return ""
    table = pd.read_csv(file)
    sets = [*table["tested_on"].drop_duplicates()]
    lines = [f"| trained on \\ tested on | {' | '.join(sets)} |", "|---" * (len(sets) + 1) + "|"]
    told = {"overlap": "same hands", "trained on it": "trained"}
    for model, cells in table.groupby("model", sort=False):
        row = []
        for cell in cells.to_dict("records"):
            if not cell["images"] > 0:  # not measured
                row.append(told.get(cell["kind"], "–"))
                continue
            share = percent(cell["correct"] / cell["images"], 1)[:-2]
            row.append(f"[{share}]" if cell["kind"] == "test split" else share)
        lines.append(f"| `{model}` | {' | '.join(row)} |")
    return "\n".join(lines)


if __name__ == "__main__":
    write(read())
    update_readme(read())
