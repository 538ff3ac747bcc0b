"""Which relays run in this process: re-running a cell gives back the one it started before."""

from __future__ import annotations

import atexit
import logging
import os
import secrets
import threading
from collections.abc import Callable, Iterable
from typing import Any, Generic, ParamSpec, Protocol, TypeVar, cast

import pandas as pd

from gdlab.capture import registry as captures
from gdlab.errors import AddressError, LinkError
from gdlab.framing import check_name
from gdlab.impair import PRESETS, Link, Preset, Scenario, preset
from gdlab.impair.scenario import Entry
from gdlab.relays import crossing, live_replay
from gdlab.relays import live_relay as relays
from gdlab.relays.conditions import describe, understood
from gdlab.relays.crossing import Crossing
from gdlab.relays.live_relay import Relay
from gdlab.store import Limit
from gdlab.transports import LISTENERS, Address, parse, parse_remote

log = logging.getLogger("gdlab")

DEFAULT_LIMIT = Limit(bytes=256 * 2**20)
_SHARES = ("client", "all")
_lock = threading.RLock()


def presets() -> pd.DataFrame:
    """The networks that have a name: numbers for each way, round trip, source, and what is our own addition."""
    return pd.DataFrame([_row(each) for each in PRESETS.values()]).set_index("name")


_Options = ParamSpec("_Options")
_Through = ParamSpec("_Through")
_Given = TypeVar("_Given", covariant=True)  # noqa: PLC0105


class Relaying(Protocol, Generic[_Options, _Given, _Through]):
    """The function `relay` with what is called by its name, as a type checker sees it."""

    presets: Callable[[], pd.DataFrame]
    through: Callable[_Through, Crossing]

    def __call__(self, *args: _Options.args, **options: _Options.kwargs) -> _Given:
        """See `relay`."""


def _with_more(
    through: Callable[_Through, Crossing],
) -> Callable[[Callable[_Options, _Given]], Relaying[_Options, _Given, _Through]]:
    """Let `relay.presets` and `relay.through` be functions; what is called and documented stays as it is."""

    def with_more(function: Callable[_Options, _Given]) -> Relaying[_Options, _Given, _Through]:
        found = cast("Relaying[_Options, _Given, _Through]", function)
        found.presets, found.through = presets, through
        return found

    return with_more


@_with_more(crossing.through)
def relay(
    address: str,
    to: str,
    *,
    preset: str | None = None,
    up: Link | None = None,
    down: Link | None = None,
    scenario: Iterable[tuple[float, Entry]] | pd.DataFrame | None = None,
    repeat: bool | float = False,
    seed: int | None = None,
    share: str = "client",
    framing: str = "auto",
    host: str | None = None,
    limit: int | str | Limit | None = None,
    max_clients: int = 256,
    restart: bool = False,
) -> Relay:
    """Put a line between client and server that delays, loses and queues as networks do.

    Clients connect to `address` instead of the server. The relay runs in a process of its own, which ends with
    this one, and keeps its time whatever the notebook computes.

    Parameters
    ----------
    address : where clients connect to, such as ``"udp://127.0.0.1:4242"``; ``tcp://`` and ``ws://`` likewise.
    to : the server, of the same transport.
    preset : a network by name; ``gdlab.relay.presets()`` lists them. By default nothing is changed.
    up, down : links towards the server and back instead of the preset's; see `gdlab.Link`. Delays are one way.
    scenario, repeat : how conditions change; see `Relay.scenario`.
    seed : decides all fates, with the packets' numbers; by default one is drawn, and shown.
    share : ``"client"`` gives each client a link of its own, ``"all"`` one bottleneck per way to all of them.
    framing : TCP: how messages are told apart in the rows, as for `gdlab.listen`; where it is named (and not
        ``"auto"``), loss applies to messages, else to what one read returns.
    host : ``"lan"`` lets other machines connect.
    limit : what is kept of the rows, as for `gdlab.listen`; by default 256 MiB.
    max_clients : further ones are not served; a row reports each.
    restart : begin anew even if this relay runs.

    Returns
    -------
    Relay. Calling again with the same address gives back the running one; preset, links and scenario take effect
    in it. Another `to`, seed, share, framing or limit replaces it, which is logged.

    Raises
    ------
    AddressError, PortInUse, PortForbidden : as for `gdlab.listen`.
    LinkError : impossible conditions; the message names the field and what to do.
    RelayError : its process did not start.
    """
    front = parse(address, host=host, schemes=LISTENERS)
    back = parse_remote(to, schemes=LISTENERS)
    if front.transport != back.transport:
        raise AddressError(
            f"the relay listens with {front.transport}:// and would go on with {back.transport}://; both must be "
            "the same"
        )
    if share not in _SHARES:
        raise LinkError(f"share is {share!r}; there are 'client' (a link for each) and 'all' (one for all)")
    check_name(framing)
    bounds = DEFAULT_LIMIT if limit is None else Limit.parse(limit)
    found = _preset(preset)
    links = (up or found.up, down or found.down)
    started = found.scenario if scenario is None else understood(scenario, repeat=repeat)
    same = {
        "to": str(back),
        "share": share,
        "framing": framing,
        "max_clients": max_clients,
    }
    with _lock:
        known = _running_at(front)
        if known is not None and not restart and not _changes(known, same, seed):
            if (known.links["up"], known.links["down"]) != links:
                known.set(up=links[0], down=links[1])
                known.preset = preset
            if scenario is not None:
                known.scenario(scenario, repeat=repeat)
            return known
        if known is not None:
            known.stop()
            if changes := _changes(known, same, seed):
                log.warning(
                    "%s is replaced by a new relay, as its %s; the old one keeps its rows",
                    known.address,
                    ", its ".join(changes),
                )
        return Relay(
            front,
            back,
            up=links[0],
            down=links[1],
            seed=secrets.randbits(32) if seed is None else seed,
            share=share,
            start_scenario=started,
            limit=bounds,
            framing=framing,
            max_clients=max_clients,
            preset_name=preset if up is None and down is None else None,
        )


