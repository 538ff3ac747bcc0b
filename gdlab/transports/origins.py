"""Which web pages may connect to a WebSocket listener."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from urllib.parse import urlsplit


def is_welcome(origin: str | None, own_host: str, allowed: Sequence[str] = ()) -> bool:
    """Whether a handshake with this `Origin` header may go on.

    Browsers let any page of any web site connect to this machine's own addresses, and write the page's site into
    `Origin` (RFC 6455 section 10.2). Programs that are not browsers, Godot among them, send none.

    Parameters
    ----------
    origin : the header; None where there is none.
    own_host : the address of this machine that the client connected to.
    allowed : further origins; ``"*"`` is any.
    """
    if origin is None or "*" in allowed:
        return True
    if origin.rstrip("/").lower() in (page.rstrip("/").lower() for page in allowed):
        return True
    try:
        parts = urlsplit(origin)
        host = parts.hostname
    except ValueError:
        return False
    if parts.scheme not in {"http", "https"} or not host:
        return False
    if host == "localhost" or host == own_host.lower():
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
