"""What an expert would notice in a game's multiplayer traffic; each rule looks at the evidence and reports, or not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from gdlab.analysis.findings import listed
from gdlab.analysis.multiplayer import costs, paths, sending, states
from gdlab.analysis.multiplayer.evidence import Evidence
from gdlab.analysis.rules.finding import Finding

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import pandas as pd

__all__ = ["RULES", "Evidence", "findings"]

#: In the order in which findings of equal certainty are shown.
RULES: Final[tuple[Callable[[Evidence], Iterator[Finding]], ...]] = (
    sending.thrown_away,
    sending.lost_before,
    sending.lost_on_the_way,
    sending.stood_still,
    sending.slow_side,
    costs.hog,
    costs.broadcast,
    costs.relayed_broadcast,
    costs.small_calls,
    costs.unreliable_fragments,
    paths.unconfirmed,
    paths.automatic_names,
    paths.different_lists,
    paths.not_allowed,
    states.too_big,
    states.empty_syncs,
    states.unseen_by_the_editor,
    states.sent_twice,
    states.sender_frames,
)


def findings(evidence: Evidence) -> pd.DataFrame:
    """What is remarkable, most certain first; the columns are those of `gdlab.analysis.findings`."""
    return listed([finding for rule in RULES for finding in rule(evidence)])
