"""A capture as a folder: one page that explains itself, and its data.

What peers sent, and what a loaded file says of itself, is text of strangers: it is escaped, and the page forbids
the browser to run or load anything.
"""

from __future__ import annotations

import base64
import html
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd

from gdlab import analysis, plots
from gdlab.analysis.columns import equals, messages, times_ns
from gdlab.analysis.probes import messages_of
from gdlab.codecs import decode, remember, remembered
from gdlab.facts import clean
from gdlab.files import sidecar, write_csv, write_document
from gdlab.files.anonymise import anonymise as anonymised
from gdlab.files.to_schema import conform
from gdlab.report import glossary as definitions
from gdlab.text import number

PAGE: Final = "report.html"
DATA: Final = "capture.csv"

#: Rows of a table in the page; a million peers must not make it unreadable. The data has them all.
MOST_ROWS: Final = 50
#: Characters of a cell.
MOST_CHARACTERS: Final = 600

_STYLE: Final = """
body{font:15px/1.5 system-ui,sans-serif;max-width:62em;margin:2em auto;padding:0 1em;color:#222;background:#fff}
h1{font-size:1.6em;margin-bottom:0}h2{font-size:1.2em;margin-top:2em;border-bottom:1px solid #ccc}
figure{margin:1em 0;break-inside:avoid}img{max-width:100%}figcaption,.note{color:#555;font-size:.9em}
div.wide{overflow-x:auto}table{border-collapse:collapse;font-size:.87em}
th,td{text-align:left;vertical-align:top;padding:.2em .8em .2em 0;border-bottom:1px solid #e4e4e4}
th.number{text-align:right}td.number{text-align:right;white-space:nowrap;font-variant-numeric:tabular-nums}
table.narrow{font-size:.78em}table.narrow th,table.narrow td{padding-right:.6em}
table.narrow td:not(.number){overflow-wrap:anywhere;min-width:5em}
p,li{overflow-wrap:anywhere}td{max-width:28em;overflow-wrap:break-word}th{vertical-align:bottom}
article{margin:1em 0;padding-left:1em;border-left:4px solid #0072b2}
article p{margin:.2em 0}
"""


@dataclass(frozen=True, slots=True)
class _Figure:
    """A picture of the page: a function of `gdlab.plots`, what it shows, and whether there is anything to draw."""

    name: str
    about: str
    wanted: bool
    options: Mapping[str, Any]


def write_report(
    table: pd.DataFrame,
    folder: str | Path,
    *,
    title: str,
    provenance: Mapping[str, Any],
    seq: str | None = None,
    anonymise: bool = False,
) -> Path:
    """Write the page and the data; see `Tabular.report`.

    Parameters
    ----------
    table : of a capture; the page and the data are both made of this one.
    title : the capture in a line.
    provenance : where the rows come from; JSON-like.
    """
    folder = Path(folder)
    way = remembered(table)
    table = conform(table)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except FileExistsError as error:
        raise NotADirectoryError(f"{folder} is a file; a report is a folder, give another name") from error
    shown, told = table, dict[str, Any](title=title, provenance=dict(provenance))
    if anonymise:
        shown, told = anonymised(table, told)
    remember(shown, way)
    page = render(shown, title=told["title"], provenance=told["provenance"], seq=seq)
    # The page last: where it stands, the data it speaks of stands, too.
    write_csv(table, folder / DATA, anonymise=anonymise, provenance=provenance)
    return write_document(folder / PAGE, page)


def render(table: pd.DataFrame, *, title: str, provenance: Mapping[str, Any], seq: str | None = None) -> str:
    """The page as text.

    Parameters
    ----------
    table : the columns of `gdlab.messages.SCHEMA`; may be empty.
    title, provenance, seq : as for `write_report`.
    """
    if seq is not None and seq.startswith("v."):
        table = decode(table)
    sections = (
        ("Findings", _findings(table, provenance, seq)),
        ("Numbers", _numbers(table, seq)),
        ("Figures", _figures(table, seq)),
        ("Conversations", _conversations(table)),
        ("Capture and settings", _settings(provenance)),
        ("How the numbers are defined", _list(definitions.GENERAL)),
        ("Data and versions", _versions(len(table))),
    )
    body = "".join(f"<section><h2>{name}</h2>{content}</section>\n" for name, content in sections)
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">\n'
        '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; img-src data:; '
        "style-src 'unsafe-inline'\">\n"
        '<meta name="viewport" content="width=device-width">\n'
        f"<title>gdlab report: {_text(title)}</title>\n<style>{_STYLE}</style></head>\n"
        f"<body><h1>Network capture</h1>\n<p>{_text(title)}</p>\n<p class=note>{_extent(table)}</p>\n"
        f"{body}</body></html>\n"
    )


