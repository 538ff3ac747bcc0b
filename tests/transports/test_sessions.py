"""Sessions without a socket, a store or a thread: bytes in, what happened out."""

import itertools
import socket
import threading

import pytest
from websockets.client import ClientProtocol
from websockets.uri import parse_uri

from gdlab import framing
from gdlab.errors import NotSent
from gdlab.facts import US, Fact, Reason
from gdlab.messages import Kind, Peer, TimeSource
from gdlab.transports.address import parse
from gdlab.transports.effects import (
    AfterReading,
    Again,
    Arrived,
    Drop,
    Ending,
    Finish,
    Later,
    ManyArrived,
    Opened,
    Withdrawn,
    Write,
)
from gdlab.transports.encoding import Outgoing
from gdlab.transports.options import EndpointOptions
from gdlab.transports.session import Link
from gdlab.transports.tcp_session import TcpSession
from gdlab.transports.websocket_sides import ClientSession, ServerSession

PEER = Peer("127.0.0.1", 50_000)
STOPPED = Fact(Reason.STOPPED, US)


@pytest.fixture(autouse=True)
def no_socket_and_no_thread(monkeypatch):
    def forbidden(*_args, **_kwargs):
        raise AssertionError("a session needs neither sockets nor threads")

    monkeypatch.setattr(socket.socket, "__init__", forbidden)
    monkeypatch.setattr(threading.Thread, "start", forbidden)


def link(address, **options):
    return Link(parse(address), EndpointOptions(**options), PEER, "127.0.0.1")


def tcp(**options):
    session = TcpSession(link("tcp://127.0.0.1:4242", **options))
    assert [type(effect) for effect in session.begin(1)] == [Opened]
    return session


def receive(session, chunk, time_ns=1_000, **options):
    return list(session.receive(chunk, time_ns, TimeSource.USER, **options))


def of(effects, kind):
    return [effect for effect in effects if isinstance(effect, kind)]


def framed(*payloads):
    return b"".join(framing.encode("u32le", payload) for payload in payloads)


def test_a_framed_stream_gives_each_message_with_its_size_on_the_wire():
    session = tcp(framing="u32le")
    wire = framed(b"one", b"two")
    assert receive(session, wire[:5]) == []
    assert session.waiting == (5, 7)
    first, second = receive(session, wire[5:], 2_000)
    assert (first.payload, first.kind, first.time_ns) == (b"one", Kind.TEXT, 2_000)
    assert (second.payload, second.asks) == (b"two", True)
    assert first.wire_bytes == second.wire_bytes > len("one") + 4


def test_messages_that_nobody_answers_come_as_columns():
    payloads = [b"m%03d" % number for number in range(100)]
    effects = receive(tcp(framing="u32le"), framed(*payloads), one_by_one=False)
    rows = sum(len(many.sizes) for many in of(effects, ManyArrived)) + len(of(effects, Arrived))
    assert rows == len(payloads)
    assert b"".join(
        one.payload if isinstance(one, Arrived) else one.payloads.tobytes() for one in effects
    ) == b"".join(payloads)


def test_an_endpoint_acts_on_a_message_before_the_next_one_is_looked_at():
    """A peer that says goodbye in the same packet is still answered."""
    session, game = server_with_game()
    game.send_text(b"hello")
    game.send_close(1000)
    effects = session.receive(b"".join(game.data_to_send()), 1, TimeSource.USER)
    arrived = next(effects)
    assert arrived.payload == b"hello"
    assert session.encode(Outgoing(b"answer", Kind.TEXT)).data
    rest = list(effects)
    assert isinstance(rest[-1], Finish)
    with pytest.raises(NotSent):
        session.encode(Outgoing(b"too late", Kind.TEXT))


def test_a_stream_that_is_broken_ends_with_its_reason():
    session = tcp(framing="u32le", max_message_bytes=100)
    *_, last = receive(session, b"\xff\xff\xff\xff")
    assert isinstance(last, Finish)
    assert (last.reason.reason, last.reason.limit) == (Reason.WE_CLOSED, "max_message_bytes")


def test_a_guess_that_fails_has_the_stream_read_again_and_answers_nothing_twice():
    session = tcp()
    wire = framed(b'{"a": 1}', b'{"b": 2}', b'{"c": 3}')
    before = of(receive(session, wire), Arrived)
    assert before
    bad = receive(session, b"\xff\xff\xff\xff and no more lengths", 2_000)
    again = of(bad, Again)
    assert len(again) == 1
    anew = list(again[0].go_on([framing.Read(wire, 1_000)]))
    assert b"".join(one.payload for one in of(anew, Arrived)).startswith(wire)
    assert not any(one.asks for one in of(anew, Arrived))


