"""The message table: what it lists, filters, freezes and gives; and what it costs the browser."""

import struct

import pytest

import gdlab as gd
from gdlab.store import Limit
from gdlab.variant import Vector2, dumps
from gdlab.widgets import MessageTable
from gdlab.widgets.explain import described
from gdlab.widgets.message_table import LOOKED_AT, MESSAGES
from tests.widgets.parts import HOSTILE, assert_harmless, send, weight

pytestmark = pytest.mark.usefixtures("still")


@pytest.fixture
def table(sent, capture):
    panel = MessageTable(capture)
    yield panel
    panel.close()


def lines(panel):
    return [line.split("  ")[-1].strip() for line in panel.list.options]


def show(panel):
    panel._drawn_at = 0.0  # what is too fresh to be replaced in front of a reader is not for a test
    return panel.refresh()


def test_it_says_that_there_is_nothing_yet(table):
    show(table)
    assert "no messages yet" in table.note.value
    assert table.list.options == ()


def test_messages_stand_newest_first_decoded_and_in_columns(table, capture):
    send(capture, b"first", dumps({"seq": 7, "pos": Vector2(1, 2)}), b'{"a": [1, 2]}', b"\x01\x02\xff")
    capture.wait_sync(4)
    show(table)
    assert lines(table) == ["01 02 ff", '{"a": [1, 2]}', "{'seq': 7, 'pos': Vector2(1.0, 2.0)}", "first"]
    starts = {line.index("127.0.0.1") for line in table.list.options}
    assert len(starts) == 1
    assert table.head.value.startswith("time (UTC)")
    assert "the last 4 of 4" in table.note.value


def test_a_filter_keeps_what_matches_now_and_later(table, capture):
    send(capture, *(dumps({"seq": seq}) for seq in range(10)))
    capture.wait_sync(10)
    table.filter.value = "v.seq % 4 == 1"
    assert lines(table) == ["{'seq': 9}", "{'seq': 5}", "{'seq': 1}"]
    assert "3 messages and events match" in table.note.value
    send(capture, dumps({"seq": 13}), dumps({"seq": 14}), b"text")
    capture.wait_sync(13)
    show(table)
    assert lines(table)[0] == "{'seq': 13}"
    table.filter.value = ""
    assert lines(table)[0] == "text"
    assert "of 13" in table.note.value


def test_a_broken_filter_says_so_and_keeps_the_last_good_rows(table, capture):
    send(capture, b"CHAT a", b"MOVE b", b"CHAT c")
    capture.wait_sync(3)
    table.filter.value = '"CHAT" in text'
    assert lines(table) == ["CHAT c", "CHAT a"]
    table.filter.value = '"CHAT" in'
    assert "not understood" in table.note.value
    assert lines(table) == ["CHAT c", "CHAT a"]
    send(capture, b"CHAT d")
    capture.wait_sync(4)
    show(table)
    assert lines(table)[0] == "CHAT d"
    table.filter.value = '"MOVE" in text'
    assert "not understood" not in table.note.value
    assert lines(table) == ["MOVE b"]


def test_a_filter_on_values_that_never_came_says_so(table, capture):
    send(capture, b"\xff\xfe")
    capture.wait_sync(1)
    table.filter.value = "direction == 'out' and v.hp > 3"
    assert "nothing has decoded" in table.note.value
    assert "0 messages and events match" in table.note.value


def test_freezing_stops_the_list_and_not_the_capture(table, capture):
    send(capture, b"before")
    capture.wait_sync(1)
    show(table)
    table.frozen.value = True
    send(capture, b"during 1", b"during 2")
    capture.wait_sync(3)
    show(table)
    assert lines(table) == ["before"]
    assert "2 arrived since" in table.note.value
    table.frozen.value = False
    assert lines(table) == ["during 2", "during 1", "before"]


def test_choosing_gives_the_payload_and_freezes(table, capture):
    chosen = []
    table.observe(lambda change: chosen.append(change["new"]), "selected")
    send(capture, b"one", b"two", b"three")
    capture.wait_sync(3)
    show(table)
    assert chosen == []
    table.list.index = 1
    assert chosen == [b"two"]
    assert table.frozen.value
    table.list.index = 2
    assert chosen == [b"two", b"one"]
    table.frozen.value = False
    send(capture, b"four")
    capture.wait_sync(4)
    show(table)
    assert table.list.index == 3  # the same message, one further down
    assert chosen == [b"two", b"one"]


