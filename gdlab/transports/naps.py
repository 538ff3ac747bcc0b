"""When a receiver had better nap than be woken for each datagram.

Being woken costs 10 to 60 microseconds, as much as receiving a dozen datagrams. Where datagrams come often, a listener
that naps meanwhile and then takes all of them at once needs a fraction of the processor time: the kernel's stamps do
not suffer, the receive buffer holds what comes, and the interpreter's lock is left alone.

A nap is never longer than the buffer allows at the rate that was measured, and a small buffer is peeked at in
between, as the rate may rise at any moment. How late the naps end (another thread holds the interpreter's lock, the
machine is loaded) is measured and taken off.
"""

from __future__ import annotations

from typing import Final

#: The longest nap. Whoever asks for rows ends it, so it delays none that somebody looks at.
NAP_S: Final = 0.050

#: Shorter ones gather too little.
LEAST_S: Final = 0.002

#: With more datagrams than this napping begins, with fewer than that it ends.
BEGIN_HZ: Final = 250.0
END_HZ: Final = 120.0

#: Part of the receive buffer that may fill during a nap.
BUFFER_SHARE: Final = 0.25

#: What may begin to arrive, at the worst, while nobody looks: 50,000 small datagrams per second. It fills half of the
#: buffer before the next peek.
_FLOOD_BYTES_PER_S: Final = 50_000 * 832

#: The measured lateness fades by this with each nap.
_FADE: Final = 0.98

_WINDOW_S: Final = 0.05


class Naps:
    """Decides on the naps of one socket. The time is an argument: seconds of any steady clock.

    Parameters
    ----------
    buffer_bytes : size of the receive buffer.
    """

    def __init__(self, buffer_bytes: int) -> None:
        self.buffer_bytes = buffer_bytes
        self._since_s = self._looked_s = self._due_s = self._late_s = 0.0
        self._datagrams = self._buffered = self._largest = 0
        self._nap_s = 0.0

    @property
    def peek_s(self) -> float:
        """How long the buffer may be left alone at all."""
        return max(LEAST_S, self.buffer_bytes / 2 / _FLOOD_BYTES_PER_S)

    def looked(self, now_s: float, datagrams: int, payload_bytes: int, *, full: bool, most: int) -> float:
        """Seconds until the next peek after a look at the socket; 0 to be woken by the next datagram.

        Parameters
        ----------
        datagrams, payload_bytes : what the look found.
        full : it found as many as it could take, so more are waiting. Then there is no nap, ever.
        most : how many datagrams one look can take.
        """
        found = buffered_bytes(datagrams, payload_bytes)
        self._datagrams += datagrams
        self._buffered += found
        self._largest = max(self._largest, found)
        elapsed = now_s - self._since_s
        if elapsed >= (self._nap_s / 2 or _WINDOW_S):
            often = self._datagrams > (END_HZ if self._nap_s else BEGIN_HZ) * elapsed
            if not self._nap_s and self._buffered:
                # Awake, a look that finds much came late, and a nap would end as late.
                self._late_s = max(self._largest * elapsed / self._buffered, self._late_s * _FADE)
            longest = self._longest_s(elapsed, most) if often else 0.0
            self._nap_s = longest if longest >= LEAST_S else 0.0
            self._since_s, self._datagrams, self._buffered, self._largest = now_s, 0, 0, 0
        self._looked_s = now_s
        return 0.0 if full or not self._nap_s else self._until_peek(now_s)

    def peeked(self, now_s: float, filled_bytes: int | None) -> float:
        """Seconds until the next peek; 0 to look now.

        Parameters
        ----------
        filled_bytes : how much of the buffer is taken; None where the system does not tell.
        """
        self._late_s = max(now_s - self._due_s, self._late_s * _FADE)
        left_s = self._looked_s + self._nap_s - now_s
        if left_s < LEAST_S / 2 or filled_bytes is None or filled_bytes > BUFFER_SHARE * self.buffer_bytes:
            return 0.0
        return self._until_peek(now_s)

    def _longest_s(self, elapsed: float, most: int) -> float:
        """The longest nap for what arrived in so many seconds."""
        longest = min(NAP_S, most / 2 * elapsed / self._datagrams) if self._datagrams else NAP_S
        if self._buffered:
            longest = min(longest, BUFFER_SHARE * self.buffer_bytes * elapsed / self._buffered - self._late_s)
        return longest

    def _until_peek(self, now_s: float) -> float:
        left_s = self._looked_s + self._nap_s - now_s
        wait_s = left_s if left_s < 1.5 * self.peek_s else self.peek_s
        self._due_s = now_s + wait_s
        return wait_s


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
