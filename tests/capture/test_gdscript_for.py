"""The script that a capture gives for its other side."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

import gdlab as gd
from gdlab.errors import GdscriptError
from gdlab.transports import lan_address


@pytest.fixture(autouse=True)
def stop_everything() -> Iterator[None]:
    yield
    gd.stop_all()


def port_of(address: str) -> int:
    return int(address.split(":")[2].partition("/")[0])


def test_a_listener_gives_a_client_for_its_real_port() -> None:
    with gd.listen("udp://localhost:0") as cap:
        text = cap.gdscript()
    assert f'const HOST := "127.0.0.1"\nconst PORT := {port_of(cap.addresses[0])}\n' in text
    assert "PacketPeerUDP.new()" in text
    assert cap.addresses[0] in text
    assert text == cap.gdscript(codec="json")  # also after it has been stopped


def test_options_of_the_capture_are_those_of_the_script() -> None:
    with gd.listen("tcp://127.0.0.1:0", framing="put_var") as cap:
        assert ".stream.put_var(_message())" in cap.gdscript()
    with gd.listen("ws://127.0.0.1:0", subprotocols=["chat"]) as cap:
        assert '["chat"]' in cap.gdscript("web")


def test_a_client_gives_a_server_on_loopback_where_that_is_enough() -> None:
    with gd.connect("udp://127.0.0.1:4243") as cap:
        text = cap.gdscript("echo")
    assert 'const HOST := "127.0.0.1"\nconst PORT := 4243\n' in text
    assert "UDPServer.new()" in text
    with gd.connect("udp://[::1]:4243") as cap:
        assert 'const HOST := "::1"\n' in cap.gdscript()
    with gd.connect("udp://192.0.2.1:4243") as cap:
        assert 'const HOST := "*"\n' in cap.gdscript()


@pytest.mark.parametrize("address", ["udp://:0", "udp://0.0.0.0:0"])
def test_an_open_listener_gives_the_address_that_others_see(address: str) -> None:
    with gd.listen(address, host="lan") as cap:
        text = cap.gdscript()
    assert f'const HOST := "{lan_address() or "127.0.0.1"}"\n' in text
    assert "as others on its network see it" in text


def test_of_several_endpoints_one_is_chosen() -> None:
    with gd.listen("udp://127.0.0.1:0", "ws://127.0.0.1:0", "ws://127.0.0.1:0") as cap:
        with pytest.raises(GdscriptError, match=f'say which.*"{cap.addresses[0]}"'):
            cap.gdscript()
        assert "PacketPeerUDP" in cap.gdscript(endpoint="udp")
        assert cap.addresses[2] in cap.gdscript(endpoint=cap.addresses[2])
        with pytest.raises(GdscriptError, match="'ws' is several of this capture's"):
            cap.gdscript(endpoint="ws")
        with pytest.raises(GdscriptError, match="'tcp' is none of this capture's"):
            cap.gdscript(endpoint="tcp")


def test_a_game_without_websocket_is_told_that_a_browser_has_nothing_else() -> None:
    with gd.listen("udp://127.0.0.1:0") as cap, pytest.raises(GdscriptError, match="browser cannot send UDP"):
        cap.gdscript("web")
