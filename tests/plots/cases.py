"""Tables that a picture must survive."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import numpy as np
import pandas as pd

from gdlab.facts import PEER as BY_PEER
from gdlab.facts import Fact, Reason
from tests.traffic import PEER, merged, ping, pings, table

S = 1_000_000_000


def stream(n=600, peer=PEER, hz=60.0, seed=0):
    """A game that sends once per frame."""
    rng = np.random.default_rng(seed)
    return table((np.arange(n) * S / hz).astype(np.int64) + rng.integers(0, 10**6, n), b"x" * 60, peer=peer)


def probed(n=400, seed=0, *, fps=60.0, lost=0.02, peer=PEER, endpoint="udp://127.0.0.1:4242"):
    """Probes at random moments, answered at the next frame of a game; some are lost."""
    rng = np.random.default_rng(seed)
    sent = np.sort(rng.integers(0, n * S // 20, n))
    answered = (np.floor(sent * fps / S) + 1) * S / fps + rng.exponential(2e5, n)
    rtt = np.where(rng.random(n) < lost, -1, answered - sent).astype(np.int64)
    return pings(sent, rtt, peer=peer, endpoint=endpoint)


def events():
    """No message at all."""
    return table(
        [0, S, 3 * S],
        b"",
        event=["open", "error", "close"],
        fact=[
            Fact(Reason.OPENED, BY_PEER),
            Fact(Reason.PEER_RESET, BY_PEER),
            Fact(Reason.PEER_CLOSED, BY_PEER, 1006, case="no_frame"),
        ],
    )


def numbered():
    """Numbered messages with the sender's clock: some lost, one twice, some out of order."""
    rng = np.random.default_rng(0)
    numbers = np.delete(np.arange(300), [20, 21, 22, 150, 222])
    arrived = numbers * S // 60 + rng.exponential(6e6, len(numbers)).astype(np.int64)
    late = table(np.sort(arrived), [ping(n, n * 16_667) for n in numbers[np.argsort(arrived, kind="stable")]])
    return merged(late, table([S + 1], ping(40, 40 * 16_667)))


class Cases(Mapping[str, pd.DataFrame]):
    """Tables by name, each made when it is first asked for: a process that only collects the tests needs the names."""

    def __init__(self, makers: dict[str, Callable[[], pd.DataFrame]]) -> None:
        self._makers = makers
        self._made: dict[str, pd.DataFrame] = {}

    def __getitem__(self, name: str) -> pd.DataFrame:
        if name not in self._made:
            self._made[name] = self._makers[name]()
        return self._made[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._makers)

    def __len__(self) -> int:
        return len(self._makers)


CASES = Cases(
    {
        "empty": table,
        "one row": lambda: table([0]),
        "one peer": stream,
        "probes": probed,
        "numbered": numbered,
        "fifty peers": lambda: merged(
            *[stream(100, f"127.0.0.1:{50_000 + i}", 10.0 + i, i) for i in range(50)]
        ),
        "only events": events,
        "one instant": lambda: table([0, 0, 0]),
        "a gap": lambda: merged(
            stream(300), table([9 * S], b"", event="gap", peer=""), table([10 * S, 11 * S])
        ),
        "long names": lambda: merged(
            *[stream(50, f"[fe80::aaaa:bbbb:cccc:ddd{i}%enp0s31f6]:53211") for i in range(3)]
        ),
    }
)
