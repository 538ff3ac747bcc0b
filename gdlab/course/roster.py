"""A class on one capture: names instead of addresses, and who has not been heard."""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from gdlab import clock
from gdlab.analysis.columns import codes, time_index, times_ns
from gdlab.analysis.probes import messages_of
from gdlab.analysis.source import Source, table_of
from gdlab.capture import Recording
from gdlab.course.handed_in import Exercise, checked
from gdlab.errors import LoadError
from gdlab.words import phrase

if TYPE_CHECKING:
    from gdlab.capture.tabular import Tabular

#: Who has not been heard for so long is silent.
SILENT_AFTER_S: Final = 10.0
#: Messages of a peer that a code word is looked for in: the first ones.
_LOOKED_AT: Final = 200
#: A class is no larger, and a list of names no longer.
_MOST_NAMES: Final = 10_000
_MOST_BYTES: Final = 1 << 20

Names = Mapping[str, str] | Sequence[str] | str | Path


def roster(
    capture: Tabular | Source,
    names: Names = (),
    *,
    exercise: Exercise = None,
    silent_after_s: float = SILENT_AFTER_S,
) -> pd.DataFrame:
    """Which students of a class have been heard: names instead of addresses.

    Parameters
    ----------
    capture : one that all students send to, running or not.
    names : how a student is known. A mapping from a code word that the student's game sends somewhere in a message
        (``{"otter": "Ada"}``), or from an address (``"192.168.1.17"``, with or without port), to the name; the path of
        a CSV file with these two columns; or the code words alone, which are then the names.
    exercise : what is to be done; as for `marks`. Checks are made of each student's own rows.
    silent_after_s : seconds without a message after which somebody is silent.

    Returns
    -------
    One row per name in the given order, then peers without one: `name` (empty for these), `peers` (addresses, joined),
    `messages`, `rate_hz` (mean, from first to last), `last` (time), `silent_s` (since then, to now or the end of the
    capture), `state` (category: ``heard``, ``silent``, ``never heard``), a column per check (boolean), `to_try` (what
    to try where somebody is not heard).

    Raises
    ------
    LoadError : the file with the names cannot be read.

    Notes
    -----
    Code words are looked for in a peer's first 200 messages, whole words only. A student with two addresses, as after a
    restart, is one row. Code words are neither secret nor proof: whoever sends another's is taken for that student.
    """
    known = _names(names)
    table = table_of(capture)
    stamps = times_ns(table)
    now = clock.now_ns() if getattr(capture, "running", False) is True else int(stamps.max(initial=0))
    came = np.flatnonzero(messages_of(table, "in"))
    numbers, peers = codes(table.iloc[came], "peer")
    rows_of = {
        str(peers[number]): came[numbers == number] for number in np.unique(numbers[numbers >= 0]).tolist()
    }
    whose = {peer: _name_of(table, peer, rows, known) for peer, rows in rows_of.items()}
    result: list[dict[str, Any]] = []
    for name in dict.fromkeys(known.values()):
        mine = [peer for peer, owner in whose.items() if owner == name]
        result.append(_row(capture, table, name, mine, rows_of, exercise, stamps, now, silent_after_s))
    result += [
        _row(capture, table, "", [peer], rows_of, exercise, stamps, now, silent_after_s)
        for peer, owner in whose.items()
        if owner is None
    ]
    return _frame(result)


def _row(
    capture: object,
    table: pd.DataFrame,
    name: str,
    peers: Sequence[str],
    rows_of: Mapping[str, npt.NDArray[np.int64]],
    exercise: Exercise,
    stamps: npt.NDArray[np.int64],
    now: int,
    silent_after_s: float,
) -> dict[str, Any]:
    rows = np.sort(np.concatenate([rows_of[peer] for peer in peers])) if peers else np.zeros(0, np.int64)
    passed: dict[str, bool | None] = {}
    if exercise is not None:
        mine = table[table["peer"].isin(list(peers)).to_numpy(dtype=np.bool_)].reset_index(drop=True)
        recording = Recording(mine, {}, Path(name or "peer"))
        recording.decode_with = getattr(capture, "decode_with", "auto")
        passed = checked(recording, exercise)
    if not len(rows):
        state, last, rate, silent = "never heard", 0, np.nan, np.nan
    else:
        last = int(stamps[rows].max())
        lasted = (last - int(stamps[rows].min())) / 1e9
        rate = (len(rows) - 1) / lasted if lasted else np.nan
        silent = max(now - last, 0) / 1e9
        state = "silent" if silent > silent_after_s else "heard"
    return {
        "name": name,
        "peers": ", ".join(peers),
        "messages": len(rows),
        "rate_hz": rate,
        "last": last,
        "silent_s": silent,
        "state": state,
        **passed,
        "to_try": "" if state == "heard" else phrase(f"roster/{state}"),
    }


def _frame(rows: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    checks = [name for name in (rows[0] if rows else ()) if name not in _COLUMNS]
    frame = pd.DataFrame(list(rows), columns=[*_COLUMNS[:-1], *checks, _COLUMNS[-1]])
    frame = frame.astype({"messages": "int64", "rate_hz": "float64", "silent_s": "float64"})
    last = frame["last"].to_numpy(dtype=np.int64)
    frame["last"] = pd.Series(time_index(last)).mask(last == 0)
    frame["state"] = pd.Categorical(frame["state"], categories=["heard", "silent", "never heard"])
    return frame.astype(dict.fromkeys(checks, "boolean"))


_COLUMNS: Final = ("name", "peers", "messages", "rate_hz", "last", "silent_s", "state", "to_try")


def _name_of(
    table: pd.DataFrame, peer: str, rows: npt.NDArray[np.int64], known: Mapping[str, str]
) -> str | None:
    """Whose peer it is, by its address, else by the first code word in its messages."""
    host = peer.rpartition(":")[0]
    for key in (peer, host, host.strip("[]")):
        if key in known:
            return known[key]
    if not known:
        return None
    longest_first = sorted(known, key=lambda word: -len(word))
    words = b"|".join(re.escape(word.encode()) for word in longest_first)
    pattern = re.compile(rb"(?<![0-9A-Za-z_])(" + words + rb")(?![0-9A-Za-z_])")
    for payload in table["payload"].array[rows[:_LOOKED_AT]]:
        found = pattern.search(payload) if isinstance(payload, bytes) else None
        if found:
            return known[found[1].decode()]
    return None


def _names(names: Names) -> dict[str, str]:
    if isinstance(names, (str, Path)):
        path = Path(names)
        try:
            if path.stat().st_size > _MOST_BYTES:
                raise LoadError(
                    f"{path} is larger than a list of names; give a CSV file with code word and name"
                )
            text = path.read_text(encoding="utf-8-sig")
        except (OSError, ValueError) as error:
            raise LoadError(
                f"the names cannot be read from {path}: {error}; give a CSV file in UTF-8"
            ) from error
        sep = ";" if text.partition("\n")[0].count(";") else ","
        rows = [[cell.strip() for cell in row] for row in csv.reader(text.splitlines(), delimiter=sep)]
        known = {row[0]: row[1] if len(row) > 1 else row[0] for row in rows if row and row[0]}
    elif isinstance(names, Mapping):
        known = {str(word): str(name) for word, name in names.items()}
    else:
        known = {str(word): str(word) for word in names}
    if len(known) > _MOST_NAMES:
        raise LoadError(f"{len(known)} names are more than {_MOST_NAMES}")
    return {word: name for word, name in known.items() if word}
