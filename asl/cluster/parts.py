"""The output folder: a part a block, whole or not at all, and what a second start finds in it.

    part-<block>.parquet or .csv   rows of `predict`, named by the pictures that were in the block
    unreadable.csv                 what could not be read, and why
    _run.json                      the network and the options, which a second start must share
    _unreadable/ _writing/         the same a block, and parts that are being written

A block that is read twice, since its worker died too late, writes the same part twice.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import os
import secrets
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from asl import files
from asl.cluster.addresses import file_system, unreachable
from asl.errors import AslError, printable
from asl.results import SHARES, TEXTS, results_text

FORMATS = ("parquet", "csv")
WHOLE = ("s3", "gcs", "abfs")  # file systems on which a file appears when it is whole
RUN, UNREADABLE, WRITING, REPORT = "_run.json", "_unreadable", "_writing", "unreadable.csv"


class Folder(NamedTuple):
    """Where parts are written: a folder of this machine, or an address."""

    address: str
    format: str = FORMATS[0]

    @property
    def is_local(self) -> bool:
        return "://" not in self.address

    def write(self, name: str, data: bytes) -> None:
        """A file in the folder, whole or not at all. AslError where there is no room for it."""
        if self.is_local:
            self._write_here(Path(self.address, name), data)
            return
        system, path = file_system(self.address)
        target, temporary = f"{path}/{name}", f"{path}/{WRITING}/{secrets.token_hex(8)}"
        try:
            if system.type_name in WHOLE:
                temporary = target
            else:
                system.create_dir(f"{path}/{WRITING}", recursive=True)
                system.create_dir(target.rpartition("/")[0], recursive=True)
            with system.open_output_stream(temporary) as out:
                out.write(data)
            if temporary != target:
                system.move(temporary, target)
        except OSError as error:
            raise unreachable(self.address, error) from error

    def _write_here(self, path: Path, data: bytes) -> None:
        # Not files.write_beside: it sweeps away what processes that are not on this machine write
        temporary = Path(self.address, WRITING, f"{path.name}-{secrets.token_hex(8)}")
        with files.explained(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            temporary.parent.mkdir(exist_ok=True)
            try:
                with temporary.open("wb") as out:
                    out.write(data)
                    out.flush()
                    os.fsync(out.fileno())  # the rename must not overtake the content
                os.replace(temporary, path)
            finally:
                temporary.unlink(missing_ok=True)

    def read(self, name: str) -> bytes | None:
        """A file of the folder, None where there is none."""
        if self.is_local:
            with suppress(FileNotFoundError), files.explained(self.address):
                return Path(self.address, name).read_bytes()
            return None
        system, path = file_system(self.address)
        try:
            with system.open_input_stream(f"{path}/{name}") as opened:
                return opened.read()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise unreachable(self.address, error) from error

    def names(self, inside: str = "") -> list[str]:
        """Names of what lies in it, sorted; none where it is not there."""
        if self.is_local:
            folder = Path(self.address, inside)
            return sorted(os.listdir(folder)) if folder.is_dir() else []
        from pyarrow.fs import FileSelector

        system, path = file_system(self.address)
        selector = FileSelector(f"{path}/{inside}".rstrip("/"), allow_not_found=True)
        try:
            return sorted(each.base_name for each in system.get_file_info(selector))
        except OSError as error:
            raise unreachable(self.address, error) from error

    def delete(self, name: str) -> None:
        if self.is_local:
            Path(self.address, name).unlink(missing_ok=True)
        else:
            system, path = file_system(self.address)
            system.delete_file(f"{path}/{name}")

    def part(self, block: str) -> str:
        return f"part-{block}.{self.format}"


def begin(folder: Folder, run: dict[str, Any]) -> set[str]:
    """The names of the blocks that are done. AslError where the folder holds predictions of another
    network, or of other options, and where it cannot be written to.
    """
    text = folder.read(RUN)
    if text is None:
        if any(name.startswith("part-") for name in folder.names()):
            raise AslError(f"{folder.address} holds parts, but no {RUN}: choose another folder.")
        folder.write(RUN, json.dumps(run, indent=2).encode())
    else:
        _compare(folder, json.loads(text), run)
    if folder.is_local:
        with suppress(OSError):  # what killed workers left; the folder is locked, so nobody writes
            for name in folder.names(WRITING):
                folder.delete(f"{WRITING}/{name}")
    return blocks_of(folder)


def blocks_of(folder: Folder) -> set[str]:
    """The names of the blocks whose parts are in a folder."""
    end = f".{folder.format}"
    return {
        name.removeprefix("part-").removesuffix(end)
        for name in folder.names()
        if name.startswith("part-") and name.endswith(end)
    }


def _compare(folder: Folder, there: dict[str, Any], run: dict[str, Any]) -> None:
    for key, value in run.items():
        if there.get(key) != value:
            raise AslError(
                f"{files.shown(folder.address)} was begun with another {key}: {there.get(key)}; "
                f"now it is {value}. Choose another output folder, or give the same again."
            )


def names_done(folder: Folder, blocks: set[str]) -> np.ndarray:
    """Hashes uint64, sorted, of the names of all pictures in the parts of these blocks."""
    found = [hashes(list(read_part(folder, block)["image"])) for block in sorted(blocks)]
    return np.unique(np.concatenate([np.empty(0, np.uint64), *found]))


def hashes(names: list[str]) -> np.ndarray:
    """A number uint64 of each name."""
    digests = (
        hashlib.blake2b(each.encode("utf-8", "surrogatepass"), digest_size=8).digest()
        for each in names
    )
    return np.frombuffer(b"".join(digests), np.uint64)


def encode_part(table: pd.DataFrame, format: str) -> bytes:
    """Rows as the bytes of a part: the same texts and the same four decimals in both formats."""
    text = results_text(table).encode()
    if format == "csv":
        return text
    import pyarrow as pa
    from pyarrow import csv as arrow_csv
    from pyarrow import parquet

    types = {**dict.fromkeys(TEXTS, pa.string()), **dict.fromkeys(SHARES, pa.float64())}
    rows = arrow_csv.read_csv(
        io.BytesIO(text),
        read_options=arrow_csv.ReadOptions(use_threads=False),
        parse_options=arrow_csv.ParseOptions(newlines_in_values=True),
        convert_options=arrow_csv.ConvertOptions(
            column_types=types, strings_can_be_null=False, quoted_strings_can_be_null=False
        ),
    )
    out = io.BytesIO()
    parquet.write_table(rows, out, compression="zstd")
    return out.getvalue()


def read_part(folder: Folder, block: str) -> pd.DataFrame:
    """The rows of a part, texts as `read_results` gives them. AslError for a damaged part."""
    from asl.results import restore_texts

    name = folder.part(block)
    data = io.BytesIO(folder.read(name) or b"")
    try:
        if folder.format == "csv":
            types: Any = {**dict.fromkeys(TEXTS, str), **dict.fromkeys(SHARES, float)}
            return restore_texts(pd.read_csv(data, dtype=types, keep_default_na=False))
        return restore_texts(pd.read_parquet(data))
    except (ValueError, OSError, KeyError) as error:
        raise AslError(
            f"{files.shown(folder.address)}/{name} is damaged. Delete it and start again: its "
            "pictures are read once more."
        ) from error


def read_predictions(output: str | Path) -> pd.DataFrame:
    """All rows of an output folder as `read_results` gives them, sorted by image. AslError where
    there are none.
    """
    run = Folder(str(output)).read(RUN)
    if run is None:
        raise AslError(f"{printable(str(output))} holds no predictions of --engine ray.")
    folder = Folder(str(output), json.loads(run)["format"])
    tables = [read_part(folder, block) for block in sorted(blocks_of(folder))]
    if not tables:
        raise AslError(f"{printable(str(output))} holds no predictions yet.")
    table = pd.concat(tables, ignore_index=True)
    return table.sort_values("image", kind="stable", ignore_index=True)


def encode_unreadable(left_out: dict[str, list[str]]) -> bytes:
    """Reason → names, as lines of CSV without a header."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerows((name, why) for why, names in left_out.items() for name in names)
    return out.getvalue().encode("utf-8", "backslashreplace")


def write_report(folder: Folder, listed: bytes, blocks: set[str]) -> None:
    """unreadable.csv: what the listing left out, and what the workers could not read; an older one
    goes where all could be read.
    """
    found = b"".join([listed, *_unreadable(folder, blocks)])
    if found:
        folder.write(REPORT, b"image,reason\n" + b"".join(sorted(found.splitlines(True))))
    elif folder.read(REPORT) is not None:
        folder.delete(REPORT)


def _unreadable(folder: Folder, blocks: set[str]) -> Iterator[bytes]:
    for name in folder.names(UNREADABLE):
        if name.removesuffix(".csv") in blocks:
            yield folder.read(f"{UNREADABLE}/{name}") or b""
