"""What a game told of itself explains what its messages did."""

from __future__ import annotations

import gzip
import json
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest

import gdlab as gd
from gdlab import analysis, plots
from gdlab.analysis.watched import causes, explained, stalls
from tests import recorded_links as links
from tests.languages import same_in_every_language
from tests.traffic import START_NS, pings, table

MS = 1_000_000
S = 1_000_000_000
#: Which packet each error of `late_enet` was about, read off the packets by hand: the ENet datagrams to the client.
ABOUT = [8, 8, 9, 9, 9, 11, 11, 11, 17, 17, 18, 18, 18, 22, 41, 41, 41, 46, 48, 48]


@dataclass
class Told:
    """A game's tables, made by hand."""

    log: pd.DataFrame
    frames: pd.DataFrame
    break_times: pd.DataFrame


def times(values) -> pd.Series:
    stamps = np.asarray(values, dtype=np.int64) + START_NS
    return pd.Series(stamps.view("datetime64[ns]")).dt.tz_localize("UTC")


def frames(busy_ms, *, every_ms=16.7) -> pd.DataFrame:
    """A frame each `every_ms`, longer where it was busy for longer."""
    lasted = np.maximum(np.asarray(busy_ms, dtype=float), every_ms)
    ends = (np.cumsum(lasted) * MS).astype(np.int64)
    return pd.DataFrame(
        {
            "time": times(ends),
            "game": pd.Categorical(["game"] * len(ends)),
            "game_frame": np.arange(len(ends)),
            "busy_ms": np.asarray(busy_ms, dtype=float),
            "interval_ms": lasted,
        }
    )


def breaks(spans) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "time": times([began for began, _ in spans]),
            "game": ["game"] * len(spans),
            "ended": times([ended for _, ended in spans]),
            "stood_ms": pd.Series([(ended - began) / MS for began, ended in spans], dtype="Float64"),
            "text": ["Breakpoint Statement"] * len(spans),
            "file": ["res://main.gd"] * len(spans),
            "line": [12] * len(spans),
        }
    )


def log(rows=()) -> pd.DataFrame:
    """Rows of (nanosecond, kind, text, stack, raised_in)."""
    return pd.DataFrame(
        {
            "time": times([row[0] for row in rows]),
            "happened": times([row[0] for row in rows]),
            "game": ["game"] * len(rows),
            "game_frame": pd.Series([None] * len(rows), dtype="Int64"),
            "kind": [row[1] for row in rows],
            "text": [row[2] for row in rows],
            "file": ["res://main.gd"] * len(rows),
            "line": [7] * len(rows),
            "stack": [row[3] for row in rows],
            "raised_in": [row[4] for row in rows],
        }
    )


def told(**parts) -> Told:
    return Told(**{"log": log(), "frames": frames([]), "break_times": breaks([])} | parts)


def packets(name: str, to_game: str) -> pd.DataFrame:
    """The datagrams of a recorded run, those to the game as sent ones."""
    lines = gzip.decompress((links.FOLDER / name / "client1.packets.jsonl.gz").read_bytes()).splitlines()
    rows = [json.loads(line) for line in lines]
    start = links.manifest(name)["t0"]
    return table(
        [round((start + row["t"]) * 1e9) - START_NS for row in rows],
        [bytes.fromhex(row["hex"]) for row in rows],
        direction=["out" if row["dir"] == to_game else "in" for row in rows],
    )


def late():
    watch = gd.debugger(recorded=links.FOLDER / "late_enet" / "client1.debug.bin.gz")
    return packets("late_enet", "s2c"), watch


def test_errors_of_the_engine_are_tied_to_the_packet_that_caused_each() -> None:
    rows, watch = late()
    found = causes(watch.log, rows)
    errors = (watch.log["kind"] == "error").to_numpy()
    assert found[errors].tolist() == ABOUT
    assert (found[~errors] == -1).all()


