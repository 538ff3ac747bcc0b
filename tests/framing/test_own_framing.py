"""A framing of the user's own: the conformance kit finds what is wrong with it, and a name makes it known."""

import socket

import pytest

import gdlab
from gdlab import framing
from gdlab.errors import FramingError
from gdlab.framing import names
from gdlab.framing.custom import check_framing

STREAM = b"\2hi\0\3you"


class Short:
    """One byte of length."""

    name = "short"

    def cut(self, data):
        return (1, data[0] + 1, data[0] + 1) if data else None

    def encode(self, payload):
        return bytes([len(payload)]) + payload


def test_the_kit_passes_what_is_right():
    check_framing(Short(), STREAM, [b"hi", b"", b"you"])
    check_framing(lambda data: data[0] + 1 if data else None, STREAM, [b"\2hi", b"\0", b"\3you"])


class Hasty(Short):
    """Takes what has come for a whole frame."""

    def cut(self, data):
        return len(data) or None


class Unframed(Short):
    """Sends without the length."""

    def encode(self, payload):
        return b"\5" + payload


class Strict(Short):
    """Refuses what its game sends."""

    def cut(self, data):
        if data[:1] == b"\0":
            raise ValueError("a length of 0")
        return super().cut(data)


class Late(Short):
    """Waits for a byte behind the frame."""

    def cut(self, data):
        return super().cut(data) if data and len(data) > data[0] + 1 else None


@pytest.mark.parametrize(
    ("made", "said"),
    [
        (Hasty, "byte by byte it is cut otherwise"),
        (Unframed, "are left over|is not cut back"),
        (Strict, "fails on its own stream: .*a length of 0"),
        (Late, "4 bytes of whole frames are left over"),
    ],
)
def test_the_kit_finds_what_is_wrong(made, said):
    with pytest.raises(AssertionError, match=said):
        check_framing(made(), STREAM)


def test_the_kit_compares_the_payloads():
    with pytest.raises(AssertionError, match="the payloads are"):
        check_framing(Short(), STREAM, [b"hi", b"you"])


@pytest.fixture
def registered():
    names.register("of_mine", Short())
    yield "of_mine"
    for known in (names.NAMES, names._CUTS):
        del known["of_mine"]
    names._REGISTERED.discard("of_mine")


def test_a_registered_framing_is_used_by_its_name(registered):
    assert framing.encode(registered, b"hi") == b"\2hi"
    framer = framing.framer(registered)
    framer.receive_data(STREAM)
    assert [frame.payload for frame in framer.frames()] == [b"hi", b"", b"you"]
    assert names.NAMES[registered] == "registered: short"
    names.register(registered, Short())  # once more replaces it, as a cell that is run again does


def test_a_capture_takes_it_by_name_and_reframes_to_it(registered):
    with gdlab.listen("tcp://127.0.0.1:0", framing="raw") as capture:
        with socket.create_connection(("127.0.0.1", int(capture.addresses[0].rpartition(":")[2]))) as game:
            game.sendall(STREAM)
            capture.wait_sync(1)
        capture.reframe(registered)
        table = capture.df
        assert table[table.event == "message"].payload.tolist() == [b"hi", b"", b"you"]


@pytest.mark.parametrize(
    ("name", "given", "said"),
    [
        ("u32le", Short(), "gdlab's own"),
        ("two words", Short(), "cannot name a framing"),
        ("other", "u32le", "has a name already"),
        ("other", 5, "not int"),
    ],
)
def test_what_cannot_be_registered_is_refused(name, given, said):
    with pytest.raises(FramingError, match=said):
        names.register(name, given)
    assert "other" not in names.NAMES
