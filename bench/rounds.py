"""Interleaved rounds: contenders take turns, and what is compared is the median of the ratios within a round.

A shared machine changes its speed by the second. A A A B B B measures the machine; A B A B A B measures A and B.
"""

import math
import statistics
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

Result = dict[str, float]


class InvariantBroken(AssertionError):
    """A measurement whose counts do not add up is worth nothing."""


@dataclass(frozen=True)
class Contender:
    """Who takes part: a name, and one run that returns its figures. `missing` says why it cannot take part."""

    name: str
    run: Callable[[], Result] | None
    missing: str = ""


def bring(name: str, *, program: bool = False) -> str:
    """What is missing, a package of Python or a program, and the command that brings it."""
    return f"{name} is not installed: {'apt install' if program else 'uv pip install'} {name}"


@dataclass(frozen=True)
class Target:
    """A bound: of `who`'s figure, or of its ratio to that of `against`, which may be turned over."""

    who: str
    metric: str
    most: float | None = None
    least: float | None = None
    against: str | None = None
    upside_down: bool = False  # the ratio is against / who: "n times less than"
    source: str = ""


@dataclass(frozen=True)
class Metric:
    """A column: its key in the results, its heading with the unit, how many digits, and whether to show the ratio."""

    key: str
    heading: str
    digits: int = 1
    ratio: bool = False


@dataclass
class Table:
    """Results of one question."""

    title: str
    metrics: Sequence[Metric]
    reference: str
    results: dict[str, list[Result]]
    missing: dict[str, str] = field(default_factory=dict)
    targets: Sequence[Target] = ()
    notes: Sequence[str] = ()

    def median(self, who: str, metric: str) -> float:
        """Median over the rounds; NaN where it was not measured."""
        values = [result[metric] for result in self.results.get(who, []) if metric in result]
        return statistics.median(values) if values else math.nan

    def ratio(self, who: str, against: str, metric: str) -> float:
        """Median over the rounds of the ratio within each round; NaN where there is none."""
        pairs = zip(self.results.get(who, []), self.results.get(against, []), strict=False)
        ratios = [a[metric] / b[metric] for a, b in pairs if metric in a and b.get(metric)]
        return statistics.median(ratios) if ratios else math.nan

    def measured(self, target: Target) -> float:
        """Return the figure that a target bounds."""
        if target.against is None:
            return self.median(target.who, target.metric)
        ends = (target.against, target.who) if target.upside_down else (target.who, target.against)
        return self.ratio(*ends, target.metric)

    def verdict(self, target: Target) -> str:
        """`met`, `missed`, or `not measured`."""
        value = self.measured(target)
        if math.isnan(value):
            return "not measured"
        low = target.least is not None and value < target.least
        high = target.most is not None and value > target.most
        return "missed" if low or high else "met"

    def lines(self) -> Iterable[str]:
        """The table as text."""
        rounds = max((len(values) for values in self.results.values()), default=0)
        yield f"\n{self.title}  (median of {rounds} interleaved round{'s' * (rounds != 1)})"
        headings = [""]
        for metric in self.metrics:
            headings.append(metric.heading)
            if metric.ratio:
                headings.append(f"x {self.reference}")
        rows = [headings]
        for who in self.results:
            row = [who]
            for metric in self.metrics:
                value = self.median(who, metric.key)
                row.append("-" if math.isnan(value) else f"{value:,.{metric.digits}f}")
                if metric.ratio:
                    ratio = self.ratio(who, self.reference, metric.key)
                    row.append("-" if math.isnan(ratio) else f"{ratio:.3g}")
            rows.append(row)
        widths = [max(len(row[column]) for row in rows) for column in range(len(headings))]
        for row in rows:
            cells = [row[0].ljust(widths[0])]
            cells += [cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True)]
            yield "  " + "  ".join(cells)
        for who, why in self.missing.items():
            yield f"  not measured: {who} ({why})"
        for target in self.targets:
            yield f"  {self.verdict(target):>12}: {self.describe(target)}"
        for note in self.notes:
            yield f"  note: {note}"

    def describe(self, target: Target) -> str:
        """One line about a target."""
        heading = next((m.heading for m in self.metrics if m.key == target.metric), target.metric)
        bounds = [f">= {target.least:g}"] if target.least is not None else []
        bounds += [f"<= {target.most:g}"] if target.most is not None else []
        what = f"{target.who}, {heading}"
        if target.against:
            what += f", {'times less than' if target.upside_down else 'ratio to'} {target.against}"
        source = f" [{target.source}]" if target.source else ""
        return f"{what}: {self.measured(target):.3g} (target {' and '.join(bounds)}){source}"

    def as_json(self) -> dict[str, Any]:
        """Everything, for comparing over time."""
        return {
            "title": self.title,
            "reference": self.reference,
            "results": self.results,
            "medians": {
                who: {metric.key: self.median(who, metric.key) for metric in self.metrics}
                for who in self.results
            },
            "missing": self.missing,
            "targets": [
                {"what": self.describe(t), "value": self.measured(t), "verdict": self.verdict(t)}
                for t in self.targets
            ],
            "notes": list(self.notes),
        }


def interleave(
    contenders: Sequence[Contender], rounds: int
) -> tuple[dict[str, list[Result]], dict[str, str]]:
    """Let every contender run once a round; return the results by name, and who could not take part and why."""
    able = [contender for contender in contenders if contender.run is not None and not contender.missing]
    results: dict[str, list[Result]] = {contender.name: [] for contender in able}
    for number in range(rounds):
        # Every other round goes backwards, so that nobody always follows the same one.
        for contender in able if number % 2 == 0 else able[::-1]:
            assert contender.run is not None
            results[contender.name].append(contender.run())
    return results, {contender.name: contender.missing for contender in contenders if contender.missing}


def check(condition: bool, text: str) -> None:
    """Stop everything when counts do not add up."""
    if not condition:
        raise InvariantBroken(text)
