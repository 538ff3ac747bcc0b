"""Names in place of addresses, so that a table can be given away.

Each peer becomes P01, P02, ..., in the order of the categories. In endpoints an address other than loopback or the
wildcard becomes E01, E02, ... `detail` and the provenance have the same names for the same addresses; other
addresses that stand there become A01, A02, ... Payloads are never touched: whoever sent an address or a name in
one is still to be found there.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from typing import Any

import pandas as pd

from gdlab.files.to_schema import categorical

# IPv4 or IPv6 with or without brackets, a scope and a port; `_Names.replace` looks closer.
_ADDRESS = re.compile(
    r"(?<![\w.:])(?:\[(?P<v6>[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*(?:%\w+)?)\]|(?P<bare>[0-9A-Fa-f]*(?::[0-9A-Fa-f]*){2,7}(?:[\d.]*)"
    r"(?:%\w+)?)|(?P<v4>\d{1,3}(?:\.\d{1,3}){3}))(?P<port>:\d{1,5})?(?!\w)"
)
_ENDPOINT = re.compile(r"(?P<scheme>\w+://)(?P<host>\[[^\]]*\]|[^:/]*)(?P<rest>.*)", re.DOTALL)


class _Names:
    """The names given so far."""

    def __init__(self, table: pd.DataFrame) -> None:
        peers = [peer for peer in table["peer"].cat.categories if peer]
        width = max(2, len(str(len(peers))))
        self.peers = {peer: f"P{number:0{width}}" for number, peer in enumerate(peers, 1)}
        self.endpoints: dict[str, str] = {}
        self._hosts: dict[str, str] = {}
        self._others: dict[str, str] = {}
        self._odd: re.Pattern[str] | None = None
        for endpoint in table["endpoint"].cat.categories:
            match = _ENDPOINT.fullmatch(endpoint)
            if match is None or _is_public_knowledge(match["host"]):
                self.endpoints[endpoint] = self.replace(endpoint)
                continue
            host = match["host"].strip("[]")
            name = self._hosts.setdefault(host, f"E{len(self._hosts) + 1:02}")
            self.endpoints[endpoint] = match["scheme"] + name + match["rest"]
        known = sorted({**self.peers, **self._hosts}, key=len, reverse=True)
        # Host names and peers of any form; addresses are found by their form. Very many would make a slow pattern.
        odd = [text for text in known if not _ADDRESS.fullmatch(text)][:1000]
        self._odd = re.compile("|".join(rf"(?<!\w){re.escape(text)}(?!\w)" for text in odd)) if odd else None

    def replace(self, text: str) -> str:
        """The text with a name for each address."""
        if self._odd is not None:
            text = self._odd.sub(lambda match: self.peers.get(match[0]) or self._hosts[match[0]], text)
        return _ADDRESS.sub(self._address, text)

    def _address(self, match: re.Match[str]) -> str:
        whole = match[0]
        if whole in self.peers:
            return self.peers[whole]
        host = match["v6"] or match["bare"] or match["v4"]
        try:
            ipaddress.ip_address(host)
        except ValueError:
            return whole
        if _is_public_knowledge(host):
            return whole
        name = self._hosts.get(host) or self._others.setdefault(host, f"A{len(self._others) + 1:02}")
        return name + (match["port"] or "")


def _is_public_knowledge(host: str) -> bool:
    """Whether a host tells nothing about anybody: loopback, or all interfaces."""
    host = host.strip("[]")
    if host in {"", "localhost", "lan"}:
        return True
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    return address.is_loopback or address.is_unspecified


def anonymise(
    table: pd.DataFrame, provenance: Mapping[str, Any] | None = None
) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Replace addresses in a table and in what is told about it, by the same names in both; see the module.

    Parameters
    ----------
    table : see `conform`; it is not changed.
    provenance : any JSON-like structure.
    """
    names = _Names(table)
    changed = table.copy(deep=False)
    for column, new in (("peer", names.peers), ("endpoint", names.endpoints)):
        old = table[column].array
        changed[column] = categorical(old.codes, [new.get(category, category) for category in old.categories])
    details = {detail: names.replace(detail) for detail in table["detail"].unique()}
    changed["detail"] = table["detail"].map(details).astype(table["detail"].dtype)

    def walk(value: Any) -> Any:
        if isinstance(value, Mapping):
            return {walk(key): walk(item) for key, item in value.items()}
        if isinstance(value, (list, tuple, set, frozenset)):
            return [walk(item) for item in value]
        if value is None or isinstance(value, (bool, int, float)):
            return value
        text = str(value)
        return names.endpoints.get(text) or names.replace(text)

    return changed, walk(provenance or {})
