"""The live plots and the list of messages, as the kernel sees them: what a page asks, and what it gets."""

import socket
import struct

import numpy as np
import pandas as pd
import pytest

import gdlab as gd
from gdlab.capture import show_with
from gdlab.codecs import chosen
from gdlab.variant import Color, Vector2, dumps
from gdlab.variant.literal import parse_literal
from gdlab.widgets.capture_view import live
from gdlab.widgets.copies import copied, gdscript_literal
from gdlab.widgets.explain import described
from gdlab.widgets.message_grid import MessageGrid
from gdlab.widgets.timeline import TimelinePanel
from tests.waiting import wait_until


class Page:
    """Stands where the browser stands: asks, and keeps what it is sent."""

    def __init__(self, panel):
        self.panel = panel
        self.got = []
        panel.canvas.send = lambda content, buffers=None: self.got.append((content, buffers or []))

    def ask(self, **content):
        self.got.clear()
        self.panel.canvas._handle_custom_msg(content, [])
        return self.got[-1][0] if self.got else None

    def values(self):
        content, buffers = self.got[-1]
        values = np.frombuffer(buffers[0], np.float32)
        assert len(values) == sum(
            series["n"] * (2 if series["single"] else 3)
            for lane in content["lanes"]
            for series in lane["series"]
        )
        return values


