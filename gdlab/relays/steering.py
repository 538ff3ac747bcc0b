"""Steering a relay: its conditions change from one packet to the next."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd

from gdlab.errors import RelayError
from gdlab.impair import WAYS, Link, Outage, Spike, Step, preset, settings
from gdlab.impair.scenario import Entry
from gdlab.relays.conditions import describe, refuse_for_streams, understood
from gdlab.transports.relaying.process import RelayProcess


class Way:
    """One way of a relay, of all clients or of one."""

    def __init__(self, relay: Steered, way: str, client: int | None = None) -> None:
        self._relay = relay
        self._way = way
        self._client = client

    def set(self, **changes: object) -> None:
        """Change fields of the link from now on, such as ``loss=0.05, burst=3``; see `gdlab.Link`."""
        self._relay._change(self._way, changes, self._client)

    @property
    def link(self) -> Link:
        """The link in force for all clients."""
        return self._relay.links[self._way]

    def __repr__(self) -> str:
        who = "" if self._client is None else f" of client {self._client}"
        return f"<{self._way}{who}: {describe(self.link)}>"


class ClientWays:
    """Both ways of one client."""

    def __init__(self, relay: Steered, client: int) -> None:
        self.up = Way(relay, "up", client)
        self.down = Way(relay, "down", client)

    def set(self, **changes: object) -> None:
        """Change fields of both links of this client."""
        self.up.set(**changes)
        self.down.set(**changes)


class Steered:
    """What changes the conditions of a relay's process.

    Attributes
    ----------
    links : the links in force for all clients, by their way. preset : the name they came from; None of others.
    is_off : whether everything passes as it is, by `off`. paused : whether what is due is held, by `pause`.
    """

    transport: str
    links: dict[str, Link]
    preset: str | None
    is_off: bool
    paused: bool
    _process: RelayProcess
    _lock: threading.RLock

    @property
    def clients(self) -> dict[int, str]:
        """Addresses of the clients by their numbers."""
        raise NotImplementedError

    def _number(self, client: int | str | None) -> int:
        known = self.clients
        if client is None and len(known) == 1:
            return next(iter(known))
        for number, name in known.items():
            if client in {number, name}:
                return number
        names = ", ".join(f"{number}: {name}" for number, name in known.items()) or "nobody yet"
        raise RelayError(
            f"which client? There are {names}"
            if client is None
            else f"no client {client!r}; there are {names}"
        )

    def set(self, **changes: object) -> None:
        """Change both ways from now on: ``px.set(delay_ms=80)``, ``px.set(up={"loss": 0.1})``; see `gdlab.Link`.

        Raises
        ------
        LinkError : no such field, or an impossible value; the message names the field and what to do.
        """
        self._change("both", changes, None)

    def _change(self, way: str, changes: Mapping[str, Any], client: int | None) -> None:
        steps = settings(changes if way == "both" else {way: dict(changes)})
        if self.transport != "udp":
            for step in steps:
                refuse_for_streams(self.transport, step.fields)
        with self._lock:
            links = dict(self.links)
            for step in steps:
                for name in WAYS if step.way == "both" else (step.way,):
                    links[name] = (Link() if step.whole else links[name]).with_(step.fields)
            if client is not None:
                steps = [Step(s.at_s, s.do, s.way, s.fields, s.whole, client) for s in steps]
            self._process.tell(steps=[step.as_json() for step in steps])
            if client is None:
                self.links, self.is_off, self.preset = links, False, None

    def use(self, name: str) -> None:
        """Take a preset from now on, with its scenario where it has one."""
        found = preset(name)
        with self._lock:
            steps = [
                Step(0, "set", way, link.as_json(), whole=True)
                for way, link in (("up", found.up), ("down", found.down))
            ]
            told = None if found.scenario is None else found.scenario.as_json()
            self._process.tell(steps=[step.as_json() for step in steps], scenario=told)
            self.links = {"up": found.up, "down": found.down}
            self.is_off, self.preset = False, name

    def client(self, peer: str | int) -> ClientWays:
        """Both ways of one client, by its address or its number.

        Raises
        ------
        RelayError : no such client has come yet.
        """
        return ClientWays(self, self._number(peer))

    def outage(self, s: float = 2.0, *, hold: bool = False, way: str = "both") -> None:
        """Take the line down for `s` seconds, now. `hold` keeps what comes until then, as a radio's buffer does."""
        found = Outage(s, hold, way)
        self._process.tell(steps=[Step(0, "outage", way, {"s": found.s, "hold": found.hold}).as_json()])

    def spike(self, s: float = 0.5, *, delay_ms: float = 400.0, way: str = "both") -> None:
        """Let every packet take `delay_ms` longer, for `s` seconds from now."""
        found = Spike(s, delay_ms, way)
        self._process.tell(
            steps=[Step(0, "spike", way, {"s": found.s, "delay_ms": found.delay_ms}).as_json()]
        )

    def off(self) -> None:
        """Let everything pass as it comes, until `on`."""
        with self._lock:
            self._process.tell(off=True)
            self.is_off = True

    def on(self) -> None:
        """Go on with the links as they were before `off`."""
        with self._lock:
            self._process.tell(off=False)
            self.is_off = False

    def scenario(
        self, entries: Iterable[tuple[float, Entry]] | pd.DataFrame | None, *, repeat: bool | float = False
    ) -> None:
        """Change conditions by a list, from now on, or from the first packet on where none has come yet.

        Parameters
        ----------
        entries : ``[(0, "4g-good"), (10, gd.Outage(1.5)), (12, {"up": {"loss": 0.1}})]``, another relay's `history`,
            or a table with a column `t_s` and columns such as ``up.delay_ms``; None ends the one that runs.
        repeat : begin again at the end, or after so many seconds.
        """
        if entries is None:
            self._process.tell(scenario=None)
            return
        found = understood(entries, repeat=repeat)
        if self.transport != "udp":
            for step in found.steps:
                if step.do == "set":
                    refuse_for_streams(self.transport, step.fields)
        self._process.tell(scenario=found.as_json())

    def pause(self) -> None:
        """Hold everything that is due; `step` lets single packets through, `resume` all of it."""
        self._process.tell(pause=True)
        self.paused = True

    def resume(self) -> None:
        """Release what `pause` has held."""
        self._process.tell(pause=False)
        self.paused = False

    def step(self, packets: int = 1) -> None:
        """While paused, let so many packets through, in order, when they are due."""
        if packets < 1:
            raise ValueError(f"step lets packets through, and cannot let {packets}")
        if not self.paused:
            raise RelayError("nothing is held: pause() first")
        self._process.tell(step=packets)
