"""Networks by name, with the source of every number.

Times are one way, as a link has them; where a source tells round trips they were halved. What no source gives is ours,
and listed as such.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from gdlab.errors import LinkError
from gdlab.impair.link import Link
from gdlab.impair.scenario import Handover, Scenario, scenario

_UNITY: Final = "Unity Multiplayer Tools, NetworkSimulatorPresets.cs"
_DEVTOOLS: Final = (
    "Chrome DevTools network presets (target round trips and rates, without their request factors)"
)
_STR0M: Final = "str0m netem/src/config.rs"
#: How long a delay lasts where a source gives a rate or a shape and nothing about time; ours.
_OVER_MS: Final = 20.0


@dataclass(frozen=True, slots=True)
class Preset:
    """A network by name.

    Attributes
    ----------
    source : where the numbers come from. ours : the fields that are our own addition.
    """

    name: str
    up: Link
    down: Link
    source: str
    ours: tuple[str, ...] = ()
    scenario: Scenario | None = field(default=None)


def _both(name: str, source: str, ours: tuple[str, ...] = (), **values: object) -> Preset:
    link = Link(**values)  # type: ignore[arg-type]
    return Preset(name, link, link, source, ours)


def _rates(
    name: str, source: str, ours: tuple[str, ...], down_kbps: float, up_kbps: float, **values: object
) -> Preset:
    return Preset(
        name,
        Link(rate_kbps=up_kbps, **values),  # type: ignore[arg-type]
        Link(rate_kbps=down_kbps, **values),  # type: ignore[arg-type]
        source,
        (*ours, "queue_ms"),
    )


_MOVING: Final = _rates(
    "4g-moving",
    f"4g-good; losses of {_STR0M} `cellular` (100 good, 2 bad packets)",
    ("jitter_over_ms", "scenario: a handover of 150 ms every 15 s"),
    9000,
    1500,
    delay_ms=30,
    jitter_ms=20,
    jitter_over_ms=_OVER_MS,
    loss=0.02,
    burst=2,
)

_LEO: Final = _both(
    "satellite-leo",
    f"{_UNITY}, Home Satellite; the step every 15 s: arXiv 2310.09242",
    ("scenario: the step's height of 20 ms", "jitter_over_ms"),
    delay_ms=100,
    jitter_ms=10,
    jitter_over_ms=_OVER_MS,
)

PRESETS: Final[dict[str, Preset]] = {
    preset.name: preset
    for preset in (
        _both("none", "the control run: everything passes as it is"),
        _both("lan", f"{_STR0M} (LAN, 0 to 1 ms)", ("jitter_ms",), delay_ms=0.5, jitter_ms=0.2),
        _both("fiber", f"{_UNITY}, Home Fiber", delay_ms=10, jitter_ms=1),
        _both("cable", f"{_UNITY}, Home Cable", delay_ms=25, jitter_ms=5),
        _both("dsl", f"{_UNITY}, Home DSL", delay_ms=30, jitter_ms=10),
        _both(
            "wifi",
            f"{_UNITY}, Home Broadband; burst of {_STR0M} `wifi`",
            delay_ms=32,
            jitter_ms=12,
            loss=0.02,
            burst=2,
        ),
        _both(
            "wifi-bad",
            f"{_UNITY}, Home Broadband; losses of {_STR0M} `wifi_lossy` (40 good, 2 bad packets)",
            ("slot_ms",),
            delay_ms=32,
            jitter_ms=12,
            loss=0.048,
            burst=2,
            slot_ms=(2, 8),
        ),
        _both("congested", f"{_UNITY}, Congested Network", delay_ms=50, jitter_ms=50, loss=0.01),
        _both("5g", f"{_UNITY}, Mobile 5G", delay_ms=30, jitter_ms=20, loss=0.04),
        _rates(
            "4g-good",
            f"{_DEVTOOLS}, Fast 4G (60 ms)",
            ("jitter_ms", "jitter_over_ms", "loss"),
            9000,
            1500,
            delay_ms=30,
            jitter_ms=5,
            jitter_over_ms=_OVER_MS,
            loss=0.002,
        ),
        _rates(
            "4g-slow",
            f"{_DEVTOOLS}, Slow 4G (150 ms), which is Lighthouse's mobile",
            ("jitter_ms", "jitter_over_ms", "loss"),
            1600,
            750,
            delay_ms=75,
            jitter_ms=20,
            jitter_over_ms=_OVER_MS,
            loss=0.005,
        ),
        Preset(
            _MOVING.name,
            _MOVING.up,
            _MOVING.down,
            _MOVING.source,
            _MOVING.ours,
            scenario([(15, Handover(150))], repeat=15),
        ),
        _rates(
            "3g",
            f"{_DEVTOOLS}, 3G (400 ms); jitter of {_UNITY}, Mobile 3G",
            ("jitter_over_ms",),
            500,
            500,
            delay_ms=200,
            jitter_ms=30,
            jitter_over_ms=_OVER_MS,
        ),
        Preset(
            "edge",
            Link(delay_ms=440, rate_kbps=200),
            Link(delay_ms=400, rate_kbps=240),
            "Network Link Conditioner, Edge average, as remade in a public ipfw script",
            ("queue_ms",),
        ),
        _both("2g", f"{_UNITY}, Mobile 2G", delay_ms=520, jitter_ms=50, loss=0.07),
        Preset(
            _LEO.name,
            _LEO.up,
            _LEO.down,
            _LEO.source,
            _LEO.ours,
            scenario([(15, {"delay_ms": 120}), (30, {"delay_ms": 100})], repeat=30),
        ),
        _rates(
            "satellite-geo",
            "Loadero, Satellite phone (600 ms); light alone needs 239 ms one way",
            ("jitter_ms", "jitter_over_ms"),
            1000,
            256,
            delay_ms=300,
            jitter_ms=5,
            jitter_over_ms=_OVER_MS,
        ),
    )
}


def preset(name: str) -> Preset:
    """Return the preset of this name.

    Raises
    ------
    LinkError : there is none.
    """
    found = PRESETS.get(name)
    if found is None:
        raise LinkError(f"there is no preset {name!r}; there are {', '.join(PRESETS)}")
    return found
