"""What a network does to packets, without a network: delay, loss, queues, as pure functions of number and time."""

from gdlab.impair.link import Link
from gdlab.impair.loss import Every, GilbertElliott, Markov4, Pattern
from gdlab.impair.path import Path
from gdlab.impair.presets import PRESETS, Preset, preset
from gdlab.impair.scenario import (
    Flap,
    Handover,
    Outage,
    Ramp,
    Scenario,
    Spike,
    Step,
    from_columns,
    scenario,
    settings,
)
from gdlab.impair.traces import Trace
from gdlab.impair.truth import DOWN, FIELDS, RECORD, UP, WAYS, Also, Copy, Fate

__all__ = [
    "DOWN",
    "FIELDS",
    "PRESETS",
    "RECORD",
    "UP",
    "WAYS",
    "Also",
    "Copy",
    "Every",
    "Fate",
    "Flap",
    "GilbertElliott",
    "Handover",
    "Link",
    "Markov4",
    "Outage",
    "Path",
    "Pattern",
    "Preset",
    "Ramp",
    "Scenario",
    "Spike",
    "Step",
    "Trace",
    "from_columns",
    "preset",
    "scenario",
    "settings",
]
