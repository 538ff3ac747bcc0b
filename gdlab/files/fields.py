"""Decoded tables as files of flat typed columns, for other tools: the user's fields, and when and from whom they came.

`write_csv` and `write_parquet` write captures, payloads and all, that `load` gives back. These files are for pandas,
polars, DuckDB, LibreOffice and the like: one row per message, numbers as numbers, nothing that needs gdlab.
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd

from gdlab.files import anonymise as names
from gdlab.files import arrow, sidecar
from gdlab.files.atomic import replacing
from gdlab.files.cells import escape, guard
from gdlab.files.to_schema import TableError
from gdlab.messages import Event

#: Columns of the table that are kept, in this order, behind `t_s` and `time`.
_KEPT: Final = ("endpoint", "peer", "direction", "kind", "size_bytes", "codec", "decode_error")
#: Rows turned into text at a time.
_BATCH: Final = 50_000


def typed(table: pd.DataFrame) -> pd.DataFrame:
    """The messages of a decoded table as flat typed columns.

    Parameters
    ----------
    table : what `codecs.decode` made.

    Returns
    -------
    One row per message that was decoded, in order of time: `t_s` (float64, seconds since the first of them), `time`
    (UTC), `endpoint`, `peer`, `direction`, `kind`, `size_bytes`, `codec`, `decode_error` and the fields. Mixed
    fields, of which pandas makes a column of objects, are text: numbers as they are, all else as JSON.

    Raises
    ------
    TableError : the table is not decoded.
    """
    if "codec" not in table.columns:
        raise TableError(
            "the table is not decoded: call decoded() first, or to_csv(path, decoded=True) of the capture"
        )
    chosen = table["codec"].notna()
    if "event" in table.columns:
        chosen &= table["event"] == Event.MESSAGE
    rows = table[chosen.to_numpy(dtype=np.bool_)]
    rows = rows.sort_values("time", kind="stable")
    seconds = (rows["time"] - rows["time"].iloc[0]).dt.total_seconds() if len(rows) else np.zeros(0)
    fields = [name for name in rows.columns if name == "v" or str(name).startswith(("v.", "v["))]
    made: dict[str, Any] = {"t_s": np.asarray(seconds, np.float64), "time": rows["time"].array}
    for name in _KEPT:
        if name in rows.columns:
            made[name] = rows[name].astype("string").array if name != "size_bytes" else rows[name].array
    for name in fields:
        column = rows[name]
        made[str(name)] = _texts(column) if column.dtype == object else column.array
    return pd.DataFrame(made)


def _texts(column: pd.Series) -> Any:
    """A column of objects as text; NA where there is nothing."""
    return pd.array([_text(value) for value in column], dtype="string")


def _text(value: Any) -> Any:
    if value is None or value is pd.NA:
        return pd.NA
    if isinstance(value, str):
        return str(value)
    if isinstance(value, bytes):
        return value.hex()
    try:
        return json.dumps(value, ensure_ascii=False)
    except (TypeError, ValueError, RecursionError):
        return str(value)


def write_fields_csv(
    table: pd.DataFrame,
    path: str | Path,
    *,
    raw: bool = False,
    anonymise: bool = False,
    sep: str = ",",
    decimal: str = ".",
    excel: bool = False,
    provenance: Mapping[str, Any] | None = None,
) -> Path:
    """Write a decoded table as CSV of flat typed columns, and what is to be known of it as JSON beside it.

    Parameters
    ----------
    table : what `codecs.decode` made.
    path : the file.
    raw : leave text as it is that a spreadsheet would take for a formula; otherwise it gets an apostrophe in front.
    anonymise : peers become P01, P02, ...
    sep, decimal : between cells, and within numbers. Excel in many European settings wants ``sep=";", decimal=","``.
    excel : begin with a byte order mark, by which Excel knows UTF-8.

    Raises
    ------
    TableError : the table is not decoded. ValueError : `sep` and `decimal` are the same.
    OSError : the file cannot be written. What stood under the name before then still does.
    """
    path = csv_path(path)
    if sep == decimal:
        raise ValueError(f"sep and decimal are both {sep!r}: cells could not be told from numbers")
    if anonymise:
        table, provenance = names.anonymise(table, provenance)
    flat = typed(table)
    document = _describe(flat, "fields-csv", raw=raw, anonymise=anonymise, provenance=provenance)
    document["sep"], document["decimal"] = sep, decimal
    with replacing(path) as file, replacing(sidecar.path_for(path)) as beside:
        if excel:
            file.write(b"\xef\xbb\xbf")
        for begin in range(0, max(len(flat), 1), _BATCH):
            text = io.StringIO()
            part = _safe(flat.iloc[begin : begin + _BATCH], raw=raw)
            part.to_csv(text, index=False, header=begin == 0, sep=sep, decimal=decimal, lineterminator="\n")
            file.write(text.getvalue().encode("utf-8"))
        beside.write(sidecar.encode(document))
    return path


def _safe(part: pd.DataFrame, *, raw: bool) -> pd.DataFrame:
    """Cells that any reader takes for what they are: ISO times, text without controls and without formulas."""
    made: dict[str, Any] = {}
    for name, column in part.items():
        if name == "time":
            naive = column.dt.tz_localize(None).to_numpy(dtype="datetime64[ns]")
            made["time"] = [f"{text}Z" for text in np.datetime_as_string(naive, unit="ns")]
        elif isinstance(column.dtype, pd.StringDtype):
            made[str(name)] = [value if value is pd.NA else _cell(str(value), raw=raw) for value in column]
        elif isinstance(column.dtype, pd.BooleanDtype):
            # In small letters: R and polars know no others.
            made[str(name)] = column.map({True: "true", False: "false"}).astype("string")
        else:
            made[str(name)] = column.array
    header = {name: _cell(name, raw=raw) for name in made}
    return pd.DataFrame(made).rename(columns=header)


def _cell(text: str, *, raw: bool) -> str:
    return escape(text) if raw else guard(escape(text))


def write_fields_parquet(
    table: pd.DataFrame,
    path: str | Path,
    *,
    anonymise: bool = False,
    provenance: Mapping[str, Any] | None = None,
) -> Path:
    """Write a decoded table as Parquet of flat typed columns, with what is to be known of it as JSON beside it.

    Raises
    ------
    TableError : the table is not decoded. MissingDependency : pyarrow is not installed.
    OSError : the file cannot be written.
    """
    pa = arrow.require("Parquet files")
    import pyarrow.parquet as pq

    path = Path(path)
    if anonymise:
        table, provenance = names.anonymise(table, provenance)
    flat = typed(table)
    document = _describe(flat, "fields-parquet", raw=True, anonymise=anonymise, provenance=provenance)
    data = pa.table({name: pa.array(column.array, from_pandas=True) for name, column in flat.items()})
    with replacing(path) as file, replacing(sidecar.path_for(path)) as beside:
        pq.write_table(data, file, compression="zstd")
        beside.write(sidecar.encode(document))
    return path


def _describe(
    flat: pd.DataFrame, form: str, *, raw: bool, anonymise: bool, provenance: Mapping[str, Any] | None
) -> dict[str, Any]:
    """What is to be known of the file: versions, columns and their types."""
    return {
        "format": form,
        "versions": sidecar.versions(),
        "rows": len(flat),
        "guard": not raw,
        "anonymised": anonymise,
        "columns": {str(name): str(dtype) for name, dtype in flat.dtypes.items()},
        "provenance": dict(provenance or {}),
    }


def csv_path(path: str | Path) -> Path:
    """The path of a CSV file.

    Raises
    ------
    ValueError : its name is that of another kind of file, which would open as damaged.
    """
    path = Path(path)
    if re.fullmatch(r"\.(xlsx?|ods|parquet|pcapng|json)", path.suffix.lower()):
        other = {
            ".parquet": "to_parquet writes Parquet",
            ".pcapng": "to_pcapng writes captures for Wireshark",
        }.get(
            path.suffix.lower(),
            "write run.csv with decoded=True, which Excel and LibreOffice open, and if you need a workbook, from it: "
            'pandas.read_csv("run.csv").to_excel("run.xlsx", index=False)',
        )
        raise ValueError(f"{path.name} is no name for a CSV file; {other}")
    return path
