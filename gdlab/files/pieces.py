"""Large files read by pieces, each of which fits the memory: row groups of Parquet, lines of our CSV, packets."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final, Self

from gdlab.errors import LoadError, MissingDependency
from gdlab.files import csvform, csvread, parquet, parted, pcapread, sidecar
from gdlab.files.load import load
from gdlab.files.loaded import Loaded
from gdlab.files.progress import ProgressFunction

#: What a piece takes of its file; smaller files are one piece.
PIECE_BYTES: Final = 256 << 20
_AT_ONCE: Final = 16 << 20


class Piece(str):
    """The name of a piece of a file, counted from 0; `begin` and `end` are row groups of Parquet, else bytes."""

    path: str
    number: int
    begin: int
    end: int

    def __new__(cls, path: str, number: int, begin: int, end: int) -> Self:
        """Name a piece."""
        self = super().__new__(cls, f"{path} [piece {number + 1}]")
        self.path, self.number, self.begin, self.end = path, number, begin, end
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        return Piece, (self.path, self.number, self.begin, self.end)


def of(path: Path) -> list[str]:
    """The names of the pieces of a file that is large; of any other one its own."""
    try:
        if not path.is_file() or path.stat().st_size <= PIECE_BYTES:
            return [str(path)]
        with path.open("rb") as file:
            beginning = file.read(1 << 16)
        if parquet.is_parquet(beginning):
            return _named(path, parquet.pieces(path, PIECE_BYTES))
        if pcapread.is_capture(beginning):
            return _named(path, parted.spans(path, PIECE_BYTES))
        form = csvform.find(beginning)
        if form is not None and form.is_ours:
            return _named(path, _lines(path, beginning.index(b"\n") + 1))
    except (OSError, LoadError, MissingDependency):
        pass  # whoever reads it is told
    return [str(path)]


def _named(path: Path, spans: Iterable[tuple[int, int]]) -> list[str]:
    return [Piece(str(path), number, begin, end) for number, (begin, end) in enumerate(spans)]


def whole(name: str) -> str:
    """The file that a piece is of."""
    return name.path if isinstance(name, Piece) else name


def read(
    name: str, *, columns: Sequence[str] | None = None, progress: ProgressFunction | None = None
) -> Loaded:
    """Load a file or a piece; see `load`.

    Raises
    ------
    LoadError, MissingDependency : as for `load`.
    """
    if not isinstance(name, Piece):
        return load(Path(name), columns=columns, progress=progress)
    path = Path(name.path)
    try:
        with path.open("rb") as file:
            beginning = file.read(4)
            if pcapread.is_capture(beginning):
                found = parted.read(path, name.number, PIECE_BYTES)
            elif parquet.is_parquet(beginning):
                found = parquet.read_parquet(path, progress, columns, range(name.begin, name.end))
            else:
                file.seek(0)
                head = file.readline()
                file.seek(name.begin)
                found = csvread.read_csv(path, head + file.read(name.end - name.begin), progress)
    except OSError as error:
        raise LoadError(f"{path} cannot be read: {error.strerror}") from error
    table = found.table if columns is None else found.table[list(columns)]
    of_a_part = sidecar.check_rows(found.provenance, len(found.table))
    notes = [note for note in found.told if note not in of_a_part]
    about = found.provenance
    if name.number:  # what is told of the whole file is told once
        about = {key: value for key, value in about.items() if key != "provenance"}
    return Loaded(table, about, tuple(notes))


def _lines(path: Path, begin: int) -> Iterator[tuple[int, int]]:
    """Pieces that end with a line; a line feed within quotes ends none."""
    size = path.stat().st_size
    with path.open("rb") as file:
        while begin < size:
            file.seek(begin)
            at, quotes = begin, 0
            while at < begin + PIECE_BYTES and (block := file.read(min(_AT_ONCE, begin + PIECE_BYTES - at))):
                quotes += block.count(b'"')
                at += len(block)
            while line := file.readline():
                at += len(line)
                quotes += line.count(b'"')
                if line.endswith(b"\n") and not quotes % 2:
                    break
            yield begin, min(at, size)
            begin = at
