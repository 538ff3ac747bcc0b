"""What a hostile other side sends to the scripted objects: nothing raises, and memory stays bounded."""

import contextlib
import socket

from hypothesis import given, settings
from hypothesis import strategies as st

from gdlab.peers import PacketPeerUDP, State, UDPServer, WebSocketPeer
from tests.peers.ws_server import Server, frame
from tests.waiting import wait_until

bounded = settings(max_examples=40, deadline=None)

wire = st.lists(
    st.one_of(
        st.binary(max_size=50),
        st.builds(
            frame, st.integers(0, 15), st.binary(max_size=300), fin=st.booleans(), masked=st.booleans()
        ),
        st.sampled_from([frame(2, bytes(65_535)), frame(2, bytes(65_536)), b"\x82\xff" + b"\xff" * 8]),
    ),
    max_size=8,
).map(b"".join)


@bounded
@given(wire)
def test_any_bytes_after_the_handshake(data):
    with contextlib.closing(Server()) as server:
        peer = WebSocketPeer()
        peer.connect_to_url(server.url)
        server.accept()
        wait_until(lambda: (peer.poll(), server.has_request())[1])
        server.send(server.answer() + data)
        server.connection.shutdown(socket.SHUT_WR)
        size = 0
        # Either it ends, or it waits for its packets to be taken; a message over its ring stalls it for ever.
        for _ in range(20):
            peer.poll()
            for _ in range(peer.get_available_packet_count()):
                size += len(peer.get_packet())
        assert size <= len(data)
        assert peer.get_ready_state() is not State.STATE_CONNECTING
        peer.close(-1)


@bounded
@given(st.binary(max_size=5000))
def test_any_bytes_instead_of_the_handshake(data):
    with contextlib.closing(Server()) as server:
        peer = WebSocketPeer()
        peer.connect_to_url(server.url)
        server.accept()
        wait_until(lambda: (peer.poll(), server.has_request())[1])
        server.connection.recv(4096)
        server.send(data)
        server.connection.shutdown(socket.SHUT_WR)
        wait_until(lambda: (peer.poll(), peer.get_ready_state())[1] is State.STATE_CLOSED)
        assert peer.get_close_code() == -1


def test_a_flood_of_datagrams_from_many_senders():
    server = UDPServer()
    server.listen(0, "127.0.0.1")
    for _ in range(200):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.sendto(b"x" * 1000, ("127.0.0.1", server.get_local_port()))
        server.poll()
    taken = []
    while (peer := server.take_connection()) is not None:
        taken.append(peer)
    assert len(taken) == 16
    server.stop()


def test_names_and_ports_that_cannot_be():
    peer = PacketPeerUDP()
    assert peer.connect_to_host("fe80::1%lo", 5) != 0
    for name in ("a\0b", "\udcff", "x" * 300, "1.2.3.4.5"):
        assert peer.connect_to_host(name, 5) != 0
        assert peer.set_dest_address(name, 5) != 0
    assert peer.set_dest_address("127.0.0.1", 1 << 40) == 0  # not checked, as in the engine
    assert peer.put_packet(b"x") != 0
    peer.close()
