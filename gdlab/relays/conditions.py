"""Conditions in words and in lists, and those that a stream cannot have."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

import pandas as pd

from gdlab.errors import LinkError
from gdlab.impair import PRESETS, Link, Outage, Scenario, Spike, Step, from_columns, scenario
from gdlab.impair.link import NOT_FOR_STREAMS
from gdlab.impair.scenario import Entry

_PRESET_LINKS: Final = {name: (each.up, each.down) for name, each in PRESETS.items()}


def understood(
    entries: Iterable[tuple[float, Entry]] | pd.DataFrame, *, repeat: bool | float = False
) -> Scenario:
    """A scenario out of a list or a table.

    Raises
    ------
    LinkError : it cannot be.
    """
    if isinstance(entries, pd.DataFrame):
        if "t_s" not in entries:
            raise LinkError(f"the table needs a column t_s (seconds); it has {', '.join(map(str, entries))}")
        columns = {str(name): entries[name].tolist() for name in entries if name != "t_s"}
        entries = from_columns(entries["t_s"].tolist(), columns)
    return scenario(entries, repeat=repeat, presets=_PRESET_LINKS)


def refuse_for_streams(transport: str, values: Mapping[str, Any]) -> None:
    """Refuse what no network does to a stream.

    Raises
    ------
    LinkError : with the reason.
    """
    plain = Link()
    for name in NOT_FOR_STREAMS:
        if values.get(name, getattr(plain, name)) != getattr(plain, name):
            kind = "A WebSocket message" if transport == "ws" else "A byte of a TCP stream"
            raise LinkError(
                f"{name} is for datagrams. {kind} is never lost, doubled, swapped or damaged by a network: TCP sends "
                "again, and what remains is a stall. Set loss= to see those, or relay UDP"
            )


def describe(link: Link, transport: str = "udp") -> str:
    """A link in a few words, one way."""
    if link.changes_nothing:
        return "as it comes"
    parts = [f"{link.delay_ms:g}±{link.jitter_ms:g} ms" if link.jitter_ms else f"{link.delay_ms:g} ms"]
    if link.loss:
        run = (
            f", runs of {link.burst:g}"
            if link.burst
            else f", for {link.burst_ms:g} ms"
            if link.burst_ms
            else ""
        )
        tcp = "" if transport == "udp" else " as TCP repairs it: stalls, nothing missing"
        parts.append(f"loss {link.loss * 100:g} %{run}{tcp}")
    elif link.loss_model is not None:
        parts.append(str(link.loss_model))
    if link.rate_kbps:
        parts.append(f"{link.rate_kbps:g} kbit/s")
    shares = ((name, getattr(link, name)) for name in ("duplicate", "reorder", "damage"))
    parts += [f"{name} {share * 100:g} %" for name, share in shares if share]
    return " ".join(parts)


def as_entry(step: Mapping[str, Any]) -> tuple[float, Entry]:
    """A step that was told, as an entry of a scenario."""
    found = Step.from_json(step)
    if found.do == "outage":
        return found.at_s, Outage(found.fields["s"], found.fields["hold"], found.way)
    if found.do == "spike":
        return found.at_s, Spike(found.fields["s"], found.fields["delay_ms"], found.way)
    if found.whole:
        link = Link().with_(found.fields)
        return found.at_s, link if found.way == "both" else {found.way: link}
    return found.at_s, found.fields if found.way == "both" else {found.way: found.fields}
