"""When a receiver had better sleep a little before it looks again.

Being woken costs 10 to 20 microseconds, as much as receiving a dozen datagrams. Where datagrams come one by one but
often, a listener that sleeps a few milliseconds between looks needs an eighth of the processor time: the kernel's
stamps do not suffer, the receive buffer holds what comes meanwhile, and the interpreter's lock is left alone.
"""

from __future__ import annotations

from typing import Final

#: The longest sleep. It delays rows, which nobody sees; answers never wait for it.
PAUSE_S: Final = 0.010

#: Shorter ones gather too little.
_LEAST_S: Final = 0.002

#: Below this rate the wake-ups are cheap enough, and rows had better be there at once.
WAKE_UPS_HZ: Final = 800.0

#: The sleep may be this much longer when another thread holds the interpreter's lock (its switch interval, twice).
_LATE_S: Final = 0.010

#: Part of the receive buffer that may fill during a sleep.
_BUFFER_SHARE: Final = 0.25

_WINDOW_S: Final = 0.02


class Pacing:
    """Decides on the sleeps of one listener. The time is an argument: seconds of any steady clock."""

    def __init__(self) -> None:
        self._since = 0.0
        self._wake_ups = 0
        self._datagrams = 0
        self._buffered_bytes = 0
        self._pause_s = 0.0

    def pause_s(
        self, now_s: float, datagrams: int, payload_bytes: int, *, full: bool, buffer_bytes: int
    ) -> float:
        """Seconds to sleep after a look at the socket.

        Parameters
        ----------
        now_s : the time.
        datagrams, payload_bytes : what the look found.
        full : it found as many as it could take, so more are waiting. Then there is no sleep, ever.
        buffer_bytes : size of the receive buffer.
        """
        self._wake_ups += 1
        self._datagrams += datagrams
        self._buffered_bytes += buffered_bytes(datagrams, payload_bytes)
        elapsed = now_s - self._since
        if elapsed >= _WINDOW_S:
            # A sleeping listener wakes up less often; what counts then is how much the sleeps gathered.
            rate = (self._datagrams if self._pause_s else self._wake_ups) / elapsed
            filling = self._buffered_bytes / elapsed
            longest = _BUFFER_SHARE * buffer_bytes / filling - _LATE_S if filling else 0.0
            self._pause_s = min(PAUSE_S, longest) if rate > WAKE_UPS_HZ and longest >= _LEAST_S else 0.0
            self._since, self._wake_ups, self._datagrams, self._buffered_bytes = now_s, 0, 0, 0
        return 0.0 if full else self._pause_s


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
