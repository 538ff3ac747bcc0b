"""What a debugger may ask of a game: the bytes of a request, and which requests are refused."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Any, Final

from gdlab.variant import dumps

#: Our names of the engine's profilers: the messages that switch them, and their options.
PROFILERS: Final[dict[str, tuple[tuple[str, tuple[Any, ...]], ...]]] = {
    # No functions: 700 bytes per game frame. With native calls script calls become 2 to 4 times slower.
    "frames": (("profiler:servers", (True, [0, False])),),
    "functions": (("profiler:servers", (True, [16, False])),),
    "bandwidth": (("profiler:multiplayer:bandwidth", (True,)),),
    "rpcs": (("profiler:multiplayer:rpc", (True,)),),
    "syncs": (("profiler:multiplayer:replication", (True,)),),
}

#: Requests that replace the game's code or write its files; gdlab never sends them.
REFUSED: Final = frozenset(
    {
        "reload_scripts",
        "reload_all_scripts",
        "scene:reload_cached_files",
        "scene:save_node",
        "save_node",
        "live_edit:save_node",
    }
)


def request(name: str, data: Sequence[Any] = (), thread: int = 1) -> bytes:
    """The bytes of a request, length field and all.

    Parameters
    ----------
    name : such as ``"scene:request_scene_tree"``.
    data : its values; anything that a Variant holds.
    thread : 1 is the main thread; in a break the one it named. The game drops requests for others.

    Raises
    ------
    PermissionError : a request that would replace the game's code or write a file.
    VariantEncodeError : a value that no Variant holds.
    """
    if name in REFUSED or name.rpartition(":")[2].startswith(("reload", "save")):
        raise PermissionError(
            f"gdlab does not send {name!r}: it would replace the code of the game or write its files, and watching "
            "must not change what is watched. Do it in the editor"
        )
    body = dumps([name, thread, list(data)])
    return struct.pack("<I", len(body)) + body
