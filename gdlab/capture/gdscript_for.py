"""The GDScript for the game at the other end of a capture's endpoint."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence

from gdlab.errors import GdscriptError
from gdlab.framing import name_of
from gdlab.gdscript import Script, Target, write
from gdlab.transports import Address, EndpointOptions, lan_address


def snippet(
    addresses: Sequence[Address],
    options: EndpointOptions,
    *,
    is_client: bool,
    kind: str,
    codec: str,
    endpoint: str | None,
) -> Script:
    """Write the script; see `Capture.gdscript`."""
    address = _chosen(addresses, endpoint)
    if not isinstance(options.framing, str):
        raise GdscriptError(
            f"the framing {name_of(options.framing)!r} is your own, so gdlab cannot write the game's side of it: frame "
            'the bytes in the game and send them with StreamPeerTCP.put_data(), or choose one by name, such as "u32le"'
        )
    return write(
        Target(
            transport=address.transport,
            host=_bound_by_the_game(address) if is_client else _seen_by_the_game(address),
            port=address.port,
            path=address.path,
            shown=str(address),
            framing=name_of(options.framing),
            subprotocols=tuple(options.subprotocols or ()),
            game_listens=is_client,
            on_lan=address.is_lan,
        ),
        kind,
        codec,
    )


def _chosen(addresses: Sequence[Address], endpoint: str | None) -> Address:
    """The address that is meant, by its whole text or by its transport."""
    names = ", ".join(f'"{address}"' for address in addresses)
    if endpoint is None:
        if len(addresses) == 1:
            return addresses[0]
        raise GdscriptError(f"this capture has several endpoints; say which: endpoint= one of {names}")
    found = [
        address
        for address in addresses
        if str(endpoint).rstrip("/") in {str(address).rstrip("/"), address.transport}
    ]
    if len(found) != 1:
        raise GdscriptError(
            f"endpoint={endpoint!r} is {'several' if found else 'none'} of this capture's; it has {names}"
        )
    return found[0]


def _seen_by_the_game(address: Address) -> str:
    """What a game connects to, to reach a listener."""
    if address.host == "localhost":
        return "127.0.0.1"  # Godot may look for a name in the wrong family first
    if not _is_any(address.host):
        return address.host
    return lan_address() or "127.0.0.1"


def _bound_by_the_game(address: Address) -> str:
    """What a game binds, to be reached by a client: loopback where that is enough."""
    if not address.is_lan:
        return "127.0.0.1" if address.host == "localhost" else address.host
    return "*"


def _is_any(host: str) -> bool:
    """Whether a listener is bound to every interface."""
    try:
        return ipaddress.ip_address(host).is_unspecified
    except ValueError:
        return host == "lan"
