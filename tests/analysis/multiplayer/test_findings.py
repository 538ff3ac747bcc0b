"""Each rule has its guilty run, and its innocent ones, of real games."""

from __future__ import annotations

import functools

import pandas as pd
import pytest

import gdlab as gd
from gdlab.analysis.multiplayer import Evidence, findings
from gdlab.multiplayer.calls import calls as calls_of
from gdlab.multiplayer.tables import packets
from tests import recorded_links as links
from tests.languages import same_in_every_language
from tests.multiplayer.golden import RECORDED, log, table
from tests.multiplayer.test_golden import dissected, view_of
from tests.some import some

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


def found(name: str, errors: pd.DataFrame | None = None) -> pd.DataFrame:
    return found_anew(name, errors) if errors is not None else found_once(name)


@functools.cache
def found_once(name: str) -> pd.DataFrame:
    return found_anew(name)


def found_anew(name: str, errors: pd.DataFrame | None = None) -> pd.DataFrame:
    fates = table(name)["fate"]
    return findings(Evidence(view_of(name, 1), fates if (fates != "").any() else None, errors))


@pytest.mark.parametrize(
    "name", some([name for name in RECORDED if name in GUILTY or not name.startswith("h_")], every=3)
)
def test_a_run_is_guilty_of_what_was_planted_and_of_nothing_else(name: str) -> None:
    told = found(name)
    assert set(told["rule"]) == GUILTY.get(name, set()), told["what"].to_list()
    for rows in told["rows"]:
        assert all(0 <= row < len(table(name)) for row in rows)


@pytest.mark.parametrize("name", some(sorted(GUILTY), every=3))
def test_what_is_found_has_the_same_numbers_in_every_language(name: str) -> None:
    same_in_every_language(lambda: found_anew(name), english=found(name))


def sentence(name: str, rule: str, errors: pd.DataFrame | None = None) -> str:
    told = found(name, errors)
    return " / ".join(told["what"][told["rule"] == rule])


@pytest.mark.slow
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


def log_of(name: str, who: str) -> pd.DataFrame:
    """What a game of a run told its debugger."""
    told = gd.debugger(recorded=links.FOLDER / name).log
    return told[(told["game"] == who).to_numpy()]


def test_an_error_of_the_receiver_is_tied_to_the_call_it_refused() -> None:
    told_ids = [line["id"] for line in log("refused_enet") if line.get("info") == "ready"]
    client = next(number for number in told_ids if number != 1)
    errors = log_of("refused_enet", "server")
    english = found("refused_enet", errors)
    same_in_every_language(lambda: found("refused_enet", errors), english=english)
    told = " / ".join(english["what"][english["rule"] == "not-allowed"])
    assert f"Owned.mine from {client}: only the authority 1 may call it" in told
    told_rows = english.set_index("rule").loc["not-allowed", "rows"]
    calls = calls_of(view_of("refused_enet", 1), packets(view_of("refused_enet", 1))).set_index("row")
    refused = [[(calls["method"][row], calls["args"][row]) for row in rows] for rows in told_rows]
    assert refused == [[("from_owner", (7,)), ("from_owner", (22,))], [("mine", (1,))]]
    # The caller is told nothing, and what was allowed has no error.
    assert sentence("refused_enet", "not-allowed", log_of("refused_enet", "client1")) == ""
    assert sentence("hog_profiled", "not-allowed", log_of("hog_profiled", "server")) == ""


def test_an_error_of_the_sender_names_the_state_that_is_never_sent() -> None:
    errors = log_of("toobig_enet", "server")
    english = found("toobig_enet", errors)
    same_in_every_language(lambda: found("toobig_enet", errors), english=english)
    told = " / ".join(english["what"][english["rule"] == "state-too-big"])
    assert "The state of Main/Game/Map is 1352 bytes, and the limit 1350" in told
    assert "The state of Main/Game/Map is 3208 bytes" in told
    assert sentence("toobig_enet", "state-too-big", log_of("toobig_enet", "client1")) == ""
    assert sentence("refused_enet", "state-too-big", log_of("refused_enet", "server")) == ""


def test_a_capture_behind_a_lossy_way_does_not_blame_the_sender() -> None:
    behind = table("lossy_enet")
    behind = behind[behind["fate"] != "dropped"].drop(columns="fate").reset_index(drop=True)
    english = findings(Evidence(dissected(behind), None, None))
    same_in_every_language(lambda: findings(Evidence(dissected(behind), None, None)), english=english)
    told = english.set_index("rule")
    assert "lost-before-capture" in told.index
    assert "enet-throttle" not in told.index, "who threw what away is not to be told from here"
    words = " / ".join(told.loc[["lost-before-capture"], "what"])
    missing = (table("lossy_enet")["fate"] == "dropped").sum()
    assert "never came to where the capture was made" in words
    assert missing > 20
    # The same run seen before the lossy way, and a run without loss.
    assert "lost-before-capture" not in set(found("lossy_enet")["rule"])
    assert "lost-before-capture" not in set(found("jitter_enet")["rule"])
