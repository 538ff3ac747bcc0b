"""The dashboard: what can be done with it by the mouse, and that it does what the plain calls do."""

import re
import socket
import subprocess
import sys

import pytest

import gdlab as gd
from gdlab.widgets import Dashboard
from gdlab.widgets.render import renderer
from tests.waiting import limit, wait_until


@pytest.fixture
def board(sent, tmp_path):
    shown = Dashboard(folder=tmp_path)
    yield shown
    shown.close()
    gd.stop_all()
    wait_until(lambda: renderer._thread is None)


def send(capture, *payloads):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        for payload in payloads:
            sock.sendto(payload, ("127.0.0.1", int(capture.addresses[0].rpartition(":")[2])))


def row(board, capture):
    return board._rows[capture]


def listen(board, transport="udp", port=0, **choices):
    """Fill in the form and press its button; return what it made."""
    board.form.transport.value = transport
    board.form.port.value = str(port)
    for name, value in choices.items():
        getattr(board.form, name).value = value
    before = board.captures
    board.form.button.click()
    return next((capture for capture in board.captures if capture not in before), None)


def test_the_form_starts_a_listener_and_shows_what_it_hears(board):
    capture = listen(board, reply="echo", decode="json", ping=1.0)
    assert capture.running
    assert board.capture is capture
    assert capture.decode_with == "json"
    send(capture, b'{"seq": 1}')
    wait_until(lambda: "1 message" in row(board, capture).words.value)
    assert "listening on udp://127.0.0.1" in row(board, capture).words.value
    wait_until(lambda: capture.statistics().sent >= 1)
    wait_until(lambda: re.search(r"1 of 1 running, \d+ received", board.headline.value))


@pytest.mark.parametrize("transport", ["udp", "tcp", "ws"])
def test_every_transport_can_be_listened_on_and_connected_to(board, transport):
    heard = listen(board, transport)
    port = int(heard.addresses[0].rpartition(":")[2].partition("/")[0])
    caller = listen(board, transport, port, role="connect")
    assert caller.is_client
    caller.send("hello")
    heard.wait_sync(1)


@pytest.mark.parametrize(
    ("choices", "call"),
    [
        ({}, "cap = gd.listen('udp://127.0.0.1:4242')"),
        ({"transport": "tcp"}, "cap = gd.listen('tcp://127.0.0.1:50007')"),
        ({"transport": "tcp", "framing": "put_var"}, "cap = gd.listen('tcp://127.0.0.1:50007', framing='put_var')"),
        (
            {"transport": "tcp", "framing": "fixed", "frame_bytes": 12},
            "cap = gd.listen('tcp://127.0.0.1:50007', framing='fixed:12')",
        ),
        ({"framing": "put_var"}, "cap = gd.listen('udp://127.0.0.1:4242')"),
        ({"host": "lan"}, "cap = gd.listen('udp://:4242', host='lan')"),
        ({"host": "::1"}, "cap = gd.listen('udp://[::1]:4242')"),
        ({"reply": "echo"}, "cap = gd.listen('udp://127.0.0.1:4242', reply=gd.replies.echo)"),
        (
            {"reply": "prefix", "reply_text": "it's: "},
            "cap = gd.listen('udp://127.0.0.1:4242', reply=gd.replies.prefix(\"it's: \"))",
        ),
        ({"reply": "text", "reply_text": "hi~"}, "cap = gd.listen('udp://127.0.0.1:4242', reply='hi~')"),
        ({"ping": 0.2}, "cap = gd.listen('udp://127.0.0.1:4242', ping=0.2)"),
        (
            {"transport": "ws", "role": "connect", "path": "chat", "reconnect": True},
            "cap = gd.connect('ws://127.0.0.1:5000/chat', reconnect=True)",
        ),
    ],
)  # fmt: skip
def test_the_form_says_the_plain_call_that_does_the_same(board, choices, call):
    for name, value in choices.items():
        getattr(board.form, name).value = value
    assert board.form.request.call == call
    compile(call, "cell", "exec")


def test_a_port_is_what_was_written_and_never_a_default_that_comes_late(board):
    board.form.port.value = "18505"
    board.form.transport.value = "ws"
    assert board.form.request.address == "ws://127.0.0.1:18505"
    board.form.port.value = ""
    assert board.form.request.address == "ws://127.0.0.1:5000"
    assert board.form.port.placeholder == "5000"


@pytest.mark.parametrize("written", ["65536", "-1", "4242a", "٤"])
def test_a_port_that_is_none_is_said_and_not_made_another(board, written):
    assert listen(board, port=written) is None
    assert "a port is a number from 0 to 65535" in board.form.message.value
    assert "a port is a number from 0 to 65535" in board.form.code.value
    assert board.form.port.value == written


def test_a_port_that_is_taken_is_said_beside_the_form_with_who_holds_it(board):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as thief:
        thief.bind(("127.0.0.1", 0))
        assert listen(board, port=thief.getsockname()[1]) is None
    assert "is held by" in board.form.message.value
    assert not board.form.button.disabled
    assert listen(board, port=0).running
    assert board.form.message.value == ""


