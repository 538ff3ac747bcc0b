"""Questions about captures, answered in plain values whose size is bounded: for programs that ask in words.

An answer is a dict that JSON can hold, at most `MOST_BYTES` as UTF-8. What does not fit is left out from the end and
counted, so that the next question can be narrower. Payloads come from the network: they are quoted, never interpreted.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import pandas as pd

from gdlab.capture import Capture, Recording, load, samples
from gdlab.errors import AddressError, GdlabError
from gdlab.gdscript import Target, write
from gdlab.sizes.call import sizes as measured_sizes
from gdlab.transports import parse
from gdlab.variant import dumps
from gdlab.variant.explain import explain as explained
from gdlab.variant.literal import parse_literal

#: Of an answer, as UTF-8.
MOST_BYTES: Final = 8_000
#: Of a payload that is quoted.
_PAYLOAD_BYTES: Final = 200
#: Of a cell's text, and rows of a table before they are counted in bytes.
_TEXT: Final = 600
_ROWS: Final = 500
#: Captures kept open at once.
_OPEN: Final = 4
_KINDS: Final = frozenset({".csv", ".gz", ".zst", ".lz4", ".parquet", ".pcap", ".pcapng"})
_COLUMNS: Final = (
    "time",
    "endpoint",
    "peer",
    "direction",
    "event",
    "size_bytes",
    "payload",
    "reason",
    "detail",
)


class Unknown(GdlabError, LookupError):
    """There is no such capture or row; the message names what there is."""


class Captures:
    """The captures that may be asked about.

    Parameters
    ----------
    folder : its captured files may be read, and nothing else of the disk.
    live : a running capture, called ``live``, if there is one.
    """

    def __init__(self, folder: Path | None = None, live: Capture | None = None) -> None:
        self._folder = folder.resolve() if folder is not None else None
        self._live = live
        self._open: dict[str, Recording] = {}

    def files(self) -> list[Path]:
        """The captured files of the folder, and folders of spilled captures in it."""
        if self._folder is None:
            return []
        return sorted(
            path
            for path in self._folder.iterdir()
            if (path.is_file() and path.suffix.lower() in _KINDS) or (path / "manifest.json").is_file()
        )

    def names(self) -> list[str]:
        """What `open` takes."""
        own = ["live"] if self._live is not None else []
        return [*own, *(path.name for path in self.files()), *(f"sample:{name}" for name in samples.names())]

    def open(self, name: str) -> Capture | Recording:
        """A capture by its name, as `names` lists it.

        Raises
        ------
        Unknown : there is none of this name.
        LoadError : the file holds no capture.
        """
        if name == "live" and self._live is not None:
            return self._live
        if name not in self.names():
            raise Unknown(f"no capture is called {name[:80]!r}; there are {', '.join(self.names())}")
        if name not in self._open:
            sample = name.removeprefix("sample:")
            found = samples.sample(sample) if sample != name else load(Path(str(self._folder)) / name)
            self._open[name] = found
            for oldest in list(self._open)[:-_OPEN]:
                del self._open[oldest]
        return self._open[name]


def captures(known: Captures) -> dict[str, Any]:
    """List the captures there are, with what each is."""
    about = samples.sample()
    rows: list[dict[str, Any]] = []
    for name in known.names():
        sample = name.removeprefix("sample:")
        if sample != name:
            rows.append({"capture": name, "shows": str(about.loc[sample, "shows"])})
        else:
            rows.append({"capture": name})
    return fit({}, rows)


def statistics(known: Captures, capture: str) -> dict[str, Any]:
    """Count what a capture holds: rows, span, messages and bytes of each endpoint and peer, both ways."""
    found = known.open(capture)
    table = found.df
    conversations = found.conversations()
    return fit(
        {
            "capture": capture,
            "rows": len(table),
            "first": _plain(table.time.min()) if len(table) else None,
            "seconds": _plain((table.time.max() - table.time.min()).total_seconds()) if len(table) else 0,
            "events": {str(k): int(v) for k, v in table.event.value_counts().items() if v},
        },
        rows_of(conversations),
    )


def findings(known: Captures, capture: str) -> dict[str, Any]:
    """What is wrong with the traffic, or noteworthy, with certainty (0 to 1), evidence and what to do next."""
    return fit({"capture": capture}, rows_of(known.open(capture).findings().drop(columns="rows")))


def messages(
    known: Captures,
    capture: str,
    *,
    first: int = 0,
    count: int = 20,
    where: str = "",
    since_s: float | None = None,
    until_s: float | None = None,
) -> dict[str, Any]:
    """Rows of a capture in order.

    Parameters
    ----------
    first : the number of the first row wanted, counted in what `where` and the times leave.
    count : rows at the most.
    where : a filter as on the dashboard, such as ``"v.hp < 20 and direction == 'in'"``.
    since_s, until_s : seconds from the capture's first row.
    """
    found = known.open(capture)
    table = found.where(where) if where else found.df
    if (since_s is not None or until_s is not None) and len(found.df):
        at = (table.time - found.df.time.min()).dt.total_seconds()
        low = -math.inf if since_s is None else since_s
        high = math.inf if until_s is None else until_s
        table = table[at.between(low, high)]
    chosen = table.iloc[max(0, first) : max(0, first) + max(0, min(count, _ROWS))]
    columns = [name for name in _COLUMNS if name in chosen] + [
        name for name in chosen if str(name).startswith("v.")
    ]
    return fit({"capture": capture, "rows_in_all": len(table)}, rows_of(chosen[columns], number=True))


def explain(known: Captures, capture: str, row: int) -> dict[str, Any]:
    """The payload of one row byte by byte: what each part is, as a Variant, or its text."""
    table = known.open(capture).df
    if row not in table.index:
        raise Unknown(f"{capture} has no row {row}; its rows are {table.index.min()} to {table.index.max()}")
    payload = bytes(table.payload.loc[row] or b"")
    try:
        parts = str(explained(payload))
    except GdlabError as error:
        parts = f"no Variant: {error}"
    return fit({"row": row, "bytes": len(payload), "payload": _quoted(payload)}, parts.splitlines())


def sizes(value: str, *, as_rpc: str = "") -> dict[str, Any]:
    """What a value costs in bytes, in memory, on the wire and as an RPC.

    Parameters
    ----------
    value : as GDScript writes it: ``{"id": 7, "pos": Vector2(1, 2)}``.
    as_rpc : ``"reliable"`` or ``"unreliable"``: the layers of one call with these arguments instead.
    """
    parsed = parse_literal(value)
    if as_rpc:
        arguments = tuple(parsed) if isinstance(parsed, (list, tuple)) else (parsed,)
        return fit({"value": value[:_TEXT]}, str(measured_sizes(arguments, as_rpc=as_rpc)).splitlines())
    return fit(
        {"value": value[:_TEXT], "variant_bytes": len(dumps(parsed))},
        str(measured_sizes(parsed)).splitlines(),
    )


def gdscript(
    address: str, *, kind: str = "send", codec: str = "auto", framing: str = "auto"
) -> dict[str, Any]:
    """The GDScript for a game that talks to a listener at an address such as ``udp://127.0.0.1:4242``."""
    try:
        where = parse(address)
    except AddressError:  # one that other machines reach: this only writes it down
        where = parse(address, host="lan")
    target = Target(
        transport=where.transport,
        host=where.host,
        port=where.port,
        path=where.path,
        shown=str(where),
        framing=framing,
        subprotocols=(),
        game_listens=False,
        on_lan=where.is_lan,
    )
    return fit({"address": str(where)}, str(write(target, kind, codec)).splitlines())


