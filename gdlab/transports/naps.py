"""When a receiver had better nap than be woken for each datagram.

Being woken costs 10 to 60 microseconds, as much as receiving a dozen datagrams, and reading what a look found as
columns costs as much again however few there are. Where datagrams come often, a listener is therefore not woken by
them: at the end of each nap it takes what has come out of the kernel, and hands over what several naps have brought
together. The kernel's stamps do not suffer, and the interpreter's lock is left alone.

A nap is so short that the receive buffer fills by a quarter at most at the measured rate, and has the room for what
comes of a flood that begins meanwhile. What is left of it is for naps that end late (another thread holds the
interpreter's lock, the machine is loaded); a listener that waits for datagrams is woken as late as one that naps.
"""

from __future__ import annotations

import math
from typing import Final

#: How long what was taken may wait to be handed over. Whoever asks for rows ends it, so it delays none that somebody
#: looks at.
TOGETHER_S: Final = 0.090

#: Part of what can be taken that is handed over together; what comes before a late end needs the rest.
TURN_SHARE: Final = 0.9

#: Shorter naps save too little.
LEAST_S: Final = 0.002

#: With more datagrams than this napping begins, with fewer than that it ends.
BEGIN_HZ: Final = 250.0
END_HZ: Final = 120.0

#: Part of the receive buffer that may fill during a nap.
BUFFER_SHARE: Final = 0.25

#: What may begin to arrive, at the worst, while nobody looks: so many times as much as before, at least and at most so
#: many small datagrams per second. The buffer holds those of one nap.
FLOOD_TIMES: Final = 20
FLOOD_HZ: Final = (20_000.0, 40_000.0)
_SMALL_BYTES: Final = 832

#: What comes is counted for so long before the first nap, or until that is enough of it.
_WINDOW_S: Final = 0.01
_ENOUGH: Final = 8


class Naps:
    """Decides on the naps of one socket. The time is an argument: seconds of any steady clock.

    Parameters
    ----------
    buffer_bytes : size of the receive buffer; infinite where datagrams do not stay in it.
    """

    def __init__(self, buffer_bytes: float) -> None:
        self.buffer_bytes = buffer_bytes
        self._since_s = self._due_s = 0.0
        self._datagrams = self._buffered = 0
        self._together_s = self._nap_s = 0.0

    def looked(self, now_s: float, datagrams: int, payload_bytes: int, *, full: bool, most: int) -> float:
        """Seconds of the next nap after a look at the socket; 0 to be woken by the next datagram.

        Parameters
        ----------
        datagrams, payload_bytes : what the look handed over.
        full : it found as many as it could take, so more are waiting. Then there is no nap, ever.
        most : how many datagrams can be taken before they are handed over.
        """
        self._datagrams += datagrams
        self._buffered += buffered_bytes(datagrams, payload_bytes)
        elapsed = now_s - self._since_s
        if self._together_s:
            seen = elapsed >= self._together_s / 2
        else:
            seen = elapsed >= _WINDOW_S or (self._datagrams >= _ENOUGH and elapsed >= LEAST_S)
        if seen:
            often = self._datagrams > (END_HZ if self._nap_s else BEGIN_HZ) * elapsed
            self._together_s, self._nap_s = self._plan(elapsed, most) if often else (0.0, 0.0)
            self._since_s, self._datagrams, self._buffered = now_s, 0, 0
        self._due_s = now_s + self._together_s
        return 0.0 if full else self._nap_s

    def ended(self, now_s: float) -> float:
        """Seconds of the next nap after one, in which what had come is taken; 0 to look."""
        left_s = self._due_s - now_s
        return min(left_s, self._nap_s) if left_s > max(self._nap_s, LEAST_S) / 2 else 0.0

    def _plan(self, elapsed: float, most: int) -> tuple[float, float]:
        """What is handed over at once, and the naps until then, for what arrived in so many seconds; zeros for none."""
        rate_hz, filled_bytes_per_s = self._datagrams / elapsed, self._buffered / elapsed
        flood_hz = min(max(FLOOD_TIMES * rate_hz, FLOOD_HZ[0]), FLOOD_HZ[1])
        together = min(TOGETHER_S, TURN_SHARE * most / rate_hz)
        nap = min(
            together,
            self.buffer_bytes / (flood_hz * _SMALL_BYTES),
            BUFFER_SHARE * self.buffer_bytes / filled_bytes_per_s,
        )
        nap = math.floor(1000 * nap) / 1000  # selectors round up to milliseconds
        return (together, nap) if nap >= LEAST_S else (0.0, 0.0)


def buffered_bytes(datagrams: int, payload_bytes: int) -> int:
    """Upper estimate of what datagrams take of Linux's receive buffer (measured on 6.18: `skb->truesize`).

    Up to 64 bytes of payload take 832, 512 take 1280, 1472 take 2304, larger ones about a quarter more than
    their size.
    """
    if not datagrams:
        return 0
    mean = payload_bytes / datagrams
    each = 832 if mean <= 64 else 1280 if mean <= 512 else 2304 if mean <= 1472 else 2304 + 1.25 * mean
    return int(datagrams * each)
