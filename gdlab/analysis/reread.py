"""Message tables that another reader made of our CSV, with the types that measures expect."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import pandas as pd

#: Whole numbers that every row has; where a reader found none in any row, there is nothing to measure.
_WHOLE: Final = ("size_bytes", "wire_bytes")
#: Those that few rows have.
_NULLABLE: Final = {"code": pd.Int32Dtype(), "count": pd.Int64Dtype()}


def retyped(table: pd.DataFrame) -> pd.DataFrame:
    """A table with the types of a capture, where a reader such as `pandas.read_csv` has made others of them.

    Parameters
    ----------
    table : any table. One that does not come from a CSV is returned as it is.

    Returns
    -------
    The same rows in the same order: numbers are numbers, times times, payloads bytes (as `payload_as` tells: text in
    UTF-8 without the guard against formulas, or hexadecimal digits; none where it is missing). What a reader has
    changed beyond that, such as leading zeros, is not brought back: `gdlab.load` reads the file itself.
    """
    changed: dict[str, Any] = {}
    for name in _WHOLE:
        if name in table.columns and _is_text(table[name]):
            changed[name] = pd.to_numeric(table[name])
    for name, dtype in _NULLABLE.items():
        if name in table.columns and (_is_text(table[name]) or table[name].dtype == np.float64):
            changed[name] = pd.to_numeric(table[name], errors="coerce").astype(dtype)
    if "time" in table.columns and _is_text(table["time"]):
        changed["time"] = pd.to_datetime(table["time"], format="ISO8601", utc=True)
    if "payload_as" in table.columns and "payload" in table.columns:
        payloads = np.empty(len(table), dtype=object)
        payloads[:] = [
            _payload(cell, str(told))
            for cell, told in zip(table["payload"], table["payload_as"], strict=True)
        ]
        changed["payload"] = payloads
    return table.assign(**changed) if changed else table


def _is_text(column: pd.Series[Any]) -> bool:
    return bool(column.dtype == object or isinstance(column.dtype, pd.StringDtype))


def _payload(cell: object, told: str) -> bytes | None:
    if isinstance(cell, bytes):
        return cell
    if told not in ("text", "hex") or cell is None:
        return None
    text = "" if cell is pd.NA or (isinstance(cell, float) and np.isnan(cell)) else str(cell)
    if told == "hex":
        try:
            return bytes.fromhex(text)
        except ValueError:
            return None  # a spreadsheet has made a number of it
    return text.removeprefix("'").encode("utf-8", "surrogatepass")
