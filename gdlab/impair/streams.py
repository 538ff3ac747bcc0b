"""Random numbers that belong to a packet's number, not to the moment it is looked at.

Every stage of every client and way has a stream of its own: the words of a counter-based generator (Philox-4x64-10,
Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", 2011), of which any can be computed alone. So neither
batching nor timing changes what happens to packet 17, and one stage's switch leaves the draws of the others.
"""

from __future__ import annotations

import hashlib
import math
from typing import Final

import numpy as np
import numpy.typing as npt

#: The first word of every key. Another number would be another definition of all fates.
DEFINITION: Final = "gdlab relay 1"
#: Words computed at once, a multiple of the four that one counter gives.
CHUNK: Final = 512

_SHIFT: Final = int(math.log2(CHUNK))
_MASK: Final = CHUNK - 1


class Stream:
    """Uniform numbers in [0, 1), each found by its number.

    Parameters
    ----------
    seed, client, way, stage : what tells this stream from every other.
    """

    __slots__ = ("_chunk", "_key", "_values")

    def __init__(self, seed: int, client: int, way: str, stage: str) -> None:
        name = f"{DEFINITION}|{seed}|{client}|{way}|{stage}"
        self._key = int.from_bytes(hashlib.sha256(name.encode()).digest()[:16], "little")
        self._chunk = -1
        self._values: list[float] = []

    def at(self, number: int) -> float:
        """Return the number of this place; neighbours are cheap, as they are computed together."""
        chunk = number >> _SHIFT
        if chunk != self._chunk:
            self._values = self.chunk(chunk).tolist()
            self._chunk = chunk
        return self._values[number & _MASK]

    def chunk(self, chunk: int) -> npt.NDArray[np.float64]:
        """Return the numbers ``chunk * CHUNK`` to ``(chunk + 1) * CHUNK - 1``.

        Raw words are used: numpy promises those to stay the same (NEP 19), and not its floating-point numbers.
        """
        words = np.random.Philox(key=self._key, counter=chunk * (CHUNK // 4)).random_raw(CHUNK)
        uniform: npt.NDArray[np.float64] = (words >> np.uint64(11)) * np.float64(2.0**-53)
        return uniform

    def span(self, first: int, count: int) -> npt.NDArray[np.float64]:
        """Return the numbers from `first` on."""
        chunks = range(first >> _SHIFT, ((first + count - 1) >> _SHIFT) + 1)
        whole = np.concatenate([self.chunk(chunk) for chunk in chunks])
        start = first - (chunks[0] << _SHIFT)
        return whole[start : start + count]


def normal_quantile(u: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """The standard normal distribution's quantiles; ends are kept finite.

    Wichura, "Algorithm AS 241", 1988, PPND16: relative error about 1e-16.
    """
    p = np.clip(u, 2.0**-54, 1 - 2.0**-53)
    q = p - 0.5
    r = 0.180625 - q * q
    central = q * _ratio(r, _A, _B)
    tail = np.sqrt(-np.log(np.where(q < 0, p, 1.0 - p)))
    far = np.where(tail <= 5.0, _ratio(tail - 1.6, _C, _D), _ratio(tail - 5.0, _E, _F))
    return np.where(np.abs(q) <= 0.425, central, np.copysign(far, q))


def _ratio(
    x: npt.NDArray[np.float64], above: tuple[float, ...], below: tuple[float, ...]
) -> npt.NDArray[np.float64]:
    return np.polyval(above, x) / np.polyval(below, x)


_A: Final = (
    2509.0809287301226727,
    33430.575583588128105,
    67265.770927008700853,
    45921.953931549871457,
    13731.693765509461125,
    1971.5909503065514427,
    133.14166789178437745,
    3.387132872796366608,
)
_B: Final = (
    5226.495278852854561,
    28729.085735721942674,
    39307.89580009271061,
    21213.794301586595867,
    5394.1960214247511077,
    687.1870074920579083,
    42.313330701600911252,
    1.0,
)
_C: Final = (
    7.7454501427834140764e-4,
    0.0227238449892691845833,
    0.24178072517745061177,
    1.27045825245236838258,
    3.64784832476320460504,
    5.7694972214606914055,
    4.6303378461565452959,
    1.42343711074968357734,
)
_D: Final = (
    1.05075007164441684324e-9,
    5.475938084995344946e-4,
    0.0151986665636164571966,
    0.14810397642748007459,
    0.68976733498510000455,
    1.6763848301838038494,
    2.05319162663775882187,
    1.0,
)
_E: Final = (
    2.01033439929228813265e-7,
    2.71155556874348757815e-5,
    0.0012426609473880784386,
    0.026532189526576123093,
    0.29656057182850489123,
    1.7848265399172913358,
    5.4637849111641143699,
    6.6579046435011037772,
)
_F: Final = (
    2.04426310338993978564e-15,
    1.4215117583164458887e-7,
    1.8463183175100546818e-5,
    7.868691311456132591e-4,
    0.0148753612908506148525,
    0.13692988092273580531,
    0.59983220655588793769,
    1.0,
)