@pytest.mark.parametrize("host", ["example.invalid.", "8.8.8.8", "<b>", "a b", ""])
def test_an_address_that_will_not_do_is_said_and_nothing_raised(board, host):
    made = listen(board, host=host)
    if host:
        assert made is None
        assert board.form.message.value
        assert "<b>" not in board.form.message.value
    else:
        assert made.addresses[0].startswith("udp://localhost:")


def test_nobody_to_connect_to_is_said(board):
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port = sock.getsockname()[1]
        assert listen(board, "tcp", port, role="connect") is None
    assert str(port) in board.form.message.value


def test_a_row_stops_starts_and_goes(board):
    capture = listen(board)
    own = row(board, capture)
    assert own.remove.disabled
    own.toggle.click()
    assert not capture.running
    wait_until(lambda: own.toggle.description == "Start" and not own.remove.disabled)
    assert "stopped after" in own.words.value
    own.toggle.click()
    assert capture.running
    wait_until(lambda: own.toggle.description == "Stop")
    own.toggle.click()
    wait_until(lambda: not own.remove.disabled)
    own.remove.click()
    assert board.captures == ()
    assert board.capture is None


def test_a_start_that_fails_is_said_in_its_row(board):
    capture = listen(board)
    own = row(board, capture)
    own.toggle.click()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as thief:
        thief.bind(("127.0.0.1", int(capture.addresses[0].rpartition(":")[2])))
        own.toggle.click()
    assert "is held by" in own.note.value
    assert not own.toggle.disabled


def test_stop_all_stops_what_is_on_the_list(board):
    captures = [listen(board), listen(board, "tcp")]
    board.stop_all.click()
    assert not any(capture.running for capture in captures)
    wait_until(lambda: board.stop_all.disabled)
    assert "0 of 2 running" in board.headline.value


def test_the_panels_follow_the_row_that_is_chosen(board):
    first, second = listen(board), listen(board)
    send(first, b"to the first")
    first.wait_sync(1)
    assert board.capture is second
    row(board, first).show.click()
    assert board.capture is first
    assert row(board, first).followed
    assert not row(board, second).followed
    assert all(panel.capture is first for panel in board.panels())


def test_captures_that_run_are_on_the_list_and_newcomers_join_it(board, tmp_path):
    capture = gd.listen("udp://127.0.0.1:0", restart=True)
    # First it is on the list, then it is followed, by the render thread.
    wait_until(lambda: board.capture is capture)
    assert capture in board.captures
    newcomer = gd.listen("tcp://127.0.0.1:0", restart=True)
    wait_until(lambda: newcomer in board.captures)
    assert board.capture is capture
    other = Dashboard(folder=tmp_path)
    assert set(other.captures) == {capture, newcomer}
    other.close()


def test_csv_is_written_beside_the_notebook_with_a_link_and_the_number_of_rows(board, tmp_path):
    capture = listen(board)
    send(capture, b"one", b"two")
    capture.wait_sync(2)
    own = row(board, capture)
    own.save.click()
    wait_until(lambda: "saved 2 rows" in own.note.value)
    (path,) = tmp_path.glob("gdlab-udp*.csv")
    assert f'download="{path.name}"' in own.note.value
    assert list(gd.load(path).df.payload) == [b"one", b"two"]


def test_a_folder_that_cannot_be_written_is_said(board, tmp_path):
    board._folder = tmp_path / "nowhere"
    capture = listen(board)
    own = row(board, capture)
    own.save.click()
    wait_until(lambda: "not saved" in own.note.value)
    assert not own.save.disabled


def test_the_dashboard_of_a_kernel_is_one(sent, capture, tmp_path):
    first = gd.dashboard(folder=tmp_path)
    try:
        assert gd.dashboard() is first
        assert gd.dashboard(capture) is first
        assert first.capture is capture
        assert gd.widgets.Dashboard is Dashboard
    finally:
        first.close()
    again = gd.dashboard(folder=tmp_path)
    assert again is not first
    again.close()


WITHOUT = """
import sys
sys.modules["ipywidgets"] = None  # as if it were not installed
import gdlab as gd
assert "matplotlib" not in sys.modules
for ask in (gd.dashboard, lambda: gd.widgets):
    try:
        ask()
    except gd.GdlabError as error:
        assert isinstance(error, ImportError)
        assert "pip install" in str(error), error
    else:
        raise AssertionError("nothing was said")
with gd.listen("udp://127.0.0.1:0") as cap:
    assert set(cap._repr_mimebundle_()) == {"text/plain", "text/html"}
"""


@pytest.mark.slow
def test_without_ipywidgets_it_says_what_to_install_and_captures_still_show_themselves():
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT], capture_output=True, text=True, timeout=limit(60), check=False
    )
    assert done.returncode == 0, done.stderr
