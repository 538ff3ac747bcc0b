"""A server and clients in this process, to put a relay between."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import pandas as pd

import gdlab as gd
from gdlab.relays import Relay
from tests.waiting import wait_until


@contextmanager
def udp_server() -> Iterator[tuple[socket.socket, str]]:
    """A socket that answers nothing by itself, and its address."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 * 2**20)
        sock.bind(("127.0.0.1", 0))
        sock.settimeout(10)
        yield sock, f"udp://127.0.0.1:{sock.getsockname()[1]}"


@contextmanager
def udp_client(relay: Relay) -> Iterator[socket.socket]:
    """A client that has connected to the relay."""
    host, _, port = relay.address.rpartition("//")[2].rpartition(":")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.connect((host, int(port)))
        sock.settimeout(10)
        yield sock


def wait_for_row(relay: Relay, event: str, count: int = 1) -> str:
    """Wait until so many rows of an event are there; return the `detail` of the first."""

    def told() -> bool:
        return bool((relay.df["event"] == event).sum() >= count)

    wait_until(told, 20)
    table = relay.df
    return str(table[table["event"] == event]["detail"].iloc[0])


def numbered(number: int) -> bytes:
    """A message with its number, as a game would send it."""
    return json.dumps({"seq": number}).encode()


def numbers(table: pd.DataFrame) -> list[int]:
    """The numbers of a table's messages, in order."""
    return [json.loads(payload)["seq"] for payload in table["payload"] if payload]


def arrived(capture: gd.Capture) -> pd.DataFrame:
    """The messages that came in."""
    table = capture.df
    return table[(table["direction"] == "in") & (table["event"] == "message")]
