"""The menu that reads TCP streams again: of a running capture, of a loaded one, and what it shows of a guess."""

import struct

import pytest

import gdlab as gd
from gdlab.widgets import Dashboard, message_grid
from gdlab.widgets.framing_menu import FramingMenu
from gdlab.widgets.message_table import MessageTable
from gdlab.widgets.tabs import panels_in
from tests.waiting import wait_until

pytestmark = pytest.mark.usefixtures("still")

WIRE = b"".join(struct.pack(">I", len(text)) + text for text in (b"hi", b"how are you", b"good"))


def arrived(table):
    return table[(table.event == "message") & (table.direction == "in")].payload.tolist()


@pytest.fixture
def running(sent):
    with (
        gd.listen("tcp://127.0.0.1:0", framing="raw", restart=True) as capture,
        gd.connect(capture.addresses[0], framing="raw", restart=True) as game,
    ):
        game.send(WIRE)
        wait_until(lambda: b"".join(arrived(capture.df)) == WIRE)
        yield capture


@pytest.fixture
def menu():
    panel = FramingMenu()
    yield panel
    panel.close()


def read_again(menu, name):
    menu.choice.value = name
    menu.again.click()
    wait_until(lambda: not menu.again.disabled)
    menu.refresh()


def test_a_running_capture_is_read_again_and_goes_on(running, menu):
    menu.follow(running)
    menu.refresh()
    assert "now raw" in menu.note.value
    read_again(menu, "u32be")
    assert arrived(running.df) == [b"hi", b"how are you", b"good"]
    assert "now u32be" in menu.note.value


def test_a_guess_is_shown_with_its_evidence(running, menu):
    menu.follow(running)
    read_again(menu, "auto")
    wait_until(lambda: arrived(running.df) == [b"hi", b"how are you", b"good"])
    menu.redraw()
    menu.refresh()
    assert "now put_utf8_string_be" in menu.note.value
    assert "each with a length that fits" in menu.evidence.value
    told = running.df.detail[running.df.reason == "framing_guessed"].iloc[0]
    assert told.split(":")[0] in menu.evidence.value


def test_a_loaded_capture_is_read_again_and_every_view_follows(running, menu, tmp_path):
    running.stop()
    recording = gd.load(running.to_csv(tmp_path / "run.csv"))
    menu.follow(recording)
    whole = Dashboard(recording)
    tabs = whole.tabs
    lists = [panel for panel in tabs.panels() if isinstance(panel, (MessageTable, message_grid.MessageGrid))]
    table = MessageTable(recording)
    table.refresh()
    assert len(table.list.options) == len(recording)
    read_again(menu, "u32be")
    assert arrived(recording.df) == [b"hi", b"how are you", b"good"]
    assert "now u32be" in menu.note.value
    table._drawn_at = 0.0
    table.refresh()
    assert [line.split("  ")[-1].strip() for line in table.list.options][:4].count("how are you") == 1
    assert len(table.list.options) == len(recording)
    assert lists
    for panel in lists:
        panel.refresh()
        assert len(panel.list.options if isinstance(panel, MessageTable) else panel._listing) == len(
            recording
        )
    table.close()
    whole.close()


def test_what_is_no_framing_is_said_in_the_menu_and_changes_nothing(running, menu):
    menu.follow(running)
    read_again(menu, "u33be")
    assert "no framing is called" in menu.note.value
    assert "gdlab-bad" in menu.note.value
    assert arrived(running.df) == [WIRE]
    read_again(menu, "")
    assert "choose a framing first" in menu.note.value


def test_it_is_not_there_where_there_is_no_stream(menu, capture):
    menu.follow(capture)
    menu.refresh()
    assert menu.body.layout.display == "none"


def test_the_messages_tab_has_it(running):
    whole = Dashboard(running)
    tabs = whole.tabs
    assert any(isinstance(panel, FramingMenu) for panel in tabs.panels())
    assert sum(isinstance(panel, FramingMenu) for panel in panels_in(tabs.body)) == 1
    whole.close()
