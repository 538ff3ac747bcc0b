"""What a script says of the endpoint that it was written for, and what cannot be written."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gdlab.errors import FramingError, GdscriptError
from gdlab.gdscript import Script, Target, write

UDP = Target(transport="udp", host="127.0.0.1", port=4242, shown="udp://127.0.0.1:4242")
TCP = replace(UDP, transport="tcp", shown="tcp://127.0.0.1:4242")
WS = replace(UDP, transport="ws", path="/chat", shown="ws://127.0.0.1:4242/chat")


def test_the_address_is_the_endpoints() -> None:
    text = write(UDP)
    assert 'const HOST := "127.0.0.1"\nconst PORT := 4242\n' in text
    assert "udp://127.0.0.1:4242" in text.splitlines()[1]
    assert 'const URL := "ws://127.0.0.1:4242/chat"\n' in write(WS)
    assert 'const URL := "ws://[::1]:4242/chat"\n' in write(replace(WS, host="::1"))
    assert "listen(PORT, HOST)" in write(replace(WS, game_listens=True))


def test_an_address_cannot_leave_its_string_nor_its_comment() -> None:
    odd = 'ws://127.0.0.1:4242/"\\\rprint(1)'
    text = write(replace(WS, path='/"\\\rprint(1)', shown=odd))
    assert r'const URL := "ws://127.0.0.1:4242/\"\\\rprint(1)"' in text
    assert "\r" not in text
    assert all(line.startswith("#") for line in text.splitlines() if '/"\\?print' in line)


def test_subprotocols_are_offered_where_gdlab_speaks_some() -> None:
    assert "supported_protocols" not in write(WS)
    text = write(replace(WS, subprotocols=("chat", "b")))
    assert 'const PROTOCOLS: PackedStringArray = ["chat", "b"]\n' in text
    assert "\t_gdlab.supported_protocols = PROTOCOLS\n" in text


@pytest.mark.parametrize(
    ("framing", "codec", "call"),
    [
        ("put_var", "variant", "_gdlab.stream.put_var(_message())"),
        ("put_var_be", "auto", "_gdlab.stream.put_var(_message())"),
        ("put_string", "text", "_gdlab.stream.put_string(_message())"),
        ("put_utf8_string_be", "json", "_gdlab.stream.put_utf8_string(_message())"),
        ("u16be", "bytes", "_gdlab.put_packet(_message())"),
        ("packet_peer_stream", "variant", "_gdlab.put_var(_message())"),
    ],
)
def test_each_framing_is_spoken_by_godots_own_call(framing: str, codec: str, call: str) -> None:
    assert f"\t\t{call}\n" in write(replace(TCP, framing=framing), codec=codec)


def test_lengths_have_their_size_and_order() -> None:
    text = write(replace(TCP, framing="u16be"))
    assert "const HEADER_BYTES := 2\n" in text
    assert "const BIG_ENDIAN := true\n" in text
    assert "stream.get_u16()" in text
    assert "stream.put_u16(packet.size())" in text
    assert "u32" not in text


def test_frames_of_one_length_have_it() -> None:
    text = write(replace(TCP, framing="fixed:24"))
    assert "const MESSAGE_BYTES := 24\n" in text
    assert "const SIZE := 24\n" in text


def test_a_remark_stands_where_one_is_needed() -> None:
    assert "as others on its network see it" in write(replace(UDP, on_lan=True))
    assert "as others on its network see it" not in write(UDP)
    assert "origins=[" in write(WS, "web")
    assert "finds the framing out by itself" in write(TCP)
    assert "finds the framing out by itself" not in write(replace(TCP, framing="json"))
    assert "put_utf8_string() keeps them all" in write(replace(TCP, framing="put_string"))


@pytest.mark.parametrize(
    ("target", "kind", "codec", "said"),
    [
        (UDP, "sned", "auto", "send, echo, probe, web"),
        (UDP, "send", "msgpack", "text, json, variant, bytes"),
        (UDP, "web", "auto", r'browser cannot send UDP.*gd.listen\("ws://127.0.0.1:4242"\)'),
        (TCP, "web", "auto", r'browser cannot send TCP.*gd.listen\("ws://127.0.0.1:4242"\)'),
        (replace(WS, game_listens=True), "web", "auto", "browser cannot listen"),
        (replace(TCP, framing="put_var"), "send", "json", "only variant.*packet_peer_stream"),
        (replace(TCP, framing="lines"), "send", "bytes", "only text or json"),
        (replace(TCP, framing="raw"), "probe", "auto", 'tells no messages apart.*"lines"'),
        (replace(TCP, framing="fixed:24"), "probe", "auto", 'messages of one length.*"lines"'),
        (replace(TCP, game_listens=True), "echo", "auto", r"gd.connect\(..., framing="),
    ],
)
def test_what_no_game_can_do_is_said_with_the_way_out(
    target: Target, kind: str, codec: str, said: str
) -> None:
    with pytest.raises(GdscriptError, match=said):
        write(target, kind, codec)


def test_a_framing_that_is_none_is_said_to_be_none() -> None:
    with pytest.raises(FramingError, match="lines"):
        write(replace(TCP, framing="line"))


def test_a_script_is_text_and_shows_itself_as_code() -> None:
    script = write(UDP)
    assert isinstance(script, Script)
    assert isinstance(script, str)
    assert script == str(script)
    assert script._repr_markdown_() == f"```gdscript\n{script}```\n"
    shown: list[str] = []

    class Printer:
        text = staticmethod(shown.append)

    script._repr_pretty_(Printer(), False)
    assert shown == [script]
