"""Recorded links: the bytes of each game as they came, and a document that says when."""

from __future__ import annotations

import gzip
import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from gdlab.debugging import TOUCHING
from gdlab.errors import LoadError

if TYPE_CHECKING:
    from gdlab.watching.game import WatchedGame

#: The document of a folder of recorded links.
MANIFEST: Final = "manifest.json"
#: A recording is read whole; a larger one is hardly meant.
MAX_BYTES: Final = 512 * 2**20

_SUFFIXES: Final = (".debug.bin", ".debug.bin.gz")


class Stream(NamedTuple):
    """The bytes of one link.

    Attributes
    ----------
    label : of the game. data : what it sent. pieces : offset, length and UTC nanoseconds of each read.
    touched_ns : when something in the game was changed through the link; None if never.
    """

    label: str
    data: bytes
    pieces: tuple[tuple[int, int, int], ...]
    touched_ns: int | None


def load(path: str | Path) -> list[Stream]:
    """The links of a recording.

    Parameters
    ----------
    path : a folder that `Watch.save` wrote (or that has a `manifest.json` of the same form), or one ``*.debug.bin``
        file of it. Without the document there are no times: all of it then seems to have come at once.

    Raises
    ------
    LoadError : there is no such recording, or it is damaged; the message says which.
    """
    place = Path(path)
    if not place.exists():
        raise LoadError(
            f"there is no recorded watch {place}; the current folder is {Path.cwd()}. Watch.save(folder) writes one"
        )
    folder = place if place.is_dir() else place.parent
    try:
        document = _document(folder / MANIFEST)
        if place.is_dir():
            if document is None:
                raise LoadError(
                    f"{place} is no recorded watch: it has no {MANIFEST}. Watch.save(folder) writes one"
                )
            entries = document["debug"]
        else:
            entries = [e for e in (document or {}).get("debug", ()) if e.get("file") == place.name]
            entries = entries or [{"who": _label(place), "file": place.name}]
        start = float((document or {}).get("t0", 0.0))
        return [_stream(folder, entry, start) for entry in entries]
    except (OSError, EOFError, KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        if isinstance(error, LoadError):
            raise
        raise LoadError(
            f"{place} cannot be read as a recorded watch: {type(error).__name__}: {error}"
        ) from error


def _document(path: Path) -> dict[str, Any] | None:
    if not path.is_file():
        return None
    if path.stat().st_size > MAX_BYTES:
        raise LoadError(f"{path} has {path.stat().st_size} bytes; at most {MAX_BYTES} are read")
    found = json.loads(path.read_bytes())
    if not isinstance(found, dict):
        raise LoadError(f"{path} is no document of a recorded watch")
    return found


def _label(path: Path) -> str:
    name = path.name
    for suffix in (*reversed(_SUFFIXES), ".bin"):
        name = name.removesuffix(suffix)
    return name


def _stream(folder: Path, entry: dict[str, Any], start_s: float) -> Stream:
    file = str(entry["file"])
    if Path(file).name != file:
        raise LoadError(f"{folder / MANIFEST} names a file outside of its folder: {file}")
    data = _bytes(folder / file)
    pieces = []
    at = 0
    for offset, length, moment in entry.get("pieces", ()):
        if offset != at or length < 0 or at + length > len(data):
            raise LoadError(
                f"{folder / MANIFEST}: the pieces of {file} do not follow each other at byte {at}"
            )
        at += length
        pieces.append((int(offset), int(length), round((start_s + moment) * 1e9)))
    if at < len(data):  # no times, or not for all of it
        pieces.append((at, len(data) - at, pieces[-1][2] if pieces else round(start_s * 1e9)))
    touched = [moment for _, _, moment, name in entry.get("sent", ()) if str(name).startswith(TOUCHING)]
    return Stream(
        str(entry["who"])[:100],
        data,
        tuple(pieces),
        round((start_s + min(touched)) * 1e9) if touched else None,
    )


def _bytes(path: Path) -> bytes:
    with gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb") as file:
        data = file.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise LoadError(f"{path} holds more than {MAX_BYTES} bytes")
    return data


def save(games: Sequence[WatchedGame], folder: str | Path, about: dict[str, Any]) -> Path:
    """Write links into a folder; see `Watch.save`."""
    place = Path(folder)
    place.mkdir(parents=True, exist_ok=True)
    start_ns = min((game.began_ns for game in games), default=0)
    entries = []
    names: set[str] = set()
    for game in games:
        name = "".join(c if c.isalnum() or c in "-_" else "-" for c in game.label)[:60] or "game"
        while name in names:
            name += "-"
        names.add(name)
        data = bytearray()
        pieces: list[list[Any]] = []
        for received in game.raw.rows():
            moment = round((received.time_ns - start_ns) / 1e9, 6)
            body = len(received.frame).to_bytes(4, "little") + received.frame
            if pieces and pieces[-1][2] == moment:
                pieces[-1][1] += len(body)
            else:
                pieces.append([len(data), len(body), moment])
            data += body
        offset = 0
        sent = []
        for time_ns, request, body in game.sent.rows():
            sent.append([offset, len(body), round((time_ns - start_ns) / 1e9, 6), request])
            offset += len(body)
        file = f"{name}.debug.bin.gz"
        # No time of writing inside: the same link gives the same file.
        (place / file).write_bytes(gzip.compress(bytes(data), mtime=0))
        entries.append(
            {
                "who": game.label,
                "file": file,
                "bytes": len(data),
                "dropped_messages": game.raw.dropped,
                "pieces": pieces,
                "sent": sent,
            }
        )
    document = {
        "gdlab": "recorded watch",
        "written": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "t0": start_ns / 1e9,
        **about,
        "debug": entries,
    }
    (place / MANIFEST).write_text(json.dumps(document, ensure_ascii=False) + "\n", encoding="utf-8")
    return place
