"""Compressed files: gzip by the standard library, zstd and lz4 by pyarrow; never more than the budget."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, Final

from gdlab.errors import LoadError
from gdlab.facts import Statement
from gdlab.files import arrow, budget
from gdlab.files.progress import Progress, ProgressFunction

_MAGIC: Final = {b"\x1f\x8b": "gzip", b"\x28\xb5\x2f\xfd": "zstd", b"\x04\x22\x4d\x18": "lz4"}
_SUFFIX: Final = {".gz": "gzip", ".zst": "zstd", ".lz4": "lz4"}
_OTHERS: Final = frozenset({".bz2", ".xz", ".zip", ".7z", ".tar", ".tgz", ".br"})
_AT_ONCE: Final = 1 << 20


def compression(beginning: bytes) -> str:
    """What a file that begins so is compressed with; empty for nothing that is known."""
    return next((name for magic, name in _MAGIC.items() if beginning.startswith(magic)), "")


def unpack(path: Path, name: str, progress: ProgressFunction | None = None) -> bytes:
    """The content of a compressed file.

    Parameters
    ----------
    progress : where there is one, no bar is shown; it is not told of this, as it counts what comes after.

    Raises
    ------
    LoadError : it is damaged, or larger than the budget for a file of its size.
    MissingDependency : zstd and lz4 need pyarrow.
    """
    size = path.stat().st_size
    limit = budget.allowed(size)
    parts: list[bytes] = []
    total = 0
    try:
        told = None if progress is None else _nobody
        with (
            path.open("rb") as file,
            _reading(file, name) as stream,
            Progress(size, f"unpacking {path.name}", told, unit=" bytes") as shown,
        ):
            while part := stream.read(_AT_ONCE):
                parts.append(bytes(part))
                total += len(part)
                if total > limit:
                    budget.check(path, size, total)
                shown.advance(file.tell() - shown.done)
    except (OSError, EOFError, zlib.error, ValueError) as error:
        if isinstance(error, LoadError):
            raise
        raise LoadError(Statement.of("load/compressed", path=path, name=name, why=str(error))) from error
    return b"".join(parts)


def _nobody(_done: int, _total: int) -> None:
    """Shows nothing."""


@contextmanager
def _reading(file: BinaryIO, name: str) -> Iterator[Any]:
    if name == "gzip":
        with gzip.GzipFile("", "rb", fileobj=file) as stream:
            yield stream
        return
    pa = arrow.require(f"Files compressed with {name}")
    with pa.CompressedInputStream(pa.PythonFile(file, "r"), name) as stream:
        yield stream


def wanted(path: Path) -> str:
    """What a name asks a file to be compressed with; empty for nothing.

    Raises
    ------
    ValueError : something that gdlab does not write.
    """
    suffix = path.suffix.lower()
    if suffix in _OTHERS:
        raise ValueError(
            f"{path.name} asks for {suffix[1:]}, which gdlab does not write: end the name with .csv, .csv.gz, .csv.zst "
            "or .csv.lz4"
        )
    return _SUFFIX.get(suffix, "")


@contextmanager
def packing(file: BinaryIO, name: str) -> Iterator[Any]:
    """What is written here arrives in the file compressed; an empty name leaves it as it is."""
    if not name:
        yield file
    elif name == "gzip":
        with gzip.GzipFile("", "wb", 6, file, mtime=0) as stream:
            yield stream
    else:
        pa = arrow.require(f"Files compressed with {name}")
        with pa.CompressedOutputStream(pa.PythonFile(_Open(file), "w"), name) as stream:
            yield stream


class _Open:
    """A file that others may write to but not close."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.closed = False

    def write(self, data: Any) -> int:
        return self._file.write(data)

    def flush(self) -> None:
        self._file.flush()

    def close(self) -> None:
        self.closed = True

    def writable(self) -> bool:
        return True

    def readable(self) -> bool:
        return False

    def seekable(self) -> bool:
        return False
