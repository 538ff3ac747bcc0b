"""Canned captures: recordings of the real engine that come with gdlab, for lessons and where there is no Godot."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final, overload

import pandas as pd

from gdlab.analysis import Worded
from gdlab.capture.recording import Recording, load

#: One CSV with its sidecar each; `tests/samples/make.py` makes them.
FOLDER: Final = Path(__file__).resolve().parent.parent / "samples"

_SIDECAR: Final = ".gdlab.json"


@overload
def sample(name: None = None) -> pd.DataFrame: ...


@overload
def sample(name: str) -> Recording: ...


def sample(name: str | None = None) -> Recording | pd.DataFrame:
    """Load a canned capture, made by a real Godot; without a name, list them.

    Parameters
    ----------
    name : of the sample, such as ``"udp-60fps"``.

    Returns
    -------
    Recording, as `gdlab.load` gives it: the same table, plots and measures as for a live capture. What was recorded
    and how is in its `provenance["sample"]`. Without a name a table with one row per sample: `name` (the index),
    `shows`, `lesson`, `rows`, `seconds`, `godot`.

    Raises
    ------
    ValueError : there is no such sample; the message lists those there are.
    """
    if name is None:
        return _listed()
    known = names()
    if name not in known:
        raise ValueError(
            f"gdlab has no sample {name!r}; it has {', '.join(known)}. gd.sample() says what they show; a capture of "
            "your own is loaded by gd.load(path)"
        )
    return load(FOLDER / f"{name}.csv")


def names() -> list[str]:
    """The names of the samples."""
    return sorted(path.name.removesuffix(_SIDECAR) for path in FOLDER.glob(f"*{_SIDECAR}"))


def _listed() -> pd.DataFrame:
    rows = []
    for name in names():
        document: dict[str, Any] = json.loads((FOLDER / f"{name}{_SIDECAR}").read_bytes())
        about = document["provenance"]["sample"]
        rows.append(
            {
                "name": name,
                "shows": about["shows"],
                "lesson": about["lesson"],
                "rows": document["rows"],
                "seconds": about["seconds"],
                "godot": about["godot"].split(".stable")[0],
            }
        )
    table: pd.DataFrame = Worded(rows).set_index("name")
    return table
