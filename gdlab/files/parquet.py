"""Tables in Parquet files. What CSV has in a sidecar, they also have inside, in the metadata ``gdlab``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from gdlab.errors import LoadError
from gdlab.facts import Statement
from gdlab.files import anonymise as names
from gdlab.files import arrow, budget, sidecar
from gdlab.files import to_schema as conform
from gdlab.files.atomic import replacing
from gdlab.files.loaded import Loaded
from gdlab.files.progress import Progress, ProgressFunction
from gdlab.messages import SCHEMA

_KEY = b"gdlab"
_AT_ONCE = 131_072


def write_parquet(
    table: pd.DataFrame,
    path: str | Path,
    *,
    anonymise: bool = False,
    provenance: Mapping[str, Any] | None = None,
    progress: ProgressFunction | None = None,
) -> Path:
    """Write a table of a capture as Parquet.

    Parameters
    ----------
    table : the columns of `messages.SCHEMA`.
    path : the file, such as ``run1.parquet``. What a CSV has in a sidecar it has inside, so that a folder of such
        files is one that every reader of Parquet takes.
    anonymise, provenance, progress : as for `write_csv`.

    Raises
    ------
    MissingDependency : pyarrow is not installed.
    TableError : not the columns of a capture.
    OSError : the file cannot be written. What stood under the name before then still does.
    """
    arrow.require("Parquet files")
    import pyarrow.parquet as pq

    path = Path(path)
    table = conform.conform(table)
    if anonymise:
        table, provenance = names.anonymise(table, provenance)
    document = sidecar.describe(table, "parquet", guard=False, anonymised=anonymise, provenance=provenance)
    # Dictionaries pay where values repeat; the statistics let others find a time without reading all.
    with (
        replacing(path) as file,
        pq.ParquetWriter(
            file,
            arrow.schema({_KEY: sidecar.encode(document)}),
            compression="zstd",
            use_dictionary=[*conform.CATEGORICAL, *conform.NULLABLE, "detail"],
            write_statistics=["time"],
            write_page_checksum=True,
        ) as writer,
        Progress(len(table), f"writing {path.name}", progress) as shown,
    ):
        for rows in conform.batches(conform.payloads(table).sizes):
            part = table.iloc[rows]
            writer.write_batch(arrow.batch(part))
            shown.advance(len(part))
    return path


def is_parquet(beginning: bytes) -> bool:
    """Whether a file that begins so is Parquet."""
    return beginning.startswith(b"PAR1")


def pieces(path: Path, most_bytes: int) -> list[tuple[int, int]]:
    """Row groups that together take so many bytes at most, as the footer tells; the first, and that after the last.

    Raises
    ------
    LoadError : the footer is damaged.
    """
    pa = arrow.require("Parquet files")
    import pyarrow.parquet as pq

    try:
        metadata = pq.read_metadata(path)
        sizes = [
            max(metadata.row_group(group).total_byte_size, 0) for group in range(metadata.num_row_groups)
        ]
    except (pa.ArrowException, OSError, ValueError) as error:
        raise LoadError(Statement.of("load/parquet damaged", path=path, why=str(error))) from error
    found: list[tuple[int, int]] = []
    begin = used = 0
    for group, size in enumerate(sizes):
        if used + size > most_bytes and group > begin:
            found.append((begin, group))
            begin, used = group, 0
        used += size
    return [*found, (begin, len(sizes))]


def read_parquet(
    path: Path,
    progress: ProgressFunction | None = None,
    columns: Sequence[str] | None = None,
    groups: range | None = None,
) -> Loaded:
    """Read a table; a file of another program is read, too, if it has all the columns.

    Parameters
    ----------
    path, progress : as for `load`.
    columns : these at least; of a file of an earlier version all.
    groups : only these row groups.

    Raises
    ------
    LoadError : the file is damaged or cut short, or holds something else.
    MissingDependency : pyarrow is not installed.
    """
    pa = arrow.require("Parquet files")
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path, page_checksum_verification=True) as file:
            schema = file.schema_arrow  # which is made anew each time that it is asked for
            metadata, names = schema.metadata or {}, schema.names
            _check_names(path, names)
            known = [name for name in conform.NAMES if name in names]
            extra = [name for name in names if name not in known]
            if len(known) < len(conform.NAMES):
                columns = None
            if columns is not None:
                known = [name for name in known if name in columns]
            groups = range(file.metadata.num_row_groups) if groups is None else groups
            _check_size(path, file.metadata, groups, everything=columns is None)
            data = _read(path, file, schema, known, groups, progress)
            data.validate(full=True)
    except (pa.ArrowException, OSError, UnicodeDecodeError, OverflowError, KeyError, MemoryError) as error:
        raise LoadError(Statement.of("load/parquet damaged", path=path, why=str(error))) from error
    try:
        table = arrow.table(data, columns)
    except ValueError as error:
        raise LoadError(
            Statement.of(
                "load/parquet foreign", path=path, why=error, columns=tuple(column.name for column in SCHEMA)
            )
        ) from error
    notes: list[Statement] = []
    document: dict[str, Any] = {}
    if _KEY in metadata:
        document, notes = sidecar.decode(metadata[_KEY])
        notes += sidecar.check_rows(document, len(table)) + sidecar.restore_categories(table, document)
    else:
        notes.append(Statement("note/foreign"))
    if extra:
        notes.append(Statement.of("note/columns left out", columns=", ".join(extra)[:500]))
    return Loaded(table, document, tuple(notes))


def _check_names(path: Path, names: Sequence[str]) -> None:
    """Refuse a table of which two columns have one name: which of them is meant cannot be told."""
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise LoadError(
            f"{path} has more than one column {', '.join(twice)[:200]}. Expected: each name once. Rename or drop the "
            "others where the file was made"
        )


def _check_size(path: Path, metadata: Any, groups: range, *, everything: bool) -> None:
    """Refuse, by the footer alone, what would take more memory than captures do, or than there is."""
    sizes = [metadata.row_group(group) for group in groups]
    unpacked = sum(max(group.total_byte_size, 0) for group in sizes)
    rows = sum(max(group.num_rows, 0) for group in sizes)
    if everything:
        way = Statement.of("load/by pieces", path=repr(str(path)))
        budget.afford(path, path.stat().st_size, unpacked + rows * budget.ROW_BYTES, way)
    budget.check(path, path.stat().st_size, unpacked, rows)


def _read(
    path: Path,
    file: Any,
    schema: Any,
    columns: list[str],
    groups: range,
    progress: ProgressFunction | None,
) -> Any:
    """All rows, a batch at a time, so that it is seen and what the footer hides is found before memory is full."""
    import pyarrow as pa

    size = path.stat().st_size
    batches = []
    rows = used = 0
    total = sum(max(file.metadata.row_group(group).num_rows, 0) for group in groups)
    with Progress(total, f"reading {path.name}", progress) as shown:
        for batch in file.iter_batches(batch_size=_AT_ONCE, row_groups=list(groups), columns=columns):
            batches.append(batch)
            rows += len(batch)
            used += batch.get_total_buffer_size()
            budget.check(path, size, 0, rows)
            if used > budget.MOST_BYTES:
                budget.check(path, size, used, rows)
            shown.advance(len(batch))
    wanted = pa.schema([schema.field(name) for name in columns])
    return pa.Table.from_batches(batches, wanted) if batches else wanted.empty_table()
