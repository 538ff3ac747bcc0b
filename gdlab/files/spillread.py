"""Reading the folder of a spilled capture, also one that was killed."""

from __future__ import annotations

import re
import stat
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pandas as pd

from gdlab.errors import LoadError
from gdlab.facts import Statement
from gdlab.files import arrow, budget, provenance, sidecar
from gdlab.files import to_schema as conform
from gdlab.files.loaded import Loaded
from gdlab.files.progress import Progress, ProgressFunction

SUFFIX = ".gdlab-spill.json"

#: Key of the metadata of a batch: how many rows of its endpoint stand before it.
ROW = b"row"

#: A capture is a time and a token; its files add the number of the endpoint and of the part.
_SESSION = re.compile(r"[0-9A-Za-z]{1,40}-[0-9a-f]{1,40}")
_PART = re.compile(rf"({_SESSION.pattern})-\d{{3,}}-\d{{3,}}\.arrow")
_MAX_BYTES = 64 << 20


def is_spill(folder: Path) -> bool:
    """Whether there is a spilled capture in the folder."""
    return any(_is_session(each) for each in folder.glob("*" + SUFFIX))


def read_spill(folder: Path, progress: ProgressFunction | None = None) -> Loaded:
    """All rows that were written, in order of time.

    Parameters
    ----------
    progress : called with bytes done and in all. Else there is a bar after a second, where tqdm is installed.

    Raises
    ------
    LoadError : not one row can be read, though there should be some.
    MissingDependency : pyarrow is not installed.
    """
    pa = arrow.require("Spilled captures")
    notes: list[Statement] = []
    documents: list[dict[str, Any]] = []
    batches: list[Any] = []
    descriptions = sorted(each for each in folder.glob("*" + SUFFIX) if _is_session(each))
    parts = _parts(folder)
    size = sum(part.stat().st_size for each in parts.values() for part in each)
    with Progress(size, f"reading {folder.name}", progress, unit=" bytes") as shown:
        for description in descriptions:
            document, said = _document(description)
            session = description.name.removesuffix(SUFFIX)
            rows = 0
            streams: dict[str, _Stream] = {}
            for part in parts.pop(session, ()):
                found, damage = _batches(part, shown.advance)
                streams.setdefault(part.name.rpartition("-")[0], _Stream()).take(found)
                said += [Statement.of("note/of", name=part.name, note=damage)] * bool(damage)
            for stream in streams.values():
                rows += sum(map(len, stream.batches))
                batches += stream.batches
            if document and not document.get("closed"):
                said.append(Statement.of("spill/not ended", seconds=document.get("interval_s")))
                if not rows:
                    said.append(Statement("spill/nothing"))
            elif document:
                said += sidecar.check_rows(document, rows)
            documents.append(document)
            notes += [Statement.of("spill/capture", session=session, note=note) for note in said]
    for session, left in parts.items():
        notes.append(Statement.of("spill/left", files=len(left), session=session))
    if len(descriptions) > 1:
        notes.insert(0, Statement.of("spill/captures", captures=len(descriptions)))
    try:
        table = _table(batches)
    except (ValueError, pa.ArrowException) as error:
        raise LoadError(Statement.of("load/spill", folder=folder, why=str(error))) from error
    return Loaded(conform.in_order(table), _told(documents), tuple(notes))


def _told(documents: list[dict[str, Any]]) -> dict[str, Any]:
    """What the descriptions tell; of several, each keeps its own."""
    if len(documents) == 1:
        about = documents[0]
    else:
        together = provenance.merged([dict(each.get("provenance") or {}) for each in documents])
        about = {"captures": documents, "provenance": together, "missed_rows": _missed(documents)}
    if not all(each.get("closed") is True for each in documents):
        # What measures and findings ask: whether all that arrived can be here.
        about = {**about, "provenance": {**(about.get("provenance") or {}), "ended_in_order": False}}
    return about


def _missed(documents: list[dict[str, Any]]) -> int:
    return sum(each.get("missed_rows") or 0 for each in documents)


def _is_session(description: Path) -> bool:
    return _SESSION.fullmatch(description.name.removesuffix(SUFFIX)) is not None and description.is_file()


