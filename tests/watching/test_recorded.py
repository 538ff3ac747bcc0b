"""A watch of a recorded link has what the game itself wrote that it did."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

import gdlab as gd
from gdlab.errors import EndpointClosed, LoadError
from gdlab.watching import Watch
from tests import recorded_links as links

#: How what a game marks appears in the log.
KINDS = {
    "print": "print",
    "print_rich": "rich",
    "print_debug": "print",
    "printerr": "stderr",
    "push_warning": "warning",
    "push_error": "error",
    "engine_error": "error",
    "null call": "script_error",
    "assert": "script_error",
    "breakpoint": "break",
}
#: These have a place in the script.
PLACED = {"print_debug", "push_warning", "push_error", "engine_error", "null call", "assert", "breakpoint"}


#: Saved to the microsecond.
TIMED = ["time", "interval_ms"]


def recorded(name: str) -> Watch:
    return gd.debugger(recorded=links.FOLDER / name)


@pytest.mark.parametrize("name", ["debug_all", "debug_break"])
def test_every_mark_of_the_game_is_found_with_text_kind_file_and_line(name: str) -> None:
    log = recorded(name).log
    looked_for = 0
    for mark in links.marks(name):
        if mark.get("does") not in KINDS:
            continue
        looked_for += 1
        found = log[log["kind"] == KINDS[mark["does"]]]
        for text in mark["text"].split("\n") if mark["does"] not in {"engine_error", "null call"} else []:
            if mark["does"] not in {"assert", "breakpoint"}:
                assert text in set(found["text"])
        if mark["does"] in PLACED:
            found = found[(found["file"] == mark["file"]) & (found["line"] == mark["line"])]
            assert found["function"].tolist() == [mark["function"]] * len(found)
            assert len(found) == 1
            if found["game_frame"].notna().all():
                assert found["game_frame"].iloc[0] == mark["frame"]
            if found["game_time"].notna().all() and mark["does"] != "breakpoint":
                assert abs(found["game_time"].iloc[0] - mark["ticks_us"] / 1e6) < 0.003
    assert looked_for >= 3


def test_a_slow_frame_is_at_its_number_and_second() -> None:
    watch = recorded("debug_all")
    (mark,) = [mark for mark in links.marks("debug_all") if mark.get("does") == "slow"]
    slow = watch.frames[watch.frames["busy_ms"] > 100]
    assert slow["game_frame"].tolist() == [mark["frame"]]
    assert 120 <= slow["busy_ms"].iloc[0] < 130
    assert watch.monitors["process_ms"].max() < 10  # the monitors' second was over before it
    began = pd.Timestamp(links.manifest("debug_all")["t0"] + mark["t"], unit="s", tz="UTC")
    assert 0.11 < (slow["time"].iloc[0] - began).total_seconds() < 0.14


def test_monitors_have_the_engines_names_and_custom_ones() -> None:
    monitors = recorded("debug_all").monitors
    assert monitors["object/nodes"].tolist() == [3, 203, 3, 3]
    assert monitors["game/answer"].tolist() == [42] * 4
    assert monitors["game/frames"].tolist() == [9, 69, 128, 190]
    assert monitors["fps"].tolist() == [1, 10, 60, 54]


def test_messages_of_the_game_keep_their_values() -> None:
    watch = recorded("debug_all")
    sample = watch.messages("gdlab:sample")
    assert sample["v4"].tolist() == [27, 33, 39, 45, 51]
    assert sample["v0"].tolist() == [0, 1, 2, 3, 4]
    assert set(watch.messages()["name"]) >= {"no_colon", "gdlab:empty", "gdlab:pong", "window:title"}
    assert watch.messages()["problem"].isna().all()


def test_the_cost_of_functions_is_added_up() -> None:
    functions = recorded("debug_all").functions
    worst = functions.iloc[0]
    assert worst["function"].endswith("OS.delay_msec")
    assert 120 < worst["self_ms"] < 125


def test_the_engines_counters_add_up_exactly() -> None:
    watch = recorded("hog_profiled")
    total = watch.rpcs.groupby(["game", "path"], observed=True)[["bytes_in", "bytes_out"]].sum()
    for name, size in (("Game/World", 29163), ("Game/Player", 1480), ("Game", 131)):
        assert total.loc[("client1", f"/root/Main/{name}"), "bytes_out"] == size
        assert total.loc[("server", f"/root/Main/{name}"), "bytes_in"] == size


def test_variables_that_were_read_are_a_table_over_time_and_marked() -> None:
    watch = recorded("inject_enet")
    table = watch.variables("/root/Main/Game", ["hp"]).df
    assert table["hp"].tolist() == [72, 66, 60, 54, 98, 92, 86, 80]
    assert table["touched"].all()
    assert "/root/Main/Game" in watch.tree()["path"].tolist()


def test_a_break_has_its_length() -> None:
    breaks = recorded("break_enet").break_times
    assert len(breaks) == 1
    assert 8000 < breaks["stood_ms"].iloc[0] < 8100


def test_what_the_engine_cut_is_in_the_log() -> None:
    log = recorded("debug_flood").log
    cut = log[log["kind"] == "dropped"]["text"].tolist()
    assert len(cut) == 4
    assert any("2212 messages were dropped" in text for text in cut)


def test_two_games_of_a_recording_are_told_apart() -> None:
    watch = recorded("hog_profiled")
    assert [game.label for game in watch.games] == ["server", "client1"]
    assert set(watch.log["game"]) == {"server", "client1"}
    assert "server" in repr(watch)


def test_times_keep_their_nanoseconds() -> None:
    watch = recorded("debug_all")
    entry = links.manifest("debug_all")
    expected = {round((entry["t0"] + moment) * 1e9) for _, _, moment in entry["debug"][0]["pieces"]}
    assert set(watch.frames["time"].astype("int64")) <= expected


def test_a_recording_cannot_be_changed() -> None:
    watch = recorded("debug_scene")
    with pytest.raises(EndpointClosed, match="recording"):
        watch.call("/root/Main/Game", "jump")
    with pytest.raises(EndpointClosed, match="recording"):
        watch.pause()
    assert not watch.running
    watch.stop()


@pytest.mark.slow
def test_a_saved_watch_is_loaded_with_the_same_tables(tmp_path: Path) -> None:
    watch = recorded("hog_profiled")
    again = gd.debugger(recorded=watch.save(tmp_path / "run"))
    for name in ("monitors", "frames", "rpcs", "syncs", "bandwidth"):
        first, second = getattr(watch, name), getattr(again, name)
        assert len(first) == len(second)
        pd.testing.assert_frame_equal(
            first.drop(columns=TIMED, errors="ignore"),
            second.drop(columns=TIMED, errors="ignore"),
            check_categorical=False,
        )
        assert ((first["time"] - second["time"]).abs() < pd.Timedelta("2us")).all()


def test_one_link_of_a_recording_is_loaded_alone() -> None:
    watch = gd.debugger(recorded=links.FOLDER / "hog_profiled" / "client1.debug.bin.gz")
    assert [game.label for game in watch.games] == ["client1"]
    assert len(watch.frames) == 303


def test_a_link_without_its_document_has_no_times_but_its_text(tmp_path: Path) -> None:
    (tmp_path / "lonely.debug.bin").write_bytes(links.stream("debug_break"))
    watch = gd.debugger(recorded=tmp_path / "lonely.debug.bin")
    assert watch.games[0].label == "lonely"
    assert "went on" in watch.log["text"].tolist()


@pytest.mark.parametrize(
    "document",
    [
        "",
        "[]",
        '{"debug": 3}',
        '{"debug": [{"who": "x"}]}',
        '{"debug": [{"who": "x", "file": "../x.bin"}]}',
        '{"debug": [{"who": "x", "file": "x.bin", "pieces": [[0, 99999999, 0.1]]}]}',
        '{"debug": [{"who": "x", "file": "x.bin", "pieces": [[0, 1, "a"]]}]}',
        '{"t0": 1e300, "debug": [{"who": "x", "file": "x.bin", "pieces": [[0, 1, 1]]}]}',
    ],
)
def test_a_damaged_recording_is_the_named_error(tmp_path: Path, document: str) -> None:
    (tmp_path / "manifest.json").write_text(document)
    (tmp_path / "x.bin").write_bytes(b"1234")
    with pytest.raises(LoadError):
        gd.debugger(recorded=tmp_path)


def test_a_folder_that_is_no_recording_says_how_one_is_made(tmp_path: Path) -> None:
    with pytest.raises(LoadError, match=r"Watch\.save"):
        gd.debugger(recorded=tmp_path)


def test_a_stream_that_breaks_keeps_what_was_read(tmp_path: Path) -> None:
    data = links.stream("debug_break")
    (tmp_path / "cut.debug.bin").write_bytes(data[:5000])
    log = gd.debugger(recorded=tmp_path / "cut.debug.bin").log
    assert "in the middle of a message" in log["text"].iloc[-1]
    (tmp_path / "bad.debug.bin").write_bytes(data[:1760] + b"\xff" * 100)
    log = gd.debugger(recorded=tmp_path / "bad.debug.bin").log
    assert "not Godot's debugger protocol" in log["text"].iloc[-1]


def test_what_is_saved_says_what_was_asked(tmp_path: Path) -> None:
    saved = recorded("debug_break").save(tmp_path / "run")
    document = json.loads((saved / "manifest.json").read_text())
    assert [each["who"] for each in document["debug"]] == ["game"]
    assert document["debug"][0]["sent"] == []  # a recording asks nothing


def test_a_recording_that_is_not_there_is_told_with_the_folder_it_was_looked_for_in(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(
        LoadError, match=f"there is no recorded watch nowhere; the current folder is {tmp_path}"
    ):
        gd.debugger(recorded="nowhere")
