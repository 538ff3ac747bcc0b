"""Rows per second that the dissection of an ENet game keeps up with, on one core; and beside tshark on the same pcap.

python bench/multiplayer.py [--peers 30] [--seconds 10] [--tshark]
"""

from __future__ import annotations

import argparse
import subprocess
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd

import gdlab as gd
from gdlab.capture.multiplayer import Multiplayer
from gdlab.messages import SCHEMA
from gdlab.multiplayer.dissector import Dissector
from gdlab.multiplayer.source import source
from tests.multiplayer.golden import PROJECT, table


def game(peers: int, seconds: float, run: str = "dip_enet") -> pd.DataFrame:
    """A game of many peers at 60 Hz: a real conversation, again and again, for each of them."""
    one = table(run)
    wanted = int(peers * 60 * 2 * seconds)
    copies = -(-wanted // len(one))
    parts = []
    for copy in range(copies):
        part = one.copy()
        part["peer"] = f"10.0.0.{copy % 250 + 1}:{40000 + copy}"
        # The client's id and the connection's number, so that each is a client of its own.
        part["payload"] = [
            data[:44] + copy.to_bytes(4, "big") + data[48:]
            if len(data) == 52 and data[:2] == b"\x8f\xff"
            else data
            for data in part["payload"]
        ]
        parts.append(part)
    whole = pd.concat(parts, ignore_index=True).iloc[:wanted]
    start = whole["time"].min()
    whole["time"] = start + pd.to_timedelta(np.sort((whole["time"] - start).to_numpy()))
    whole["endpoint"] = "udp://10.0.1.1:4242"
    return whole.drop(columns="fate").reset_index(drop=True)


def whole_schema(frame: pd.DataFrame) -> pd.DataFrame:
    """The table with all columns of a capture."""
    sizes = frame["payload"].map(len)
    given = {
        "event": "message",
        "kind": "binary",
        "time_source": "kernel",
        "size_bytes": sizes,
        "wire_bytes": sizes + 28,
    }
    blank = {
        column.name: pd.NA if column.dtype.startswith("Int") else ""
        for column in SCHEMA
        if column.name not in {*frame.columns, *given}
    }
    return frame.assign(**given, **blank)


def timed(label: str, rows: int, work: object) -> float:
    since = time.perf_counter()
    work()  # type: ignore[operator]
    spent = time.perf_counter() - since
    print(f"{label:44} {spent:7.2f} s {rows / spent:12,.0f} rows per second")
    return spent


def main() -> None:
    options = argparse.ArgumentParser()
    options.add_argument("--peers", type=int, default=30)
    options.add_argument("--seconds", type=float, default=10.0)
    options.add_argument("--tshark", action="store_true")
    told = options.parse_args()
    frame = game(told.peers, told.seconds)
    rows = len(frame)
    print(
        f"{told.peers} peers at 60 Hz for {told.seconds:g} s: {rows:,} datagrams, {rows / told.seconds:,.0f} per second"
    )
    taken = source(frame)
    timed("dissect (what a live view does)", rows, lambda: Dissector().feed(taken.rows))
    timed("dissect, name, sum up", rows, lambda: Multiplayer(frame, project=PROJECT).summary())
    timed("dissect, name, decode every argument", rows, lambda: Multiplayer(frame, project=PROJECT).calls)
    packed = source(game(2, told.seconds, "range_enet"))
    timed(
        "dissect datagrams packed by the range coder", len(packed.rows), lambda: Dissector().feed(packed.rows)
    )
    if told.tshark:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "game.pcapng")
            full = whole_schema(frame)
            full.gdlab.to_pcapng(path)
            argv = ["tshark", "-r", str(path), "-q", "-T", "fields", "-e", "data.len"]
            ours = timed(
                "load the pcap, dissect, name, sum up",
                rows,
                lambda: gd.load(path).multiplayer(project=PROJECT).summary(),
            )
            theirs = timed(
                "tshark, ENet as data", rows, lambda: subprocess.run(argv, check=True, capture_output=True)
            )
            print(f"tshark takes {theirs / ours:.2f} times as long")


if __name__ == "__main__":
    main()