def test_a_long_payload_is_given_whole(table, capture, monkeypatch):
    monkeypatch.setattr("gdlab.live.rows.KEPT_BYTES", 1000)
    long = bytes(range(256)) * 200
    send(capture, long, b"short")
    capture.wait_sync(2)
    show(table)
    table.list.index = 1
    assert table.selected == long


def test_an_event_is_a_line_and_no_payload(sent, tmp_path):
    with gd.listen("tcp://127.0.0.1:0", restart=True) as server:
        with gd.connect(server.addresses[0]) as client:
            client.send(b"hi")
            server.wait_sync(1)
        panel = MessageTable(server)
        show(panel)
        opened = next(number for number, line in enumerate(lines(panel)) if line.startswith("[open]"))
        panel.list.index = opened
        assert panel.selected is None
        panel.close()


def test_what_strangers_send_is_shown_and_does_nothing(table, capture):
    send(capture, *HOSTILE, b"A" * 60_000, dumps({"<b>": "\u202e" * 5000}))
    capture.wait_sync(len(HOSTILE) + 2)
    show(table)
    for line in table.list.options:  # the list takes no markup: its lines are text to the browser
        assert len(line) < 260
        for character in ("\u202e", "\x07", "\x00", "\x1b", "\n", "\r"):
            assert character not in line
    assert any("<script>alert(1)</script>" in line for line in table.list.options)
    table.filter.value = "<script>alert(1)</script>"
    assert_harmless(table.note.value)


def test_a_flood_costs_the_browser_no_more_than_a_trickle(table, capture, sent):
    send(capture, *(b"%d " % number + b"x" * 1000 for number in range(200)))
    capture.wait_sync(200)
    sent.clear()
    show(table)
    assert len(table.list.options) == MESSAGES
    assert weight(sent) < 30_000
    assert len(sent) < 8


def test_a_filter_looks_at_a_bounded_number_of_rows_and_says_so(sent):
    with gd.listen("udp://127.0.0.1:0", restart=True, limit=Limit(rows=100_000)) as capture:
        panel = MessageTable(capture)
        panel.filter.value = "size_bytes > 0"
        for start in range(0, LOOKED_AT + 100, 50):
            send(capture, *(b"x" for _ in range(50)))
            capture.wait_sync(start + 50)
        show(panel)
        assert "100 came too fast" in panel.note.value
        panel.close()


def test_nothing_is_sent_while_nothing_changes(table, capture, sent):
    send(capture, b"one")
    capture.wait_sync(1)
    show(table)
    sent.clear()
    for _ in range(10):
        show(table)
    assert sent == []


def test_it_follows_another_capture(table, capture):
    send(capture, b"old")
    capture.wait_sync(1)
    show(table)
    with gd.listen("udp://127.0.0.1:0", restart=True) as other:
        table.follow(other)
        show(table)
        assert table.list.options == ()
        send(other, b"new")
        other.wait_sync(1)
        show(table)
        assert lines(table) == ["new"]


def test_numbered_structs_are_bytes_in_the_list_and_where_one_is_explained(sent, capture):
    """Messages 1 to 3 would parse as Variants; the others of their size do not."""
    panel = MessageTable(capture)
    send(capture, *(struct.pack("<If", number, 0.5) for number in range(1, 4)))
    capture.wait_sync(3)
    show(panel)
    assert lines(panel)[-2:] == ["1056964608", "True"]
    send(capture, *(struct.pack("<If", number, 0.5) for number in range(4, 40)))
    capture.wait_sync(39)
    show(panel)
    assert lines(panel)[-1] == "01 00 00 00 00 00 00 3f"
    panel.list.index = len(panel.list.options) - 2
    assert panel.selected == struct.pack("<If", 2, 0.5)
    assert "reads as a Variant, but most messages of its size do not" in described(
        panel.selected, panel.guess_of_selected()
    )
    assert "Variant" in described(panel.selected)
    panel.close()
