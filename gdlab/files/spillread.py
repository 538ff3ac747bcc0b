"""Reading the folder of a spilled capture, also one that was killed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd

from gdlab.errors import LoadError
from gdlab.files import arrow, sidecar
from gdlab.files import to_schema as conform
from gdlab.files.loaded import Loaded
from gdlab.files.spill import SUFFIX


def is_spill(folder: Path) -> bool:
    """Whether there is a spilled capture in the folder."""
    return any(folder.glob("*" + SUFFIX))


def read_spill(folder: Path) -> Loaded:
    """All rows that were written, in order of time.

    Raises
    ------
    LoadError : not one row can be read, though there should be some.
    MissingDependency : pyarrow is not installed.
    """
    pa = arrow.require("Spilled captures")
    notes: list[str] = []
    documents: list[dict[str, Any]] = []
    batches: list[Any] = []
    descriptions = sorted(folder.glob("*" + SUFFIX))
    for description in descriptions:
        document, said = sidecar.decode(description.read_bytes())
        session = description.name.removesuffix(SUFFIX)
        rows = 0
        for part in sorted(folder.glob(session + "-*.arrow")):
            found, damage = _batches(part)
            rows += sum(len(batch) for batch in found)
            batches += found
            said += [f"{part.name}: {damage}"] * bool(damage)
        if document and not document.get("closed"):
            said.append(
                "it did not end in order (the process was killed, or still runs): what was received in the last "
                f"{document.get('interval_s')} s before its end may be missing; after a power cut or a crash of the "
                "whole system more, what it had not yet put on the disk"
            )
        elif document:
            said += sidecar.check_rows(document, rows)
        documents.append(document)
        notes += [f"capture {session}: {note}" for note in said]
    if len(descriptions) > 1:
        notes.insert(0, f"the folder holds {len(descriptions)} captures; all their rows are here")
    try:
        table = _table(batches)
    except (ValueError, pa.ArrowException) as error:
        raise LoadError(
            f"{folder} holds files that are not of a spilled capture: {error}. Expected: the folder as gdlab wrote it"
        ) from error
    if not len(table) and notes and not any(document.get("closed") for document in documents):
        notes.append("nothing had been written yet")
    provenance = documents[0] if len(documents) == 1 else {"captures": documents}
    return Loaded(conform.in_order(table), provenance, tuple(notes))


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


def _batches(path: Path) -> tuple[list[Any], str]:
    """The batches that are whole, and what is wrong with the rest."""
    import pyarrow as pa

    found: list[Any] = []
    try:
        with pa.OSFile(str(path)) as file, pa.ipc.open_stream(file) as stream:
            if stream.schema not in (arrow.schema(), arrow.first_schema()):
                return [], "has other columns than a capture and was left out"
            for batch in stream:
                batch.validate(full=True)
                found.append(batch)
    except (OSError, ValueError, MemoryError, pa.ArrowException) as error:
        return found, f"damaged or cut short after {sum(len(batch) for batch in found)} rows ({error})"
    return found, ""
