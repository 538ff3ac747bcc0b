"""Connecting to servers: gdlab's other side of the three transports, as users meet it."""

import contextlib
import socket
import struct
import sys
import threading

import pytest

import gdlab as gd
from gdlab.errors import AddressError, EndpointClosed, NotConnected, NotSent, WaitTimeout
from gdlab.messages import Kind
from gdlab.transports import Outgoing
from tests.waiting import limit, wait_until


@pytest.fixture(autouse=True)
def stop_everything():
    yield
    gd.stop_all()


def free_port(kind=socket.SOCK_STREAM):
    with socket.socket(socket.AF_INET, kind) as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


def payloads(capture, direction="in"):
    return list(capture.df.query("event == 'message' and direction == @direction").payload)


def details(capture, event):
    return list(capture.df.query("event == @event").detail)


SCHEMES = ["udp", "tcp", "ws"]


@pytest.mark.parametrize("scheme", SCHEMES)
def test_both_sides_in_one_notebook(scheme):
    server = gd.listen(f"{scheme}://127.0.0.1:0", framing="lines", reply=gd.replies.echo)
    with gd.connect(server.addresses[0], framing="lines") as client:
        assert client.send("hello") == 1
        client.send(b"bytes")
        client.send(["CHAT", "grün"])
        client.wait_sync(3)
        sent = [b"hello", b"bytes", '["CHAT", "grün"]'.encode()]
        assert payloads(client) == payloads(client, "out") == payloads(server) == sent
        assert (
            server.df.query("direction == 'in' and event == 'message'").peer.nunique()
            == client.df.query("direction == 'in' and event == 'message'").peer.nunique()
            == 1
        )
        if scheme != "udp":
            assert client.statistics().connections == server.statistics().connections == 1
            assert details(client, "open")[0].startswith("from 127.0.0.1:")
        if scheme == "ws":
            assert list(server.df.query("event == 'message' and direction == 'in'").kind) == [
                "text",
                "binary",
                "text",
            ]
            assert set(client.df.query("event == 'message' and direction == 'out'").wire_bytes - 52 - 6) == {
                5,
                17,
            }
    assert not client.running
    if scheme != "udp":
        wait_until(lambda: server.statistics().connections == 0)
        ended = details(server, "close")
        assert ended == [
            "closed by the peer: 1001 gdlab has stopped" if scheme == "ws" else "closed by the peer"
        ]


@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_listener_sends_to_all_or_to_one(scheme):
    server = gd.listen(f"{scheme}://127.0.0.1:0", framing="lines")
    with pytest.raises(NotSent, match="no peer to send to"):
        server.send("anybody?")
    one, other = (
        gd.connect(server.addresses[0], framing="lines", restart=False, limit=n) for n in (1000, 1000)
    )
    assert one is other
    with contextlib.closing(socket.socket()):
        one.send("here I am")
        server.wait_sync(1)
        (peer,) = set(server.df.query("event == 'message'").peer)
        assert server.send({"to": "all"}) == 1
        assert server.send("to one", to=peer) == 1
        one.wait_sync(2)
    assert payloads(one) == [b'{"to": "all"}', b"to one"]
    with pytest.raises(NotSent, match="is not there"):
        server.send("?", to="127.0.0.1:1")
    with pytest.raises(TypeError, match=r'not JSON serializable.* codec="variant"'):
        server.send(object())
    with pytest.raises(ValueError, match=r'cannot be sent as JSON: .*codec="variant"'):
        server.send([float("nan")])
    with pytest.raises(ValueError, match="cannot be sent as JSON"):
        server.send(["\ud800"])
    with pytest.raises(TypeError, match="no codec"):
        server.send([1], codec="yaml")
    server.stop()
    with pytest.raises(EndpointClosed, match=r"gdlab\.listen"):
        server.send("too late")


def test_sending_what_the_framing_cannot_carry_is_an_error_in_the_cell_and_a_row():
    server = gd.listen("tcp://127.0.0.1:0", framing="lines")
    client = gd.connect(server.addresses[0], framing="lines")
    with pytest.raises(NotSent, match="line feed"):
        client.send("two\nlines")
    assert "line feed" in details(client, "error")[0]
    client.send("one line")
    server.wait_sync(1)


def test_sending_to_who_does_not_read_waits_and_then_says_so():
    with socket.create_server(("127.0.0.1", 0)) as server:
        client = gd.connect(f"tcp://127.0.0.1:{server.getsockname()[1]}")
        accepted, _ = server.accept()
        with accepted:
            (endpoint,) = client.endpoints

            def fill():
                for _ in range(1000):
                    endpoint.send(Outgoing(bytes(1_000_000), Kind.BINARY), timeout_s=0.05)

            with pytest.raises(NotSent, match=r"has not read for 0\.05 s"):
                fill()
            assert client.running
            sent = client.statistics().sent

            def read():
                while accepted.recv(1_000_000):
                    pass

            reader = threading.Thread(target=read)
            reader.start()
            client.send(b"goes on")
            assert client.statistics().sent == sent + 1
            client.stop()
            reader.join()


