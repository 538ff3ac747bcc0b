"""The frame rate of a game, found in the times of its answers.

A game that reads its sockets once per frame answers at the beat of its frames, whenever it was asked. Seen from
outside: the answers lie on a grid in time although the questions do not, and the round trip is the path plus
the wait for the next line of the grid, spread evenly over a frame. Both are tested here; the first alone
would also be shown by a peer that merely sends by the clock, which delays nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from gdlab.analysis.columns import groups, times_ns
from gdlab.analysis.latency import round_trips
from gdlab.analysis.source import Source, table_of

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

#: Answers needed at least; with fewer a grid cannot be told from chance.
MIN_SAMPLES: Final = 50
#: Answers looked at: the latest ones. More do not make it surer, only slower.
MAX_SAMPLES: Final = 3000
#: Rates looked for. Below, a second holds too few frames; above, a frame explains less than 4 ms.
LOWEST_HZ: Final = 10.0
HIGHEST_HZ: Final = 250.0
#: The least concentration of the answers at the rate found, and how much of it the questions may have.
CONCENTRATED: Final = 0.4
SCATTERED: Final = 0.5
#: The least share of the variance of the round trips that waiting must explain.
EXPLAINED: Final = 0.5
#: The most probable chance finding that is still reported.
CHANCE: Final = 1e-6


@dataclass(frozen=True, slots=True)
class FrameRate:
    """A frame rate found in round trips.

    Attributes
    ----------
    endpoint, peer : between whom.
    hz : the frame rate; `hz_error` its standard error as far as the sample tells.
    concentration : how sharply the answers lie on the grid: the mean resultant length of their phases, 0 for
        none, 1 for exactly. About 0.9 is usual on loopback.
    chance : an upper bound of the probability that evenly scattered answers look like this at any rate.
    n : answers used.
    rtt_ms : mean round trip. `wait_ms` : the part of it that is waiting for the next frame. `path_ms` : the
        rest.
    explained : share of the variance of the round trips that the wait explains, up to 1.
    """

    endpoint: str
    peer: str
    hz: float
    hz_error: float
    concentration: float
    chance: float
    n: int
    rtt_ms: float
    wait_ms: float
    path_ms: float
    explained: float

    @property
    def frame_ms(self) -> float:
        """Length of a frame."""
        return 1e3 / self.hz

    @property
    def share(self) -> float:
        """Share of the mean round trip that is waiting for the next frame, 0 to 1."""
        return self.wait_ms / self.rtt_ms if self.rtt_ms > 0 else 0.0


def frame_rate(
    table: Source, *, peer: str | None = None, trips: pd.DataFrame | None = None
) -> FrameRate | None:
    """The frame rate that delays the answers of a peer, or None.

    Parameters
    ----------
    table : a message table with probes that the capture sent, best at irregular moments.
    peer : which one; by default the one with the most answers.
    trips : the result of ``round_trips(table)``, where it is at hand.

    Returns
    -------
    What was found. None where there are fewer than 50 answers; where they are on no grid between 10 and 250
    Hz; where the questions are on the same grid (sent at a multiple or divisor of the frame rate: nothing can
    be told apart then; send at random intervals); or where the grid does not explain the round trips.

    Notes
    -----
    For a candidate rate f each answer at t has the phase ``2 pi f t``. The statistic is the Rayleigh test on
    stretches of about a second, their powers added, so that a frame loop whose beat wanders over minutes is
    still found. Chance is bounded by the gamma distribution of that sum for evenly scattered phases, times
    the number of candidates. Of a rate and its multiples, which fit the grid as well, the lowest is taken.
    """
    table = table_of(table)
    trips = round_trips(table) if trips is None else trips
    trips = trips[trips["rtt_ms"].notna()]
    ids, labels = groups(trips, ("endpoint", "peer"))
    if peer is not None:
        wanted = np.flatnonzero((labels["peer"] == peer).to_numpy())
        if not len(wanted):
            return None
        chosen = ids == wanted[np.argmax(np.bincount(ids, minlength=len(labels))[wanted])]
    elif len(labels):
        chosen = ids == np.argmax(np.bincount(ids))
    else:
        return None
    mine = trips[chosen].iloc[-MAX_SAMPLES:]
    if len(mine) < MIN_SAMPLES:
        return None
    stamps = times_ns(mine)
    sent = (stamps - stamps.min()) / 1e9
    rtt = mine["rtt_ms"].to_numpy(dtype=np.float64) / 1e3
    found = _found(sent, rtt)
    if found is None:
        return None
    return FrameRate(str(mine["endpoint"].iloc[0]), str(mine["peer"].iloc[0]), *found)


def _found(
    sent: Floats, rtt: Floats
) -> tuple[float, float, float, float, int, float, float, float, float] | None:
    """The fields of `FrameRate` from `hz` on."""
    arrived = sent + rtt
    stretch = _stretch(arrived)
    candidates = np.arange(LOWEST_HZ, HIGHEST_HZ, 0.2 / stretch)
    power, scale = _power(arrived, candidates, stretch)
    best = _fundamental(candidates, power)
    fine = np.linspace(best - 0.4 / stretch, best + 0.4 / stretch, 81)
    fine_power, _ = _power(arrived, fine, stretch)
    hz = float(fine[np.argmax(fine_power)])
    concentration = float(np.sqrt(np.clip(fine_power.max() / scale, 0, 1)))
    asked, asked_scale = _power(sent, np.array([hz]), stretch)
    regular = float(np.sqrt(np.clip(asked[0] / asked_scale, 0, 1)))
    chance = _chance(arrived, hz, stretch, len(candidates))
    if concentration < CONCENTRATED or regular > SCATTERED * concentration or chance > CHANCE:
        return None
    wait, path, explained = _waiting(sent, rtt, hz, stretch)
    if explained < EXPLAINED:
        return None
    spread = np.sqrt(max(-2 * np.log(min(concentration, 0.999)), 1e-4))
    error = float(np.sqrt(12) * spread / (2 * np.pi * stretch * np.sqrt(len(sent))))
    mean = float(rtt.mean())
    return hz, error, concentration, chance, len(sent), mean * 1e3, wait * 1e3, path * 1e3, explained


def _stretch(times: Floats) -> float:
    """Seconds over which phases are compared: one, or enough for eight answers, at most a fifth of all."""
    lasted = float(np.ptp(times))
    return max(min(max(1.0, 8 * lasted / len(times)), lasted / 5), 1e-3)


def _sums(times: Floats, candidates: Floats, stretch: float) -> tuple[NDArray[np.complex128], Floats]:
    """Sums of unit vectors, (stretches, candidates), and how many each stretch has."""
    ordered = np.sort(times)
    number = np.floor((ordered - ordered[0]) / stretch).astype(np.int64)
    begins = np.flatnonzero(np.diff(number, prepend=-1))
    counts = np.diff(begins, append=len(ordered)).astype(np.float64)
    parts = []
    # In blocks of candidates: 3,000 answers times 1,200 rates would be 60 MB at once.
    for block in np.array_split(candidates, max(1, len(candidates) * len(ordered) // 400_000)):
        turns = np.outer(ordered, block)
        # Single precision from here on: the fraction of a turn is exact to 1e-7, and its sine cheaper.
        angles = ((turns - np.floor(turns)) * (2 * np.pi)).astype(np.float32)
        real = np.add.reduceat(np.cos(angles), begins, axis=0, dtype=np.float64)
        parts.append(real + 1j * np.add.reduceat(np.sin(angles), begins, axis=0, dtype=np.float64))
    return np.concatenate(parts, axis=1), counts


def _power(times: Floats, candidates: Floats, stretch: float) -> tuple[Floats, float]:
    """Squared concentration of the phases, free of bias, times a scale; (candidates,), and the scale."""
    sums, counts = _sums(times, candidates, stretch)
    pairs = float((counts * (counts - 1)).sum())
    power = (np.abs(sums) ** 2).sum(axis=0) - counts.sum()
    return np.asarray(power, dtype=np.float64), max(pairs, 1.0)


def _fundamental(candidates: Floats, power: Floats) -> float:
    """The candidate of most power, or the lowest of which it is a multiple and that has nearly as much."""
    top = float(candidates[np.argmax(power)])
    step = candidates[1] - candidates[0]
    for divisor in range(int(top // LOWEST_HZ), 1, -1):
        near = np.abs(candidates - top / divisor) <= 1.5 * step
        if near.any() and power[near].max() >= 0.7 * power.max():
            return float(candidates[near][np.argmax(power[near])])
    return top


def _chance(times: Floats, hz: float, stretch: float, candidates: int) -> float:
    """Bound of the probability that scattered phases reach this power at one of the candidates."""
    sums, counts = _sums(times, np.array([hz]), stretch)
    k = len(counts)
    # Each |sum|^2 / n is exponential with mean 1 for scattered phases; their total is gamma with shape k.
    total = float((np.abs(sums[:, 0]) ** 2 / counts).sum())
    if total <= k:
        return 1.0
    # Chernoff's bound of the gamma tail; no special function needed.
    exponent = k - total + k * np.log(total / k)
    return float(min(1.0, candidates * np.exp(max(exponent, -700.0))))


def _waiting(sent: Floats, rtt: Floats, hz: float, stretch: float) -> tuple[float, float, float]:
    """Mean wait and path in seconds, and the share of the variance that the wait explains."""
    period = 1 / hz
    arrived = sent + rtt
    number = np.floor((arrived - arrived.min()) / stretch).astype(np.int64)
    vectors = np.exp(2j * np.pi * np.mod(arrived * hz, 1.0))
    sums = np.bincount(number, vectors.real) + 1j * np.bincount(number, vectors.imag)
    line = (np.angle(sums) / (2 * np.pi) * period)[number]  # where the grid lies in each stretch
    # The path is the shortest round trip but for a few: what is left when there was nothing to wait for.
    path = float(np.quantile(rtt, 0.01))
    wait = np.mod(line - sent - path, period)
    # Around the turn of a frame the slightest jitter decides which frame it was: the nearer one is meant.
    off = np.mod(rtt - path - wait + period / 2, period) - period / 2
    whole = np.where(np.abs(rtt - path - wait - off) < 1.5 * period, rtt - path - wait - off, 0.0)
    left = rtt - path - np.clip(wait + whole, 0, period)
    variance = _middle_variance(rtt)
    explained = 1 - _middle_variance(left) / variance if variance > 0 else 0.0
    # Whatever more than half a frame the mean is over the path, frames do not explain.
    mean_wait = float(np.clip(rtt.mean() - path, 0, period / 2))
    return mean_wait, float(rtt.mean()) - mean_wait, float(explained)


def _middle_variance(values: Floats) -> float:
    """Variance without the lowest twentieth and the highest seventh, which stalls of either program own."""
    low, high = np.quantile(values, [0.05, 0.85])
    return float(np.var(values[(values >= low) & (values <= high)]))
