"""Each rule has its guilty run, and its innocent ones, of real games."""

from __future__ import annotations

import pandas as pd
import pytest

from gdlab.analysis.multiplayer import Evidence, findings
from tests.languages import same_in_every_language
from tests.multiplayer.golden import RECORDED, log, table
from tests.multiplayer.test_golden import view_of

#: What each run is guilty of; it is innocent of all else.
GUILTY = {
    "big_enet": {"unreliable-fragments"},
    "break_enet": {"stood-still"},
    "channels_lossy_enet": {"network-loss", "enet-throttle"},
    "crowd_profiled": {"bandwidth-hog", "broadcast", "relayed-by-server"},
    "dip_enet": {"enet-throttle", "slow-side"},
    "hog_profiled": {"bandwidth-hog"},
    "late_enet": {"automatic-name", "rpc-lists-differ", "path-unconfirmed"},
    "lossy_enet": {"network-loss", "enet-throttle"},
    "nested_enet": {"small-calls"},
    "rpc_types_enet": {"bandwidth-hog"},
    "shuffled_enet": {"sync-not-counted"},
    "slow_enet": {"sender-frame-rate", "sync-not-counted", "enet-throttle"},
    "spawner_enet": {"spawn-sent-twice"},
    "step_enet": {"enet-throttle", "bandwidth-hog"},
    "three_ws": {"relayed-by-server"},
    "toobig_enet": {"sync-not-counted", "empty-sync"},
    "types_ws": {"bandwidth-hog"},
}


#: What the engine prints.
REFUSED = (
    "RPC 'mine' is not allowed on node /root/Main/Game/Owned from: {}. Mode is \"authority\", authority is 1."
)


def found(name: str, errors: pd.DataFrame | None = None) -> pd.DataFrame:
    fates = table(name)["fate"]
    return findings(Evidence(view_of(name, 1), fates if (fates != "").any() else None, errors))


@pytest.mark.parametrize("name", [name for name in RECORDED if name in GUILTY or not name.startswith("h_")])
def test_a_run_is_guilty_of_what_was_planted_and_of_nothing_else(name: str) -> None:
    told = found(name)
    assert set(told["rule"]) == GUILTY.get(name, set()), told["what"].to_list()
    for rows in told["rows"]:
        assert all(0 <= row < len(table(name)) for row in rows)


@pytest.mark.parametrize("name", sorted(GUILTY))
def test_what_is_found_has_the_same_numbers_in_every_language(name: str) -> None:
    same_in_every_language(lambda: found(name))


def sentence(name: str, rule: str, errors: pd.DataFrame | None = None) -> str:
    told = found(name, errors)
    return " / ".join(told["what"][told["rule"] == rule])


def test_the_sentences_hold_the_numbers_that_are_true() -> None:
    assert "World.state is 95% of the RPC bytes (29.2 kB of 30.8 kB, 30 calls per second)" in sentence(
        "hog_profiled", "bandwidth-hog"
    )
    thrown = sentence("step_enet", "enet-throttle")
    assert "threw away 219 of 545" in thrown
    assert "threw away 214 of 545" in thrown
    assert "only_server runs owners" in sentence("late_enet", "rpc-lists-differ")
    assert "@Node@2 is an automatic name" in sentence("late_enet", "automatic-name")
    assert "2 of its calls failed there, each with 19 bytes of path" in sentence(
        "late_enet", "path-unconfirmed"
    )
    assert "The server sent nothing for 8.0 s" in sentence("break_enet", "stood-still")
    assert "gave up 6.7 s after" in sentence("break_enet", "stood-still")
    assert "lost 5% to the server and 11% to client" in sentence("lossy_enet", "network-loss")
    assert "shows 17% of the bytes" in sentence("toobig_enet", "sync-not-counted")
    assert "goes to 3 peers at a time: the editor shows 1.1 kB, 3.2 kB were sent" in sentence(
        "crowd_profiled", "broadcast"
    )
    assert "about 10 calls per frame" in sentence("nested_enet", "small-calls")
    assert "in 23 fragments: at 5 % loss 69%" in sentence("big_enet", "unreliable-fragments")
    assert "The server runs at 20 frames per second" in sentence("slow_enet", "sender-frame-rate")
    assert "The server answered late" in sentence("dip_enet", "slow-side")


def test_an_error_of_the_receiver_is_tied_to_the_call_it_refused() -> None:
    calls = [line for line in log("rpc_modes_enet") if line.get("rpc") == "mine"]
    client = next(
        line["id"] for line in log("rpc_modes_enet") if line.get("info") == "ready" and line["id"] != 1
    )
    frame = table("rpc_modes_enet")
    since = frame["time"].iloc[0]
    first = next(line["t"] for line in log("rpc_modes_enet") if line.get("info") == "connected_to_server")
    errors = pd.DataFrame(
        {
            "time": [since + pd.Timedelta(seconds=calls[0]["t"] - first + 0.02)],
            "text": [REFUSED.format(client)],
        }
    )
    same_in_every_language(lambda: found("rpc_modes_enet", errors))
    told = sentence("rpc_modes_enet", "not-allowed", errors)
    assert f"Owned.mine from {client}: only the authority 1 may call it" in told
    assert len(found("rpc_modes_enet", errors).set_index("rule").loc["not-allowed", "rows"]) == 1


def test_an_error_of_the_sender_names_the_state_that_is_never_sent() -> None:
    text = "Node states bigger than MTU will not be sent (1352 > 1350): /root/Main/Game/Map"
    errors = pd.DataFrame({"time": [pd.Timestamp(0, tz="UTC")] * 2, "text": [text, text]})
    same_in_every_language(lambda: found("toobig_enet", errors))
    assert "The state of Main/Game/Map is 1352 bytes, and the limit 1350" in sentence(
        "toobig_enet", "state-too-big", errors
    )
