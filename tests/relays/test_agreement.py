"""What gdlab measures of a relayed stream, against the relay's truth and against tshark."""

from __future__ import annotations

import threading

import pandas as pd
import pytest

import gdlab as gd
from gdlab.analysis.findings import listed
from gdlab.analysis.rules.relayed import standing
from tests.languages import same_in_every_language
from tests.relays.games import arrived, numbered, numbers, udp_client, udp_server
from tests.waiting import wait_until

LINK = gd.Link(
    delay_ms=20,
    jitter_ms=3,
    jitter_over_ms=20,
    loss=0.04,
    burst=2,
    duplicate=0.03,
    reorder=0.03,
    reorder_ms=15,
)


@pytest.mark.slow
def test_measured_and_true_agree_as_sets() -> None:
    with (
        gd.listen("udp://127.0.0.1:0") as server,
        gd.relay("udp://127.0.0.1:0", to=server.addresses[0], up=LINK, seed=11) as px,
    ):
        client, pace = gd.connect(px.address), threading.Event()
        for number in range(400):
            client.send({"seq": number})
            pace.wait(0.002)  # a game's rate: a packet held back for 15 ms is few numbers behind
        px.wait_sync(400)
        px.stop(flush=True)
        passed = int((px.truth["fate"] == "passed").sum())
        server.wait_sync(passed)
        table = px.agreement(server)
        assert table.loc[["arrived", "lost", "duplicated", "reordered"], "agrees"].all(), table
        assert (table.loc[["lost", "duplicated", "reordered"], "true"] > 0).all()
        # The rows of all three alone: the loss is placed in the relay, and nowhere else.
        lost = set(px.truth["n"]) - set(px.truth.query("fate == 'passed'")["n"])
        parts = gd.analysis.where_lost(client.df, server.df, relay=px.df, seq="v.seq").set_index("place")
        assert parts["lost"].to_dict() == {
            "sender to relay": 0,
            "relay": len(lost),
            "relay to receiver": 0,
        }
        found = server.findings(sender=client.df, relay=px.df).set_index("rule")
        assert "lost-where" in found.index  # numbers in JSON are found without being named
        assert f"in the relay ({len(lost)} of 400)" in found.loc["lost-where", "what"]
        same_in_every_language(lambda: server.findings(sender=client.df, relay=px.df))
        same_in_every_language(px.findings)
        own = px.findings().set_index("rule")
        assert f"took {len(lost)} of 400 packets away" in own.loc["relay-not-network", "what"]
        client.stop()
        assert set(range(400)) - set(numbers(arrived(server))) == lost


def test_equal_payloads_cannot_be_told_apart() -> None:
    with udp_server() as (_, to), gd.relay("udp://127.0.0.1:0", to=to) as px, udp_client(px) as client:
        client.send(b"same")
        client.send(b"same")
        px.wait_sync(2)
        wait_until(lambda: len(px.df) == 4)
        with pytest.raises(ValueError, match="number its messages"):
            px.agreement(px)


@pytest.mark.slow
def test_order_that_turns_jitter_into_delay_is_a_finding() -> None:
    link = gd.Link(delay_ms=20, jitter_ms=19)
    with (
        udp_server() as (_, to),
        gd.relay("udp://127.0.0.1:0", to=to, up=link) as px,
        udp_client(px) as client,
    ):
        for number in range(300):
            client.send(numbered(number))
        px.wait_sync(300)
        assert "jitter-clamped" in set(px.findings()["rule"])
        px.stop()
        same_in_every_language(px.findings)


def test_a_queue_that_never_empties_is_a_finding() -> None:
    truth = pd.DataFrame(
        {
            "way": "up",
            "time": pd.date_range("2026-01-01", periods=100, freq="100ms", tz="UTC"),
            "backlog_bytes": [0] + [5000] * 99,
            "queue_ms": 400.0,
        }
    )
    found = list(standing(truth))
    assert [finding.rule for finding in found] == ["queue-standing"]
    assert "9.8 s" in found[0].what
    same_in_every_language(lambda: listed(list(standing(truth))))
    assert list(standing(truth.head(20))) == []
