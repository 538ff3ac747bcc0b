"""Relays and replays in the user's hand: their tables, their truth, and their lifetime."""

from gdlab.relays.crossing import Crossing, through
from gdlab.relays.live_relay import Relay
from gdlab.relays.live_replay import Replay, replay
from gdlab.relays.registry import relay
from gdlab.relays.truth import TRUTH_SCHEMA

__all__ = ["TRUTH_SCHEMA", "Crossing", "Relay", "Replay", "relay", "replay", "through"]
