"""What a real Godot sent, sent again to our listeners: every row must be the call that was made."""

import socket

import pytest

from gdlab import variant
from gdlab.transports import EndpointOptions
from tests.framing.conformance import cuts
from tests.recorded import CAPTURES, DATA, chunks_of, sent, variant_bytes
from tests.transports.clients import UdpClient, listening, rows
from tests.transports.test_wsframes import whole
from tests.waiting import limit, wait_until


def payload_of(call):
    """The bytes that a recorded call put on the wire."""
    if call.get("pattern") == "i%251":
        return bytes(index % 251 for index in range(call["size"]))
    if "pattern" in call:
        return bytes([int(call["pattern"])]) * call["size"]
    value = call["value"]
    if call["op"] == "put_var":
        return variant_bytes(value)
    return bytes.fromhex(value["bytes"]) if value["t"] == "PackedByteArray" else value["v"].encode()


@pytest.mark.parametrize("file", ["udp_put_packet.bin", "udp_put_var.bin"])
def test_datagrams(file):
    with listening("udp://127.0.0.1:0") as (made, store), UdpClient(made.address.port) as client:
        for number, datagram in enumerate(chunks_of(file), 1):
            client.send(datagram)
            wait_until(lambda number=number: store.received == number)
    assert list(rows(store).payload) == [payload_of(call) for call in sent(file)]


@pytest.mark.parametrize("compression", [False, True], ids=["own", "library"])
@pytest.mark.parametrize("name", ["ws_frames", "ws_headers"])
def test_a_websocket_client(name, compression):
    capture = CAPTURES[f"{name}.bin"]
    calls = [call for call in sent(f"{name}.bin") if call["op"] != "close"]
    options = EndpointOptions(compression=compression, subprotocols=["demo-chat"])
    with listening("ws://127.0.0.1:0", options=options) as (made, store):
        with socket.create_connection(("127.0.0.1", made.address.port), timeout=limit(10)) as sock:
            sock.sendall((DATA / capture["request_file"]).read_bytes())
            while not sock.recv(4096).endswith(b"\r\n\r\n"):
                pass
            for chunk in chunks_of(f"{name}.bin"):
                sock.sendall(chunk)
            while sock.recv(4096):
                pass
        wait_until(lambda: "close" in set(rows(store).event))
    messages = rows(store).query("event == 'message'")
    assert list(messages.payload) == [payload_of(call) for call in calls]
    assert list(messages.kind) == [
        "text" if call["op"].startswith("send_text") else "binary" for call in calls
    ]
    code, reason = {"ws_frames": ("1000", "bye"), "ws_headers": ("4001", "going")}[name]
    assert rows(store).iloc[-1].detail == f"closed by the peer: {code} {reason}"


def streams():
    yield "ws_server.bin", CAPTURES["ws_server.bin"] | {"handshake_bytes": 0}
    for stream in CAPTURES["mp_ws"]["streams"]:
        yield stream["file"], stream


@pytest.mark.parametrize(
    ("file", "stream"), list(streams()), ids=lambda value: value if isinstance(value, str) else ""
)
def test_frames_of_servers_and_of_the_multiplayer_api(file, stream):
    wire = (DATA / file).read_bytes()[stream["handshake_bytes"] :]
    masked = stream["frames"][0]["mask"] is not None
    # In the pieces in which they came, and in many more.
    pieces = [offset - stream["handshake_bytes"] for offset, _, _ in stream.get("pieces", [])]
    for positions in ([at for at in pieces if at > 0], range(1, len(wire))):
        found, split = whole(masked, cuts(wire, positions))
        assert not split.broken
        assert found == [
            (frame["opcode"] | 0x80 * frame["fin"], bytes.fromhex(frame["payload"]))
            for frame in stream["frames"]
        ]


def test_variants_of_a_websocket_client_decode_to_what_was_sent():
    calls = [call for call in sent("ws_frames.bin") if call["op"] == "put_var"]
    plain = [call for call in calls if call["value"]["t"] in ("Nil", "bool", "int", "String")]
    assert len(plain) > 5
    for call in plain:
        value = call["value"]
        wanted = {"Nil": lambda v: None, "bool": bool, "int": int, "String": str}[value["t"]](value.get("v"))
        assert variant.loads(payload_of(call)) == wanted
