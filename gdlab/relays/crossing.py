"""A recorded session sent through a network at once: no socket, no process, no waiting."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable, Iterable
from typing import Any, Final, TypeAlias

import pandas as pd

from gdlab.analysis.columns import messages, times_ns
from gdlab.analysis.source import Source, table_of
from gdlab.capture import html
from gdlab.capture.tabular import Tabular
from gdlab.errors import RelayError
from gdlab.impair import PRESETS, WAYS, Copy, Fate, Link, Path, preset
from gdlab.impair.scenario import Entry
from gdlab.messages import Direction, Event, Kind, TimeSource, guess_kind, wire_bytes
from gdlab.relays.conditions import describe, understood
from gdlab.relays.placing import placed
from gdlab.relays.truth import Truth, truth_table
from gdlab.store import Limit, Store, table

_LIMIT: Final = Limit(bytes=512 * 2**20)
_RELAY: Final = "udp://relay:4242"
_SERVER: Final = "server:4243"
#: A message beside the network: when it sets out, of which client, which way, and what is in it.
Leaving: TypeAlias = tuple[int, int, str, bytes]
#: What a server answers to a payload, and how many nanoseconds later; None answers nothing.
Answer: TypeAlias = Callable[[bytes], tuple[bytes, int] | None]


class Side(Tabular):
    """What one of the programs would have captured; a table as of a capture, with the same measures and pictures."""

    def __init__(self, name: str, rows: pd.DataFrame, provenance: dict[str, object]) -> None:
        self.name = name
        self._table = rows
        self._provenance = provenance

    @property
    def df(self) -> pd.DataFrame:
        """The table; yours to change."""
        return self._table.copy(deep=False)

    @property
    def provenance(self) -> dict[str, object]:
        """Where the table comes from; JSON-able."""
        return self._provenance

    def _text(self) -> str:
        return f"{self.name} of a recorded session sent through a network, {len(self._table)} rows"

    def __repr__(self) -> str:
        return f"<Side: {self._text()}>"

    def _headline(self) -> html.Headline:
        return html.Headline("loaded", self._text())


class Crossing(Tabular):
    """A session behind a network that exists only in numbers; made by `gdlab.relay.through`.

    Attributes
    ----------
    client, server : what each of them would have captured.
    df : what the relay between the two would have had in and out, as `Relay.df`.
    truth : what happened to each packet, as `Relay.truth`; its `late_us` is 0.
    seed, links, preset : what made the network.
    """

    def __init__(
        self,
        leaving: Iterable[Leaving],
        names: dict[int, str],
        *,
        up: Link,
        down: Link,
        seed: int,
        path: Path | None = None,
        answer: Answer | None = None,
        preset_name: str | None = None,
    ) -> None:
        self.seed = seed
        self.links = {"up": up, "down": down}
        self.preset = preset_name
        self._names = names
        self._path = Path(seed, up, down) if path is None else path
        self._truth = Truth()
        self._front = Store(_RELAY, _LIMIT)
        self._back = {n: Store(f"udp://relay:{50_000 + n}", _LIMIT) for n in names}
        self._clients = {n: Store(f"udp://{name}", _LIMIT) for n, name in names.items()}
        self._server = Store(f"udp://{_SERVER}", _LIMIT)
        self._run(leaving, answer)
        self._relay = table.build([store.snapshot() for store in (self._front, *self._back.values())])
        about: dict[str, object] = {
            "network": {
                "seed": seed,
                "preset": preset_name,
                "up": up.as_json(),
                "down": down.as_json(),
            }
        }
        self._provenance = about
        clients = table.build([store.snapshot() for store in self._clients.values()])
        self.client = Side("client", clients, about)
        self.server = Side("server", table.build([self._server.snapshot()]), about)

    def _run(self, leaving: Iterable[Leaving], answer: Answer | None) -> None:
        """Let everything happen in order of time: packets set out, arrive, and are perhaps answered."""
        ranks = itertools.count()
        events: list[tuple[int, int, str, Any]] = [
            (time_ns, next(ranks), way, (client, payload)) for time_ns, client, way, payload in leaving
        ]
        heapq.heapify(events)
        while events:
            time_ns, _, what, of = heapq.heappop(events)
            if what == "arrives":
                self._arrives(of, time_ns)
                if answer is not None and WAYS[of.way] == "up":
                    answered = answer(of.handle)
                    if answered is not None:
                        payload, later_ns = answered
                        again = (time_ns + later_ns, next(ranks), "down", (of.client, payload))
                        heapq.heappush(events, again)
                continue
            client, payload = of
            self._sets_out(client, what, time_ns, payload)
            for copy in self._path.arrive(client, what, time_ns, len(payload)):
                copy.handle = payload
                if copy.fate == Fate.PASSED:
                    copy.sent = copy.release
                    heapq.heappush(events, (copy.release, next(ranks), "arrives", copy))
                self._truth.add(copy.packed())

    def _sets_out(self, client: int, way: str, time_ns: int, payload: bytes) -> None:
        if way == "up":
            _row(self._clients[client], "relay:4242", time_ns, payload, Direction.OUT)
            _row(self._front, self._names[client], time_ns, payload, Direction.IN)
        else:
            _row(self._server, f"relay:{50_000 + client}", time_ns, payload, Direction.OUT)
            _row(self._back[client], _SERVER, time_ns, payload, Direction.IN)

    def _arrives(self, copy: Copy, time_ns: int) -> None:
        payload: bytes = copy.handle
        if WAYS[copy.way] == "up":
            _row(self._back[copy.client], _SERVER, time_ns, payload, Direction.OUT)
            _row(self._server, f"relay:{50_000 + copy.client}", time_ns, payload, Direction.IN)
        else:
            _row(self._front, self._names[copy.client], time_ns, payload, Direction.OUT)
            _row(self._clients[copy.client], "relay:4242", time_ns, payload, Direction.IN)

    @property
    def df(self) -> pd.DataFrame:
        """What came in and went out at both sides of the relay."""
        return self._relay.copy(deep=False)

    @property
    def truth(self) -> pd.DataFrame:
        """What happened to each copy of each packet; the columns are those of `TRUTH_SCHEMA`."""
        onward = {f"udp://relay:{50_000 + number}": name for number, name in self._names.items()}
        return placed(truth_table(self._truth.records(), self._names), self._relay, _RELAY, onward)

    def with_truth(self) -> tuple[pd.DataFrame, pd.DataFrame]:
        """The table and the truth."""
        return self.df, self.truth

    @property
    def provenance(self) -> dict[str, object]:
        """Where the table comes from; JSON-able."""
        return self._provenance

    def _text(self) -> str:
        network = f"{self.preset}: " if self.preset else ""
        ways = ", ".join(f"{way} {describe(self.links[way])}" for way in WAYS)
        truth = self._truth.records()
        packets = int((truth["copy"] == 0).sum())
        lost = int(((truth["copy"] == 0) & (truth["fate"] != Fate.PASSED)).sum())
        return f"{packets} recorded packets through {network}{ways}, {lost} lost, seed {self.seed}"

    def __repr__(self) -> str:
        return f"<Crossing: {self._text()}>"

    def _headline(self) -> html.Headline:
        return html.Headline("loaded", self._text())


def through(
    source: Source,
    preset_name: str = "none",
    *,
    up: Link | None = None,
    down: Link | None = None,
    scenario: Iterable[tuple[float, Entry]] | pd.DataFrame | None = None,
    repeat: bool | float = False,
    seed: int = 1,
    share: str = "client",
) -> Crossing:
    """Send a recorded session through a network, at once: no socket, no engine, no waiting.

    The times of the recording are taken for those at which messages set out; each meets the fate that the same seed
    gives it in a live `gdlab.relay`. Nobody reacts: what the recorded server sent sets out when it did then, even
    where the question came later or was lost.

    Parameters
    ----------
    source : a capture, a recording or a table; of a listener, so that ``in`` is what its peers sent. Each peer becomes
        a client.
    preset_name : a network by name; see ``gdlab.relay.presets()``.
    up, down : links towards the server and back instead of the preset's; see `gdlab.Link`.
    scenario, repeat : how conditions change, as for `gdlab.relay`.
    seed : decides all fates, with the packets' numbers.
    share : ``"client"`` gives each client a link of its own, ``"all"`` one bottleneck per way to all of them.

    Returns
    -------
    Crossing.

    Raises
    ------
    RelayError : there are no messages, or they came in a stream (TCP, WebSocket), and only the live relay knows what
        a network does to a stream. LinkError : impossible conditions.

    Examples
    --------
    ::

        ride = gd.relay.through(gd.sample("player-60hz"), "4g-moving", seed=7)
        ride.server.findings(sender=ride.client)
    """
    rows = table_of(source)
    rows = rows[messages(rows)]
    if not len(rows):
        raise RelayError("there is no message in it to send through a network")
    other = {str(name).partition("://")[0] for name in rows["endpoint"].unique()} - {"udp"}
    if other:
        raise RelayError(
            f"messages of {', '.join(sorted(other))} are no datagrams: what a network does to a stream depends on the "
            "connection. Replay them through a live gd.relay instead"
        )
    found = preset(preset_name)
    links = (up or found.up, down or found.down)
    path = Path(seed, *links, shared=share == "all")
    started = found.scenario if scenario is None else understood(scenario, repeat=repeat)
    if started is not None:
        path.run(started, 0)
    peers = list(dict.fromkeys(rows["peer"].astype(str)))
    numbers = {name: number for number, name in enumerate(peers, 1)}
    leaving = [
        (time_ns, numbers[peer], "up" if direction == "in" else "down", bytes(payload))
        for time_ns, peer, direction, payload in zip(
            times_ns(rows).tolist(),
            rows["peer"].astype(str),
            rows["direction"].astype(str),
            rows["payload"],
            strict=True,
        )
    ]
    return Crossing(
        leaving,
        {number: name for name, number in numbers.items()},
        up=links[0],
        down=links[1],
        seed=seed,
        path=path,
        preset_name=preset_name if preset_name in PRESETS and up is None and down is None else None,
    )


def _row(store: Store, peer: str, time_ns: int, payload: bytes, direction: Direction) -> None:
    store.append(
        time_ns,
        store.peer_code(peer),
        payload,
        direction=direction,
        event=Event.MESSAGE,
        kind=guess_kind(payload) if payload else Kind.BINARY,
        time_source=TimeSource.KERNEL,
        wire_bytes=wire_bytes("udp", len(payload)),
    )
