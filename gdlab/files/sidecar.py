"""The JSON beside an exported table: what the columns are, and where they came from."""

from __future__ import annotations

import functools
import json
import platform
import stat
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd

from gdlab import clock
from gdlab.facts import Statement
from gdlab.files import to_schema as conform
from gdlab.files import versions as earlier
from gdlab.messages import SCHEMA

FORMAT: Final = "gdlab-table"
VERSION: Final = 1
_MAX_BYTES = 64 << 20  # some hundred bytes for each of 65,536 peers


def path_for(path: Path) -> Path:
    """Where the sidecar of a file is.

    ``run1.csv`` has ``run1.gdlab.json`` beside it. Of any other name the whole is kept, so that ``lab.1``, ``lab.2``
    and ``lab.csv.gz`` have sidecars of their own; it begins with ``_``, as readers of whole folders pass over that.
    """
    if path.suffix == ".csv" and path.stem:
        return path.with_name(path.stem + ".gdlab.json")
    return path.with_name(f"_{path.name}.gdlab.json")


def describe(
    table: pd.DataFrame,
    file_format: str,
    *,
    guard: bool,
    anonymised: bool = False,
    provenance: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """What is to be known about a table in a file.

    Parameters
    ----------
    table : as written, see `conform`.
    file_format : ``csv``, ``parquet`` or ``spill``.
    guard : text cells are guarded against being taken for formulas.
    provenance : what the capture tells: endpoints, limits, statistics, notes. Values that JSON does not know
        become text.
    """
    return {
        "format": FORMAT,
        "version": VERSION,
        "file_format": file_format,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "rows": len(table),
        "guard": guard,
        "anonymised": anonymised,
        "software": versions(),
        "clock": clock.DESCRIPTION,
        "schema": [{"name": c.name, "dtype": c.dtype, "unit": c.unit, "meaning": c.meaning} for c in SCHEMA],
        "categories": conform.categories(table),
        "provenance": dict(provenance or {}),
    }


def versions() -> dict[str, str]:
    """What wrote the file. The name of the machine is not in it."""
    found = {"python": platform.python_version(), "platform": platform.platform(terse=True)}
    for package in ("gdlab", "numpy", "pandas", "pyarrow"):
        if version := version_of(package):
            found[package] = version
    return found


@functools.cache  # a process keeps what it has imported; to look is a sixth of writing a small file
def version_of(package: str) -> str | None:
    """The version of a package; None where it is not installed."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def encode(document: Mapping[str, Any]) -> bytes:
    """The JSON of a description."""
    return json.dumps(document, indent=1, default=_plain, ensure_ascii=True).encode("ascii") + b"\n"


def _plain(value: object) -> Any:
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, (set, frozenset)):
        return sorted(map(str, value))
    return str(value)


def decode(data: bytes) -> tuple[dict[str, Any], list[Statement]]:
    """Read a description that may be damaged or of another version.

    Returns
    -------
    document : empty where it cannot be used.
    notes : why it cannot be used, or what about it is unusual.
    """
    try:
        document = json.loads(data)
    except (ValueError, RecursionError) as error:
        return {}, [Statement.of("sidecar/damaged", why=error)]
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        return {}, [Statement("sidecar/foreign")]
    version = document.get("version")
    notes = _check_types(document)
    if version not in range(1, VERSION + 1):
        notes.append(Statement.of("sidecar/version", version=repr(version)[:20], known=VERSION))
    return document, notes


#: What the parts of a description must be.
_TYPES: Final[dict[str, tuple[type, ...]]] = {
    "file_format": (str,),
    "created": (str,),
    "rows": (int, type(None)),
    "bytes": (int,),
    "guard": (bool,),
    "anonymised": (bool,),
    "software": (dict,),
    "clock": (str,),
    "schema": (list,),
    "categories": (dict, type(None)),
    "provenance": (dict,),
    "missed_rows": (int,),
    "interval_s": (int, float),
    "closed": (bool,),
    "application": (str,),
}
_PROVENANCE: Final[dict[str, tuple[type, ...]]] = {
    "endpoints": (list,),
    "began": (str,),
    "running": (bool,),
    "limit": (str,),
    "statistics": (dict,),
    "sample": (dict,),
    "captures": (list,),
}


def _check_types(document: dict[str, Any]) -> list[Statement]:
    """Take out (in place) what is of another type than it must be; gives notes on it."""
    wrong = _take_out(document, _TYPES)
    provenance = document.get("provenance")
    if isinstance(provenance, dict):
        wrong += [f"provenance.{name}" for name in _take_out(provenance, _PROVENANCE)]
        statistics = provenance.get("statistics")
        if isinstance(statistics, dict):
            counts: dict[str, tuple[type, ...]] = dict.fromkeys(
                statistics, (int, float, str, bool, type(None))
            )
            counts |= {
                name: (int,)
                for name in ("kernel_drops", "received", "sent")
                if statistics.get(name) is not None
            }
            wrong += [f"provenance.statistics.{name}" for name in _take_out(statistics, counts)]
        endpoints = provenance.get("endpoints")
        if isinstance(endpoints, list) and not all(isinstance(each, str) for each in endpoints):
            del provenance["endpoints"]
            wrong.append("provenance.endpoints")
    if not wrong:
        return []
    return [Statement.of("sidecar/wrong", parts=", ".join(wrong)[:200])]


def _take_out(values: dict[str, Any], types: Mapping[str, tuple[type, ...]]) -> list[str]:
    wrong = [
        name
        for name, expected in types.items()
        if name in values
        and (
            not isinstance(values[name], expected)
            or (isinstance(values[name], bool) and bool not in expected)
        )
    ]
    for name in wrong:
        del values[name]
    return [repr(name) for name in wrong]


def read_beside(path: Path, file_format: str) -> tuple[dict[str, Any], list[Statement]]:
    """The sidecar of a file, compared with the file; see `decode`."""
    beside = path_for(path)
    older = path.with_name(path.stem + ".gdlab.json")
    if not beside.exists() and _tells_of(older, path):
        beside = older
    try:
        if not stat.S_ISREG(beside.stat().st_mode):
            return {}, [Statement.of("sidecar/device", name=beside.name)]
        if beside.stat().st_size > _MAX_BYTES:
            return {}, [Statement.of("sidecar/large", name=beside.name)]
        document, notes = decode(beside.read_bytes())
    except FileNotFoundError:
        return {}, [Statement.of("sidecar/missing", name=beside.name)]
    except OSError as error:
        return {}, [Statement.of("sidecar/unreadable", name=beside.name, why=error)]
    if document and document.get("file_format") != file_format:
        return {}, [Statement.of("sidecar/format", name=beside.name)]
    size = path.stat().st_size
    if document and document.get("bytes") != size:
        notes.append(Statement.of("sidecar/size", size=size, written=document.get("bytes")))
    return document, notes


def check_rows(document: Mapping[str, Any], rows: int) -> list[Statement]:
    """Say so when the file does not have the rows that its description tells of."""
    if not document or document.get("rows") == rows:
        return []
    return [Statement.of("sidecar/rows", rows=rows, described=document.get("rows"))]


def restore_categories(table: pd.DataFrame, document: Mapping[str, Any]) -> list[Statement]:
    """Give the columns (in place) the categories that the description tells, in that order.

    Returns
    -------
    Notes on columns where the description cannot be true; they keep what they have.
    """
    told = document.get("categories")
    notes: list[Statement] = []
    if not isinstance(told, dict):
        return notes
    told = earlier.categories(told)
    for name in conform.CATEGORICAL:
        if name not in table.columns:  # it was not read
            continue
        order: Any = told.get(name)
        values = table[name].cat.categories
        if values.tolist() == order:
            continue
        used = values[np.unique(table[name].cat.codes.to_numpy())]
        if not _are_categories(order) or not set(used) <= set(order):
            notes.append(Statement.of("sidecar/categories", name=name))
            continue
        table[name] = table[name].cat.set_categories(pd.Index(order, dtype=object))
    return notes


def _are_categories(value: Any) -> bool:
    return (
        isinstance(value, list)
        and all(isinstance(item, str) for item in value)
        and len({*value}) == len(value)
    )


def _tells_of(older: Path, path: Path) -> bool:
    """Whether a sidecar of the older naming, which several files may claim, was written for this file."""
    try:
        if older.stat().st_size > _MAX_BYTES or not stat.S_ISREG(older.stat().st_mode):
            return False
        document, _ = decode(older.read_bytes())
        return document.get("bytes") == path.stat().st_size
    except OSError:
        return False
