"""Writing a capture's CSV from a button, with a link that a browser can follow."""

from __future__ import annotations

import base64
import json
import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import quote

from gdlab.capture import Capture
from gdlab.capture.html import visible
from gdlab.files import sidecar
from gdlab.text import count

#: A file of this size may travel inside the link itself where no server is known that gives it out.
_IN_LINK_BYTES: Final = 2_000_000


@dataclass(frozen=True, slots=True)
class Saved:
    """A CSV file that has been written: `rows` of messages and events, at `path`."""

    path: Path
    rows: int

    def link(self) -> str:
        """Return a line of HTML: how many rows, where, and a link that downloads the file where one is possible."""
        rows = count(self.rows, "row")
        name = visible(str(self.path), 200)
        address = _served(self.path) or _within(self.path)
        if not address:
            return f"saved {rows} to {name}; it is beside the notebook"
        file = visible(self.path.name, 200)
        return f'saved {rows} to <a href="{address}" download="{file}" target="_blank">{file}</a>'


def save_csv(capture: Capture, folder: str | Path) -> Saved:
    """Write all rows of a capture to a new file; `Capture.to_csv` is the plain call.

    Parameters
    ----------
    folder : where. The name says when and from which port.

    Raises
    ------
    OSError : it cannot be written.
    """
    scheme, _, rest = capture.addresses[0].partition("://")
    port = rest.partition("/")[0].rpartition(":")[2]
    stem = f"gdlab-{scheme}{port}-{time.strftime('%Y%m%d-%H%M%S')}"
    path = Path(folder) / f"{stem}.csv"
    number = 1
    while path.exists():
        number += 1
        path = Path(folder) / f"{stem}-{number}.csv"
    capture.to_csv(path)
    return Saved(path, int(json.loads(sidecar.path_for(path).read_text())["rows"]))


def _served(path: Path) -> str:
    """Return the address under which the Jupyter server that started this kernel gives the file out."""
    server = os.environ.get("JPY_PARENT_PID", "")
    if not server.isdigit():
        return ""
    try:
        from jupyter_core.paths import jupyter_runtime_dir

        told = json.loads((Path(jupyter_runtime_dir()) / f"jpserver-{server}.json").read_text())
        inside = path.resolve().relative_to(Path(told["root_dir"]).resolve())
        base = str(told["base_url"])
    except (ImportError, OSError, ValueError, KeyError, TypeError):
        return ""  # another front end, or a file outside what the server shows
    return f"{quote(base.rstrip('/'))}/files/{quote(inside.as_posix())}?download=1"


def _within(path: Path) -> str:
    """Return the file itself as an address, where it is small."""
    try:
        if path.stat().st_size > _IN_LINK_BYTES:
            return ""
        data = path.read_bytes()
    except OSError:
        return ""
    return "data:text/csv;base64," + base64.b64encode(data).decode()