def _parts(folder: Path) -> dict[str, list[Path]]:
    """The files of each capture of the folder, in order."""
    found: dict[str, list[Path]] = {}
    for path in sorted(folder.glob("*.arrow")):
        match = _PART.fullmatch(path.name)
        # A link may lead out of the folder, and a pipe never ends.
        if match and stat.S_ISREG(path.lstat().st_mode):
            found.setdefault(match[1], []).append(path)
    return found


def _document(description: Path) -> tuple[dict[str, Any], list[Statement]]:
    try:
        if not stat.S_ISREG(description.lstat().st_mode) or description.stat().st_size > _MAX_BYTES:
            return {}, [Statement("spill/description")]
        return sidecar.decode(description.read_bytes())
    except OSError as error:
        return {}, [Statement.of("spill/unreadable", why=error.strerror)]


def _table(batches: list[Any]) -> pd.DataFrame:
    """One table of all batches, whichever version wrote them."""
    import pyarrow as pa

    parts = [
        arrow.table(pa.Table.from_batches(same, schema))
        for schema in (arrow.schema(), arrow.first_schema())
        if (same := [batch for batch in batches if batch.schema == schema])
    ]
    if len(parts) == 2:
        return conform.concatenated(parts)
    return parts[0] if parts else arrow.table(pa.Table.from_batches([], arrow.schema()))


class _Stream:
    """The rows of one endpoint, those left out that others have taken the place of."""

    def __init__(self) -> None:
        self.batches: list[Any] = []
        self._rows: list[int] = []  # the number of the first row of each

    def take(self, found: Iterable[tuple[Any, int | None]]) -> None:
        """Add batches with the number of their first row; None puts one behind all others."""
        for batch, row in found:
            number = self._end() if row is None else row
            while self._rows and self._rows[-1] >= number:
                self._rows.pop()
                self.batches.pop()
            if self._end() > number:
                self.batches[-1] = self.batches[-1].slice(0, number - self._rows[-1])
            self.batches.append(batch)
            self._rows.append(number)

    def before(self, number: int) -> list[Any]:
        """The batches of the rows before that number."""
        first = zip(self.batches, self._rows, strict=True)
        return [batch.slice(0, number - row) for batch, row in first if row < number]

    def _end(self) -> int:
        return self._rows[-1] + len(self.batches[-1]) if self._rows else 0


def standing(path: Path, later: Iterable[Path]) -> tuple[list[Any], int]:
    """The batches of a file of a stream, without rows that it or later files have others for; and its lowest number.

    Raises
    ------
    OSError : a file is damaged.
    """
    found, damage = _batches(path)
    if damage:
        raise OSError(f"{path.name}: {damage}")
    stream = _Stream()
    stream.take(found)
    first = min((row for _, row in found if row is not None), default=0)
    rows = [row for each in later for _, row in _batches(each)[0] if row is not None]
    return (stream.before(min(rows)) if rows else stream.batches), first


def _number(metadata: Any) -> int | None:
    """The number of the first row of a batch, as its metadata has it."""
    said = (metadata or {}).get(ROW) or b""
    return int(said) if said.isdigit() and len(said) < 20 else None


def _batches(
    path: Path, advance: Callable[[int], None] | None = None
) -> tuple[list[tuple[Any, int | None]], str]:
    """The batches that are whole, with the numbers of their first rows, and what is wrong with the rest."""
    import pyarrow as pa

    found: list[tuple[Any, int | None]] = []
    try:
        with pa.OSFile(str(path)) as file, pa.ipc.open_stream(file) as stream:
            if stream.schema not in (arrow.schema(), arrow.first_schema()):
                return [], "has other columns than a capture and was left out"
            size = path.stat().st_size
            used = rows = at = 0
            for batch, metadata in stream.iter_batches_with_custom_metadata():
                batch.validate(full=True)
                used, rows = used + batch.get_total_buffer_size(), rows + len(batch)
                budget.check(path, size, used, rows)
                found.append((batch, _number(metadata)))
                if advance is not None:
                    advance(file.tell() - at)
                    at = file.tell()
    except LoadError as error:
        return found, str(error)
    except (OSError, ValueError, MemoryError, pa.ArrowException) as error:
        return found, f"damaged or cut short after {sum(len(batch) for batch, _ in found)} rows ({error})"
    return found, ""