def _preset(name: str | None) -> Preset:
    return preset("none" if name is None else name)


def _row(each: Preset) -> dict[str, Any]:
    up, down = each.up, each.down
    return {
        "name": each.name,
        "delay_up_ms": up.delay_ms,
        "delay_down_ms": down.delay_ms,
        "round_trip_ms": up.delay_ms + down.delay_ms,
        "jitter_ms": up.jitter_ms,
        "loss": up.loss,
        "burst": up.burst or 1 / (1 - up.loss),
        "up_kbps": up.rate_kbps,
        "down_kbps": down.rate_kbps,
        "up": describe(up),
        "down": describe(down),
        "scenario": "" if each.scenario is None else _scenario_words(each.scenario),
        "source": each.source,
        "ours": ", ".join(each.ours),
    }


def _scenario_words(found: Scenario) -> str:
    first = found.steps[0]
    every = f" every {found.period_s:g} s" if found.period_s else ""
    return f"{first.do} {first.fields}{every}"


def _running_at(front: Address) -> Relay | None:
    for known in list(relays.running):
        if str(front) in {known.address, known.asked_for} and (front.port or known.asked_for != str(front)):
            if known.running:
                return known
            known.stop()
    return None


def _changes(known: Relay, wanted: dict[str, Any], seed: int | None) -> list[str]:
    changes = [
        f"{name} was {getattr(known, name)!r} and is now {value!r}"
        for name, value in wanted.items()
        if getattr(known, name) != value
    ]
    if seed is not None and seed != known.seed:
        changes.append(f"seed was {known.seed} and is now {seed}")
    return changes


def running() -> list[Relay]:
    """Return the relays that run in this process."""
    return list(relays.running)


def stop_relays() -> int:
    """Stop every relay and replay of this process; return how many there were."""
    stopped: list[Relay | live_replay.Replay] = [*running(), *live_replay.running]
    for each in stopped:
        each.stop()
    return len(stopped)


def _after_fork() -> None:
    """In the child of a fork: relays and replays are the parent's to stop."""
    global _lock  # noqa: PLW0603 (the thread that held it may not be here)
    _lock = threading.RLock()
    relays.running.clear()
    live_replay.running.clear()


if hasattr(os, "register_at_fork"):  # not on Windows, which has no forks
    os.register_at_fork(after_in_child=_after_fork)

captures.also_stopped.append(stop_relays)
atexit.register(stop_relays)
