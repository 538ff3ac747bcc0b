"""Who came, with what they asked for, and who was not let in: in the table, the status, a wait, and the findings."""

import socket
import threading

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

import gdlab as gd
from gdlab.analysis.rules import no_traffic
from gdlab.errors import NotConnected, WaitTimeout
from gdlab.words import language
from tests.waiting import wait_until

HELLO = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc" + bytes(507)
GET = b"GET /score?player=Ann%20B&id= HTTP/1.1\r\nHost: x\r\nX-Game: 1\r\nX-Game: 2\r\n\r\n"
WITHOUT_KEY = b"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"


@pytest.fixture(params=["en", "zh"])
def spoken(request):
    before = language()
    language(request.param)
    yield request.param
    language(before)


def sent(capture, data):
    """Send bytes, and wait until the listener has made up its mind."""
    with socket.create_connection(("127.0.0.1", capture.port)) as sock:
        sock.sendall(data)
        wait_until(lambda: "error" in set(capture.df.event))


def everywhere(capture, rule, words):
    """What the row tells is in the status, in what a wait reports, and in the findings."""
    table = capture.df
    detail = table.detail[table.event == "error"].iloc[-1]
    assert words in detail
    assert detail in str(capture.status)
    with pytest.raises(WaitTimeout) as waited:
        capture.wait_sync(1000, timeout=0)
    assert detail in str(waited.value)
    found = capture.findings().set_index("rule")
    assert detail in found.evidence[rule]
    assert "nothing-arrived" not in found.index


def test_a_websocket_is_known_by_its_path_query_and_headers(tmp_path):
    with gd.listen("ws://127.0.0.1:0") as capture:
        url = f"ws://127.0.0.1:{capture.port}/lobby?room=4&name=Ann%20B&room=5"
        with connect(url, additional_headers={"X-Game": "1"}) as game:
            game.send("hi")
            wait_until(lambda: capture.statistics().received == 1)
    visitors = capture.visitors()
    (visitor,) = visitors.to_dict("records")
    assert (visitor["event"], visitor["method"], visitor["path"]) == ("open", "GET", "/lobby")
    assert visitor["query"] == {"room": "5", "name": "Ann B"}
    assert (visitor["headers"]["x-game"], visitor["headers"]["upgrade"]) == ("1", "websocket")
    assert visitor["peer"] == capture.df.peer[capture.df.event == "open"].iloc[0]
    for path in (capture.to_csv(tmp_path / "a.csv"), capture.to_parquet(tmp_path / "a.parquet")):
        assert gd.load(path).visitors().to_dict("records") == [visitor]
    assert capture.statistics().received_bytes == 2


def test_a_request_at_a_tcp_port_is_a_visitor_too():
    with (
        gd.listen("tcp://127.0.0.1:0") as capture,
        socket.create_connection(("127.0.0.1", capture.port)) as sock,
    ):
        sock.sendall(GET)
        wait_until(lambda: len(capture.visitors()) == 1)
    (visitor,) = capture.visitors().to_dict("records")
    assert visitor["query"] == {"player": "Ann B", "id": ""}
    assert visitor["headers"] == {"host": "x", "x-game": "1, 2"}


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (GET, "HTTPRequest"),
        (b"POST /s HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}", "HTTPRequest"),
        (HELLO, "TLS"),
        (b"\x04\0\0\0hello", "StreamPeerTCP"),
        (WITHOUT_KEY, "Sec-WebSocket-Key"),
    ],
)
def test_a_visitor_who_is_refused_is_told_of_everywhere(spoken, data, words):
    with gd.listen("ws://127.0.0.1:0") as capture:
        sent(capture, data)
        everywhere(capture, "refused-visitors", words)
        table = capture.df
        assert table.payload[table.event == "error"].iloc[0] == b"".join(data.partition(b"\r\n\r\n")[:2])
        assert capture.statistics().waiting_bytes == 0


def test_tls_at_a_plain_port_is_told_of_once_and_its_bytes_are_kept(spoken):
    with gd.listen("tcp://127.0.0.1:0") as capture:
        sent(capture, HELLO)
        wait_until(lambda: "close" in set(capture.df.event))
        table = capture.df
        assert b"".join(table.payload[table.event == "message"]) == HELLO
        assert (table.reason == "encrypted").sum() == 1
        everywhere(capture, "encrypted", "TLS")
        capture.reframe("auto")
        assert (capture.df.reason == "encrypted").sum() == 1


def test_a_listener_that_shares_no_sub_protocol_says_so(spoken):
    with gd.listen("ws://127.0.0.1:0", subprotocols=["json"]) as capture:
        with (
            pytest.raises((ConnectionClosed, TimeoutError)),
            connect(f"ws://127.0.0.1:{capture.port}", subprotocols=["chat"]) as game,
        ):
            game.recv(timeout=0)
        wait_until(lambda: "subprotocol" in set(capture.df.reason))
        everywhere(capture, "sub-protocol", "chat")
        assert capture.df["reason"].tolist()[:2] == ["opened", "subprotocol"]


def test_a_server_that_leaves_in_the_handshake_may_not_know_the_sub_protocol(spoken):
    with socket.create_server(("127.0.0.1", 0)) as server:

        def leave():
            taken, _ = server.accept()
            taken.recv(4096)
            taken.close()

        thread = threading.Thread(target=leave)
        thread.start()
        with pytest.raises(NotConnected, match="json"):
            gd.connect(f"ws://127.0.0.1:{server.getsockname()[1]}", subprotocols=["json"])
        thread.join()


def test_datagrams_that_are_refused_are_told_of_everywhere(spoken):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        port = sock.getsockname()[1]
    with gd.connect(f"udp://127.0.0.1:{port}") as capture:
        capture.send(b"hello")
        wait_until(lambda: "unreachable" in set(capture.df.reason))
        everywhere(capture, "refused-datagrams", str(port))


def test_silence_has_a_clock_of_its_own(monkeypatch):
    """Nothing writes a row while a peer is silent."""
    monkeypatch.setattr(no_traffic, "PATIENCE_S", 0.0)
    with gd.listen("tcp://127.0.0.1:0") as capture, socket.create_connection(("127.0.0.1", capture.port)):
        wait_until(lambda: capture.statistics().connections == 1)
        first = capture.until_ns
        wait_until(lambda: capture.until_ns > first)
        found = capture.findings().set_index("rule")
        assert "connected-and-silent" in found.index
        assert "0.0 s" in found.evidence["connected-and-silent"]
        monkeypatch.setattr(no_traffic, "PATIENCE_S", 3600.0)
        assert "connected-and-silent" not in capture.findings()["rule"].tolist()
        assert capture.df.event.tolist() == ["open"]


def test_who_leaves_without_a_message_and_what_waits_are_findings(spoken):
    with gd.listen("tcp://127.0.0.1:0", framing="u32le") as capture:
        with socket.create_connection(("127.0.0.1", capture.port)):
            wait_until(lambda: capture.statistics().connections == 1)
        wait_until(lambda: "close" in set(capture.df.event))
        assert capture.findings()["rule"].tolist() == ["left"]
        assert "poll()" in str(capture.status)
        with socket.create_connection(("127.0.0.1", capture.port)) as sock:
            sock.sendall(b"\0\x10\0\0abc")
            wait_until(lambda: capture.statistics().waiting_bytes == 7)
            found = capture.findings().set_index("rule")
            assert "4,100" in found.what["bytes-waiting"]
            assert "4,100" in str(capture.status)
