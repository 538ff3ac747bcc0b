"""A session of several servers and players with everything that measures look at, and ways to spread it over files."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd

from gdlab.facts import US, Fact, Reason
from gdlab.files import to_schema as conform
from gdlab.files import write_csv, write_parquet
from tests.traffic import merged, ping, pong, table

SECOND = 1_000_000_000
SERVERS = ("udp://10.0.0.1:4242", "udp://10.0.0.2:4242")
#: Every measure that is a table, with what it is asked.
MEASURES = [
    ("rates", {}),
    ("rates", {"bin_s": 0.5, "by": "peer", "top": 2, "probes": True}),
    ("overhead", {}),
    ("conversations", {}),
    ("inter_arrival", {"direction": "out", "probes": True}),
    ("jitter", {"sent": "v.t_us"}),
    ("jitter", {}),
    ("sequence", {"seq": "v.seq"}),
    ("sequence", {"seq": "v.seq", "by": "v.id"}),
    ("sequence", {}),
    ("numbered", {"seq": "v.seq"}),
    ("round_trips", {}),
    ("response_times", {}),
    ("clock_offsets", {}),
    ("one_way_delay", {"sent": "v.t_us"}),
    ("delay_above_least", {"sent": "v.t_us"}),
    ("measures", {"seq": "v.seq"}),
]


def played(seed: int, *, lasted_s: int = 60, hz: int = 4, players: int = 3) -> pd.DataFrame:
    """Players send numbered states, of which some are lost, doubled or late; the servers ping them; one has a gap."""
    rng = np.random.default_rng(seed)
    parts = []
    for number, server in enumerate(SERVERS):
        for player in range(players):
            peer = f"10.0.1.{10 * number + player}:5{player:04}"
            offset_us, drift = int(rng.integers(0, 10**9)), float(rng.uniform(-50, 50))

            def theirs(at, offset=offset_us, rate=drift):
                return (at / 1e3 * (1 + rate / 1e6) + offset).astype(np.int64)

            sent = np.sort(rng.integers(0, lasted_s * SECOND, lasted_s * hz))
            delay = (rng.exponential(4e6, len(sent)) + 2e6).astype(np.int64)
            kept = np.flatnonzero(rng.random(len(sent)) > 0.03)
            kept = np.sort(np.concatenate([kept, rng.choice(kept, len(kept) // 50)]))
            states = [
                json.dumps({"seq": int(n), "t_us": int(t), "id": player}).encode()
                for n, t in zip(kept, theirs(sent)[kept], strict=True)
            ]
            again = (np.diff(kept, prepend=-1) == 0) * rng.integers(1, 10**7, len(kept))
            parts.append(table(sent[kept] + delay[kept] + again, states, endpoint=server, peer=peer))
            asked = np.arange(0, lasted_s * SECOND, SECOND) + rng.integers(0, SECOND // 20)
            there = (rng.exponential(2e6, len(asked)) + 1e6).astype(np.int64)
            answered = rng.random(len(asked)) > 0.05
            received = theirs(asked + there)
            mine = {"endpoint": server, "peer": peer, "fact": [Fact(Reason.PROBE, US)] * len(asked)}
            pings = [ping(i, int(at) // 1000) for i, at in enumerate(asked)]
            parts.append(table(asked, pings, direction="out", **mine))
            pongs = [
                pong(i, int(at) // 1000, r_us=int(r), s_us=int(r) + 40)
                for i, (at, r) in enumerate(zip(asked, received, strict=True))
            ]
            some = np.flatnonzero(answered)
            mine["fact"] = [Fact(Reason.PROBE, US)] * len(some)
            back = asked + 2 * there + 40_000
            parts.append(table(back[some], [pongs[i] for i in some], **mine))
        # Somebody who is asked and answers, and pings of the game's own.
        asks = np.arange(0, lasted_s * SECOND, 2 * SECOND) + number
        answers = asks + rng.integers(10**6, 10**8, len(asks))
        asker = {"endpoint": server, "peer": "10.0.9.9:9"}
        parts += [table(asks, b"?", direction="out", **asker), table(answers, b"!", **asker)]
        count = np.flatnonzero(rng.random(lasted_s) > 0.1)
        at = count * SECOND + rng.integers(0, SECOND // 30, len(count))
        game = [ping(n, int(t) // 1000 + 5) for n, t in zip(count, count * SECOND, strict=True)]
        parts.append(table(at, game, endpoint=server, peer="10.0.9.8:8"))
        parts.append(
            table(
                [int(lasted_s * SECOND * 0.6)],
                b"",
                endpoint=server,
                peer="",
                event="gap",
                fact=[Fact.of(Reason.PAUSED, by=US, seconds=1.0)],
            )
        )
    return merged(*parts)


def spread(whole: pd.DataFrame, folder: Path, how: str) -> list[Path]:
    """Write a table as several files: one for each server, each 20 seconds, or with rows dealt out by chance."""
    folder.mkdir(parents=True)
    if how == "server":
        of = whole["endpoint"].cat.codes.to_numpy()
    elif how == "minute":
        of = (conform.time_ns(whole) - conform.time_ns(whole).min()) // (20 * SECOND)
    else:
        of = np.random.default_rng(7).integers(0, 3, len(whole))
    files = []
    for number in np.unique(of):
        part = whole[of == number].reset_index(drop=True)
        # Files of two kinds side by side, as folders of real captures have them.
        if number % 2:
            files.append(write_csv(part, folder / f"part-{number}.csv"))
        else:
            files.append(write_parquet(part, folder / f"part-{number}.parquet"))
    return files
