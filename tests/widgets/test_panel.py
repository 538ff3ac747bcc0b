"""What all parts share: they draw what has changed, for whoever can see it, and leave nothing behind."""

import socket
import threading
import weakref
from pathlib import Path

import ipywidgets
import pytest

import gdlab as gd
from gdlab.widgets import Dashboard, Live, MessageTable, Panel
from gdlab.widgets.panel import presence
from gdlab.widgets.render import put, renderer
from gdlab.widgets.style import style_sheet
from tests.waiting import wait_until


class Words(Panel):
    """Shows how often it was drawn."""

    def __init__(self, capture=None, **options):
        self.text = ipywidgets.HTML()
        self.updates = 0
        super().__init__([self.text], capture, **options)

    def update(self):
        self.updates += 1
        put(self.text, "value", f"drawn {self.updates} times")


@pytest.fixture
def panel(sent, capture):
    shown = Words(capture)
    yield shown
    shown.close()


def send(capture, *payloads):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        for payload in payloads:
            sock.sendto(payload, ("127.0.0.1", int(capture.addresses[0].rpartition(":")[2])))


def page_counts(panel, views):
    """What a page does when it shows or removes a view of the widget."""
    panel.set_state({"_view_count": views})


def test_it_draws_what_has_changed_and_only_then(panel, capture, sent):
    page_counts(panel, 1)
    wait_until(lambda: panel.updates >= 1)
    drawn = panel.updates
    sent.clear()
    for _ in range(10):
        panel.refresh()
    assert panel.updates == drawn
    assert sent == []
    send(capture, b"one")
    wait_until(lambda: panel.updates > drawn)


def test_it_rests_when_its_last_view_is_gone_and_wakes_with_the_next(panel, capture, sent):
    assert panel.seen is None
    page_counts(panel, 1)
    assert panel.seen
    wait_until(lambda: panel.updates)
    page_counts(panel, 0)
    assert panel.seen is False
    wait_until(lambda: renderer._thread is None)
    sent.clear()
    send(capture, b"unseen")
    capture.wait_sync(1)
    assert not panel.refresh()
    assert sent == []
    drawn = panel.updates
    page_counts(panel, 1)
    wait_until(lambda: panel.updates > drawn)


def test_shown_twice_it_goes_on_until_both_views_are_gone(panel):
    page_counts(panel, 1)
    page_counts(panel, 2)
    page_counts(panel, 1)
    assert panel.seen
    page_counts(panel, 0)
    assert panel.seen is False


def test_out_of_sight_it_rests(panel, capture):
    page_counts(panel, 1)
    wait_until(lambda: panel.updates)
    panel.in_sight = False
    send(capture, b"behind another tab")
    capture.wait_sync(1)
    wait_until(lambda: renderer._thread is None)
    drawn = panel.updates
    panel.in_sight = True
    wait_until(lambda: panel.updates > drawn)


def test_a_cell_shows_the_present_state_at_once(sent, capture):
    panel = Words()
    panel.in_sight = True
    renderer.remove(panel)
    panel._capture = capture
    panel._repr_mimebundle_()
    assert panel.updates == 1
    panel.close()


def test_it_wakes_when_its_capture_starts_again(panel, capture):
    page_counts(panel, 1)
    capture.stop()
    wait_until(lambda: renderer._thread is None)
    drawn = panel.updates
    capture.start()
    wait_until(lambda: panel.updates > drawn)


def test_what_fails_is_said_in_the_panel_and_nowhere_else(sent, capture, failures, capsys):
    class Broken(Words):
        def update(self):
            raise RuntimeError("<b>no ink</b>")

    panel = Broken(capture)
    wait_until(lambda: "no ink" in panel.error.value)
    assert "<b>" not in panel.error.value
    panel.close()
    assert capsys.readouterr() == ("", "")
    assert any("no ink" in failure for failure in failures)
    failures.clear()


def test_asked_while_it_draws_for_the_last_time_it_draws_once_more(sent, capture):
    """Else what a button asked for in that moment would be lost."""
    capture.stop()

    class Slow(Words):
        def update(self):
            super().update()
            if self.updates == 1:
                self.redraw()

    panel = Slow(capture)
    wait_until(lambda: panel.updates == 2)
    panel.close()