# ---- plain values


def rows_of(table: pd.DataFrame, *, number: bool = False) -> list[dict[str, Any]]:
    """A table as a list of plain dicts, without what is missing; with `number` each has its `row`."""
    rows = []
    for label, values in zip(table.index[:_ROWS], table.head(_ROWS).to_dict("records"), strict=True):
        row = {
            str(name): plain for name, value in values.items() if (plain := _plain(value)) not in (None, "")
        }
        rows.append({"row": int(label), **row} if number else row)
    return rows


def fit(head: dict[str, Any], rows: Sequence[Any]) -> dict[str, Any]:
    """An answer of at most `MOST_BYTES`: the head, and as many of the rows as there is room for."""
    left = MOST_BYTES - len(json.dumps(head, ensure_ascii=False).encode()) - 80
    kept: list[Any] = []
    for row in rows:
        left -= len(json.dumps(row, ensure_ascii=False).encode()) + 2
        if left < 0:
            break
        kept.append(row)
    answer = {**head, "rows": kept}
    if len(kept) < len(rows):
        answer["left_out"] = len(rows) - len(kept)
    return answer


def _plain(value: Any) -> Any:
    """A value that JSON has."""
    if isinstance(value, bytes):
        return _quoted(value)
    if value is None or isinstance(value, (bool, int)):
        return value
    if hasattr(value, "item") and not isinstance(value, pd.Timestamp):
        return _plain(value.item())
    if isinstance(value, float):
        return round(value, 6) if math.isfinite(value) else None
    if value is pd.NaT or value is pd.NA:
        return None
    if isinstance(value, pd.Timestamp):
        return value.isoformat()
    if isinstance(value, (list, tuple)):
        return [_plain(each) for each in value[:50]]
    return str(value)[:_TEXT]


def _quoted(payload: bytes) -> str:
    """A payload as text where it is text, else in hexadecimal; cut where it is long."""
    begin = payload[:_PAYLOAD_BYTES]
    more = f" ... of {len(payload)} bytes" if len(payload) > _PAYLOAD_BYTES else ""
    try:
        text = begin.decode()
    except UnicodeDecodeError:
        return f"hex {begin.hex(' ', 4)}{more}"
    return (text if text.isprintable() else f"hex {begin.hex(' ', 4)}") + more
