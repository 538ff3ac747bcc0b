"""`PacketPeerUDP`: the same scenarios for the real engine's and for the scripted one."""

import socket

import pytest

from gdlab.peers import Error
from tests.waiting import limit, wait_until


@pytest.fixture
def sender():
    """A plain socket, bound to an address of its own."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        sock.settimeout(limit(5))
        yield sock


@pytest.fixture
def peer(driver):
    made = driver.make("PacketPeerUDP")
    yield made
    made.close()


def port_of(sock):
    return sock.getsockname()[1]


def send_until_full(sender, peer, payload, kept):
    """Send a little more than fits, in pieces that the kernel's buffer takes, asking for the count after each."""
    to = ("127.0.0.1", peer.get_local_port())
    for sent in range(1, kept + 21):
        sender.sendto(payload + sent.to_bytes(2, "little"), to)
        if sent % 20 == 0:
            wait_until(lambda sent=sent: peer.get_available_packet_count() == min(sent, kept))
    wait_until(lambda: peer.get_available_packet_count() == kept)


@pytest.mark.parametrize(
    ("opened", "size", "kept"),
    [
        ("connect", 1000, 63),
        (65_536, 1000, 127),  # the power of two *above*: 131,072
        (65_535, 1000, 63),
        (32_768, 1000, 63),
        (1000, 100, 8),
        ("connect", 20, 1489),
    ],
)
def test_a_full_ring_drops_the_newest(driver, peer, sender, opened, size, kept):
    if opened == "connect":
        assert peer.connect_to_host("127.0.0.1", port_of(sender)) == Error.OK
    else:
        assert peer.bind(0, "127.0.0.1", opened) == Error.OK
    send_until_full(sender, peer, bytes(size - 2), kept)
    got = [int.from_bytes(peer.get_packet()[-2:], "little") for _ in range(kept)]
    assert got == list(range(1, kept + 1))
    assert peer.get_available_packet_count() == 0


def test_there_is_room_again_after_reading(peer, sender):
    peer.bind(0, "127.0.0.1", 1000)
    send_until_full(sender, peer, bytes(98), 8)
    peer.get_packet()
    sender.sendto(b"again", ("127.0.0.1", peer.get_local_port()))
    wait_until(lambda: peer.get_available_packet_count() == 8)


def test_packets_go_both_ways_and_tell_their_sender(peer, sender):
    assert (peer.get_packet_ip(), peer.get_packet_port()) == ("", 0)
    assert peer.connect_to_host("127.0.0.1", port_of(sender)) == Error.OK
    assert peer.is_bound()
    assert peer.is_socket_connected()
    assert peer.put_packet(b"hi") == Error.OK
    payload, address = sender.recvfrom(100)
    assert payload == b"hi"
    assert address == ("127.0.0.1", peer.get_local_port())
    sender.sendto(b"hello", address)
    wait_until(lambda: peer.get_available_packet_count() == 1)
    assert peer.get_packet() == b"hello"
    assert (peer.get_packet_ip(), peer.get_packet_port()) == ("127.0.0.1", port_of(sender))


def test_a_bound_peer_takes_from_anyone_and_answers_where_it_is_told(peer, sender):
    assert peer.bind(0) == Error.OK
    sender.sendto(b"x", ("127.0.0.1", peer.get_local_port()))
    wait_until(lambda: peer.get_available_packet_count() == 1)
    assert peer.put_packet(b"y") == Error.ERR_UNCONFIGURED
    peer.get_packet()
    assert peer.set_dest_address(peer.get_packet_ip(), peer.get_packet_port()) == Error.OK
    assert peer.put_packet(b"y") == Error.OK
    assert sender.recv(100) == b"y"


@pytest.mark.skipif(not socket.has_ipv6, reason="no IPv6")
def test_ipv6_addresses_are_written_without_shortening(driver, peer):
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as sock:
        try:
            sock.bind(("::1", 0))
        except OSError:
            pytest.skip("no IPv6 address on this machine")
        peer.bind(0, "*")
        sock.sendto(b"x", ("::1", peer.get_local_port()))
        wait_until(lambda: peer.get_available_packet_count() == 1)
        peer.get_packet()
        assert peer.get_packet_ip() == "0:0:0:0:0:0:0:1"
        assert peer.set_dest_address("::1", port_of(sock)) == Error.OK
        assert peer.put_packet(b"back") == Error.OK
        assert sock.recv(100) == b"back"


def test_a_connected_peer_takes_only_from_there(peer, sender):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
        peer.connect_to_host("127.0.0.1", port_of(sender))
        stranger.sendto(b"psst", ("127.0.0.1", peer.get_local_port()))
        sender.sendto(b"hello", ("127.0.0.1", peer.get_local_port()))
        wait_until(lambda: peer.get_available_packet_count() > 0)
        assert peer.get_packet() == b"hello"
        assert peer.get_available_packet_count() == 0


def test_an_empty_packet_is_ok_and_not_sent(peer, sender):
    peer.connect_to_host("127.0.0.1", port_of(sender))
    assert peer.put_packet(b"") == Error.OK
    assert peer.put_packet(b"next") == Error.OK
    assert sender.recv(100) == b"next"


