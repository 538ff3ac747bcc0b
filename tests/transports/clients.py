"""Plain clients of the three transports, written with nothing but sockets, for the tests of the listeners."""

import contextlib
import socket
import struct

from gdlab.store import Store, table
from gdlab.transports import listener, parse


def rows(store):
    return table.build([store.snapshot()])


@contextlib.contextmanager
def listening(address, *, store=None, **choices):
    """A started listener and its store."""
    store = store or Store(address)
    made = listener(parse(address), store, **choices)
    made.start()
    try:
        yield made, store
    finally:
        made.close()


class UdpClient:
    """Messages are datagrams."""

    def __init__(self, port, host="127.0.0.1"):
        self.sock = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.settimeout(10)
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
        self.sock.settimeout(10)
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
