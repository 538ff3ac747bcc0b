"""Jitter: how much later or sooner a packet comes than its link's delay says."""

from __future__ import annotations

import math
from statistics import NormalDist
from typing import Final, Protocol

import numpy as np
import numpy.typing as npt

from gdlab.impair.link import Link
from gdlab.impair.streams import CHUNK, Stream, normal_quantile

#: Steps of the process in one correlation time.
STEPS: Final = 4
#: What a step keeps of the one before.
KEEPS: Final = math.exp(-1 / STEPS)
#: Terms of the moving average that makes the process; what is left out is below 1e-6 of it.
_TERMS: Final = 64
_NORMAL: Final = NormalDist()
_WEIGHTS: Final = KEEPS ** np.arange(_TERMS)


class Varying(Protocol):
    """Gives each packet its difference."""

    def of(self, number: int, time_ns: int) -> float:
        """Milliseconds to add to the delay, for the packet of this number that comes at this time."""


class Steady:
    """No jitter."""

    def of(self, number: int, time_ns: int) -> float:
        """See `Varying`."""
        return 0.0


class EachItsOwn:
    """Drawn for each packet, independent of all others."""

    def __init__(self, stream: Stream, link: Link) -> None:
        self._stream = stream
        self._quantile = Quantile(link)

    def of(self, number: int, time_ns: int) -> float:
        """See `Varying`."""
        return self._quantile.of(self._stream.at(number))


class Drifting:
    """A process in time that forgets itself within `jitter_over_ms`.

    A normal process on a grid of a quarter of that time (an autoregression, written as a moving average so that any
    moment can be computed alone), straight lines between its points, brought to the wanted shape through its own
    distribution: so a single packet's law is exactly the shape's, which mixing uniform numbers is not.
    """

    def __init__(self, stream: Stream, link: Link, began_ns: int) -> None:
        self._stream = stream
        self._quantile = Quantile(link)
        self._began_ns = began_ns
        self._grid_ns = max(1, round(link.jitter_over_ms * 1e6 / STEPS))
        self._chunk = -1
        self._values: list[float] = []

    def of(self, number: int, time_ns: int) -> float:
        """See `Varying`."""
        step, rest = divmod(max(0, time_ns - self._began_ns), self._grid_ns)
        chunk, place = divmod(step, CHUNK)
        if chunk != self._chunk:
            self._values = self._process(chunk).tolist()
            self._chunk = chunk
        f = rest / self._grid_ns
        z = (1 - f) * self._values[place] + f * self._values[place + 1]
        spread = math.sqrt((1 - f) ** 2 + f**2 + 2 * f * (1 - f) * KEEPS)
        return self._quantile.of(0.5 * math.erfc(-z / spread / math.sqrt(2)))

    def _process(self, chunk: int) -> npt.NDArray[np.float64]:
        """The process at the steps of a chunk, and at the first of the next one."""
        count = CHUNK + 1 + _TERMS - 1
        noise = normal_quantile(self._stream.span(chunk * CHUNK, count))
        weights = _WEIGHTS / math.sqrt(float(np.sum(_WEIGHTS**2)))
        return np.convolve(noise, weights[::-1], mode="valid")


class Quantile:
    """From a number in [0, 1) to milliseconds, by the shape of a link's jitter."""

    def __init__(self, link: Link) -> None:
        self._spread = link.jitter_ms
        self._table = sorted(link.jitter_table)
        self._shape = "table" if self._table else link.jitter

    def of(self, u: float) -> float:
        """Return the quantile."""
        if self._shape == "uniform":
            return self._spread * (2 * u - 1)
        if self._shape == "table":
            return self._table[min(int(u * len(self._table)), len(self._table) - 1)]
        if self._shape == "normal":
            return self._spread * _NORMAL.inv_cdf(min(max(u, 2.0**-54), 1 - 2.0**-53))
        return gamma2_quantile(u) * self._spread / 2


def gamma2_quantile(u: float) -> float:
    """Quantile of the gamma distribution of shape 2 and scale 1: the x with ``1 - (1 + x) exp(-x) = u``."""
    if u <= 0:
        return 0.0
    left = max(1 - u, 2.0**-53)
    x = max(math.sqrt(2 * u), -math.log(left))
    for _ in range(60):  # the function is concave in log space: Newton from the left of log(left)
        step = (math.log1p(x) - x - math.log(left)) / (x / (1 + x))
        x += step
        if abs(step) <= 1e-12 * (1 + x):
            break
    return x


def varying(seed: int, client: int, way: str, link: Link, began_ns: int, stage: str = "delay") -> Varying:
    """What gives the packets of a link their jitter."""
    if not (link.jitter_ms or link.jitter_table):
        return Steady()
    if link.jitter_over_ms:
        return Drifting(Stream(seed, client, way, "drift"), link, began_ns)
    return EachItsOwn(Stream(seed, client, way, stage), link)
