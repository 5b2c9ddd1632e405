"""The structure of the package: imports go one way, files and functions stay small."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import REPOSITORY

import asl

PACKAGE = REPOSITORY / "asl"
FILES = sorted(PACKAGE.rglob("*.py"))
TREES = {file: ast.parse(file.read_text(encoding="utf-8")) for file in FILES}

# A room may import from those above it in this list and from itself, never from one below
ORDER = [
    {"errors", "files", "rounding", "keras_setup", "config", "environment"},
    {"data"},
    {"landmarks"},
    {"models"},
    {"checkpoints"},
    {"export"},
    {"results"},
    {"prediction"},
    {"plots"},
    {"evaluation"},
    {"training"},
    {"reader"},
    {"spelling"},
    {"cluster"},
    {"app"},
    {"notebooks"},
    {"shell"},
    {"__main__", "__init__"},
]
RANK = {room: rank for rank, rooms in enumerate(ORDER) for room in rooms}
TABLES = {"catalog.py", "rendered_hands.py"}  # may be longer: a data table, the renderer


def module_of(file: Path) -> str:
    parts = file.relative_to(REPOSITORY).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_of(file) for file in FILES}


def imports(file: Path) -> set[str]:
    """Modules of the package that a file imports, anywhere in it, for types only as well."""
    found = set()
    for node in ast.walk(TREES[file]):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        if isinstance(node, ast.ImportFrom) and node.module:
            names = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= names & MODULES or {node.module}
    return {name for name in found if name.split(".")[0] == "asl"}


def room_of(module: str) -> str:
    return [*module.split("."), "__init__"][1]


@pytest.mark.parametrize("file", FILES, ids=module_of)
def test_imports_go_one_way(file):
    own = room_of(module_of(file))
    for module in imports(file) - {"asl"}:
        assert RANK[room_of(module)] <= RANK[own], f"{file}: {module}"


def test_the_lazy_package_is_imported_by_the_shell_alone():
    assert {module_of(file) for file in FILES if "asl" in imports(file)} <= {"asl.shell.commands"}


def test_there_is_no_circle():
    graph = {module_of(file): imports(file) - {module_of(file)} for file in FILES}
    while graph:
        free = {module for module, needed in graph.items() if not needed & graph.keys()}
        assert free, f"these import each other: {sorted(graph)}"
        graph = {module: needed for module, needed in graph.items() if module not in free}


def test_at_most_twelve_files_at_the_top():
    there = [file.name for file in PACKAGE.iterdir() if file.is_file()]
    assert len(there) <= 12, sorted(there)


@pytest.mark.parametrize("file", FILES, ids=module_of)
def test_files_and_functions_are_small(file):
    if file.name not in TABLES:
        assert len(file.read_text(encoding="utf-8").splitlines()) <= 325
    for node in ast.walk(TREES[file]):
        if isinstance(node, ast.FunctionDef):
            assert node.end_lineno - node.lineno < 50, node.name
            names = [each.arg for each in (*node.args.args, *node.args.kwonlyargs)]
            assert len([name for name in names if name != "self"]) <= 7, node.name


def test_every_public_name_is_there_and_documented():
    for name in asl.__all__:
        value = getattr(asl, name)
        assert not callable(value) or value.__doc__, name


def test_the_list_of_commands_needs_neither_numpy_nor_tensorflow():
    code = (
        "import sys\n"
        "from asl.shell.parser import parser\n"
        "parser().format_help()\n"
        "assert not {'numpy', 'pandas', 'cv2', 'tensorflow', 'keras'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code], cwd=REPOSITORY, check=True)


def test_every_class_of_faults_is_counted():
    """`make faults` knows the classes that tests name, and counts no other."""
    tests = [file.read_text() for file in (REPOSITORY / "tests").rglob("test_*.py")]
    named = {name for text in tests for name in re.findall(r'mark\.fault\("([^"]+)"\)', text)}
    assert {*bench_constant("faults.py", "CLASSES")} == named


def bench_constant(file: str, name: str):
    """The value of a constant at the top of a file of benchmarks/, without running it."""
    for line in ast.parse((REPOSITORY / "benchmarks" / file).read_text()).body:
        if isinstance(line, ast.Assign) and ast.unparse(line.targets[0]) == name:
            return ast.literal_eval(line.value)
    raise AssertionError(f"{file} has no {name}")
