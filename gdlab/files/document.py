"""Documents beside exported data: whole under their name, or not there."""

from __future__ import annotations

from pathlib import Path

from gdlab.files.atomic import replacing


def write_document(path: str | Path, text: str) -> Path:
    """Write text as UTF-8.

    Parameters
    ----------
    path : the file; its folder exists. What stood under the name is replaced.

    Returns
    -------
    The path.

    Raises
    ------
    OSError : the file cannot be written. What stood under the name before then still does.
    """
    path = Path(path)
    with replacing(path) as file:
        file.write(text.encode("utf-8", "backslashreplace"))
    return path