def test_a_pause_settles_what_the_framing_is():
    session = tcp()
    (later,) = of(receive(session, b"no newline yet"), Later)
    assert 0 < later.delay_s < 1
    settled = list(later.go_on())
    assert [one.payload for one in of(settled, Arrived)] == [b"no newline yet"]


def test_reframing_gives_the_whole_stream_in_the_new_framing():
    session = tcp(framing="raw")
    wire = framed(b"one", b"two")
    receive(session, wire)
    effects = list(session.reframe("u32le", [framing.Read(wire, 1_000)]))
    assert [one.payload for one in of(effects, Arrived)] == [b"one", b"two"]
    assert not of(effects, Withdrawn)  # whoever asked for it has taken the rows back


def test_leaving_a_stream_ends_it_at_once():
    session = tcp(framing="lines")
    receive(session, b"half a line")
    effects = list(session.take_leave(STOPPED))
    assert effects[-1] == Finish(STOPPED, at_once=True)
    assert len(effects) == 2  # what was incomplete is a row


# ---- WebSocket


def server_with_game(**options):
    """A listener's session and a game's side of the protocol, their handshake done."""
    session = ServerSession(link("ws://127.0.0.1:4242", **options))
    game = ClientProtocol(parse_uri("ws://127.0.0.1:4242"))
    (expiry,) = session.begin(1)
    assert isinstance(expiry, Later)
    game.send_request(game.connect())
    effects = receive(session, b"".join(game.data_to_send()))
    assert [type(effect) for effect in effects] == [Opened, Write]
    for effect in of(effects, Write):
        game.receive_data(effect.data)
    game.events_received()
    return session, game


def test_a_handshake_that_is_none_is_refused_in_words_that_its_sender_can_read():
    session = ServerSession(link("ws://127.0.0.1:4242"))
    (expiry,) = session.begin(1)
    effects = receive(session, b"hello godot\r\n\r\n")
    assert of(effects, Write)[0].data.startswith(b"HTTP/1.1 400")
    assert effects[-1].reason.reason is Reason.REFUSED_HANDSHAKE
    assert list(expiry.go_on()) == []  # nothing is left to expire


def test_a_handshake_that_does_not_come_is_dropped():
    session = ServerSession(link("ws://127.0.0.1:4242", handshake_s=3))
    (expiry,) = session.begin(1)
    assert expiry.delay_s == 3
    (dropped,) = expiry.go_on()
    assert isinstance(dropped, Drop)
    assert dropped.reason.reason is Reason.HANDSHAKE_TIMEOUT


def test_our_client_asks_for_the_socket_and_opens_with_the_answer():
    client = ClientSession(link("ws://127.0.0.1:4242"))
    server = ServerSession(link("ws://127.0.0.1:4242"))
    list(server.begin(1))
    asked, _ = client.begin(1)
    answer = b"".join(effect.data for effect in of(receive(server, asked.data), Write))
    assert [type(effect) for effect in of(receive(client, answer), Opened)] == [Opened]
    sent = client.encode(Outgoing(b"hello", Kind.TEXT))
    (arrived,) = of(receive(server, sent.data), Arrived)
    assert (arrived.payload, arrived.kind, arrived.wire_bytes) == (b"hello", Kind.TEXT, sent.wire_bytes)


@pytest.mark.parametrize("pieces", [1, 3, 50])
def test_a_close_frame_gives_its_code_and_the_reason_comes_before_our_own_close(pieces):
    session, game = server_with_game()
    game.send_close(4001, "match 1006 is over")
    wire = b"".join(game.data_to_send())
    size = -(-len(wire) // pieces)
    chunks = (wire[at : at + size] for at in itertools.count(0, size))
    effects = list(
        itertools.chain.from_iterable(receive(session, c) for c in itertools.takewhile(bool, chunks))
    )
    assert [type(effect) for effect in effects if type(effect) is not Write] == [Ending, Finish]
    assert effects.index(of(effects, Ending)[0]) < effects.index(of(effects, Write)[-1])
    assert (effects[-1].reason.code, effects[-1].reason.said) == (4001, "match 1006 is over")


def test_taking_leave_waits_until_the_last_message_is_read_then_sends_the_code():
    session, game = server_with_game()
    ending, after = session.take_leave(STOPPED)
    assert isinstance(ending, Ending)
    assert isinstance(after, AfterReading)
    write, linger = after.go_on()
    game.receive_data(write.data)
    assert game.close_rcvd.code == 1001
    (finish,) = linger.go_on()
    assert finish.reason == STOPPED._replace(code=1001)


def test_text_that_is_none_is_a_row_and_ends_the_connection_with_1007():
    session, game = server_with_game()
    game.send_text(b"\xff\xfe")
    effects = receive(session, b"".join(game.data_to_send()))
    assert [type(effect).__name__ for effect in effects] == ["Ending", "Noted", "AfterReading"]
    assert effects[1].payload == b"\xff\xfe"
    assert effects[0].reason.code == 1007
