"""What an expert would notice: each rule looks at the evidence and reports what it recognises, or nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from gdlab.analysis.rules import close_codes as closing
from gdlab.analysis.rules import contents, delay, loss, refused, watched
from gdlab.analysis.rules import no_traffic as silence
from gdlab.analysis.rules import sample_quality as honesty
from gdlab.analysis.rules.evidence import Evidence
from gdlab.analysis.rules.finding import Finding

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["RULES", "Evidence", "Finding"]

#: In the order in which findings of equal certainty are shown.
RULES: Final[tuple[Callable[[Evidence], Iterator[Finding]], ...]] = (
    refused.refused,
    silence.nothing_arrived,
    honesty.cut_off,
    silence.connected_and_silent,
    silence.left,
    silence.enet_unanswered,
    silence.waiting_bytes,
    silence.unanswered,
    loss.own_buffer,
    loss.gaps,
    closing.close_codes,
    watched.stood_still,
    watched.slow_game,
    watched.script_errors,
    watched.refused_packets,
    watched.cut_output,
    delay.frame_quantisation,
    delay.nagle,
    delay.climbing,
    loss.located,
    loss.missing_numbers,
    loss.leaping_numbers,
    loss.one_a_frame,
    contents.glued_or_split,
    contents.too_large,
    contents.large_integers,
    contents.lost_characters,
    honesty.foreign_clock,
    honesty.paused_sender,
    honesty.few_samples,
)