def test_an_empty_datagram_counts(peer, sender):
    peer.bind(0, "127.0.0.1")
    sender.sendto(b"", ("127.0.0.1", peer.get_local_port()))
    wait_until(lambda: peer.get_available_packet_count() == 1)
    assert (peer.get_packet(), peer.get_packet_error()) == (b"", Error.OK)
    assert (peer.get_packet(), peer.get_packet_error()) == (b"", Error.ERR_UNAVAILABLE)


def test_the_largest_packet(peer, sender):
    peer.connect_to_host("127.0.0.1", port_of(sender))
    assert peer.put_packet(bytes(65_507)) == Error.OK
    assert len(sender.recv(70_000)) == 65_507
    assert peer.put_packet(bytes(65_508)) == Error.FAILED


def test_an_unopened_peer(peer):
    assert not peer.is_bound()
    assert not peer.is_socket_connected()
    assert peer.get_available_packet_count() == -1
    assert (peer.get_packet(), peer.get_packet_error()) == (b"", Error.FAILED)
    assert peer.put_packet(b"x") == Error.ERR_UNCONFIGURED
    assert peer.put_packet(b"") == Error.OK


def test_nobody_listens_is_seen_only_when_connected(driver, sender):
    port = port_of(sender)
    sender.close()
    connected, unconnected = driver.make("PacketPeerUDP"), driver.make("PacketPeerUDP")
    connected.connect_to_host("127.0.0.1", port)
    unconnected.set_dest_address("127.0.0.1", port)
    for _ in range(3):
        assert connected.put_packet(b"anyone?") == Error.OK
        wait_until(lambda: connected.get_available_packet_count() == -1)
        assert connected.get_available_packet_count() == 0  # the refusal is told once
        assert unconnected.put_packet(b"anyone?") == Error.OK
        assert unconnected.get_available_packet_count() == 0


def test_what_cannot_be_opened(driver, peer):
    assert peer.connect_to_host("localhost", 4242) == Error.ERR_INVALID_PARAMETER  # names are refused
    assert peer.connect_to_host("127.0.0.1", 0) == Error.ERR_INVALID_PARAMETER
    assert peer.connect_to_host("127.0.0.1", 65_536) == Error.ERR_INVALID_PARAMETER
    assert peer.set_dest_address("localhost", 4242) == Error.OK
    assert peer.bind(65_536) == Error.ERR_INVALID_PARAMETER
    assert peer.bind(0, "localhost") == Error.ERR_INVALID_PARAMETER
    assert peer.bind(0, "192.0.2.1") == Error.ERR_UNAVAILABLE
    assert peer.bind(0) == Error.OK
    assert peer.bind(0) == Error.ERR_ALREADY_IN_USE
    other = driver.make("PacketPeerUDP")
    assert other.bind(peer.get_local_port()) == Error.ERR_UNAVAILABLE
    assert not other.is_bound()


def test_what_waited_at_close_comes_again_after_the_next_bind(peer, sender):
    peer.bind(0, "127.0.0.1")
    for text in (b"old 1", b"old 2"):
        sender.sendto(text, ("127.0.0.1", peer.get_local_port()))
    wait_until(lambda: peer.get_available_packet_count() == 2)
    peer.close()
    assert peer.get_available_packet_count() == -1
    peer.bind(0, "127.0.0.1")
    assert peer.get_available_packet_count() == 0
    sender.sendto(b"new", ("127.0.0.1", peer.get_local_port()))
    wait_until(lambda: peer.get_available_packet_count() == 1)
    assert peer.get_packet() == b"old 1"


def test_what_waited_at_connecting_is_counted_but_gone(peer, sender):
    peer.bind(0, "127.0.0.1")
    sender.sendto(b"old", ("127.0.0.1", peer.get_local_port()))
    wait_until(lambda: peer.get_available_packet_count() == 1)
    peer.connect_to_host("127.0.0.1", port_of(sender))
    assert peer.get_available_packet_count() == 1
    assert (peer.get_packet(), peer.get_packet_error()) == (b"", Error.OK)
    assert peer.get_packet_ip() == "0:0:0:0:0:0:0:0"


def test_a_peer_that_nobody_keeps_is_closed(driver, sender):
    peer = driver.make("PacketPeerUDP")
    peer.bind(0, "127.0.0.1")
    port = peer.get_local_port()
    del peer
    other = driver.make("PacketPeerUDP")
    assert other.bind(port, "127.0.0.1") == Error.OK
    other.close()


def test_how_much_waited_at_close_takes_room_after_the_next_bind(peer, sender):
    """A hundred datagrams are 102,400 bytes; of these the shrunken ring keeps that modulo its 65,536."""
    peer.bind(0, "127.0.0.1")
    for sent in range(1, 101):
        sender.sendto(bytes(1000), ("127.0.0.1", peer.get_local_port()))
        if sent % 20 == 0:
            wait_until(lambda sent=sent: peer.get_available_packet_count() == sent)
    peer.close()
    peer.bind(0, "127.0.0.1")
    kept = (131_071 - 102_400 % 65_536) // 1024
    send_until_full(sender, peer, bytes(998), kept)


def test_a_refusal_fails_the_next_packet(driver, sender):
    """Unless the script asks for the count in between, which takes note of it."""
    port = port_of(sender)
    sender.close()
    peer = driver.make("PacketPeerUDP")
    peer.connect_to_host("127.0.0.1", port)
    wait_until(lambda: peer.put_packet(b"anyone?") == Error.FAILED)
    assert peer.get_available_packet_count() == 0
