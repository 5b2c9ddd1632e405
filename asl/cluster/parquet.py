"""Pictures as bytes in Parquet files: row groups, the column of pictures and that of names."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from asl.cluster.addresses import first, open_file
from asl.data.image_formats import Stored
from asl.data.images import Inputs
from asl.errors import AslError, printable

if TYPE_CHECKING:
    import pyarrow as pa

SLICES = 16  # of a row group at most, since what lies before a slice is read to reach it
SLICE = 1024  # rows of the smallest
NAMES = ("image", "name", "path", "file", "filename", "file_name", "image_path")
BYTES = ("bytes", "image", "content", "data", "picture", "png", "jpg", "jpeg")


class Rows(NamedTuple):
    """Rows of a Parquet file that hold pictures as bytes."""

    name: str  # of the file, as it was given
    path: str
    root: str
    size: int  # bytes of the file: another size is another file
    group: int  # of rows, and the rows of it
    start: int
    length: int


def list_rows(name: str, path: str, root: str) -> list[Rows] | str:
    """The row groups of a Parquet file, large ones in slices; or why there are none."""
    from pyarrow import ArrowException
    from pyarrow.parquet import ParquetFile

    try:
        with open_file(path, root) as opened:
            size = opened.size()
            file = ParquetFile(opened)
            columns(file.schema_arrow)
            lengths = [
                file.metadata.row_group(k).num_rows for k in range(file.metadata.num_row_groups)
            ]
    except (OSError, ArrowException) as error:
        return f"is no Parquet file that can be read: {first(error)}"
    except AslError as error:
        return f"is a Parquet file without pictures: {error}"
    found = []
    for group, rows in enumerate(lengths):
        step = max(SLICE, -(-rows // SLICES))
        for start in range(0, rows, step):
            found.append(Rows(name, path, root, size, group, start, min(step, rows - start)))
    return found


def read_rows(rows: Rows, size: int) -> Iterator[Inputs]:
    """Rows of a Parquet file, a batch at a time, so that one batch lies in memory."""
    from pyarrow import ArrowException
    from pyarrow.parquet import ParquetFile

    stop, row = rows.start + rows.length, 0
    try:
        with open_file(rows.path, rows.root) as opened:
            file = ParquetFile(opened, buffer_size=1 << 20)
            first_row = sum(file.metadata.row_group(k).num_rows for k in range(rows.group))
            data, name = columns(file.schema_arrow)
            wanted = [each for each in (data, name) if each]
            for batch in file.iter_batches(size, row_groups=[rows.group], columns=wanted):
                start = max(rows.start - row, 0)
                taken = batch.slice(start, max(0, min(stop - row, len(batch)) - start))
                if len(taken):
                    yield _inputs(taken, (data, name), rows.name, first_row + row + start)
                row += len(batch)
                if row >= stop:
                    return
    except (OSError, ArrowException) as error:
        raise AslError(f"{printable(rows.name)} cannot be read: {first(error)}") from error


def columns(schema: pa.Schema) -> tuple[str, str]:
    """The column that holds pictures, and that of their names, "" for none: `image` as Hugging
    Face's data sets have it (bytes and path), or columns of bytes and of texts.
    """
    import pyarrow as pa

    def is_bytes(kind: pa.DataType) -> bool:
        return pa.types.is_binary(kind) or pa.types.is_large_binary(kind)

    def is_text(kind: pa.DataType) -> bool:
        return pa.types.is_string(kind) or pa.types.is_large_string(kind)

    for field in schema:
        if pa.types.is_struct(field.type) and field.type.get_field_index("bytes") >= 0:
            has_path = field.type.get_field_index("path") >= 0
            return f"{field.name}.bytes", f"{field.name}.path" if has_path else ""
    found = [field.name for field in schema if is_bytes(field.type)]
    data = next((name for name in BYTES if name in found), found[0] if len(found) == 1 else "")
    if not data:
        raise AslError(
            f"none of the columns {', '.join(schema.names)} is known to hold pictures as bytes "
            f"({', '.join(BYTES)})"
        )
    texts = {field.name for field in schema if is_text(field.type)}
    return data, next((name for name in NAMES if name in texts), "")


def _inputs(batch: pa.RecordBatch, known: tuple[str, str], file: str, start: int) -> Inputs:
    data, name = (_column(batch, each) for each in known)
    names = [
        told or f"{file}#{start + row}"
        for row, told in enumerate(name.to_pylist() if name is not None else [""] * len(batch))
    ]
    stored: list[Path | Stored] = [
        Stored(each, lambda row=row: data[row].as_py() or b"")  # type: ignore[misc]
        for row, each in enumerate(names)
    ]
    folders = [each.rpartition("/")[0].rpartition("/")[2] for each in names]
    return Inputs(names, stored, folders, {})


def _column(batch: pa.RecordBatch, name: str) -> Any:
    if not name:
        return None
    column, _, field = name.partition(".")
    if name in batch.schema.names or not field:
        return batch.column(name)
    import pyarrow.compute as pc

    return pc.struct_field(batch.column(column), field)
