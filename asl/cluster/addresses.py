"""File systems that pyarrow knows: s3://, gs://, file:// and others."""

from __future__ import annotations

import os
import stat
from functools import lru_cache
from typing import Any

from asl.errors import AslError, printable
from asl.files import shown


@lru_cache(64)
def file_system(address: str) -> tuple[Any, str]:
    """pyarrow's file system of an address, and the path in it. AslError for an unknown kind."""
    from pyarrow import fs

    try:
        return fs.FileSystem.from_uri(address)
    except (OSError, ValueError, NotImplementedError) as error:
        raise unreachable(address, error) from error


def unreachable(address: str, error: Exception) -> AslError:
    return AslError(
        f"{printable(shown(address))} cannot be reached: {first(error)}. pyarrow knows "
        "file://, s3://, gs://, abfs:// and hdfs://, with the credentials of this machine."
    )


def first(error: BaseException) -> str:
    """The first line of what an error says."""
    return (str(error) or type(error).__name__).splitlines()[0]


def open_file(path: str, root: str) -> Any:
    """A file of this machine or of an address, to be read anywhere in it. OSError as usual."""
    from pyarrow import fs

    if not root and not stat.S_ISREG(os.stat(path).st_mode):
        raise OSError("it is no file")
    return (file_system(root)[0] if root else fs.LocalFileSystem()).open_input_file(path)