@pytest.mark.parametrize("scheme", ["tcp", "ws"])
def test_nobody_listening_is_an_error_in_the_cell(scheme):
    with pytest.raises(NotConnected, match="nobody listens there; start the game first"):
        gd.connect(f"{scheme}://127.0.0.1:{free_port()}")
    assert gd.stop_all() == 0


def test_a_server_that_is_no_websocket_says_what_it_is_not():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]

        def answer():
            accepted, _ = server.accept()
            with accepted:
                accepted.recv(1000)
                accepted.sendall(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")

        thread = threading.Thread(target=answer)
        thread.start()
        with pytest.raises(NotConnected, match=r"does not speak WebSocket here.*404"):
            gd.connect(f"ws://127.0.0.1:{port}")
        thread.join()
        with pytest.raises(NotConnected, match=r"no WebSocket handshake within 0\.05 s"):
            gd.connect(f"ws://127.0.0.1:{port}", timeout=0.05)


@pytest.mark.skipif(sys.platform != "linux", reason="other systems keep it to themselves")
def test_udp_says_by_a_row_that_nobody_listens():
    client = gd.connect(f"udp://127.0.0.1:{free_port(socket.SOCK_DGRAM)}")
    client.send(b"1")
    wait_until(lambda: client.statistics().errors == 1)
    client.send(b"2")
    wait_until(lambda: client.statistics().errors == 2)
    assert "nobody listens at udp://127.0.0.1" in details(client, "error")[0]
    assert payloads(client, "out") == [b"1", b"2"]


@pytest.mark.parametrize(
    ("address", "says"),
    [
        ("tcp://127.0.0.1:0", "port 0"),
        ("tcp://lan:5", "is for listening"),
        ("tcp://127.0.0.1", "names no port"),
        ("http://127.0.0.1:5", "tcp://"),
    ],
)
def test_addresses_that_cannot_be_connected_to(address, says):
    with pytest.raises(AddressError, match=says):
        gd.connect(address)


def test_a_host_that_does_not_exist_is_named():
    with pytest.raises(NotConnected, match=r"no host is called 'no-such-host\.invalid'"):
        gd.connect("tcp://no-such-host.invalid:5")


@pytest.mark.parametrize("scheme", ["tcp", "ws"])
def test_without_reconnect_the_capture_ends_with_the_connection(scheme):
    server = gd.listen(f"{scheme}://127.0.0.1:0")
    client = gd.connect(server.addresses[0])
    client.send("hello")
    server.wait_sync(1)
    server.stop()
    wait_until(lambda: not client.running)
    said = "closed by the peer: 1001 gdlab has stopped" if scheme == "ws" else "closed by the peer"
    assert details(client, "close") == [said]
    assert "stopped after" in repr(client)
    with pytest.raises(WaitTimeout, match=r"gdlab\.connect begins anew"):
        client.wait_sync(1, timeout=limit(30))
    with pytest.raises(EndpointClosed, match=r"gdlab\.connect"):
        client.send("too late")
    other = gd.listen(server.addresses[0])
    again = gd.connect(server.addresses[0])
    assert again is not client
    again.send("new")
    other.wait_sync(1)


@pytest.mark.parametrize("scheme", ["tcp", "ws"])
def test_with_reconnect_every_attempt_is_a_row(scheme, monkeypatch):
    monkeypatch.setattr("gdlab.transports.clients.RETRY_S", (0.02,))
    port = free_port()
    client = gd.connect(f"{scheme}://127.0.0.1:{port}", reconnect=True)
    assert client.running
    assert "connecting to" in repr(client)
    wait_until(lambda: client.statistics().errors >= 2)
    with pytest.raises(NotSent, match="no peer to send to"):
        client.send("?")
    for _ in range(2):
        with gd.listen(f"{scheme}://127.0.0.1:{port}") as server:
            wait_until(lambda: client.statistics().connections == 1)
            assert "connected to" in repr(client)
            client.send("hello")
            server.wait_sync(1)
        wait_until(lambda: client.statistics().connections == 0)
    client.stop()
    assert details(client, "error")[0].startswith("attempt 1 to connect: nobody listens there")
    assert "the next attempt in 0.02 s" in details(client, "error")[0]
    assert ", attempt " in details(client, "open")[0]
    assert len(details(client, "open")) == len(details(client, "close")) == 2


def test_a_client_can_be_interrupted_and_stopped_while_it_connects(monkeypatch):
    monkeypatch.setattr("gdlab.transports.clients.RETRY_S", (60.0,))
    client = gd.connect(f"tcp://127.0.0.1:{free_port()}", reconnect=True)
    client.stop()
    assert not client.running


def test_a_stopped_client_can_be_started_again():
    server = gd.listen("tcp://127.0.0.1:0", framing="lines")
    client = gd.connect(server.addresses[0], framing="lines")
    client.stop()
    client.start()
    client.send("again")
    server.wait_sync(1)
    assert details(client, "open")[1:]


def test_a_client_answers_and_speaks_by_the_same_rules():
    server = gd.listen("tcp://127.0.0.1:0", framing="u32le")
    client = gd.connect(server.addresses[0], framing="u32le", reply=gd.replies.prefix("Got: "), every=None)
    wait_until(lambda: server.statistics().connections == 1)
    server.send("x")
    server.wait_sync(1)
    assert payloads(server) == [b"Got: x"]
    assert gd.connect(server.addresses[0], framing="u32le", reply=b"tick", every=0.01) is client
    server.wait_sync(4)
    assert payloads(server)[1:4] == [b"tick"] * 3


def test_everything_of_a_put_var_stream_that_is_no_bytes_becomes_a_variant():
    pytest.importorskip("gdlab.variant.encode")
    server = gd.listen("tcp://127.0.0.1:0", framing="put_var")
    client = gd.connect(server.addresses[0], framing="put_var")
    client.send(7)
    client.send("hi~")
    client.send(struct.pack("<Ii", 2, 8))
    server.wait_sync(3)
    assert payloads(server) == [struct.pack("<Ii", 2, 7), b"\4\0\0\0\3\0\0\0hi~\0", struct.pack("<Ii", 2, 8)]


def test_a_new_framing_replaces_the_capture_and_says_so(caplog):
    server = gd.listen("tcp://127.0.0.1:0", framing="lines")
    other = gd.listen(server.addresses[0], framing="json")
    assert other is not server
    assert not server.running
    assert "framing was 'lines' and is now 'json'" in caplog.text


@pytest.mark.parametrize(
    ("offered", "detail"), [(["chat", "game"], "/, sub-protocol game"), (["chat"], "/"), (None, "/")]
)
def test_sub_protocols_of_both_sides(offered, detail):
    server = gd.listen("ws://127.0.0.1:0", subprotocols=["game"])
    client = gd.connect(server.addresses[0], subprotocols=offered)
    wait_until(lambda: server.statistics().connections == 1)
    assert details(server, "open") == [detail]
    assert ("sub-protocol game" in details(client, "open")[0]) == ("game" in detail)


def test_compression_where_both_sides_ask_for_it():
    server = gd.listen("ws://127.0.0.1:0", compression=True, reply=gd.replies.echo)
    client = gd.connect(server.addresses[0], compression=True)
    client.send("squeeze " * 1000)
    client.wait_sync(1)
    assert payloads(client) == payloads(server) == [b"squeeze " * 1000]
    (connection,) = client.endpoints[0]._connections
    assert connection.session.protocol.extensions


def test_limits_of_a_listener_are_those_that_were_asked_for():
    server = gd.listen("ws://127.0.0.1:0", max_connections=1, max_message_bytes=100)
    client = gd.connect(server.addresses[0])
    with (
        socket.create_connection(("127.0.0.1", int(server.addresses[0].rpartition(":")[2]))) as refused,
        contextlib.suppress(ConnectionResetError),
    ):
        refused.settimeout(limit(10))
        assert refused.recv(1) == b""
    client.send(bytes(101))
    wait_until(lambda: not client.running)
    assert details(client, "close")[0].startswith("closed by the peer: 1009")
    assert any("the limit is 1 (max_connections)" in text for text in details(server, "error"))
    assert server.statistics().errors == 2


@pytest.mark.parametrize("nodelay", [True, False])
@pytest.mark.parametrize("scheme", ["tcp", "ws"])
def test_nagle_is_off_on_both_sides_unless_asked_for(scheme, nodelay):
    server = gd.listen(f"{scheme}://127.0.0.1:0", nodelay=nodelay)
    client = gd.connect(server.addresses[0], nodelay=nodelay)
    wait_until(lambda: server.statistics().connections == 1)
    for capture in (server, client):
        (endpoint,) = capture.endpoints
        (connection,) = endpoint._connections
        assert bool(connection.sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)) is nodelay


def test_silence_of_a_connected_game_has_a_hint():
    server = gd.listen("tcp://127.0.0.1:0")
    with socket.create_connection(("127.0.0.1", int(server.addresses[0].rpartition(":")[2]))):
        wait_until(lambda: server.statistics().connections == 1)
        with pytest.raises(WaitTimeout, match=r"does the game call StreamPeerTCP\.poll\(\) in every frame"):
            server.wait_sync(1, timeout=0.05)
        assert "1 connection" in repr(server)