def test_an_error_of_a_script_is_tied_only_to_a_packet_that_came_alone() -> None:
    failed = [(S, "script_error", "boom", ("call",), "")]
    alone = table([S // 2, S - 5 * MS, S + 50 * MS], direction="out")
    assert causes(log(failed), alone).tolist() == [1]
    crowded = table([S - 9 * MS, S - 5 * MS], direction="out")
    assert causes(log(failed), crowded).tolist() == [-1]
    assert causes(log(failed), table([], direction="out")).tolist() == [-1]
    assert causes(log([]), alone).tolist() == []


def test_an_error_that_has_nothing_to_do_with_the_network_is_not_tied() -> None:
    other = [(S, "error", "Node not found", (), "core/io/resource_loader.cpp:1 load")]
    assert causes(log(other), table([S - 5 * MS], direction="out")).tolist() == [-1]


def slow_trips():
    """A probe every 50 ms; those that were asked while the game's frame took 120 ms are answered at its end."""
    sent = np.arange(60) * 50 * MS
    busy = [2.0] * 60 + [120.0] + [2.0] * 100
    drawn = frames(busy)
    end = int(drawn["time"].iloc[60].value) - START_NS
    rtt = np.full(60, 5 * MS)
    inside = (sent >= end - 120 * MS) & (sent < end)
    rtt[inside] = end - sent[inside] + 5 * MS
    return pings(sent, rtt), drawn, inside


def test_a_slow_frame_lies_over_the_round_trips_it_explains() -> None:
    rows, drawn, inside = slow_trips()
    found = explained(rows, told(frames=drawn))
    long = found[found["rtt_ms"] > 20]
    assert len(long) >= 2
    assert set(long["number"]) == {60}
    assert set(long["what"]) == {"frame"}
    assert (long["overlap_ms"] <= 120).all()
    assert len(found) <= inside.sum()


def test_the_slow_frame_is_named_in_the_findings_and_only_where_it_is_to_blame() -> None:
    rows, drawn, _ = slow_trips()
    found = analysis.findings(rows, watched=told(frames=drawn)).set_index("rule")
    assert "frame took 120 ms" in found.loc["slow-game-frame", "what"]
    assert "frame 60 of game" in found.loc["slow-game-frame", "what"]
    same_in_every_language(lambda: analysis.findings(rows, watched=told(frames=drawn)))
    innocent = frames([2.0] * 160)
    assert "slow-game-frame" not in set(analysis.findings(rows, watched=told(frames=innocent))["rule"])
    assert "slow-game-frame" not in set(analysis.findings(rows)["rule"])


@pytest.mark.slow
def test_a_break_is_a_finding_with_its_place_and_length() -> None:
    rows, _, _ = slow_trips()
    found = analysis.findings(rows, watched=told(break_times=breaks([(S, S + 8000 * MS)]))).set_index("rule")
    assert "stood still for 8.0 s" in found.loc["stood-still", "what"]
    assert "res://main.gd:12" in found.loc["stood-still", "what"]
    short = analysis.findings(rows, watched=told(break_times=breaks([(S, S + 12 * MS)]))).set_index("rule")
    for stood_ms in (12, 8000):
        stopped = told(break_times=breaks([(S, S + stood_ms * MS)]))
        same_in_every_language(lambda watch=stopped: analysis.findings(rows, watched=watch))
    assert short.loc["stood-still", "certainty"] < found.loc["stood-still", "certainty"]
    elsewhere = told(break_times=breaks([(900 * S, 901 * S)]))
    assert "stood-still" not in set(analysis.findings(rows, watched=elsewhere)["rule"])


def test_a_break_of_the_engine_is_found_with_its_eight_seconds() -> None:
    watch = gd.debugger(recorded=links.FOLDER / "break_enet")
    (stall,) = [each for each in stalls(watch) if each.what == "break"]
    assert 8000 < stall.ms < 8100


@pytest.mark.slow
def test_failed_scripts_refused_packets_and_cut_output_are_findings() -> None:
    rows = table([S - 5 * MS, 2 * S], direction="out")
    failed = told(log=log([(S, "script_error", "boom", ("call",), "")]))
    found = analysis.findings(rows, watched=failed).set_index("rule")
    assert "res://main.gd:7: boom" in found.loc["script-error", "what"]
    assert found.loc["script-error", "rows"] == (0,)
    rows, watch = late()
    found = analysis.findings(rows, watched=watch).set_index("rule")
    assert set(found.loc["packet-refused", "rows"]) == {9, 11, 18, 22, 41, 46, 48}
    cut = told(log=log([(S, "dropped", "Too many errors!", (), "")]))
    assert "output-cut" in set(analysis.findings(rows.iloc[:0], watched=cut)["rule"])
    plain = table([S - 5 * MS, 2 * S], direction="out")
    for seen, of in ((failed, plain), (watch, rows), (cut, plain)):
        same_in_every_language(lambda seen=seen, of=of: analysis.findings(of, watched=seen))
    rules = {"script-error", "packet-refused", "output-cut", "stood-still", "slow-game-frame"}
    assert not rules & set(analysis.findings(rows, watched=told())["rule"])


@pytest.mark.slow
def test_what_the_engine_cut_of_a_real_flood_is_a_finding_and_a_quiet_game_has_none() -> None:
    def during(name: str) -> pd.DataFrame:
        watch = gd.debugger(recorded=links.FOLDER / name)
        began = int(watch.log["time"].min().value)
        rows = table([0, 10 * S], direction="out")
        rows["time"] += pd.Timedelta(began - START_NS, unit="ns")
        return analysis.findings(rows, watched=watch).set_index("rule")

    cut = during("debug_flood").loc["output-cut"]
    assert "4 notices of the engine" in cut["evidence"]
    assert "2212 messages were dropped" in cut["evidence"]
    assert "output-cut" not in during("hog_profiled").index


def test_a_frame_that_holds_a_break_is_not_called_slow_as_well() -> None:
    drawn = frames([2.0] * 60 + [500.0] + [2.0] * 20)
    end = int(drawn["time"].iloc[60].value) - START_NS
    stopped = told(frames=drawn, break_times=breaks([(end - 400 * MS, end - 10 * MS)]))
    assert [each.what for each in stalls(stopped)] == ["break"]
    assert [each.what for each in stalls(told(frames=drawn))] == ["frame"]


@pytest.mark.slow
def test_one_table_and_one_picture_hold_packets_log_and_frames() -> None:
    rows, watch = late()
    both = gd.together(rows, watch)
    whole = both.df
    assert whole["time"].is_monotonic_increasing
    assert whole["what"].value_counts().to_dict() == {"packet": len(rows), "log": len(watch.log)}
    tied = whole[whole["packet"].notna()]
    assert len(tied) == len(ABOUT)
    assert both.causes.dropna().tolist() == ABOUT
    assert "packet-refused" in set(both.findings()["rule"])
    figure = both.plot(between=(1.0, 2.0))
    first, second, third = figure.axes
    assert first.get_xlim() == second.get_xlim() == third.get_xlim() == (1.0, 2.0)
    assert [label.get_text() for label in third.get_yticklabels()] == ["break", "error", "warning", "print"]
    assert both._repr_mimebundle_()["image/png"].startswith(b"\x89PNG")
    with pytest.raises(ValueError, match="earlier first"):
        both.plot(between=(2, 1))


def test_slow_frames_are_shaded_over_the_round_trips() -> None:
    rows, drawn, _ = slow_trips()
    figure = plots.together(rows, told(frames=drawn))
    first, second, _ = figure.axes
    (shade,) = [patch for patch in first.patches if patch.get_width() < 1]
    assert 0.11 < shade.get_width() < 0.13
    assert "round trip" in first.get_ylabel()
    assert second.get_ylim()[1] > 120


def test_a_capture_that_ran_while_a_game_was_watched_uses_the_watch() -> None:
    from tests.watching.puppets import puppet

    with gd.debugger(restart=True) as watch, gd.listen("udp://127.0.0.1:0") as cap, puppet(watch) as game:
        game.begin()
        watch.wait()
        assert cap.watched is watch
        game.say("error", [0, 0, 1, 5, "", "", -1, "TOO_MANY_ERRORS", "Too many errors!", False, 0])
        watch.wait_for("Too many errors!")
        assert "output-cut" in set(cap.findings()["rule"])
        recorded = gd.debugger(recorded=links.FOLDER / "late_enet")
        assert cap.watched is watch
        gd.together(cap, recorded)
        assert cap.watched is recorded
