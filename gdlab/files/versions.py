"""Files of earlier versions, read as tables of today.

Version 1 had no columns for facts and framings: what happened stood in `detail`, in English. Where such a sentence is
unmistakably gdlab's own, its reason, code and number are taken from it; nowhere else is `detail` ever read.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

import numpy as np
import pandas as pd

from gdlab.facts import PEER, SYSTEM, US, Reason
from gdlab.files.to_schema import categorical
from gdlab.messages import CATEGORIES, SCHEMA, Event

#: Names of columns that have been renamed, and what they are called now.
RENAMED: Final[dict[str, str]] = {"stamp": "time_source"}

#: Columns that version 1 did not have.
NEW: Final = ("framing", "reason", "by", "code", "count")

#: How the sentences of version 1 begin, by the event of their row. A group `code` or `count` is a number.
_SENTENCES: Final[tuple[tuple[Event, str, Reason, str], ...]] = (
    (Event.CLOSE, r"closed by the peer: (?P<code>\d{4})(?: |$)", Reason.PEER_CLOSED, PEER),
    (Event.CLOSE, r"closed by the peer: no code$", Reason.PEER_CLOSED, PEER),
    (Event.CLOSE, r"closed by the peer without a close frame \((?P<code>1006)\)$", Reason.PEER_CLOSED, PEER),
    (Event.CLOSE, r"closed by the peer$", Reason.PEER_CLOSED, PEER),
    (Event.CLOSE, r"reset by the peer$|the peer had closed$", Reason.PEER_RESET, PEER),
    (Event.CLOSE, r"closed here: stopped$", Reason.STOPPED, US),
    (Event.CLOSE, r"closed here: a fault of gdlab's own,", Reason.INTERNAL, US),
    (Event.CLOSE, r"closed here: the peer does not read,", Reason.SLOW_READER, US),
    (Event.CLOSE, r"closed here: all connections together hold", Reason.HELD_TOO_MUCH, US),
    (Event.CLOSE, r"closed here: (?P<code>\d{4}) ", Reason.WE_CLOSED, US),
    (Event.CLOSE, r"closed here: ", Reason.WE_CLOSED, US),
    (Event.GAP, r"(?P<count>\d+) datagrams dropped by the kernel:", Reason.KERNEL_DROP, SYSTEM),
    (Event.GAP, r"(?P<count>\d+) rows \(\d+ payload bytes\) dropped: the store keeps", Reason.EVICTED, US),
    (Event.GAP, r"stopped for [\d.]+ s, nothing was received$", Reason.PAUSED, US),
    (Event.GAP, r"(?P<count>\d+) (?:of \d+ )?bytes .*dropped", Reason.SKIPPED, US),
    (Event.ERROR, r"refused: \d+ connections are there, the limit is", Reason.REFUSED_LIMIT, US),
    (Event.ERROR, r"refused: no WebSocket handshake,", Reason.REFUSED_HANDSHAKE, US),
    (Event.ERROR, r"refused with HTTP (?P<code>403): the web page", Reason.REFUSED_ORIGIN, US),
    (Event.ERROR, r"refused with HTTP (?P<code>404): nothing is at", Reason.REFUSED_PATH, US),
    (Event.ERROR, r"refused: the WebSocket handshake was not complete", Reason.HANDSHAKE_TIMEOUT, PEER),
    (Event.ERROR, r"no connection can be let in while", Reason.OUT_OF_FILES, SYSTEM),
    (Event.ERROR, r"nobody listens at ", Reason.UNREACHABLE, SYSTEM),
    (Event.ERROR, r"the reply function raised ", Reason.REPLY_RAISED, US),
    (Event.ERROR, r"endpoint stopped: ", Reason.ENDPOINT_FAILED, US),
    (Event.ERROR, r"attempt \d+ to connect: ", Reason.CONNECT_FAILED, ""),
    (Event.ERROR, r"not sent: ", Reason.NOT_SENT, ""),
    (Event.MESSAGE, r"framing \w+: ", Reason.FRAMING_GUESSED, US),
    (
        Event.MESSAGE,
        r"(?P<count>\d+) bytes are more than the \d+ that Godot receives",
        Reason.MAY_NOT_FIT,
        US,
    ),
)
_PATTERNS: Final = tuple((str(event), re.compile(text), reason, by) for event, text, reason, by in _SENTENCES)


def names(columns: Iterable[str]) -> list[str]:
    """The names of columns as they are today."""
    return [RENAMED.get(name, name) for name in columns]


def categories(told: Mapping[str, Any]) -> dict[str, Any]:
    """The categories of columns, by the columns' names of today; those of new columns are known."""
    found: dict[str, Any] = {name: list(map(str, CATEGORIES.get(name, ("",)))) for name in NEW}
    return found | dict(zip(names(told), told.values(), strict=True))


def with_facts(table: pd.DataFrame) -> pd.DataFrame:
    """The table of a file of version 1 with the columns of today.

    Parameters
    ----------
    table : all columns but `NEW`, under their names of today.
    """
    rows = len(table)
    reason, by = np.zeros(rows, np.int8), np.zeros(rows, np.int8)
    code, count = pd.array([None] * rows, "Int32"), pd.array([None] * rows, "Int64")
    events, details = table["event"].astype(object).to_numpy(), table["detail"].to_numpy(object)
    for row in np.flatnonzero(details != "").tolist():
        for event, pattern, why, who in _PATTERNS:
            found = pattern.match(details[row]) if event == events[row] else None
            if found is None:
                continue
            numbers = {name: int(text) for name, text in found.groupdict().items() if len(text) < 18}
            reason[row], by[row] = CATEGORIES["reason"].index(why), CATEGORIES["by"].index(who)
            count[row] = numbers.get("count", 1)
            if "code" in numbers:
                code[row] = numbers["code"]
            break
    table = table.assign(
        reason=categorical(reason, map(str, CATEGORIES["reason"])),
        by=categorical(by, map(str, CATEGORIES["by"])),
        code=code,
        count=count,
        framing=categorical(np.zeros(rows, np.int8), [""]),
    )
    return table[[column.name for column in SCHEMA]]