def _extent(table: pd.DataFrame) -> str:
    """When, how many rows, and who took their times."""
    stamps = times_ns(table)
    if not len(stamps):
        return "This capture has no rows."
    first, last = (pd.Timestamp(int(stamp)) for stamp in (stamps.min(), stamps.max()))
    received = messages(table, "in")
    kernel = int((received & equals(table, "time_source", "kernel")).sum())
    n = int(received.sum())
    by = f" Of {n:,} messages received, the kernel stamped {kernel:,}." if n else " No message was received."
    return f"{first:%Y-%m-%d %H:%M:%S} to {last:%H:%M:%S} UTC, {len(table):,} rows.{by}"


def _findings(table: pd.DataFrame, provenance: Mapping[str, Any], seq: str | None) -> str:
    statistics = provenance.get("statistics")
    found = analysis.findings(table, statistics if isinstance(statistics, Mapping) else None, seq=seq)
    if not len(found):
        return "<p>No rule applies. That says that nothing was recognised, not that all is well.</p>"
    return "".join(
        f"<article><p><b>{_text(row['what'])}</b></p><p>{_text(row['evidence'])}</p>"
        f"<p>To do: {_text(row['next_step'])}</p><p class=note>{_text(row['lesson'])} "
        f"(rule {_text(row['rule'])}, certainty {row['certainty']:.0%})</p></article>"
        for row in found.to_dict("records")
    )


def _numbers(table: pd.DataFrame, seq: str | None) -> str:
    rows = [
        (
            row["measure"],
            _written(row["value"]),
            row["unit"],
            "" if np.isnan(row["low"]) else f"{_written(row['low'])} to {_written(row['high'])}",
            f"{row['n']:,}",
            definitions.of_measure(row["measure"]),
        )
        for row in analysis.measures(table, seq=seq).to_dict("records")
    ]
    return _table(
        ("measure", "value", "unit", "95 % interval", "n", "definition"), rows, numbers=(1, 3, 4)
    ) + ("<p class=note>A dash: the sample is too small for this number, or there is nothing to measure.</p>")


def _figures(table: pd.DataFrame, seq: str | None) -> str:
    trips = analysis.round_trips(table)
    answered = int(trips["rtt_ms"].notna().sum())
    between = int(analysis.inter_arrival(table)["iat_ms"].notna().sum())
    delays = answered or between
    said = bool(messages_of(table).any())
    numbered = {"seq": seq} if seq else {}
    figures = (
        _Figure("rates", "How busy it was.", said, {}),
        _Figure(
            "latency",
            "The delay of each message, where it can be known; the title says what is shown.",
            delays > 0,
            {},
        ),
        _Figure("histogram", "How often which delay occurred.", delays > 0, {}),
        _Figure(
            "percentiles",
            "The same as percentiles: how bad the rare ones are.",
            delays >= 2 * analysis.TAIL_SAMPLES,
            {},
        ),
        _Figure(
            "frame_phase",
            "Round trips by the moment within a game's frame.",
            answered >= 2 * analysis.TAIL_SAMPLES,
            {},
        ),
        _Figure(
            "jitter",
            "How unevenly messages travelled.",
            bool(analysis.jitter(table)["jitter_ms"].notna().any()),
            {},
        ),
        _Figure(
            "sequence",
            "What is missing, doubled or out of order.",
            len(analysis.sequence(table, seq=seq)) > 0,
            numbered,
        ),
        _Figure("overhead", "What of the bytes is payload.", said, {}),
        _Figure("timeline", "Who spoke when, and what else happened.", len(table) > 0, {}),
    )
    drawn = "".join(_figure(table, figure) for figure in figures if figure.wanted)
    left_out = ", ".join(figure.name for figure in figures if not figure.wanted)
    note = (
        f"<p class=note>Left out, since this capture has nothing for them: {left_out}.</p>"
        if left_out
        else ""
    )
    return drawn + note


def _figure(table: pd.DataFrame, figure: _Figure) -> str:
    ax = getattr(plots, figure.name)(table, theme="light", **figure.options)
    picture = base64.b64encode(plots.png(ax)).decode("ascii")
    words = f"{figure.name}. {figure.about}"
    return (
        f'<figure><img width="800" alt="{html.escape(words)}" src="data:image/png;base64,{picture}">'
        f"<figcaption>{html.escape(words)}</figcaption></figure>"
    )


