"""Addresses as people write them, and what is said of those that cannot be used."""

import pytest

from gdlab.errors import AddressError
from gdlab.transports import Address, parse, parse_known, parse_remote


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("udp://127.0.0.1:4242", Address("udp", "127.0.0.1", 4242)),
        (" udp://127.0.0.1:4242/ ", Address("udp", "127.0.0.1", 4242)),
        ("udp://localhost:4242", Address("udp", "localhost", 4242)),
        ("udp://:4242", Address("udp", "localhost", 4242)),
        ("udp://[::1]:0", Address("udp", "::1", 0)),
        ("tcp://127.0.0.2:50007", Address("tcp", "127.0.0.2", 50007)),
        ("ws://localhost:5000/chat", Address("ws", "localhost", 5000, "/chat")),
    ],
)
def test_usual_forms(text, address):
    assert parse(text) == address
    assert not address.is_lan
    assert parse(str(address)) == address


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("4242", "udp://127.0.0.1:4242"),
        ("udp:4242", "udp://127.0.0.1:4242"),
        ("", "not understood"),
        ("udp://127.0.0.1", "names no port"),
        ("udp://127.0.0.1:", "names no port"),
        ("udp://127.0.0.1:70000", "65535"),
        ("udp://127.0.0.1:-1", "not understood"),
        ("http://127.0.0.1:80", "udp://, tcp://, ws://"),
        ("wss://127.0.0.1:80", "use ws://"),
        ("udp://127.0.0.1:4242/path", "path"),
        ("udp://my.game.example:4242", "neither an IP address"),
        ("udp://256.0.0.1:1", "neither an IP address"),
        ("udp://::1:4242", "not understood"),
        (4242, "not understood"),
        (None, "not understood"),
    ],
)
def test_what_cannot_be_understood_says_what_can(text, says):
    with pytest.raises(AddressError) as caught:
        parse(text)
    assert says in str(caught.value)


@pytest.mark.parametrize(
    "text", ["udp://0.0.0.0:1", "udp://[::]:1", "udp://lan:1", "udp://*:1", "udp://192.168.1.20:1"]
)
def test_other_machines_come_in_only_when_that_is_said(text):
    with pytest.raises(AddressError, match='host="lan"'):
        parse(text)
    assert parse(text, host="lan").is_lan


def test_lan_opens_every_interface():
    assert [host for _, host in parse("udp://:4242", host="lan").families()] == ["0.0.0.0", "::"]
    with pytest.raises(AddressError, match="lan"):
        parse("udp://:4242", host="internet")


@pytest.mark.parametrize("text", ["udp://127.0.0.1:4242", "tcp://127.0.0.2:4242", "ws://[::1]:4242"])
def test_a_loopback_address_is_not_opened_to_other_machines(text):
    with pytest.raises(AddressError, match=r"this machine only.*//:4242.*leave"):
        parse(text, host="lan")
    assert str(parse_known(text)) == text


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("udp://192.168.1.20:4243", Address("udp", "192.168.1.20", 4243)),
        ("tcp://my-game.example:5", Address("tcp", "my-game.example", 5)),
        ("ws://[::1]:5000/chat", Address("ws", "::1", 5000, "/chat")),
        ("ws://:5000", Address("ws", "localhost", 5000)),
    ],
)
def test_any_host_can_be_connected_to(text, address):
    assert parse_remote(text) == address
    assert isinstance(address.is_lan, bool)
