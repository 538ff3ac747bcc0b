"""Messages as lines of text, decoded as far as a line can show, and matched with a filter."""

from __future__ import annotations

import time
from typing import Any, Final

import numpy as np

from gdlab.capture.html import legible
from gdlab.live import value_parts
from gdlab.live.expression import Expression
from gdlab.live.judgement import Judgement
from gdlab.live.rows import Row
from gdlab.messages import Event

#: Characters of a decoded message: a line of the list, and so its cost to the browser, is bounded.
TEXT_CHARACTERS: Final = 120
#: Longer payloads are shown by their first characters, and decoded only where somebody asks for that one.
DECODED_BYTES: Final = 16 * 1024


def _readable(rows: list[Row]) -> list[int]:
    """Positions of the messages that are not too long to be decoded for a list."""
    return [
        index
        for index, row in enumerate(rows)
        if row.event == Event.MESSAGE and row.size_bytes <= DECODED_BYTES
    ]


def decode_rows(judgement: Judgement, rows: list[Row]) -> tuple[list[Any], list[str]]:
    """Values and names of codecs; None for events, for what does not decode, and for what is long."""
    short = _readable(rows)
    found = judgement.decode([rows[index] for index in short])
    values: list[Any] = [None] * len(rows)
    names = [""] * len(rows)
    for place, index in enumerate(short):
        if found.errors[place] is None:
            values[index] = found.objects[place]
        names[index] = str(found.names[place] or "")
    return values, names


def texts(judgement: Judgement, rows: list[Row]) -> list[str]:
    """What the lines show of their messages."""
    values, names = decode_rows(judgement, rows)
    return [said(row, value, name) for row, value, name in zip(rows, values, names, strict=True)]


def matching(judgement: Judgement, rows: list[Row], expression: Expression) -> tuple[list[bool], bool]:
    """Whether each row passes a filter, and whether any has decoded to a value."""
    decoded: list[dict[str, Any]] = [{} for _ in rows]
    has_value = False
    if expression.names & {"v", "codec"}:
        has_value = _decode_fields(judgement, rows, expression, decoded)
    found = []
    for row, fields in zip(rows, decoded, strict=True):
        found.append(
            expression(
                {
                    "time": clock_text(row.time_ns) if "time" in expression.names else "",
                    "peer": row.peer,
                    "endpoint": row.endpoint,
                    "direction": row.direction,
                    "event": row.event,
                    "kind": row.kind,
                    "size_bytes": row.size_bytes,
                    "text": row.payload.decode(errors="replace") if "text" in expression.names else "",
                    "detail": row.detail,
                    "codec": "",
                    "v": None,
                    **fields,
                }
            )
        )
    return found, has_value


def _decode_fields(
    judgement: Judgement, rows: list[Row], expression: Expression, into: list[dict[str, Any]]
) -> bool:
    """Put in what a filter needs of decoded values, from whole columns where it can be; whether there is any value."""
    short = _readable(rows)
    some = [rows[index] for index in short]
    fast = judgement.decode_parts(some)
    left = list(range(len(some)))
    if value_parts.are_columns(expression.parts, fast.parts):
        for name, places in fast.names:
            for place in places.tolist():
                into[short[place]] = {"codec": name, "v": None, **dict.fromkeys(expression.parts or ())}
        for column in expression.parts or ():
            for part in fast.parts[column]:
                for place, value in zip(part.rows.tolist(), part.held.tolist(), strict=True):
                    into[short[place]][column] = value
        left = fast.left.tolist()
    values, names = decode_rows(judgement, [some[place] for place in left])
    for place, value, name in zip(left, values, names, strict=True):
        into[short[place]] = {"codec": name, "v": value}
    return len(left) < len(some) or any(value is not None for value in values)


def clock_text(time_ns: int) -> str:
    """The time of day, UTC, to the millisecond."""
    seconds, ns = divmod(time_ns, 10**9)
    return time.strftime("%H:%M:%S", time.gmtime(seconds)) + f".{ns // 10**6:03d}"


def said(row: Row, value: Any, codec: str) -> str:
    """A message or an event in one bounded line."""
    if row.event != Event.MESSAGE:
        return f"[{row.event}] {legible(row.detail, TEXT_CHARACTERS)}"
    if value is None or isinstance(value, (bytes, str)) or codec.endswith("json"):
        return _plain(row, value)
    return legible(_brief(value), TEXT_CHARACTERS)


def _plain(row: Row, value: Any) -> str:
    """Text as it is; what is no text as hexadecimal."""
    if row.kind == "text" or isinstance(value, str):
        text: str | bytes = value if isinstance(value, str) else row.payload[: 4 * TEXT_CHARACTERS]
        return legible(text, TEXT_CHARACTERS)
    shown = row.payload[: TEXT_CHARACTERS // 3]
    return shown.hex(" ") + ("…" if row.size_bytes > len(shown) else "")


def _brief(value: Any, depth: int = 0) -> str:
    """The beginning of a decoded value as an expression; no more of it is written than can be shown."""
    if isinstance(value, str):
        return repr(value[:TEXT_CHARACTERS])
    if isinstance(value, (bytes, bytearray)):
        return f"<{len(value)} bytes {bytes(value[:16]).hex(' ')}{'…' if len(value) > 16 else ''}>"
    if isinstance(value, np.ndarray):
        items = ", ".join(map(str, value[:4].tolist()))
        return f"{type(value).__name__}({items}{', …' if len(value) > 4 else ''})[{len(value)}]"
    if depth >= 4:
        return "…" if isinstance(value, (dict, list, tuple)) else repr(value)[:TEXT_CHARACTERS]
    if isinstance(value, dict):
        parts = []
        for count, (key, part) in enumerate(value.items()):
            if count == 12:
                parts.append("…")
                break
            parts.append(f"{_brief(key, depth + 1)}: {_brief(part, depth + 1)}")
        return "{" + ", ".join(parts) + "}"
    if isinstance(value, list):
        parts = [_brief(part, depth + 1) for part in value[:12]]
        return "[" + ", ".join([*parts, *(["…"] if len(value) > 12 else [])]) + "]"
    return repr(value)[: 4 * TEXT_CHARACTERS]
