"""All clients' ways through one network, and what is changed about them while it runs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from gdlab.impair.bottleneck import Bottleneck
from gdlab.impair.link import Link
from gdlab.impair.pipeline import HEADER_BYTES, Pipeline, Window
from gdlab.impair.scenario import Scenario, Step, ways_of
from gdlab.impair.stalls import StreamPipeline
from gdlab.impair.truth import WAYS, Copy

_NS: Final = 1_000_000_000


class Path:
    """Decides on every packet; time is an argument.

    Parameters
    ----------
    seed : decides all fates.
    up, down : links towards the server and back.
    shared : all clients share one bottleneck per way.
    streams : connections (TCP, WebSocket) and not datagrams.
    header_bytes : of IP and UDP.
    """

    def __init__(
        self,
        seed: int,
        up: Link,
        down: Link,
        *,
        shared: bool = False,
        streams: bool = False,
        header_bytes: int = HEADER_BYTES,
    ) -> None:
        self.seed = seed
        self.links = {"up": up, "down": down}
        self.began_ns: int | None = None  # the first packet
        self.setting = 0
        #: What was changed, with its time in seconds from the first packet on: a scenario.
        self.history: list[Step] = []
        #: Changes since they were last taken: time, number of the setting, step.
        self.changed: list[tuple[int, int, Step]] = []
        #: Copies whose release has been planned anew since these were last taken.
        self.moved: list[Copy] = []
        self._streams = streams
        self._header = header_bytes
        self._queues = {way: Bottleneck(self.links[way]) for way in WAYS} if shared else None
        self._pipes: dict[tuple[int, str], Pipeline] = {}
        self._own: dict[tuple[int, str], dict[str, Any]] = {}
        self._windows: dict[str, list[tuple[Window, int | None]]] = {way: [] for way in WAYS}
        self._scenario: Scenario | None = None
        self._scenario_ns: int | None = None
        self._place = 0
        self._round = 0
        self._bypassed: dict[str, Link] | None = None
        self._scenario_before: Scenario | None = None

    def pipe(self, client: int, way: str) -> Pipeline:
        """Return the pipeline of a client's way; made with its first packet."""
        key = (client, way)
        pipe = self._pipes.get(key)
        if pipe is None:
            link = self._link(key)
            queue = self._queues[way] if self._queues else Bottleneck(link)
            kind = StreamPipeline if self._streams else Pipeline
            pipe = kind(self.seed, client, WAYS.index(way), link, queue, header_bytes=self._header)
            pipe.setting = self.setting
            pipe.windows = [window for window, only in self._windows[way] if only in {None, client}]
            self._pipes[key] = pipe
            if isinstance(pipe, StreamPipeline):
                other = self._pipes.get((client, WAYS[1 - WAYS.index(way)]))
                if isinstance(other, StreamPipeline):
                    pipe.other, other.other = other, pipe
        return pipe

    def forget(self, client: int) -> None:
        """Let go what is known of a client that has ended."""
        for way in WAYS:
            self._pipes.pop((client, way), None)

    def arrive(self, client: int, way: str, time_ns: int, size: int) -> list[Copy]:
        """Take a packet; see `Pipeline.arrive`. What is due to change before its time changes first."""
        if self.began_ns is None:
            self.began_ns = time_ns
        if self._scenario is not None:
            self.advance(time_ns)
        pipe = self.pipe(client, way)
        copies = pipe.arrive(time_ns, size)
        if isinstance(pipe, StreamPipeline) and pipe.moved:
            self.moved += pipe.moved
            pipe.moved.clear()
        return copies

    # ---- changing

    def run(self, scenario: Scenario | None, now_ns: int) -> None:
        """Begin a scenario, at the first packet where none has come yet; None ends the one that runs."""
        self._scenario, self._place, self._round = scenario, 0, 0
        self._scenario_ns = None if self.began_ns is None else now_ns

    def due_ns(self) -> int | None:
        """When the scenario does its next thing; None where it does nothing more."""
        if self._scenario is None or (self._scenario_ns is None and self.began_ns is None):
            return None
        if self._scenario_ns is None:
            self._scenario_ns = self.began_ns
        begin = self._scenario_ns or 0
        step = self._scenario.steps[self._place]
        return begin + round((step.at_s + self._round * (self._scenario.period_s or 0.0)) * _NS)

    def advance(self, now_ns: int) -> None:
        """Do what the scenario has for the time until now."""
        while (due := self.due_ns()) is not None and due <= now_ns and self._scenario is not None:
            self.do(self._scenario.steps[self._place], due)
            self._place += 1
            if self._place == len(self._scenario.steps):
                self._place = 0
                self._round += 1
                if self._scenario.period_s is None:
                    self._scenario = None

    def do(self, step: Step, now_ns: int) -> None:
        """Change something now; it concerns packets that come later, and the rate what waits."""
        self.setting += 1
        begin = now_ns if self.began_ns is None else self.began_ns
        told = Step(max(0, now_ns - begin) / _NS, step.do, step.way, step.fields, step.whole, step.client)
        self.history.append(told)
        self.changed.append((now_ns, self.setting, told))
        for way in ways_of(step.way):
            if step.do == "set":
                self._set(way, step, now_ns)
            else:
                self._add_window(way, step, now_ns)

    def off(self, now_ns: int, *, off: bool) -> None:
        """Let everything pass as it is, or go on as before."""
        if off and self._bypassed is None:
            before = dict(self.links)
            self._scenario_before = self._scenario
            self._scenario = None
            self.do(Step(0, "set", "both", {}, whole=True), now_ns)
            self._bypassed = before
        elif not off and self._bypassed is not None:
            before, self._bypassed = self._bypassed, None
            for way in WAYS:
                self.do(Step(0, "set", way, before[way].as_json(), whole=True), now_ns)

    @property
    def is_off(self) -> bool:
        """Whether everything passes as it is."""
        return self._bypassed is not None

    def _set(self, way: str, step: Step, now_ns: int) -> None:
        if step.client is None:
            base = Link() if step.whole else self.links[way]
            self.links[way] = base.with_(step.fields)
            self._bypassed = None
        else:
            own = {} if step.whole else self._own.get((step.client, way), {})
            self._own[step.client, way] = {**own, **step.fields}
        if self._queues:
            self._replan(self._queues[way].change(self.links[way], now_ns))
        for (client, of_way), pipe in self._pipes.items():
            if of_way != way or step.client not in {None, client}:
                continue
            link = self._link((client, way))
            if not self._queues:
                # What waits is planned by the stages as they were when it came.
                self._replan(pipe.queue.change(link, now_ns))
            pipe.change(link, self.setting)

    def _link(self, key: tuple[int, str]) -> Link:
        base = self.links[key[1]]
        own: Mapping[str, Any] | None = self._own.get(key)
        return base.with_(own) if own else base

    def _replan(self, waiting: list[Copy]) -> None:
        seen: set[int] = set()
        for copy in waiting:
            if id(copy.pipe) not in seen:
                seen.add(id(copy.pipe))
                copy.pipe.go_back(copy)
            copy.pipe.plan(copy)
            self.moved.append(copy)

    def _add_window(self, way: str, step: Step, now_ns: int) -> None:
        end = now_ns + round(float(step.fields["s"]) * _NS)
        if step.do == "spike":
            window = Window(now_ns, end, None, round(float(step.fields["delay_ms"]) * 1e6))
        else:
            window = Window(now_ns, end, bool(step.fields.get("hold")))
        kept = [(known, only) for known, only in self._windows[way] if known.end_ns > now_ns]
        self._windows[way] = [*kept, (window, step.client)]
        for (client, of_way), pipe in self._pipes.items():
            if of_way == way and step.client in {None, client}:
                pipe.windows = [*pipe.windows, window]

    # ---- looking

    def waiting_bytes(self, way: str, now_ns: int) -> int:
        """Bytes in the queues of a way."""
        queues = (
            [self._queues[way]]
            if self._queues
            else [pipe.queue for (_, of_way), pipe in self._pipes.items() if of_way == way]
        )
        for queue in queues:
            queue.settle(now_ns)
        return sum(queue.backlog for queue in queues)