def _conversations(table: pd.DataFrame) -> str:
    found = analysis.conversations(table)
    if not len(found):
        return "<p>Nobody was heard.</p>"
    kept = found.head(MOST_ROWS)
    kept = kept.drop(columns=[name for name in ("opened", "closed", "errors") if not found[name].any()])
    # Narrow enough for the page: when it ended follows from when it began, and a lone endpoint needs no column.
    kept = kept.assign(first=kept["first"].dt.strftime("%H:%M:%S.%f").str[:-3]).drop(columns="last")
    endpoints = found["endpoint"].astype(str).unique()
    only = f" All with the endpoint {_text(endpoints[0])}." if len(endpoints) == 1 else ""
    if only:
        kept = kept.drop(columns="endpoint")
    rows = [
        [
            _written(cell) if isinstance(cell, float) else f"{cell:,}" if isinstance(cell, int) else cell
            for cell in row
        ]
        for row in kept.astype(object).itertuples(index=False, name=None)
    ]
    more = len(found) - len(kept)
    note = f" {more:,} more conversations are in the data." if more else ""
    names = [name.replace("_", " ") for name in kept.columns]  # so that a browser may break the line there
    words = 2 if only else 3
    return _table(names, rows, numbers=range(words - 1, len(kept.columns)), narrow=True) + (
        f"<p class=note>{definitions.CONVERSATIONS}{only}{note}</p>"
    )


def _settings(provenance: Mapping[str, Any]) -> str:
    rows = [(name, value, _meaning(name)) for name, value in _flat(provenance)]
    if not rows:
        return "<p>The data does not say how it was captured.</p>"
    more = len(rows) - MOST_ROWS
    return _table(("setting", "value", "meaning"), rows[:MOST_ROWS]) + (
        f"<p class=note>{more:,} more are in the file beside the data.</p>" if more > 0 else ""
    )


def _meaning(name: str) -> str:
    group, _, key = name.partition(".")
    return definitions.STATISTICS.get(key, "") if group == "statistics" else ""


def _flat(values: Mapping[str, Any], prefix: str = "", depth: int = 0) -> Iterator[tuple[str, str]]:
    """Names with dots, and values as text; a loaded file may hold anything here."""
    for name, value in values.items():
        if isinstance(value, Mapping) and depth < 3:
            yield from _flat(value, f"{prefix}{name}.", depth + 1)
        elif isinstance(value, list) and all(isinstance(item, str) for item in value):
            yield f"{prefix}{name}", ", ".join(value[:MOST_ROWS])
        elif isinstance(value, Mapping | list):
            yield f"{prefix}{name}", f"({len(value)} entries)"
        else:
            yield f"{prefix}{name}", str(value)


def _versions(rows: int) -> str:
    made = datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    software = ", ".join(f"{name} {version}" for name, version in sidecar.versions().items())
    return (
        f"<p>All {rows:,} rows are in <code>{DATA}</code> beside this page; <code>gdlab.load</code> reads it, and "
        f"<code>{sidecar.path_for(Path(DATA)).name}</code> says what its columns are. Report made {made} "
        f"with {_text(software)}.</p>"
    )


def _table(
    head: Iterable[str],
    rows: Iterable[Iterable[object]],
    *,
    numbers: Iterable[int] = (),
    narrow: bool = False,
) -> str:
    """A table with some columns of numbers; a narrow one breaks long words and is set smaller."""
    right = frozenset(numbers)
    cells = "".join(
        "<tr>"
        + "".join(
            f"<td{' class=number' if at in right else ''}>{_text(cell)}</td>" for at, cell in enumerate(row)
        )
        + "</tr>"
        for row in rows
    )
    names = "".join(
        f"<th{' class=number' if at in right else ''}>{_text(name)}</th>" for at, name in enumerate(head)
    )
    of = " class=narrow" if narrow else ""
    return f'<div class="wide"><table{of}><thead><tr>{names}</tr></thead><tbody>{cells}</tbody></table></div>'


def _written(value: float) -> str:
    """Four significant digits; a dash for what is not known."""
    return "\N{EN DASH}" if np.isnan(value) else number(value, 4)


def _list(texts: Iterable[str]) -> str:
    return "<ul>" + "".join(f"<li>{_text(text)}</li>" for text in texts) + "</ul>"


def _text(value: object) -> str:
    """Anything as one line of text that is neither markup nor turns the line around."""
    text = clean(str(value)[: MOST_CHARACTERS + 1])
    return html.escape(text if len(text) <= MOST_CHARACTERS else text[: MOST_CHARACTERS - 1] + "…")
