"""What a first look at the payloads of some rows finds, that of a whole data set being put together from its parts.

These questions are asked of all rows before a measure is taken of some: how messages carry number and time, which
Variants are believed, how many rows of each stream may be pings, and what the rules of `findings` look into.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import numpy as np
import numpy.typing as npt

from gdlab.analysis.columns import PEER, group_rows, labels_of, times_ns
from gdlab.analysis.stamps import sampled
from gdlab.analysis.together import together
from gdlab.codecs.doubt import ASKED, Seen, Tally, added, doubted, of_godot3
from gdlab.codecs.guess import Auto
from gdlab.codecs.looked import Looked
from gdlab.datasets.noted import chosen
from gdlab.datasets.reading import ROW_BITS, Rows, own, relevant

if TYPE_CHECKING:
    from gdlab.datasets.units import Unit

Ints: TypeAlias = npt.NDArray[np.int64]
Stream: TypeAlias = tuple[str, str]


def glanced(rows: Rows, unit: Unit) -> dict[str, Any]:
    """The answers to some questions, each by its name."""
    with together():  # probes are looked for once
        return {name: QUESTIONS[name](rows) for name in unit.options["questions"]}


def stamped(rows: Rows) -> Rows:
    """The first messages, which show how all carry number and time."""
    at = sampled(rows.table)
    return Rows(own(rows.table.iloc[at]), rows.place[at])


def doubtful(rows: Rows) -> tuple[Tally, Ints]:
    """What speaks for and against plain Variants; (k, 3) int64, time and place of those first asked, and answers."""
    looked = Looked(rows.table, probes=False)
    wanted = np.flatnonzero(looked.wanted(0))
    seen = Seen.of(looked.payloads[wanted], Auto.may_be_variants(looked.kinds(0)[wanted]))
    at, answers = seen.asked()
    first = wanted[at]
    keys = np.stack([times_ns(rows.table)[first], rows.place[first], np.array(answers, np.int64)], axis=1)
    return seen.by_size(), keys


def related(rows: Rows) -> dict[int, dict[Stream, int]]:
    """Of each file (by number) and stream, the rows that `Part.probes_only` keeps."""
    at = np.flatnonzero(relevant(rows.table))
    files = rows.place[at] >> ROW_BITS
    found: dict[int, dict[Stream, int]] = {}
    for file in np.unique(files).tolist():
        mine = at[files == file]
        ids, first = group_rows(rows.table, PEER, mine)
        labels = labels_of(rows.table, PEER, mine[first])
        counts = np.bincount(ids, minlength=len(first)).tolist()
        found[file] = dict(
            zip(zip(*(labels[name].astype(str) for name in PEER), strict=True), counts, strict=True)
        )
    return found


#: By name.
QUESTIONS: Final[Mapping[str, Callable[[Rows], Any]]] = {
    each.__name__: each for each in (chosen, doubtful, related, stamped)
}


def judged(parts: Sequence[tuple[Tally, Ints]]) -> Auto:
    """How to guess the payloads of all rows: as one table of them would be guessed, however they are divided."""
    counts: Tally = {}
    for tally, _ in parts:
        counts = added(counts, tally)
    keys = np.concatenate([each for _, each in parts])
    first = np.lexsort((keys[:, 1], keys[:, 0]))[:ASKED]
    return Auto(doubted({**counts, **of_godot3(keys[first, 2])}), settled=True)


def all_related(parts: Sequence[dict[int, dict[Stream, int]]]) -> dict[int, dict[Stream, int]]:
    """What `related` says of all parts together."""
    found: dict[int, dict[Stream, int]] = {}
    for part in parts:
        for file, streams in part.items():
            mine = found.setdefault(file, {})
            for stream, n in streams.items():
                mine[stream] = mine.get(stream, 0) + n
    return found
