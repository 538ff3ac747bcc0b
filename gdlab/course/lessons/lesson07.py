"""Questions on the way from a capture to a report."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import pandas as pd

from gdlab.course.answers import NotUnderstood
from gdlab.course.questions import Question, choice, number
from gdlab.files import load
from gdlab.words import worded

_RATES_HZ: Final = {1: 10.0, 2: 30.0, 3: 10.0}
_WITHIN: Final = 0.12


def _rates(answer: Any) -> tuple[bool, str]:
    """Look at messages per second of each player, in any table-like form."""
    if isinstance(answer, pd.DataFrame):
        numeric = answer.select_dtypes("number")
        if "v.id" in numeric.columns:
            numeric = numeric.set_index("v.id")
        if numeric.shape[1] != 1:
            raise NotUnderstood(worded("give one column of rates; that table has {v1}", v1=numeric.shape[1]))
        answer = numeric.iloc[:, 0]
    if isinstance(answer, pd.Series):
        answer = answer.to_dict()
    if not isinstance(answer, Mapping):
        raise NotUnderstood(
            "this asks for the rates of the players, as a column or a dict such as {1: 10.0, ...}"
        )
    given = {int(player): float(rate) for player, rate in answer.items()}
    if set(given) != set(_RATES_HZ):
        return False, worded(
            "There are the players 1, 2 and 3; your answer is about {v1!r:.80}.", v1=sorted(given)
        )
    if given == {1: 51.0, 2: 152.0, 3: 51.0}:
        return False, "Those are messages. Divide by the seconds that each player sent."
    if all(abs(given[player] * rate / 1000 - 1) < _WITHIN for player, rate in _RATES_HZ.items()):
        return False, "Those are the milliseconds between two messages. How many of them fit into a second?"
    off = [player for player, rate in _RATES_HZ.items() if abs(given[player] / rate - 1) > _WITHIN]
    if off:
        return False, (
            worded(
                "Player {v1} does not send {v2:.1f} messages per second. How many messages, and how many "
                "seconds lie between its first and its last one?",
                v1=off[0],
                v2=given[off[0]],
            )
        )
    return True, "10, 30 and 10 per second: what the games were asked to do."


def _anonymous_file(answer: Any) -> tuple[bool, str]:
    """Look at a file without anybody's address."""
    if not isinstance(answer, (str, os.PathLike)):
        raise NotUnderstood("this asks for the path that to_csv(...) gives back")
    path = Path(os.fspath(answer))
    if not path.exists():
        return False, worded("There is no file {v1!r} in this folder.", v1=path.name)
    loaded = load(path)
    peers = {peer for peer in loaded.table["peer"].astype(str) if peer}
    if not peers:
        return False, "The file has no peers at all. Export the sample three-players."
    named = sorted(peer for peer in peers if ":" in peer or "." in peer)
    if named:
        return False, worded(
            "Addresses are still in it, such as {v1}. to_csv has an argument for that.", v1=named[0]
        )
    if len(loaded.table) < 200:
        return False, worded("No addresses, but only {v1} rows: the session had more.", v1=len(loaded.table))
    return (
        True,
        worded(
            "{v1} rows of {v2}. Payloads are not touched: look into yours first.",
            v1=len(loaded.table),
            v2=", ".join(sorted(peers)),
        ),
    )


QUESTIONS: Final = {
    "07.1": Question(
        "Which player of three-players sends the most bytes?",
        number(
            2,
            "Player 2: three times as many messages of the same size.",
            wrong=(
                (1, "Its messages are as large as those of player 2. How many are there?"),
                (3, "Player 3 sends JSON, in the smallest messages of the three."),
                (17_024, "That is how many bytes. Of which player?"),
                (152, "That is how many messages. Of which player?"),
            ),
            otherwise='Group by v.id: table.groupby("v.id").size_bytes.sum()',
        ),
        ('table.groupby("v.id").size_bytes.sum()',),
    ),
    "07.2": Question(
        "How many messages per second does each player send?",
        _rates,
        (
            "Count messages, and divide by the seconds between the first and the last one.",
            'by = table.groupby("v.id").time; (by.size() - 1) / (by.max() - by.min()).dt.total_seconds()',
        ),
    ),
    "07.3": Question(
        "Export three-players without anybody's address, and give the path.",
        _anonymous_file,
        ("to_csv has an argument `anonymise`.", 'session.to_csv("mine.csv", anonymise=True)'),
    ),
    "07.4": Question(
        "A player's name is '=1+1'. What stands in the CSV?",
        choice(
            ("'=1+1", "b*", "apostrophe*", "with an apostrophe"),
            "An apostrophe stands before it, so that a spreadsheet shows the name and does not calculate it; gd.load "
            "takes it away again. With raw=True it is written as it came.",
            wrong=(
                (
                    ("=1+1", "a*", "as it came"),
                    "Then a spreadsheet would calculate it, and a formula can do worse than add.",
                ),
                (("c*", "nothing*", "it is left out"), "Nothing of what was captured is left out."),
            ),
            otherwise="Answer with 'a', 'b' or 'c'.",
        ),
        ("What would a spreadsheet do with a cell that begins with = ?",),
    ),
}
