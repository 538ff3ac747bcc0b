"""How many sockets a relay may have."""

from __future__ import annotations

import contextlib
import sys
from typing import Final

_WANTED: Final = 65_536


def raise_file_limit() -> None:
    """Ask for as many open files as the system lets a user have: each client takes one."""
    if sys.platform == "win32":
        return
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = _WANTED if hard == resource.RLIM_INFINITY else min(hard, _WANTED)
    if soft != resource.RLIM_INFINITY and soft < most:
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
