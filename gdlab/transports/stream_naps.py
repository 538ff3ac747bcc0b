"""When a listener of many connections had better look a moment later.

Where two hundred connections send sixty messages per second each, a new one comes every 80 microseconds, and most
wake-ups find one or two. After a nap of two milliseconds a turn of the loop finds two dozen, of as many connections.

A read has one stamp, that of its last segment. So a nap must not let messages of one connection meet in a read: there
are naps only where hardly ever two messages of a connection come close to each other, and none where one connection
is seen to do so again and again.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Final

#: A nap, and how close two messages of one connection have to be so that a nap might let them meet, were it late.
NAP_S: Final = 0.002
CLOSE_NS: Final = 4_000_000

#: With more reads per second than this napping begins, as a nap spares some wake-ups; with fewer than that it ends.
BEGIN_HZ: Final = 2_000.0
END_HZ: Final = 1_200.0

#: Reads are counted for so long before it is decided.
_WINDOW_S: Final = 0.25

#: Naps end where more than this part of the reads is close to the one before, or so many of one connection are.
CLOSE_SHARE: Final = 0.02
CLOSE_OF_ONE: Final = 3

#: So many more may be: once each, where a program that sends on many connections was late.
CLOSE_AT_ONCE: Final = 250

#: Behind a silence so long, and so many times as long as those of the window before, a program that was late catches
#: up: its messages are not napped on for a moment.
SILENCE_S: Final = 0.006
_UNUSUAL: Final = 1.5
ALERT_S: Final = 0.010

#: What single connections did is forgotten after so long, or when it is so much.
_FORGOTTEN_S: Final = 10.0
_MOST_KNOWN: Final = 4_096

#: So long there are no naps after the first time that they had to end, and at most; twice as long each time, unless
#: they lasted for ten times as long before.
PAUSE_S: Final = (1.0, 64.0)
_LASTED: Final = 10


class StreamNaps:
    """Decides on the naps of one endpoint. The time is an argument: seconds of any steady clock.

    Attributes
    ----------
    naps_now : whether there are naps, as of the last look; any thread may ask.
    """

    def __init__(self) -> None:
        self.naps_now = False
        self._since_s = self._known_since_s = self._began_s = self._not_before_s = 0.0
        self._reads = self._close = 0
        self._of_one: dict[Hashable, int] = {}
        self._most_of_one = 0
        self._pause_s = PAUSE_S[0]
        self._last_s = self._alert_until_s = 0.0
        self._longest_s = self._usual_s = 0.0  # silence of this window, and of the one before

    def looked(self, now_s: float, reads: int, close: Sequence[Hashable]) -> float:
        """Seconds of the nap after a turn of the loop; 0 to be woken by the next message.

        Parameters
        ----------
        reads : how many the turn took.
        close : whose read held several messages, or followed the message before it by less than `CLOSE_NS`.
        """
        self._reads += reads
        self._listen(now_s)
        if close:
            self._note(close)
        elapsed_s = now_s - self._since_s
        too_close = self._is_too_close()
        if self.naps_now and too_close:
            self._stop(now_s)
            self._count_anew(now_s)
        elif elapsed_s >= _WINDOW_S:
            often = self._reads > (END_HZ if self.naps_now else BEGIN_HZ) * elapsed_s
            if not often:
                self.naps_now = False
            elif not (self.naps_now or too_close or now_s < self._not_before_s):
                self.naps_now, self._began_s = True, now_s
            self._count_anew(now_s)
        return NAP_S if self.naps_now and now_s >= self._alert_until_s else 0.0

    def rise(self) -> None:
        """End them, as somebody waits, or the stamps are not the kernel's."""
        self.naps_now = False

    def _listen(self, now_s: float) -> None:
        silence_s, self._last_s = now_s - self._last_s, now_s
        if silence_s > self._longest_s:
            self._longest_s = silence_s
            if silence_s > SILENCE_S and silence_s > _UNUSUAL * self._usual_s:
                self._alert_until_s = now_s + ALERT_S

    def _note(self, close: Sequence[Hashable]) -> None:
        self._close += len(close)
        for one in close:
            known = self._of_one[one] = self._of_one.get(one, 0) + 1
            self._most_of_one = max(self._most_of_one, known)

    def _is_too_close(self) -> bool:
        return self._most_of_one >= CLOSE_OF_ONE or self._close > CLOSE_AT_ONCE + CLOSE_SHARE * self._reads

    def _stop(self, now_s: float) -> None:
        if now_s - self._began_s > _LASTED * self._pause_s:
            self._pause_s = PAUSE_S[0]
        self.naps_now, self._not_before_s = False, now_s + self._pause_s
        self._pause_s = min(2 * self._pause_s, PAUSE_S[1])
        self._forget(now_s)

    def _forget(self, now_s: float) -> None:
        self._known_since_s, self._most_of_one = now_s, 0
        self._of_one.clear()

    def _count_anew(self, now_s: float) -> None:
        self._since_s, self._reads, self._close = now_s, 0, 0
        self._usual_s, self._longest_s = self._longest_s, 0.0
        if now_s - self._known_since_s >= _FORGOTTEN_S or len(self._of_one) > _MOST_KNOWN:
            self._forget(now_s)
