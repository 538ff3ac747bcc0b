"""The two sides of a WebSocket handshake as Godot writes and checks them; sans-I/O."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from websockets.utils import accept_key

#: So many bytes of headers are read.
MAX_HEADER_BYTES: Final = 4096

_URL: Final = re.compile(
    r"(?:(?P<scheme>[A-Za-z][\w+.-]*)://)?(?:[^@/?#]*@)?"
    r"(?P<host>\[[^\]/?#]*\]|[^:/?#\[\]]*)(?::(?P<port>\d{1,5}))?(?P<path>/[^#]*)?(?:#.*)?"
)


@dataclass(frozen=True, slots=True)
class Url:
    """The parts of a URL; `port` is 80 or 443 where it does not say, `path` at least ``/``."""

    scheme: str
    host: str
    port: int
    path: str


@dataclass(frozen=True, slots=True)
class Request:
    """What a client asks for; `protocol` is the first one that both sides know."""

    key: str
    host: str
    path: str
    protocol: str


def parse_url(text: str) -> Url | None:
    """A ``ws://`` or ``wss://`` URL, or one without a scheme (then ``ws``); None for others.

    As in Godot a query needs a path before it: ``ws://host:5000?a=b`` is none.
    """
    found = _URL.fullmatch(text)
    scheme = (found["scheme"] or "ws").lower() if found else ""
    if found is None or not found["host"] or scheme not in ("ws", "wss"):
        return None
    port = int(found["port"]) if found["port"] else 443 if scheme == "wss" else 80
    if not 1 <= port <= 65_535:
        return None
    return Url(scheme, found["host"].strip("[]"), port, found["path"] or "/")


def request(url: Url, key: str, protocols: Sequence[str], headers: Sequence[str]) -> bytes:
    """A client's request: no Origin, no User-Agent, no extensions; own headers last, as they stand."""
    port = "" if url.port == (443 if url.scheme == "wss" else 80) else f":{url.port}"
    lines = [
        f"GET {url.path} HTTP/1.1",
        f"Host: {url.host}{port}",
        "Upgrade: websocket",
        "Connection: Upgrade",
        f"Sec-WebSocket-Key: {key}",
        "Sec-WebSocket-Version: 13",
    ]
    if protocols:
        lines.append("Sec-WebSocket-Protocol: " + ",".join(protocols))
    return _joined([*lines, *headers])


def check_response(head: bytes, key: str, protocols: Sequence[str]) -> str | None:
    """The sub-protocol of a server's answer (empty if none), or None where Godot refuses the answer.

    `Connection` must be ``upgrade`` alone, and no header may be empty.
    """
    parsed = _parse(head)
    if parsed is None:
        return None
    first, headers = parsed
    good = (
        first[:2] == ["HTTP/1.1", "101"]
        and headers.get("connection", "").lower() == "upgrade"
        and headers.get("upgrade", "").lower() == "websocket"
        and headers.get("sec-websocket-accept") == accept_key(key)
    )
    chosen = headers.get("sec-websocket-protocol")
    if not good or (chosen is None) != (not protocols) or (chosen is not None and chosen not in protocols):
        return None
    return chosen or ""


def check_request(head: bytes, protocols: Sequence[str]) -> Request | None:
    """What a client asks for, or None where Godot refuses it."""
    parsed = _parse(head)
    if parsed is None:
        return None
    first, headers = parsed
    if len(first) < 3 or first[0] != "GET" or first[2] != "HTTP/1.1":
        return None
    if headers.get("upgrade", "").lower() != "websocket" or headers.get("sec-websocket-version") != "13":
        return None
    if "sec-websocket-key" not in headers or "connection" not in headers:
        return None
    asked = headers.get("sec-websocket-protocol")
    chosen = next((name.strip() for name in (asked or "").split(",") if name.strip() in protocols), "")
    if not chosen and (asked is not None or protocols):
        return None
    return Request(headers["sec-websocket-key"], headers.get("host", ""), first[1], chosen)


def response(asked: Request, headers: Sequence[str]) -> bytes:
    """A server's answer."""
    lines = [
        "HTTP/1.1 101 Switching Protocols",
        "Upgrade: websocket",
        "Connection: Upgrade",
        f"Sec-WebSocket-Accept: {accept_key(asked.key)}",
    ]
    if asked.protocol:
        lines.append(f"Sec-WebSocket-Protocol: {asked.protocol}")
    return _joined([*lines, *headers])


def _joined(lines: Sequence[str]) -> bytes:
    return "".join(f"{line}\r\n" for line in [*lines, ""]).encode()


def _parse(head: bytes) -> tuple[list[str], dict[str, str]] | None:
    """The words of the first line, and the headers by name in small letters; None if any has no value."""
    lines = head.decode(errors="replace").removesuffix("\r\n\r\n").split("\r\n")
    first = lines[0].split()
    if len(lines) < 4 or len(first) < 2:
        return None
    headers: dict[str, str] = {}
    for line in lines[1:]:
        name, _, value = line.partition(":")
        if not name or not value:
            return None
        name, value = name.lower(), value.strip()
        headers[name] = f"{headers[name]},{value}" if name in headers else value
    return first, headers
