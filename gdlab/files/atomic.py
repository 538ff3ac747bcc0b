"""Files that appear under their name whole, or not at all."""

from __future__ import annotations

import contextlib
import os
import secrets
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """Open a file for writing that takes its name only when the block ends without an exception.

    It is written beside the target (``.gdlab-*.part``), forced to the disk and renamed, which every file system
    does in one step. After an error or an interrupt the target is as it was, and the part is gone; only after a
    crash of the process may a part be left over.

    Parameters
    ----------
    path : the final name. A symbolic link is followed. A file that exists is replaced.

    Raises
    ------
    FileNotFoundError : the folder does not exist.
    OSError : the name is that of a folder or a device, or the disk cannot take the file.
    """
    path = Path(os.path.realpath(path))
    try:
        regular = stat.S_ISREG(path.stat().st_mode)
    except FileNotFoundError:
        regular = True
    if not regular:
        # Renaming onto /dev/null would replace the device for the whole system.
        raise OSError(f"{path} is not an ordinary file; give the name of a file that may be made or replaced")
    if not path.parent.is_dir():
        raise FileNotFoundError(
            f"the folder {path.parent} does not exist; make it first, or give another path"
        )
    part = path.with_name(f".gdlab-{secrets.token_hex(6)}.part")
    try:
        with part.open("xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    _sync_folder(path.parent)


def force(file: Path) -> None:
    """Force a file that is written and closed to the disk: until then a power cut may take it back.

    Raises
    ------
    OSError : the disk has not taken all of it.
    """
    with file.open("rb+") as opened:  # Windows forces only what is open for writing
        os.fsync(opened.fileno())


def _sync_folder(folder: Path) -> None:
    """Force the new name to the disk where the system can do that; where it cannot, the name comes a little later."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
