"""What one way of a network does to packets, as numbers that a user sets."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, Final

from gdlab.errors import LinkError
from gdlab.impair.loss import LossModel, loss_from_json

JITTERS: Final = ("uniform", "normal", "gamma")
ORDERS: Final = ("keep", "free")
FRAGMENTS: Final = ("keep", "drop")
DEFAULT_QUEUE_MS: Final = 200.0
MAX_DELAY_MS: Final = 600_000.0
MAX_TABLE: Final = 100_000
#: A stream (TCP, WebSocket) arrives whole and in order: what these would do to it no network does.
NOT_FOR_STREAMS: Final = ("duplicate", "damage", "reorder", "mtu")

_SHARES: Final = ("loss", "duplicate", "damage", "reorder")


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """One direction of a path. Times are one-way: a round trip has those of both ways.

    Attributes
    ----------
    delay_ms : what every packet waits.
    jitter_ms : spread around it. `jitter` is its shape: ``"uniform"`` (plus or minus), ``"normal"`` (standard
        deviation), ``"gamma"`` (only later, on average by so much: a floor and a tail, as queues make).
    jitter_table : measured differences in ms instead of a shape, each as likely as any other.
    jitter_over_ms : how long a delay lasts. 0 draws it for each packet; more makes it a process in time, which all
        packets at one moment share, so that its effect does not depend on the packet rate.
    loss : share that is lost, 0 to 1. `burst` makes losses come in runs of so many packets on average, `burst_ms` in
        times of so many milliseconds on average.
    loss_model : a `GilbertElliott`, `Markov4`, `Pattern` or `Every` instead of the three.
    mtu : larger packets travel in fragments (`fragments="keep"`), and the loss of any one loses the packet, or are
        dropped (``"drop"``); None leaves sizes alone.
    duplicate : share that arrives twice.
    damage : share with `damage_bits` flipped bits. No network hands these on, as checksums fail: a test of decoders.
    rate_kbps : a bottleneck of so many kilobits per second (headers count); None for no bottleneck.
    queue_ms, queue_bytes : what may wait before it, by default 200 ms; what does not fit is dropped at its end.
        Packets that merely travel do not count.
    burst_bytes : so much may pass at once after a pause (a token bucket); 0 sends everything at the rate.
    overhead_bytes : further bytes that each packet takes at the bottleneck, such as 18 of Ethernet.
    trace : a bottleneck as a list of milliseconds at which 1,500 bytes may leave (mahimahi's form), repeated.
    reorder : share that is held back by `reorder_ms` (default: three packet spacings, at least 5 ms), so that later
        packets overtake it. `promote` sends it ahead of all others without delay instead, as netem does.
    slot_ms : release packets only at moments that are this far apart (from, to), as radio does.
    order : ``"keep"`` lets no packet overtake another except by `reorder`; ``"free"`` lets jitter do it.

    Raises
    ------
    LinkError : an impossible value; the message names the field and what to do.
    """

    delay_ms: float = 0.0
    jitter_ms: float = 0.0
    jitter: str = "uniform"
    jitter_table: tuple[float, ...] = ()
    jitter_over_ms: float = 0.0
    loss: float = 0.0
    burst: float | None = None
    burst_ms: float | None = None
    loss_model: LossModel | None = None
    mtu: int | None = None
    fragments: str = "keep"
    duplicate: float = 0.0
    damage: float = 0.0
    damage_bits: int = 1
    rate_kbps: float | None = None
    queue_ms: float | None = None
    queue_bytes: int | None = None
    burst_bytes: int = 0
    overhead_bytes: int = 0
    trace: tuple[int, ...] = ()
    reorder: float = 0.0
    reorder_ms: float | None = None
    promote: bool = False
    slot_ms: tuple[float, float] | None = None
    order: str = "keep"

    def __post_init__(self) -> None:
        self._check_numbers()
        self._check_words()
        self._check_loss()
        self._check_queue()
        if self.slot_ms is not None:
            object.__setattr__(self, "slot_ms", tuple(self.slot_ms))
            if len(self.slot_ms) != 2 or not 0 < self.slot_ms[0] <= self.slot_ms[1] <= MAX_DELAY_MS:
                raise LinkError(
                    f"slot_ms is {self.slot_ms!r}; give the smallest and the largest distance, such as (2, 8)"
                )
        object.__setattr__(self, "jitter_table", tuple(map(float, self.jitter_table)))
        object.__setattr__(self, "trace", tuple(map(int, self.trace)))
        if len(self.jitter_table) > MAX_TABLE:
            raise LinkError(
                f"jitter_table has {len(self.jitter_table)} values; at most {MAX_TABLE}, take quantiles of it"
            )

    def _check_numbers(self) -> None:
        for name in _SHARES:
            value = _number(name, getattr(self, name))
            if not 0 <= value <= 1:
                hint = f"; {value:g} % is {name}={value / 100:g}" if 1 < value <= 100 else ""
                raise LinkError(f"{name} is {value:g}, but is a share from 0 to 1{hint}")
        for name in ("delay_ms", "jitter_ms", "jitter_over_ms", "reorder_ms", "queue_ms", "burst_ms"):
            value = getattr(self, name)
            if value is not None and not 0 <= _number(name, value) <= MAX_DELAY_MS:
                raise LinkError(f"{name} is {value!r}; give milliseconds from 0 to {MAX_DELAY_MS:g}")
        for name in ("burst_bytes", "overhead_bytes"):
            if not 0 <= _number(name, getattr(self, name)) <= 2**30:
                raise LinkError(f"{name} is {getattr(self, name)!r}; give bytes from 0 on")
        if not 1 <= _number("damage_bits", self.damage_bits) <= 64:
            raise LinkError(f"damage_bits is {self.damage_bits!r}; give 1 to 64")
        if self.mtu is not None and not 68 <= _number("mtu", self.mtu) <= 65_535:
            raise LinkError(
                f"mtu is {self.mtu!r}; give 68 (the least IPv4 allows) to 65535, or None for no limit"
            )

    def _check_words(self) -> None:
        for name, known in (("jitter", JITTERS), ("order", ORDERS), ("fragments", FRAGMENTS)):
            if getattr(self, name) not in known:
                raise LinkError(f"{name} is {getattr(self, name)!r}; there are {', '.join(map(repr, known))}")

    def _check_loss(self) -> None:
        given = [name for name in ("burst", "burst_ms") if getattr(self, name) is not None]
        if self.loss_model is not None and (self.loss or given):
            raise LinkError(
                f"loss_model and {(given or ['loss'])[0]} are both given; set loss=0 and leave burst out, "
                "or loss_model=None"
            )
        if len(given) == 2:
            raise LinkError("burst counts packets and burst_ms milliseconds: give one of them")
        if self.burst is not None and self.loss:
            least = 1 / (1 - self.loss) if self.loss < 1 else math.inf
            if _number("burst", self.burst) < least - 1e-9:
                raise LinkError(
                    f"burst is {self.burst:g}, but with loss={self.loss:g} losses come in runs of {least:.3g} on "
                    f"average even when they are independent; give burst={math.ceil(least * 100) / 100:g} or more, "
                    "or leave it out"
                )
        elif self.burst is not None and _number("burst", self.burst) < 1:
            raise LinkError(f"burst is {self.burst!r}: a run has at least one packet")
        if self.burst_ms is not None and self.burst_ms < 1:
            raise LinkError(
                f"burst_ms is {self.burst_ms!r}; the shortest is 1, use burst (in packets) instead"
            )
        if self.burst_ms is not None and self.loss >= 1:
            raise LinkError("loss is 1: nothing arrives, and there are no bursts; leave burst_ms out")

    def _check_queue(self) -> None:
        rate = self.rate_kbps
        if rate is not None and not 0 < _number("rate_kbps", rate) <= 1e9:
            raise LinkError(
                f"rate_kbps is {rate!r}; give kilobits per second above 0, or None for no bottleneck "
                "(an outage() lets nothing through)"
            )
        if self.queue_ms is not None and self.queue_bytes is not None:
            raise LinkError("queue_ms and queue_bytes both say how much may wait: give one of them")
        if self.queue_bytes is not None and not 0 < _number("queue_bytes", self.queue_bytes) <= 2**30:
            raise LinkError(f"queue_bytes is {self.queue_bytes!r}; give bytes above 0")
        if self.trace:
            if rate is not None:
                raise LinkError("trace and rate_kbps are both bottlenecks: give one of them")
            if any(later < earlier for earlier, later in zip(self.trace, self.trace[1:], strict=False)) or (
                self.trace[0] < 0 or self.trace[-1] <= 0
            ):
                raise LinkError("trace must be milliseconds in rising order, the last of them above 0")

    @property
    def changes_nothing(self) -> bool:
        """Whether packets pass as they come."""
        return self == replace(
            Link(), queue_ms=self.queue_ms, queue_bytes=self.queue_bytes, order=self.order, jitter=self.jitter
        )

    def with_(self, changes: Mapping[str, object]) -> Link:
        """Return the link with some values changed; fields that exclude a changed value are reset.

        Raises
        ------
        LinkError : there is no such field, or its value is impossible.
        """
        known = {field.name for field in fields(self)}
        for name in changes:
            if name not in known:
                raise LinkError(f"a link has no {name!r}; there are {', '.join(sorted(known))}")
        values: dict[str, Any] = dict(changes)
        for name, other in _EXCLUDES:
            if values.get(name) is not None and values.get(name) != () and other not in values:
                values[other] = Link.__dataclass_fields__[other].default
        return replace(self, **values)

    def as_json(self) -> dict[str, object]:
        """What differs from a link that does nothing, as JSON takes it."""
        plain = Link()
        out: dict[str, object] = {}
        for field in fields(self):
            value = getattr(self, field.name)
            if value != getattr(plain, field.name):
                if field.name == "loss_model":
                    value = {"kind": type(value).__name__, **asdict(value)}
                out[field.name] = list(value) if isinstance(value, tuple) else value
        return out

    @staticmethod
    def from_json(values: Mapping[str, object]) -> Link:
        """Read back what `as_json` wrote."""
        return Link().with_(changes_from_json(values))


def changes_from_json(values: Mapping[str, Any]) -> dict[str, Any]:
    """Field values out of JSON."""
    out = dict(values)
    if isinstance(out.get("loss_model"), Mapping):
        out["loss_model"] = loss_from_json(out["loss_model"])
    for name in ("slot_ms", "trace", "jitter_table"):
        if isinstance(out.get(name), list):
            out[name] = tuple(out[name])
    return out


def changes_as_json(values: Mapping[str, Any]) -> dict[str, Any]:
    """Field values as JSON takes them."""
    out: dict[str, Any] = {}
    for name, value in values.items():
        if name == "loss_model" and value is not None:
            value = {"kind": type(value).__name__, **asdict(value)}
        out[name] = list(value) if isinstance(value, tuple) else value
    return out


#: Setting the first takes the second back.
_EXCLUDES: Final = (
    ("loss_model", "loss"),
    ("loss_model", "burst"),
    ("loss_model", "burst_ms"),
    ("loss", "loss_model"),
    ("burst", "burst_ms"),
    ("burst", "loss_model"),
    ("burst_ms", "burst"),
    ("burst_ms", "loss_model"),
    ("queue_ms", "queue_bytes"),
    ("queue_bytes", "queue_ms"),
    ("rate_kbps", "trace"),
    ("trace", "rate_kbps"),
)


def _number(name: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise LinkError(f"{name} is {value!r}, but must be a number")
    return float(value)
