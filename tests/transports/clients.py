"""Plain clients of the three transports, written with nothing but sockets, for the tests of the listeners."""

import contextlib
import socket
import struct
from dataclasses import replace

from gdlab.store import Store, table
from gdlab.transports import EndpointOptions, listener, parse
from tests.waiting import limit


def rows(store):
    return table.build([store.snapshot()])


@contextlib.contextmanager
def listening(address, *, store=None, options=None, **choices):
    """A started listener and its store."""
    store = store or Store(address)
    made = listener(parse(address), store, replace(options or EndpointOptions(), **choices))
    made.start()
    try:
        yield made, store
    finally:
        made.close()


class UdpClient:
    """Messages are datagrams."""

    def __init__(self, port, host="127.0.0.1"):
        self.sock = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.settimeout(limit(10))
        self.sock.connect((host, port))

    def send(self, payload):
        self.sock.send(payload)

    def receive(self):
        return self.sock.recv(65_536)

    @property
    def name(self):
        host, port = self.sock.getsockname()[:2]
        return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"

    def close(self):
        self.sock.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class TcpClient(UdpClient):
    """Messages have a length of four bytes before them; the listener's framing is `u32le`."""

    def __init__(self, port, host="127.0.0.1", *, receive_buffer=None):
        self.sock = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
        if receive_buffer:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sock.settimeout(limit(10))
        self.sock.connect((host, port))

    def send(self, payload):
        self.sock.sendall(struct.pack("<I", len(payload)) + payload)

    def receive(self):
        (size,) = struct.unpack("<I", self.read(4))
        return self.read(size)

    def read(self, size):
        data = b""
        while len(data) < size:
            piece = self.sock.recv(size - len(data))
            if not piece:
                raise EOFError(f"the listener closed after {len(data)} of {size} bytes")
            data += piece
        return data

    def reset(self):
        """Break the connection without a word."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("@ii", 1, 0))
        self.sock.close()


class WebSocketClient(TcpClient):
    """Messages are frames with a mask, as RFC 6455 has them; `send` takes bytes as binary and text as text."""

    HANDSHAKE = (
        "GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n{headers}\r\n"
    )

    def __init__(self, port, host="127.0.0.1", *, path="/", headers="", receive_buffer=None):
        super().__init__(port, host, receive_buffer=receive_buffer)
        self.sock.sendall(self.HANDSHAKE.format(path=path, port=port, headers=headers).encode())
        self.response = self.read_head()
        if not self.response.startswith("HTTP/1.1 101 "):
            self.close()
            raise ConnectionRefusedError(self.response)

    def read_head(self):
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            head += self.read(1)
        return head.decode()

    @staticmethod
    def frame(opcode, payload, *, fin=True, mask=b"\1\2\3\4"):
        size = len(payload)
        head = bytes([opcode | (0x80 if fin else 0)])
        if size < 126:
            head += bytes([0x80 | size])
        elif size < 65_536:
            head += struct.pack(">BH", 0xFE, size)
        else:
            head += struct.pack(">BQ", 0xFF, size)
        stream = (mask * (size // 4 + 1))[:size]
        return head + mask + bytes(a ^ b for a, b in zip(payload, stream, strict=True))

    def send(self, payload):
        text = isinstance(payload, str)
        self.sock.sendall(self.frame(1 if text else 2, payload.encode() if text else payload))

    def send_frame(self, opcode, payload=b"", *, fin=True):
        self.sock.sendall(self.frame(opcode, payload, fin=fin))

    def receive_frame(self):
        first, size = self.read(2)
        if size == 126:
            (size,) = struct.unpack(">H", self.read(2))
        elif size == 127:
            (size,) = struct.unpack(">Q", self.read(8))
        return first, self.read(size)

    def receive(self):
        opcode, payload = self.receive_frame()
        assert opcode in (0x81, 0x82), (opcode, payload)
        return payload
