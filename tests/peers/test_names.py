"""Names and numbers: what the scripted objects call things is what the engine calls them."""

import inspect

import pytest

from gdlab import peers
from gdlab.peers import Error, State, Status, WriteMode

CLASSES = ["PacketPeerUDP", "StreamPeerTCP", "TCPServer", "UDPServer", "WebSocketPeer"]


only_the_engine = pytest.mark.parametrize(
    "driver", [pytest.param("engine", marks=pytest.mark.godot)], indirect=True
)


@only_the_engine
@pytest.mark.parametrize("name", CLASSES)
def test_every_method_is_one_of_the_engine_s(driver, name):
    ours = {
        method
        for method, _ in inspect.getmembers(getattr(peers, name), inspect.isfunction)
        if not method.startswith("_")
    }
    assert ours <= set(driver.methods(name))
    assert len(ours) >= 5


@only_the_engine
def test_the_constants_are_the_engine_s(driver):
    for prefix, constants in [
        ("", Error),
        ("StreamPeerTCP.", Status),
        ("WebSocketPeer.", State),
        ("WebSocketPeer.", WriteMode),
    ]:
        values = driver.constants([prefix + constant.name for constant in constants])
        assert dict(zip(constants.__members__, values, strict=True)) == dict(constants.__members__)
    assert len(Error) == 49


@pytest.mark.parametrize(
    "data",
    [
        b"plain",
        b"",
        b"a\0b",
        b"\xef\xbb\xbfhi",
        "ö€\U0001f600".encode(),
        b"\xff\xfea",
        b"\xc3",
        b"\xed\xa0\x80",
        b"\xf4\x90\x80\x80",
        b"a\xe2\x82b",
    ],
)
def test_texts_from_bytes(driver, data):
    text = driver.text(data)
    assert text == peers.get_string_from_utf8(data)
    assert ("\ufffd" in text) is (
        data not in {b"plain", b"", b"a\0b", b"\xef\xbb\xbfhi", "ö€\U0001f600".encode()}
    )
