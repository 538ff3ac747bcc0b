"""The live view: what it shows, what its buttons do, and what it costs when nothing happens."""

import socket
import threading

import pytest

import gdlab as gd
from gdlab.capture import show_with
from gdlab.widgets import Live
from gdlab.widgets.capture_view import live
from gdlab.widgets.render import Renderer, renderer
from tests.waiting import wait_until


@pytest.fixture
def view(sent, capture, tmp_path):
    shown = Live(capture, folder=tmp_path)
    for panel in (shown, shown.plot):  # these tests refresh by hand
        renderer.remove(panel)
    yield shown
    shown.close()


def send(capture, *payloads):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        for payload in payloads:
            sock.sendto(payload, ("127.0.0.1", int(capture.addresses[0].rpartition(":")[2])))


def test_it_says_what_has_not_happened_yet(view, capture):
    assert "nothing received" in view.status.value
    assert capture.addresses[0] in view.status.value
    assert "does it send to port" in view.status.value
    assert "no messages yet" in view.messages.value


def test_messages_counts_and_plots_follow_the_capture(view, capture):
    send(capture, b"first", b"second")
    capture.wait_sync(2)
    assert view.refresh()
    assert "2 messages, 1 peer, 0 dropped" in view.status.value
    assert "first" in view.messages.value
    assert "second" in view.messages.value
    view.plot.refresh()
    assert view.plot.still_html().startswith("<img")
    assert view.plot.selection["payload"].tolist() == [b"first", b"second"]


def test_without_anywidget_the_plot_is_a_picture(sent, capture, monkeypatch):
    monkeypatch.setattr("gdlab.widgets.capture_view.timeline", None)
    shown = Live(capture)
    shown.plot.refresh()
    assert bytes(shown.plot.image.value).startswith(b"\x89PNG")
    assert shown.alone() is None
    shown.close()


def test_nothing_crosses_to_the_browser_when_nothing_has_changed(view, capture, sent):
    send(capture, b"one")
    capture.wait_sync(1)
    capture.stop()  # words and axis move with the time as long as it runs
    for panel in (view, view.plot) * 2:
        panel.refresh()
    sent.clear()
    for _ in range(20):
        view.refresh()
        view.plot.refresh()
    assert sent == []


def test_what_peers_send_is_data_and_not_markup(view, capture):
    send(capture, b"<script>alert(1)</script>", b'"><img src=x onerror=alert(1)>', b"A" * 60_000)
    capture.wait_sync(3)
    view.refresh()
    assert "<script" not in view.messages.value
    assert "<img" not in view.messages.value
    assert len(view.messages.value) < 5000


def test_stop_and_start(view, capture):
    send(capture, b"before")
    capture.wait_sync(1)
    view.toggle.click()
    assert not capture.running
    assert view.toggle.description == "Start"
    assert "stopped" in view.status.value
    view.toggle.click()
    assert capture.running
    assert view.toggle.description == "Stop"
    renderer.remove(view)
    send(capture, b"after")
    capture.wait_sync(2)
    view.refresh()
    assert "after" in view.messages.value
    assert "gap: stopped for" in view.messages.value


def test_a_port_that_was_taken_meanwhile_is_said_in_the_view(view, capture):
    view.toggle.click()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as thief:
        thief.bind(("127.0.0.1", int(capture.addresses[0].rpartition(":")[2])))
        view.toggle.click()
    assert "is held by" in view.saved.value
    assert not capture.running


def test_save_writes_a_csv_that_loads_again(view, capture, tmp_path):
    send(capture, b"one", b"two")
    capture.wait_sync(2)
    view.save.click()
    (path,) = tmp_path.glob("gdlab-*.csv")
    assert "saved 2 rows" in view.saved.value
    assert path.name in view.saved.value
    assert list(gd.load(path).df.payload) == [b"one", b"two"]


def test_a_folder_that_cannot_be_written_is_said_and_nothing_raised(view, tmp_path):
    view._folder = tmp_path / "nowhere"
    view.save.click()
    assert "not saved" in view.saved.value


def test_a_capture_that_a_cell_shows_is_one_widget_however_often(sent, capture):
    data, _ = capture._repr_mimebundle_()
    again, _ = capture._repr_mimebundle_()
    view = "application/vnd.jupyter.widget-view+json"
    assert data[view] == again[view]
    assert {"text/plain", "text/html"} <= set(data)
    live(capture).close()


def test_without_widgets_the_html_form_remains(capture):
    show_with(None)
    try:
        bundle = capture._repr_mimebundle_()
    finally:
        show_with(live)
    assert set(bundle) == {"text/plain", "text/html"}


# ---- the thread that draws


class Fake:
    def __init__(self, more=True, error=None):
        self.more, self.error = more, error
        self.refreshed = 0
        self.errors: list[BaseException] = []

    def refresh(self):
        self.refreshed += 1
        if self.error:
            raise self.error
        return self.more

    def show_error(self, error):
        self.errors.append(error)


def test_the_thread_lives_only_while_there_is_something_to_follow():
    drawing, running, ended = Renderer(hz=200), Fake(), Fake(more=False)
    drawing.add(running)
    drawing.add(ended)
    wait_until(lambda: running.refreshed >= 5 and ended.refreshed == 1)
    assert ended.refreshed == 1
    thread = drawing._thread
    drawing.remove(running)
    wait_until(lambda: not thread.is_alive())
    drawing.add(running)
    count = running.refreshed
    wait_until(lambda: running.refreshed > count)
    drawing.remove(running)
    wait_until(lambda: drawing._thread is None)


def test_one_broken_view_says_so_and_does_not_stop_the_others(failures):
    drawing, good, bad = Renderer(hz=200), Fake(), Fake(error=RuntimeError("no ink"))
    drawing.add(good)
    drawing.add(bad)
    wait_until(lambda: good.refreshed >= 5 and bad.errors)
    assert [str(error) for error in bad.errors] == ["no ink"]  # shown once: it stops until it is asked again
    drawing.remove(good)
    drawing.remove(bad)
    wait_until(lambda: drawing._thread is None)
    (planted,) = failures
    assert "no ink" in planted
    failures.clear()


def test_there_is_one_thread_for_all_views(sent, capture):
    views = [Live(capture) for _ in range(3)]
    names = [thread.name for thread in threading.enumerate()]
    assert names.count("gdlab render") == 1
    for view in views:
        view.close()
    wait_until(lambda: renderer._thread is None)


def test_the_last_state_is_shown_after_the_end(sent, capture):
    view = Live(capture)
    send(capture, b"last words")
    capture.wait_sync(1)
    capture.stop()
    wait_until(lambda: "stopped after" in view.status.value and "last words" in view.messages.value)
    view.close()