@pytest.fixture
def filled(sent, capture):
    """A capture that has received twenty messages."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        for number in range(20):
            sock.sendto(b'{"seq": %d}' % number, ("127.0.0.1", capture.endpoints[0].address.port))
    capture.wait_sync(20)
    return capture


@pytest.fixture
def timeline(filled, capture):
    panel = TimelinePanel(capture)
    yield panel
    panel.close()


@pytest.fixture
def grid(filled, capture):
    panel = MessageGrid(capture)
    yield panel
    panel.close()


def test_a_page_gets_the_range_that_it_asks_for(timeline, capture):
    page = Page(timeline)
    first, last = (each.timestamp() for each in (capture.df.time.iloc[0], capture.df.time.iloc[-1]))
    page.ask(type="ready", width=700)
    told = page.ask(type="view", t0=first - 1, t1=last + 1, width=700)
    assert told["t0"] == pytest.approx(first - 1, abs=1e-3)
    assert [lane["key"] for lane in told["lanes"]] == ["rates", "rtt", "events"]
    assert not told["followed"]
    assert len(page.values())
    assert page.ask(type="follow", seconds=10, width=700)["followed"]


def test_a_marked_range_is_a_table_of_its_rows(timeline, capture):
    page = Page(timeline)
    page.ask(type="ready", width=700)
    table = capture.df
    assert len(timeline.selection) == len(table)
    middle = table.time.iloc[len(table) // 2].timestamp()
    page.ask(type="mark", range=[table.time.iloc[0].timestamp() - 1, middle])
    assert 0 < len(timeline.selection) <= len(table) // 2 + 1
    assert timeline.selection.time.max() <= pd.Timestamp(middle + 1e-3, unit="s", tz="UTC")
    page.ask(type="mark", range=None)
    assert timeline.marked is None
    assert len(timeline.selection) == len(table)
    timeline.mark(table.time.iloc[0], table.time.iloc[0])
    assert len(timeline.selection) >= 1


def test_a_nonsensical_request_is_shown_and_ends_nothing(timeline):
    page = Page(timeline)
    for bad in ({"type": "view", "t0": "x", "t1": 1}, {"type": "mark", "range": [1]}, {"type": "view"}):
        page.ask(**bad)
    page.panel.canvas._handle_custom_msg("no request", [])
    assert page.ask(type="follow", seconds=5, width=10**9)["lanes"]


def test_its_still_and_its_figure_show_the_same_stretch(timeline):
    timeline.update()
    assert timeline.still_html().startswith("<img ")
    assert "image/svg+xml" in timeline.still_html()
    assert len(timeline.figure().axes) == 3


def test_a_page_gets_the_rows_in_its_sight(grid, capture):
    page = Page(grid)
    told = page.ask(type="ready")
    assert told["total"] == len(capture.df)
    assert told["note"].startswith(str(told["total"]))
    rows = page.ask(type="rows", first=0, count=5)["rows"]
    assert len(rows) == min(5, told["total"])
    assert rows[0]["t"][0] == int(capture.df.time.iloc[0].timestamp())
    page.ask(type="choose", key=rows[0]["key"])
    assert grid.selected == bytes(capture.df.payload.iloc[0])


def test_a_filter_that_cannot_be_read_leaves_the_list(grid):
    page = Page(grid)
    total = page.ask(type="ready")["total"]
    told = page.ask(type="filter", text="size_bytes >")
    assert told["problem"]
    assert told["total"] == total
    told = page.ask(type="filter", text="size_bytes > 100000")
    assert not told["problem"]
    assert told["total"] == 0
    page.ask(type="filter", text="")
    wait_until(lambda: page.ask(type="ready")["total"] == total)


def test_the_message_nearest_to_a_moment_is_chosen(grid, capture):
    page = Page(grid)
    page.ask(type="ready")
    grid.choose_at(int(capture.df.time.iloc[-1].value))
    assert any(content["type"] == "choose" for content, _ in page.got)
    assert grid.selected is not None


@pytest.mark.parametrize(
    "value",
    [None, True, 3, -2.5, 'a"b\n', [1, "x"], {"a": Vector2(1, 2), "b": [Color(1, 0, 0, 1)]}, b"ab"],
    ids=repr,
)
def test_a_value_is_copied_as_gdscript_reads_it(value):
    assert parse_literal(gdscript_literal(value)) == value


@pytest.mark.parametrize(
    ("form", "text"),
    [
        ("hex", "7b 22 61 22 3a 31 7d"),
        ("text", '{"a":1}'),
        ("json", '{"a": 1}'),
        ("gdscript", '{"a": 1}'),
        ("python", "{'a': 1}"),
    ],
)
def test_a_message_is_copied_in_each_form(form, text):
    assert copied(b'{"a":1}', chosen("json"), form) == text


def test_what_does_not_decode_is_copied_as_its_bytes():
    assert copied(b"\xff\x00", chosen("json"), "gdscript") == '"ff00".hex_decode()'
    assert copied(dumps({"p": Vector2(1, 2)}), chosen("variant"), "python").endswith(
        "({'p': Vector2(1.0, 2.0)})"
    )


def test_marimo_is_given_the_plots_alone_and_they_ask(filled, capture):
    shown = capture._display_()
    assert shown.pull
    assert capture._display_() is shown
    live(capture).close()


def test_without_widgets_marimo_is_given_html(capture):
    show_with(None)
    try:
        assert "listening on" in capture._display_()._repr_html_()
    finally:
        show_with(live)


def test_a_watched_game_has_its_frames_and_its_log_on_the_same_axis(sent, still):
    recording = gd.sample("watched-game")
    panel = TimelinePanel(recording, watch=recording.watched)
    panel.update()
    page = Page(panel)
    told = page.ask(type="ready", width=700)
    lanes = {lane["key"]: lane for lane in told["lanes"]}
    assert list(lanes) == ["rates", "rtt", "frames", "log", "events"]
    assert sum(series["n"] for series in lanes["frames"]["series"]) == len(recording.watched.frames)
    assert {series["name"] for series in lanes["log"]["series"]} >= {"print", "script_error"}
    slowest = recording.watched.frames.busy_ms.max()
    assert page.values().max() >= np.float32(slowest)
    panel.close()


def test_the_list_reads_messages_as_the_whole_stream_is_read(sent, capture):
    """Structs that begin with a counter are no Variants, and a chosen one is explained and copied so."""
    structs = [struct.pack("<If", number, 0.5) for number in range(1, 40)]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        for payload in structs:
            sock.sendto(payload, ("127.0.0.1", capture.endpoints[0].address.port))
    capture.wait_sync(len(structs))
    panel = MessageGrid(capture)
    page = Page(panel)
    page.ask(type="ready")
    rows = page.ask(type="rows", first=0, count=5)["rows"]
    assert rows[1]["text"] == structs[1].hex(" ")
    page.ask(type="choose", key=rows[1]["key"])
    assert panel.selected == structs[1]
    assert page.ask(type="copy", **{"as": "python"})["text"] == repr(structs[1])
    assert "reads as a Variant, but" in described(panel.selected, panel.guess_of_selected())
    panel.close()


def lane(told, key):
    return next(each for each in told["lanes"] if each["key"] == key)


def test_a_field_is_chosen_from_the_menu_and_follows_the_capture(timeline, filled):
    page = Page(timeline)
    timeline.refresh()
    menu = timeline._fields.menu
    assert menu.options[1:] == ("v.seq", "size_bytes", "lost messages")
    menu.value = "v.seq"
    assert timeline.fields == ("v.seq",)
    assert menu.value == menu.options[0]  # ready for the next one
    everything = {
        "t0": filled.df.time.iloc[0].timestamp() - 1,
        "t1": filled.df.time.iloc[0].timestamp() + 100,
    }
    timeline._fields._read_at = 0
    timeline.refresh()
    told = page.ask(type="view", width=700, **everything)
    assert [each["key"] for each in told["lanes"]] == ["rates", "rtt", "field:v.seq", "events"]
    assert lane(told, "field:v.seq")["series"][0]["n"] == 20
    before = sum(series["n"] for each in told["lanes"][:2] for series in each["series"]) * 2
    assert page.values()[before + 20 : before + 40].tolist() == list(range(20))

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.sendto(b'{"seq": 99, "hp": 7.5}', ("127.0.0.1", filled.endpoints[0].address.port))
    filled.wait_sync(21)
    timeline._fields._read_at = timeline._fields._looked_at = 0
    timeline.refresh()
    told = page.ask(type="view", width=700, **everything)
    assert lane(told, "field:v.seq")["series"][0]["n"] == 21
    assert "v.hp" in menu.options

    (button,) = timeline._fields.shown.children
    button.click()
    assert timeline.fields == ()
    timeline.refresh()
    assert "field:v.seq" not in [
        each["key"] for each in page.ask(type="view", width=700, **everything)["lanes"]
    ]


def test_lost_messages_are_a_lane(sent, timeline, filled):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        for number in (30, 36):
            sock.sendto(b'{"seq": %d}' % number, ("127.0.0.1", filled.endpoints[0].address.port))
    filled.wait_sync(22)
    page = Page(timeline)
    timeline.fields = ["lost messages"]
    timeline._fields._read_at = 0
    timeline.refresh()
    timeline.show()
    told = page.ask(type="pull", width=700)
    shown = lane(told, "field:lost messages")["series"][0]
    assert shown["n"] == 1
    assert 5.0 in page.values().tolist()


def test_fields_of_a_recording_are_drawn(sent):
    panel = TimelinePanel(gd.sample("tcp-json"))
    page = Page(panel)
    panel.fields = ["v.x", "v.no_such_field"]
    panel.refresh()
    panel.show()
    told = page.ask(type="pull", width=700)
    assert lane(told, "field:v.x")["series"][0]["n"] > 10
    assert lane(told, "field:v.no_such_field")["series"][0]["n"] == 0
    panel.close()


def test_another_capture_s_message_is_not_left_chosen(grid, capture):
    page = Page(grid)
    page.ask(type="ready")
    rows = page.ask(type="rows", first=0, count=1)["rows"]
    page.ask(type="choose", key=rows[0]["key"])
    assert grid.selected is not None
    with gd.listen("udp://127.0.0.1:0", restart=True) as other:
        grid.follow(other)
        assert grid.selected is None
