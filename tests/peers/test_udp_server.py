"""`UDPServer`: the same scenarios for the real engine's and for the scripted one."""

import contextlib
import socket
import sys

import pytest

from gdlab.peers import Error
from tests.waiting import limit, wait_until


@pytest.fixture
def server(driver):
    made = driver.make("UDPServer")
    assert made.listen(0, "127.0.0.1") == Error.OK
    yield made
    made.stop()


@pytest.fixture
def new_sender(server):
    """Makes plain sockets that send to the server."""
    with contextlib.ExitStack() as stack:

        def make():
            sock = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
            sock.connect(("127.0.0.1", server.get_local_port()))
            sock.settimeout(limit(5))
            return sock

        yield make


def take(server):
    """The next peer, as soon as there is one."""
    wait_until(lambda: (server.poll(), server.is_connection_available())[1])
    return server.take_connection()


def frame_of_the_blog(server):
    """What the blog's program does in a frame: one peer, one packet, and the peer is not kept."""
    server.poll()
    if server.is_connection_available():
        return server.take_connection().get_packet()
    return None


def test_nothing_happens_without_poll(server, new_sender):
    sender = new_sender()
    sender.send(b"x")
    assert not server.is_connection_available()
    peer = take(server)
    assert peer.is_socket_connected()
    assert (peer.get_packet_ip(), peer.get_packet_port()) == sender.getsockname()  # before any get_packet
    sender.send(b"y")
    assert peer.get_available_packet_count() == 1
    wait_until(lambda: (server.poll(), peer.get_available_packet_count())[1] == 2)
    assert [peer.get_packet(), peer.get_packet()] == [b"x", b"y"]


def test_each_sender_has_a_peer_that_can_answer(server, new_sender):
    senders = [new_sender() for _ in range(3)]
    for number, sender in enumerate(senders):
        sender.send(b"%d" % number)
        sender.send(b"%d again" % number)
    peers = [take(server) for _ in senders]
    assert server.take_connection() is None
    for number, (sender, peer) in enumerate(zip(senders, peers, strict=True)):
        wait_until(lambda peer=peer: (server.poll(), peer.get_available_packet_count())[1] == 2)
        assert [peer.get_packet(), peer.get_packet()] == [b"%d" % number, b"%d again" % number]
        assert peer.put_packet(b"for %d" % number) == Error.OK
        assert sender.recv(100) == b"for %d" % number
        assert peer.connect_to_host("127.0.0.1", 4242) == Error.ERR_LOCKED


def test_a_peer_s_ring_drops_the_newest(server, new_sender):
    sender = new_sender()
    sender.send(bytes(1000))
    peer = take(server)
    for sent in range(2, 81):
        sender.send(bytes(998) + sent.to_bytes(2, "little"))
        if sent % 20 == 0:
            wait_until(
                lambda sent=sent: (server.poll(), peer.get_available_packet_count())[1] == min(sent, 63)
            )
    assert [int.from_bytes(peer.get_packet()[-2:], "little") for _ in range(63)][-1] == 63


def test_sixteen_unknown_senders_wait_the_others_are_dropped(server, new_sender):
    senders = [new_sender() for _ in range(20)]
    for sender in senders:
        sender.send(b"first")
        server.poll()
    kept = [take(server) for _ in range(16)]
    server.poll()
    assert not server.is_connection_available()
    for sender in senders:
        sender.send(b"second")
    kept += [take(server) for _ in range(4)]
    assert [peer.get_packet() for peer in kept] == [b"first"] * 16 + [b"second"] * 4


@pytest.mark.parametrize(
    ("limit", "thrown_away"), [(2, False), (3, False), (4, True), (16, True), (100, True)]
)
def test_more_room_for_waiting_senders_throws_away_those_that_wait(server, new_sender, limit, thrown_away):
    for number in range(3):
        new_sender().send(b"%d" % number)
    wait_until(lambda: (server.poll(), server.is_connection_available())[1])
    server.poll()
    server.max_pending_connections = limit
    assert server.is_connection_available() is not thrown_away


def test_a_peer_that_is_not_kept_is_forgotten_with_what_waits(server, new_sender):
    sender = new_sender()
    for number in range(5):
        sender.send(b"burst %d" % number)
    kept = [take(server)]
    wait_until(lambda: (server.poll(), kept[0].get_available_packet_count())[1] == 5)
    assert kept.pop().get_packet() == b"burst 0"
    server.poll()
    assert not server.is_connection_available()
    sender.send(b"later")
    assert take(server).get_packet() == b"later"


def test_of_300_datagrams_at_200_a_second_the_blog_s_server_reads_a_third(server, new_sender):
    sender = new_sender()
    read = []
    sent = 0
    for frame in range(1, 91):  # 90 frames at 60 per second are 1.5 s
        while sent < frame * 200 / 60:
            sender.send(b"%d" % sent)
            sent += 1
        packet = frame_of_the_blog(server)
        if packet is not None:
            read.append(int(packet))
    assert sent == 300
    assert 80 <= len(read) <= 90
    assert read == sorted(read)
    assert frame_of_the_blog(server) is None  # the others are not late but lost


def test_a_server_that_keeps_its_peers_reads_all_of_them(server, new_sender):
    sender = new_sender()
    read, peers, sent = [], [], 0
    for frame in range(1, 91):
        while sent < frame * 200 / 60:
            sender.send(b"%d" % sent)
            sent += 1
        server.poll()
        if server.is_connection_available():
            peers.append(server.take_connection())
        for peer in peers:
            while peer.get_available_packet_count() > 0:
                read.append(int(peer.get_packet()))
    wait_until(lambda: (server.poll(), peers[0].get_available_packet_count())[1] == 300 - len(read))
    read += [int(peers[0].get_packet()) for _ in range(300 - len(read))]
    assert read == list(range(300))
    assert len(peers) == 1


def test_a_closed_peer_is_new_again(server, new_sender):
    sender = new_sender()
    sender.send(b"1")
    peer = take(server)
    peer.close()
    assert peer.get_available_packet_count() == -1
    assert not peer.is_bound()
    sender.send(b"2")
    assert take(server).get_packet() == b"2"


def test_stopping_closes_all_peers(server, new_sender):
    sender = new_sender()
    sender.send(b"1")
    peer = take(server)
    port = server.get_local_port()
    server.stop()
    assert not server.is_listening()
    assert peer.get_available_packet_count() == -1
    assert not peer.is_socket_connected()
    assert server.listen(port, "127.0.0.1") == Error.OK


def test_what_cannot_be_opened(driver, server):
    other = driver.make("UDPServer")
    assert other.poll() == Error.ERR_UNCONFIGURED
    assert not other.is_listening()
    assert not other.is_connection_available()
    assert other.take_connection() is None
    assert other.listen(0, "localhost") == Error.ERR_INVALID_PARAMETER
    assert server.listen(0) == Error.ERR_ALREADY_IN_USE
    taken = driver.make("PacketPeerUDP")
    taken.bind(0, "127.0.0.1")
    assert other.listen(taken.get_local_port(), "127.0.0.1") == Error.ERR_UNAVAILABLE


@pytest.mark.skipif(sys.platform != "linux", reason="what SO_REUSEADDR means differs")
def test_two_servers_on_one_port_are_no_error(driver, server):
    other = driver.make("UDPServer")
    assert other.listen(server.get_local_port(), "127.0.0.1") == Error.OK
    other.stop()
