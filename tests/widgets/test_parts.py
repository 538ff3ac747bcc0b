"""All parts alike: alone in a cell, over a flood, without a capture, out of sight, closed, forgotten."""

import weakref

import pytest

import gdlab as gd
from gdlab import widgets
from gdlab.variant import dumps
from gdlab.widgets.render import renderer
from tests.waiting import wait_until
from tests.widgets.parts import HOSTILE, assert_harmless, send, weight

#: Parts that follow a capture, and how many bytes a turn of each may cost the browser in a flood.
FOLLOWING = {
    widgets.Conversations: 20_000,
    widgets.Counters: 6_000,
    widgets.GodotRunner: 6_000,
    widgets.Findings: 15_000,
    widgets.LatencyPlot: 60_000,
    widgets.MessageTable: 30_000,
    widgets.MultiplayerTab: 20_000,
    widgets.NetworkTab: 6_000,
    widgets.RatePlot: 60_000,
    widgets.GDScriptView: 15_000,
    widgets.SendForm: 10_000,
}
SHOWING = (widgets.Explain, widgets.SizeLab)

parts = pytest.mark.parametrize("part", FOLLOWING, ids=lambda part: part.__name__)


def markup(panel):
    """All HTML that a panel holds, however deep, but for its own style."""
    found, left = [], [panel]
    while left:
        child = left.pop()
        left += getattr(child, "children", ())
        if type(child).__name__ == "HTML" and not child.value.startswith("<style"):
            found.append(child.value)
    return "\n".join(found)


@parts
@pytest.mark.usefixtures("still")
def test_in_a_flood_of_hostile_messages_each_turn_is_bounded_and_harmless(part, sent, capture):
    panel = part(capture)
    for turn in range(3):
        for _ in range(10):
            send(
                capture,
                *HOSTILE,
                b"A" * 60_000,
                dumps({"\u202e<b>": "x" * 50_000}),
                *(b"x" * 1400 for _ in range(20)),
            )
        capture.wait_sync(100 * turn + 1)
        sent.clear()
        panel.redraw()
        panel.refresh()
        assert weight(sent) < FOLLOWING[part], f"turn {turn}"
        assert_harmless(markup(panel))
    assert panel.error.value == ""
    panel.close()


@parts
def test_without_a_capture_it_stands_there_empty(part, sent):
    panel = part()
    panel.redraw()
    wait_until(lambda: renderer._thread is None)
    assert panel.error.value == ""
    panel.close()


@parts
@pytest.mark.usefixtures("still")
def test_out_of_sight_nothing_is_sent_and_back_in_sight_all_is_there(part, sent, capture):
    panel = part(capture)
    panel.refresh()
    panel.in_sight = False
    sent.clear()
    send(capture, b"unseen")
    capture.wait_sync(1)
    assert not panel.refresh()
    assert sent == []
    panel.in_sight = True
    panel._drawn = None
    assert panel.refresh()
    assert panel.error.value == ""
    panel.close()


def test_all_of_them_share_one_thread_and_end_it(sent, capture):
    panels = [part(capture) for part in FOLLOWING] + [part(b'{"a": 1}') for part in SHOWING]
    for panel in panels:
        panel.set_state({"_view_count": 1})  # a page shows it: what nobody sees is drawn seldom
    send(capture, b"one", b"two")
    wait_until(lambda: "one" in "".join(panels[list(FOLLOWING).index(widgets.MessageTable)].list.options))
    wait_until(lambda: "2 messages" in markup(panels[1]) or 'class="n">2<' in markup(panels[1]))
    capture.stop()
    wait_until(lambda: renderer._thread is None)
    for panel in panels:
        assert panel.error.value == ""
        panel.close()


@parts
def test_a_panel_that_is_closed_and_forgotten_is_gone(part, sent, capture, collect):
    panel = part(capture)
    gone = weakref.ref(panel)
    panel.close()
    wait_until(lambda: renderer._thread is None)
    del panel

    def collected():
        collect()
        return gone() is None

    wait_until(collected)


@pytest.mark.parametrize("part", SHOWING, ids=lambda part: part.__name__)
def test_what_shows_one_message_needs_no_capture(part, sent):
    panel = part(b'{"a": 1}')
    wait_until(lambda: renderer._thread is None)
    assert "JSON" in markup(panel)
    assert panel.error.value == ""
    panel.close()


def test_choosing_a_message_explains_it(sent, capture):
    table, explained = gd.widgets.MessageTable(capture), gd.widgets.Explain()
    table.observe(lambda change: explained.show(change["new"]), "selected")
    send(capture, dumps({"hp": 3}))
    wait_until(lambda: len(table.list.options) == 1)
    table.list.index = 0
    wait_until(lambda: "&#x27;hp&#x27;" in explained.text.value)
    table.close()
    explained.close()
