"""The relay: one line between client and server, that delays, loses and queues, and tells the truth about it."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import pandas as pd

from gdlab import analysis, clock
from gdlab.analysis.source import Source
from gdlab.capture import html
from gdlab.capture.tabular import Tabular
from gdlab.cell_view import CellView
from gdlab.errors import WaitTimeout
from gdlab.files import write_truth
from gdlab.impair import WAYS, Link, Scenario
from gdlab.impair.scenario import Entry
from gdlab.relays.conditions import as_entry, describe, refuse_for_streams
from gdlab.relays.placing import placed
from gdlab.relays.rows import Report, Rows
from gdlab.relays.steering import Steered, Way
from gdlab.relays.truth import lateness, truth_table
from gdlab.store import Limit, Snapshot, table
from gdlab.text import count
from gdlab.transports import Address, parse
from gdlab.transports.relaying.process import RelayProcess

_LOOK_EVERY_S: Final = 0.02

#: The relays that run in this process.
running: set[Relay] = set()


class Relay(Steered, Tabular):
    """A relay that runs in its own process; made by `gdlab.relay`. A context manager: leaving the block stops it.

    Attributes
    ----------
    seed : with the packets' numbers it decides all fates: the same seed and packets meet the same network again.
    up, down : the ways towards the server and back; ``px.up.set(loss=0.05)``.
    """

    def __init__(
        self,
        address: Address,
        to: Address,
        *,
        up: Link,
        down: Link,
        seed: int,
        share: str,
        start_scenario: Scenario | None,
        limit: Limit,
        framing: str,
        max_clients: int,
        preset_name: str | None,
    ) -> None:
        self.seed = seed
        self.share = share
        self.to = str(to)
        self.asked_for = str(address)
        self.framing = framing
        self.max_clients = max_clients
        self.preset = preset_name
        self.transport = address.transport
        self.links = {"up": up, "down": down}
        self.up = Way(self, "up")
        self.down = Way(self, "down")
        #: Whether everything passes as it is, by `off`.
        self.is_off = False
        self.paused = False
        #: The panel, kept here by whoever draws it.
        self.view: Any = None
        self._lock = threading.RLock()
        self._builder = table.Builder()
        self._began_ns = clock.now_ns()
        self._ended_ns: int | None = None
        self._rows = Rows(address, limit, framing)
        if self.transport != "udp":
            for link in (up, down):
                refuse_for_streams(self.transport, link.as_json())
        self._process = RelayProcess(
            {
                "transport": self.transport,
                "address": str(address),
                "host": address.host,
                "port": address.port,
                "to_host": to.host,
                "to_port": to.port,
                "seed": seed,
                "up": up.as_json(),
                "down": down.as_json(),
                "share": share,
                "scenario": start_scenario.as_json() if start_scenario else None,
                "header_bytes": 48 if ":" in address.host else 28,
                "max_clients": max_clients,
                "framing": framing,
            },
            self._rows,
        )
        self.address = self._process.address
        self._rows.front.endpoint = self.address
        running.add(self)

    # ---- reading

    @property
    def addresses(self) -> tuple[str, ...]:
        """Where clients connect to, with the real port."""
        return (self.address,)

    @property
    def port(self) -> int:
        """The port that clients connect to."""
        return parse(self.address).port

    @property
    def running(self) -> bool:
        """Whether it relays."""
        return self._process.running

    @property
    def until_ns(self) -> int:
        """The moment until which it relayed, UTC nanoseconds; now, while it runs."""
        return self._ended_ns or clock.now_ns()

    @property
    def pid(self) -> int:
        """Its process."""
        return self._process.pid

    def snapshots(self) -> list[Snapshot]:
        """The rows of each of its own addresses as they are now, for live views."""
        return self._rows.snapshots()

    @property
    def version(self) -> tuple[int, ...]:
        """Differs after every change of the rows."""
        return self._rows.version

    @property
    def df(self) -> pd.DataFrame:
        """What came in and went out at both sides of the relay, with the usual columns.

        Towards clients `endpoint` is the relay's own address and `peer` the client; towards the server `endpoint` is
        the socket that stands for this client there, and `peer` the server.
        """
        return self._builder.build(self._rows.snapshots())

    @property
    def truth(self) -> pd.DataFrame:
        """What really happened to each copy of each packet; the columns are those of `TRUTH_SCHEMA`."""
        return self.with_truth()[1]

    def with_truth(self) -> tuple[pd.DataFrame, pd.DataFrame]:
        """The table and the truth of one moment: while a relay runs, later rows may come to stand before others."""
        settled = self._settled()  # first: what has been settled has its rows
        rows = self.df
        return rows, placed(settled, rows, self.address, self._rows.onward)

    def _settled(self) -> pd.DataFrame:
        """The truth without its rows, which take time to find."""
        return truth_table(self._rows.truth_store.records(), self._rows.peers)

    def lateness(self) -> pd.DataFrame:
        """The relay's own lateness in microseconds for each way: `n`, `p50_us`, `p99_us`, `max_us`."""
        return lateness(self._settled())

    @property
    def status(self) -> Report:
        """What the process reported last: packets `arrived`, `passed`, `dropped`, `held`, queues in bytes, lateness."""
        return self._rows.status.copy()

    @property
    def recent(self) -> list[Report]:
        """The last status reports, five per second, for live plots."""
        return list(self._rows.status_ns)

    @property
    def clients(self) -> dict[int, str]:
        """Addresses of the clients by their numbers."""
        return self._rows.peers

    @property
    def history(self) -> list[tuple[float, Entry]]:
        """What was changed, with seconds from the first packet on: a scenario that repeats it exactly."""
        return [as_entry(step) for _, _, step in list(self._rows.settings)]

    @property
    def provenance(self) -> dict[str, object]:
        """Where the table comes from; JSON-able."""
        return {
            "relay": {
                "addresses": list(self.addresses),
                "to": self.to,
                "seed": self.seed,
                "share": self.share,
                "preset": self.preset,
                "up": self.links["up"].as_json(),
                "down": self.links["down"].as_json(),
                "history": [step for _, _, step in list(self._rows.settings)],
            },
            "clock": clock.DESCRIPTION,
            "statistics": self.status,
        }

    async def wait(self, packets: int = 1, *, timeout: float = 10.0) -> Self:
        """Wait until so many packets have come and each has met its fate: ``await relay.wait(300)``.

        Raises
        ------
        WaitTimeout : the deadline (seconds) came first; the message says what has come.
        """
        import asyncio  # not before it is needed

        deadline = time.monotonic() + timeout
        while not self._have_come(packets, timeout, deadline):
            await asyncio.sleep(_LOOK_EVERY_S)
        return self

    def wait_sync(self, packets: int = 1, *, timeout: float = 10.0) -> Self:
        """Wait as `wait` does, without `await`."""
        deadline = time.monotonic() + timeout
        while not self._have_come(packets, timeout, deadline):
            time.sleep(_LOOK_EVERY_S)
        return self

    def _have_come(self, packets: int, timeout_s: float, deadline: float) -> bool:
        settled = len(self._rows.truth_store)
        if settled >= packets:
            return True
        if time.monotonic() > deadline or not self.running:
            raise WaitTimeout(
                f"{settled} of {packets} packets had passed or were lost after {timeout_s:g} s. {self!r}. To try: "
                f"does the client send to {self.address}, and not to {self.to}?",
                arrived=settled,
                wanted=packets,
            )
        return False

    def agreement(
        self, receiver: Source, *, way: str = "up", client: int | str | None = None
    ) -> pd.DataFrame:
        """Compare what a receiver's capture shows with what this relay did; see `gdlab.analysis.agreement`.

        Parameters
        ----------
        receiver : a capture of the program behind the relay: of the server for ``"up"``, of the client for ``"down"``.
        way : ``"up"`` or ``"down"``.
        client : its number or address; by default the only one.

        Raises
        ------
        RelayError : no such client, or several to choose from. ValueError : payloads that are not all different.
        """
        number = self._number(client)
        truth = self._settled()
        truth = truth[(truth["way"] == way) & (truth["client"] == number)]
        payloads = self._rows.payloads(number, way)
        truth = truth[truth["n"] < len(payloads)]
        return analysis.agreement(truth.assign(payload=[payloads[n] for n in truth["n"].tolist()]), receiver)

    # ---- end

    def stop(self, *, flush: bool = False) -> None:
        """Stop relaying and free the port; the data stays. What is on the line is dropped, or sent first (`flush`)."""
        with self._lock:
            if self._ended_ns is None:
                self._process.stop(flush=flush)
                self._ended_ns = clock.now_ns()
                self.paused = False
            running.discard(self)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    # ---- showing

    def to_csv(
        self,
        path: str | Path,
        *,
        decoded: bool | None = None,
        raw: bool = False,
        anonymise: bool = False,
        sep: str = ",",
        decimal: str = ".",
        excel: bool = False,
    ) -> Path:
        """Write the table as CSV, and the truth beside it as ``*.truth.csv``."""
        written = super().to_csv(
            path, decoded=decoded, raw=raw, anonymise=anonymise, sep=sep, decimal=decimal, excel=excel
        )
        write_truth(self.truth, written, anonymise=anonymise)
        return written

    def _text(self) -> str:
        state = "relays" if self.running else "stopped"
        if self._process.failure:
            state = f"failed: {self._process.failure}"
        status = self._rows.status
        conditions = "off: everything passes as it is" if self.is_off else self._conditions()
        counts = ""
        if status:
            served = count(int(status["clients"]), "client")
            counts = f", {status['arrived']} packets, {status['dropped']} lost, {served}"
        late = self._late_words()
        return f"{state} {self.address} to {self.to}, {conditions}, seed {self.seed}{counts}{late}"

    def _conditions(self) -> str:
        ways = ", ".join(f"{way} {describe(self.links[way], self.transport)}" for way in WAYS)
        trip = self.links["up"].delay_ms + self.links["down"].delay_ms
        name = f"{self.preset}: " if self.preset else ""
        return f"{name}{ways} (round trip {trip:g} ms)"

    def _late_words(self) -> str:
        own = [status for status in self._rows.status_ns if status["sent"]]
        if not own:
            return ""
        return f", own lateness p99 {max(status['late_p99_us'] for status in own[-25:]) / 1e3:.2g} ms"

    def __repr__(self) -> str:
        return f"<Relay: {self._text()}>"

    def _headline(self) -> html.Headline:
        if self._process.failure:
            return html.Headline("failed", self._text(), "make it again by running its cell")
        hint = "" if self._rows.status.get("arrived") else f"let the client connect to {self.address}"
        colour = "receiving" if self.running and not hint else "waiting" if self.running else "stopped"
        return html.Headline(colour, self._text(), hint)

    def _repr_mimebundle_(self, **options: Any) -> Any:
        if not self.running:
            return {"text/plain": repr(self), "text/html": self._repr_html_()}
        return _view.bundle(self, self._repr_html_, **options)


#: How cells show relays that run; `gdlab.widgets` puts its panel there once it is loaded.
_view: Final[CellView[Relay]] = CellView()
show_with = _view.show_with
