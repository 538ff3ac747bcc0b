"""Who came by HTTP: the path, the query and the header lines with which a WebSocket or a web page was asked for."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, cast
from urllib.parse import parse_qsl, urlsplit

import numpy as np
import pandas as pd

from gdlab.analysis.columns import equals, require
from gdlab.analysis.source import table_of

if TYPE_CHECKING:
    from gdlab.analysis.source import Source

COLUMNS: Final = (
    "time",
    "endpoint",
    "peer",
    "event",
    "method",
    "path",
    "query",
    "headers",
    "detail",
)
_FIRST_LINE: Final = re.compile(r"([A-Z]{1,20}) (\S{1,8000}) HTTP/\d\.\d\r?\n")
#: Of one request.
_MOST_FIELDS: Final = 200


def visitors(table: Source) -> pd.DataFrame:
    """The requests of WebSocket and HTTP, one row each: those that were let in, and those that were not.

    Parameters
    ----------
    table : a capture, a recording or a message table. A WebSocket's request is the payload of its row `open`, or of
        its row `error` where it was refused; a request at a TCP port is a message, framed as `http`.

    Returns
    -------
    A table with the columns `time`, `endpoint`, `peer`, `event` (`open`, `error` or `message`), `method` (text, empty
    where what came was no request), `path` (text, without the query), `query` (dict from name to value, decoded; of
    several values of a name the last), `headers` (dict from name in lower case to value; of several, joined by a
    comma), and `detail`, as the capture has it. All texts are the peer's own, and not to be trusted.
    """
    table = table_of(table)
    require(table, ["time", "endpoint", "peer", "event", "direction", "payload", "detail", "framing"])
    endpoints = table["endpoint"].astype(str)
    at_ws = endpoints.str.startswith(("ws:", "wss:")).to_numpy(np.bool_)
    came = equals(table, "event", "open") | equals(table, "event", "error")
    asked = at_ws & came & (table["size_bytes"] > 0).to_numpy(np.bool_)
    framed = table["framing"].astype(str).str.split(" ").str[0].eq("http").to_numpy(np.bool_)
    asked |= framed & equals(table, "event", "message") & equals(table, "direction", "in")
    rows: list[tuple[Any, ...]] = []
    for row in table[asked].itertuples():
        method, target, headers = _request(bytes(cast("bytes", row.payload)))
        if not method and row.event == "message":
            continue  # an answer, or the end of a body
        parts = urlsplit(target) if target.startswith("/") and not target.startswith("//") else None
        query = dict(parse_qsl(parts.query, keep_blank_values=True)) if parts else {}
        rows.append(
            (
                row.time,
                str(row.endpoint),
                str(row.peer),
                str(row.event),
                method,
                parts.path if parts else target,
                query,
                headers,
                str(row.detail),
            )
        )
    found = pd.DataFrame(rows, columns=list(COLUMNS))
    return found.astype({"time": "datetime64[ns, UTC]"})


def _request(data: bytes) -> tuple[str, str, dict[str, str]]:
    """Method, target and header lines; empty where it is none."""
    text = data.decode("latin-1")
    first = _FIRST_LINE.match(text.lstrip("\r\n"))
    if first is None:
        return "", "", {}
    headers: dict[str, str] = {}
    head = text.lstrip("\r\n")[first.end() :].split("\r\n\r\n", 1)[0]
    for line in head.split("\r\n")[:_MOST_FIELDS]:
        name, colon, value = line.partition(":")
        if colon and name.strip():
            key, value = name.strip().lower(), value.strip()
            headers[key] = f"{headers[key]}, {value}" if key in headers else value
    return first[1], first[2], headers
