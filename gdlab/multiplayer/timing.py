"""Round trips from ENet's acknowledgements: each says which command it answers, and when that one was sent."""

from __future__ import annotations

import numpy as np
import pandas as pd

from gdlab.multiplayer.record import UNIT_NAMES
from gdlab.multiplayer.tables import category, times
from gdlab.multiplayer.view import View


def round_trips(view: View) -> pd.DataFrame:
    """Time from a reliable command that passed to its acknowledgement that came back, at every leg.

    Returns
    -------
    `time` (of the acknowledgement), `connection`, `leg` (client or server: which side of a relay; client where
    there is one place), `answered_by` (client or server), `command`, `channel`, `sequence`, `rtt_ms` (to that side
    and back: the way behind this place, and until its next frame), `copy` (the answered command is a copy).

    Notes
    -----
    An acknowledgement repeats the sent time of what it answers, so a copy's answer is not taken for the first's. The
    two halves, answered by the client and by the server, sum to the round trip as either side has it.
    """
    columns = view.units
    kind, flags, again = columns["kind"], columns["flags"], columns["again"] == 1
    answer = np.flatnonzero(kind == 1)
    asked = np.flatnonzero((flags & 0x80 > 0) & (kind < 16))
    fields = view.dissector.units.fields
    answered_time = np.array([fields[index][0] for index in answer.tolist()], np.int64)
    asked_at: dict[tuple[int, int, int, int, int], int] = {}
    keys = zip(
        columns["link"][asked].tolist(),
        columns["out"][asked].tolist(),
        columns["channel"][asked].tolist(),
        columns["sequence"][asked].tolist(),
        columns["sent_time"][asked].tolist(),
        asked.tolist(),
        strict=True,
    )
    # Both lists are in the order of time, so walking them together finds the latest question before an answer.
    questions = iter(keys)
    waiting = next(questions, None)
    pairs: list[tuple[int, int]] = []
    for place, index in enumerate(answer.tolist()):
        while waiting is not None and waiting[5] < index:
            asked_at[waiting[:5]] = waiting[5]
            waiting = next(questions, None)
        key = (
            int(columns["link"][index]),
            1 - int(columns["out"][index]),
            int(columns["channel"][index]),
            int(columns["number"][index]),
            int(answered_time[place]),
        )
        question = asked_at.pop(key, None)
        if question is not None:
            pairs.append((index, question))
    back = np.array([pair[0] for pair in pairs], np.int64)
    there = np.array([pair[1] for pair in pairs], np.int64)
    first = {link.index for connection in view.connections for link in connection.links[:1]}
    return pd.DataFrame(
        {
            "time": times(view.time_ns[back]),
            "connection": view.connection[back],
            "leg": category(
                ["client" if link in first else "server" for link in columns["link"][back].tolist()]
            ),
            "answered_by": category(np.where(view.from_client[back], "client", "server")),
            "command": category([UNIT_NAMES[code] for code in kind[there].tolist()]),
            "channel": columns["channel"][there],
            "sequence": columns["sequence"][there],
            "rtt_ms": (view.time_ns[back] - view.time_ns[there]) / 1e6,
            "copy": again[there],
            "row": view.positions[columns["row"][back]],
        }
    )