def test_a_part_is_seen_where_the_whole_is_seen(sent, capture):
    whole, part = Words(capture), Words(capture)
    part.join(whole)
    assert part._view_count is None
    page_counts(whole, 1)
    assert part.seen
    wait_until(lambda: part.updates)
    page_counts(whole, 0)
    assert part.seen is False
    wait_until(lambda: renderer._thread is None)
    drawn = part.updates
    send(capture, b"unseen")
    capture.wait_sync(1)
    page_counts(whole, 1)
    wait_until(lambda: part.updates > drawn)
    whole.close()
    part.close()


# ---- nothing is left behind


def sockets_open():
    folder = Path("/proc/self/fd")
    if not folder.is_dir():
        return 0
    links = []
    for path in folder.iterdir():
        try:
            links.append(str(path.readlink()))
        except OSError:
            continue
    return sum(link.startswith("socket:") for link in links)


def still_open(sent):
    kinds = [kind for kind, _, _ in sent]
    return kinds.count("comm_open") - kinds.count("comm_close")


@pytest.fixture
def is_gone(collect):
    """Whether nothing holds it any more; the render thread may in the middle of a turn."""

    def is_gone(reference):
        collect()
        return reference() is None

    return is_gone


@pytest.fixture
def clean(sent):
    """Nothing may be left that was not there before: threads, sockets, comms."""
    style_sheet()
    presence.heart()
    wait_until(lambda: renderer._thread is None)
    threads, sockets = set(threading.enumerate()), sockets_open()
    sent.clear()
    yield
    gd.stop_all()
    wait_until(lambda: set(threading.enumerate()) <= threads)
    assert sockets_open() == sockets
    assert still_open(sent) == 0


def test_a_dashboard_that_is_closed_leaves_nothing(clean, sent, tmp_path, is_gone):
    board = Dashboard(folder=tmp_path)
    for transport in ("udp", "tcp", "ws"):
        board.form.transport.value = transport
        board.form.port.value = "0"
        board.form.button.click()
    captures = board.captures
    assert len(captures) == 3
    for title in board.tabs.bar.options:
        board.tabs.bar.value = title
    board._repr_mimebundle_()
    send(captures[0], b"one")
    captures[0].wait_sync(1)
    assert still_open(sent) > 50
    board.close()
    assert all(capture.running for capture in captures)
    reference = weakref.ref(board)
    del board
    wait_until(lambda: is_gone(reference))


def test_a_dashboard_that_is_forgotten_ends_its_threads_with_the_captures(clean, sent, tmp_path):
    before = set(threading.enumerate())
    board = Dashboard(gd.listen("udp://127.0.0.1:0", restart=True), folder=tmp_path)
    board._repr_mimebundle_()
    closing = board.close
    del board
    gd.stop_all()
    wait_until(lambda: set(threading.enumerate()) <= before)
    closing()


@pytest.mark.slow
def test_twenty_dashboards_are_drawn_by_one_thread(clean, sent, tmp_path):
    boards = [Dashboard(folder=tmp_path) for _ in range(20)]
    gd.listen("udp://127.0.0.1:0", restart=True)
    wait_until(lambda: all(board.captures for board in boards), timeout_s=60)  # all share one budget of bytes
    names = [thread.name for thread in threading.enumerate()]
    assert names.count("gdlab render") == 1
    for board in boards:
        board.close()


def test_the_parts_alone_leave_nothing(clean, sent, capture, is_gone):
    for make in (Live, MessageTable):
        part = make(capture)
        reference = weakref.ref(part)
        part._repr_mimebundle_()
        part.close()
        del part
        wait_until(lambda reference=reference: is_gone(reference))
    capture.stop()


def test_a_capture_that_was_removed_is_free_to_go(clean, sent, tmp_path, is_gone):
    board = Dashboard(folder=tmp_path)
    board.form.port.value = "0"
    board.form.button.click()
    (capture,) = board.captures
    reference = weakref.ref(capture)
    board.remove(capture)
    del capture
    wait_until(lambda: renderer._thread is None)
    wait_until(lambda: is_gone(reference))
    board.close()
