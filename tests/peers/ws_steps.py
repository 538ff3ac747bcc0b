"""Steps that the scenarios for `WebSocketPeer` are made of."""

from gdlab.peers import Error, State
from tests.waiting import wait_until

CONNECTING, OPEN, CLOSING, CLOSED = (int(state) for state in State)


def state(peer):
    peer.poll()
    return peer.get_ready_state()


def asked(peer, server):
    """Connect as far as the request."""
    assert peer.connect_to_url(server.url) == Error.OK
    assert peer.get_ready_state() == CONNECTING
    server.accept()
    wait_until(lambda: (peer.poll(), server.has_request())[1])


def opened(peer, server, then=b""):
    """Connect; `then` is sent with the answer's last bytes."""
    asked(peer, server)
    server.send(server.answer() + then)
    if not then:
        wait_until(lambda: state(peer) == OPEN)


def ended(peer):
    wait_until(lambda: state(peer) == CLOSED)
    assert peer.get_available_packet_count() == 0
    return peer.get_close_code(), peer.get_close_reason()


def messages(peer, count):
    wait_until(lambda: (peer.poll(), peer.get_available_packet_count())[1] >= count)
    assert peer.get_available_packet_count() == count
    return [(peer.get_packet(), peer.was_string_packet()) for _ in range(count)]
