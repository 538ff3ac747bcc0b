"""Overhead by layer, conversations, and comparison of two runs."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from gdlab import analysis
from gdlab.messages import wire_bytes
from tests.traffic import merged, pings, table

S = 1_000_000_000


@pytest.mark.parametrize(
    ("endpoint", "peer", "options", "expected"),
    [
        ("udp://127.0.0.1:4242", "127.0.0.1:5", {}, (100, 0, 8, 20)),
        ("udp://[::1]:4242", "[::1]:5", {"ipv6": True}, (100, 0, 8, 40)),
        ("tcp://127.0.0.1:4242", "127.0.0.1:5", {}, (100, 0, 32, 20)),
        ("ws://127.0.0.1:4242", "127.0.0.1:5", {"masked": True}, (100, 6, 32, 20)),
    ],
)
def test_layers_add_up_to_the_bytes_on_the_wire(endpoint, peer, options, expected):
    whole = wire_bytes(endpoint.split(":")[0], 100, **options)
    t = table([0, S], b"x" * 100, endpoint=endpoint, peer=peer, header_bytes=whole - 100)
    layers = analysis.overhead(t)
    assert layers["layer"].tolist() == ["payload", "websocket", "transport", "ip"]
    assert layers["mean_bytes"].tolist() == list(expected)
    assert layers["bytes"].sum() == t["wire_bytes"].sum()
    assert layers["share"].sum() == pytest.approx(1)
    assert (layers["messages"] == 2).all()


def test_overhead_by_any_column_and_of_nothing():
    whole = merged(table([0], b"a" * 10, peer="a"), table([1], b"b" * 20, peer="b"))
    by_peer = analysis.overhead(whole, by=("peer",))
    assert by_peer.loc[by_peer["layer"] == "payload", "bytes"].tolist() == [10, 20]
    assert analysis.overhead(whole, by=())["bytes"].tolist() == [30, 0, 16, 40]
    assert len(analysis.overhead(table())) == 0


def test_a_conversation_counts_both_ways_and_its_events():
    whole = merged(
        table([0, S, 2 * S], [b"a", b"bbb", b"cc"], peer="a"),
        table([3 * S], b"answer", peer="a", direction="out"),
        table([4 * S], b"", peer="a", event="close"),
        table([S], b"x", peer="b"),
        table([S], b"", peer="", event="gap"),
    )
    result = analysis.conversations(whole)
    assert result["peer"].tolist() == ["a", "b"]
    first = result.iloc[0]
    assert (first["messages_in"], first["messages_out"], first["bytes_in"], first["bytes_out"]) == (
        3,
        1,
        6,
        6,
    )
    assert (first["closed"], first["opened"], first["errors"]) == (1, 0, 0)
    assert first["lasted_s"] == 4
    assert first["mean_hz_in"] == 1
    assert first["largest_bytes"] == 6
    assert np.isnan(result.iloc[1]["mean_hz_in"])


def test_nobody_talked():
    for nothing in (table(), table([0], b"", event="gap", peer="")):
        assert len(analysis.conversations(nothing)) == 0


def test_a_run_does_not_differ_from_itself_and_does_from_a_slower_one():
    sent = np.arange(400) * S // 20

    def run(ms, lost, seed):
        rng = np.random.default_rng(seed)
        rtt = rng.exponential(ms * 1e6, 400).astype(np.int64)
        return pings(sent, np.where(rng.random(400) < lost, -1, rtt))

    same = analysis.compare(run(10, 0.01, 1), run(10, 0.01, 1)).set_index("measure")
    assert not same["differs"].fillna(False).any()
    other = analysis.compare(run(10, 0.01, 1), run(20, 0.2, 2)).set_index("measure")
    assert other.loc["round trip, 50 %", "differs"]
    assert other.loc["loss of round trips", "differs"]
    assert other.loc["round trip, 50 %", "change"] == pytest.approx(8, abs=4)
    assert other.loc["round trip, 50 %", "a_n"] == 398  # two pings are pending at the end
    assert pd.isna(other.loc["round trip, 99 %", "differs"])


def test_comparing_nothing_says_nothing():
    result = analysis.compare(table(), table())
    assert result["differs"].isna().all()
    assert (result["a_n"] == 0).all()
