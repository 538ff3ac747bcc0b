"""How the TCP streams of a capture are read, and by what evidence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from gdlab.facts import Reason
from gdlab.store import Snapshot
from gdlab.words import sentence

#: Of each endpoint so many of the newest blocks are looked at for what is in use.
_BLOCKS: Final = 4
_MOST: Final = 5


@dataclass(frozen=True, slots=True)
class Framings:
    """What is known of the framing of some streams.

    Attributes
    ----------
    is_stream : whether there is a TCP endpoint, and so a framing at all.
    names : framings in use, the most frequent first.
    evidence : what the guesses tell, newest first.
    """

    is_stream: bool = False
    names: tuple[str, ...] = ()
    evidence: tuple[str, ...] = ()


def framings(snapshots: Sequence[Snapshot]) -> Framings:
    """Look at the stores of a capture."""
    streams = [snapshot for snapshot in snapshots if snapshot.endpoint.startswith("tcp:")]
    counts: dict[str, int] = {}
    evidence: dict[str, None] = {}
    for snapshot in streams:
        for block in reversed(snapshot.blocks[-_BLOCKS:]):
            codes, numbers = np.unique(block.columns.word, return_counts=True)
            for code, number in zip(codes.tolist(), numbers.tolist(), strict=True):
                if code:
                    name = block.words[code].partition(" ")[0]
                    counts[name] = counts.get(name, 0) + number
            used = set(np.unique(block.columns.fact).tolist())
            for code in reversed(range(len(block.facts))):
                fact = block.facts[code]
                if code in used and fact is not None and fact.reason is Reason.FRAMING_GUESSED:
                    evidence.setdefault(sentence(fact))
    names = sorted(counts, key=lambda name: -counts[name])
    return Framings(bool(streams), tuple(names[:_MOST]), tuple(evidence)[:_MOST])
