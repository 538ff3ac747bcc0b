"""Several files as one table: lists, patterns, folders."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final, TypeAlias

import pandas as pd

from gdlab.errors import LoadError
from gdlab.facts import Statement
from gdlab.files import provenance, spillread
from gdlab.files import to_schema as conform
from gdlab.files.load import load
from gdlab.files.loaded import Loaded
from gdlab.files.parts import RUNNING
from gdlab.files.progress import Progress, ProgressFunction
from gdlab.files.spillread import SUFFIX
from gdlab.files.truth import TRUTH_SUFFIX

#: What `load_all` takes.
Source: TypeAlias = str | os.PathLike[str] | Iterable[str | os.PathLike[str]]

_PATTERN: Final = frozenset("*?[")
_MOST_FILES: Final = 100_000


def load_all(
    source: Source, *, reader: str | None = None, progress: ProgressFunction | None = None
) -> Loaded:
    """Read one file or several; of several, all rows in order of time.

    Parameters
    ----------
    source : a file, a folder, a pattern such as ``"runs/*.csv"`` (``**`` for folders in folders), or several of these.
        Of a folder all captures in it and below; names that begin with ``_`` or ``.`` are passed over.
    reader, progress : as for `load`; of several files it is told files.

    Returns
    -------
    The table. Of several files `provenance` has that of each under ``"files"``, and under ``"provenance"`` what can be
    told of all together. What cannot be read is named in the notes, and missing.

    Raises
    ------
    LoadError : there is no such file, or none of them can be read.
    """
    found = list(paths(source))
    if len(found) == 1:
        one = load(found[0], reader=reader, progress=progress)
        said = contradictions(one.table)
        return Loaded(conform.in_order(one.table), one.provenance, (*one.told, *said)) if said else one
    parts: list[tuple[Path, Loaded]] = []
    broken: list[Statement] = []
    with Progress(len(found), "reading files", progress, unit=" files") as shown:
        for path in found:
            try:
                parts.append((path, load(path, reader=reader)))
            except LoadError as error:
                broken.append(Statement.of("note/missing", name=path.name, why=error))
            shown.advance(1)
    if not parts:
        raise LoadError(Statement.of("load/none", files=len(found), first=broken[0]))
    table = conform.in_order(conform.concat([part.table for _, part in parts]))
    notes = [
        Statement.of("note/of", name=path.name, note=note)
        for path, part in parts
        for note in (*part.told, *contradictions(part.table))
    ]
    about: dict[str, Any] = {
        "files": {str(path): part.provenance for path, part in parts},
        "provenance": provenance.merged([dict(part.provenance.get("provenance") or {}) for _, part in parts]),
    }
    return Loaded(table, about, (Statement.of("note/together", files=len(parts)), *broken, *notes))


def paths(source: Source) -> Iterator[Path]:
    """The files and spill folders that a source names, each once.

    Raises
    ------
    LoadError : there is none.
    """
    seen: set[Path] = set()
    for path in _expanded(source):
        if path not in seen:
            if len(seen) >= _MOST_FILES:
                raise LoadError(Statement.of("load/many", most=_MOST_FILES))
            seen.add(path)
            yield path
    if not seen:
        raise LoadError(Statement.of("load/names none", source=repr(source), folder=Path.cwd()))


def _expanded(source: Source) -> Iterator[Path]:
    if isinstance(source, (str, os.PathLike)):
        text = os.fspath(source)
        path = Path(text)
        if _is_folder(path):
            yield from _in_folder(path)
        elif _PATTERN & set(text) and not os.path.lexists(text):
            for name in sorted(glob.glob(text, recursive=True)):  # noqa: PTH207 (a pattern may be absolute)
                match = Path(name)
                if _is_folder(match):
                    if spillread.is_spill(match):
                        yield match
                elif _is_meant(match) and not spillread.is_spill(match.parent):
                    yield match
        else:
            yield path
        return
    for each in source:
        yield from _expanded(each)


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except (OSError, ValueError):  # a name that no file can have
        return False


def _in_folder(folder: Path) -> Iterator[Path]:
    if spillread.is_spill(folder):
        yield folder
        return
    if spillread.is_spill(folder / RUNNING):  # what is not in closed parts yet
        yield folder / RUNNING
    for path in sorted(folder.iterdir()):
        if path.name.startswith(("_", ".")):
            continue
        if path.is_dir():
            if not path.is_symlink():
                yield from _in_folder(path)
        elif _is_meant(path):
            yield path


def _is_meant(path: Path) -> bool:
    """Whether a file of a folder is a capture, and not something beside one."""
    name = path.name
    return (
        not name.startswith(("_", "."))
        and not name.endswith((".gdlab.json", TRUTH_SUFFIX, SUFFIX))
        and path.is_file()
    )


def contradictions(table: pd.DataFrame) -> list[Statement]:
    """What in a table cannot be as it says: rows that run backwards, sizes that do not fit their payloads."""
    said = []
    times = conform.time_ns(table)
    back = int((times[1:] < times[:-1]).sum())
    if back:
        said.append(Statement.of("note/backwards", rows=back))
    sizes, payloads = table["size_bytes"].to_numpy(), conform.payloads(table).sizes
    wrong = int(((sizes != payloads) & (payloads >= 0)).sum())
    if wrong:
        said.append(Statement.of("note/sizes", rows=wrong))
    return said
