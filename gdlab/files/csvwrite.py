r"""Writing tables as CSV.

UTF-8, RFC 4180 quoting, ``\n`` as line end, the columns of `messages.SCHEMA` and one more: `payload_as`, before
`payload`, says whether a payload stands there as ``text``, as ``hex``, or is missing (empty). `time` is ISO 8601
with nine decimals. See `cells` for how text is made safe.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from gdlab.files import anonymise as names
from gdlab.files import csvlines, sidecar, unpack
from gdlab.files import to_schema as conform
from gdlab.files.atomic import replacing
from gdlab.files.fields import csv_path
from gdlab.files.progress import Progress, ProgressFunction
from gdlab.messages import SCHEMA

#: The column that only CSV has.
PAYLOAD_AS = "payload_as"

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"

_at = [column.name for column in SCHEMA].index("payload")
#: The columns of the file.
HEADER = (*(c.name for c in SCHEMA[:_at]), PAYLOAD_AS, *(c.name for c in SCHEMA[_at:]))


def write_csv(
    table: pd.DataFrame,
    path: str | Path,
    *,
    raw: bool = False,
    anonymise: bool = False,
    excel: bool = False,
    provenance: Mapping[str, Any] | None = None,
    progress: ProgressFunction | None = None,
) -> Path:
    """Write a table of a capture as CSV, and what is to be known about it as JSON beside it.

    `load` gives the same table back: values, dtypes and the order of categories.

    Parameters
    ----------
    table : the columns of `messages.SCHEMA`.
    path : the file, such as ``run1.csv``; ``run1.gdlab.json`` is written beside it (for other endings, see
        `sidecar.path_for`). ``run1.csv.gz``, ``.csv.zst`` and ``.csv.lz4`` are compressed so.
    raw : leave cells as they are which a spreadsheet would take for formulas.
    excel : begin with a byte order mark, by which Excel knows that the text is UTF-8; `load` and pandas pass over it.
    anonymise : write P01, P02, ... for the peers, see `anonymise`. Payloads are not touched.
    provenance : more to keep in the JSON, such as limits and statistics.
    progress : called with rows done and rows in all. Else, where tqdm is installed, there is a bar after a second.

    Returns
    -------
    The path of the CSV.

    Raises
    ------
    TableError : not the columns of a capture.
    ValueError : the name asks for a compression that gdlab does not write.
    MissingDependency : zstd and lz4 need pyarrow.
    OSError : the file cannot be written. What stood under the name before then still does.
    """
    path = csv_path(path)
    table = conform.conform(table)
    if anonymise:
        table, provenance = names.anonymise(table, provenance)
    document = sidecar.describe(table, "csv", guard=not raw, anonymised=anonymise, provenance=provenance)
    lines = _encoder()
    compressed = unpack.wanted(path)
    with replacing(path) as file, replacing(sidecar.path_for(path)) as beside:
        with (
            unpack.packing(file, compressed) as out,
            Progress(len(table), f"writing {path.name}", progress) as shown,
        ):
            out.write(_BYTE_ORDER_MARK * excel + (",".join(HEADER) + "\n").encode("ascii"))
            for rows in conform.batches(conform.payloads(table).sizes):
                part = table.iloc[rows]
                out.write(lines(part, not raw))
                shown.advance(len(part))
        document["bytes"] = file.tell()
        beside.write(sidecar.encode(document))
    return path


def _encoder() -> Callable[[pd.DataFrame, bool], bytes | memoryview]:
    """The faster way to the same bytes, where pyarrow is installed."""
    try:
        from gdlab.files import csvarrow
    except ImportError:
        return csvlines.lines
    return csvarrow.lines
