"""Every script there is, told apart by its text."""

from __future__ import annotations

import functools
from dataclasses import dataclass

from gdlab.errors import GdscriptError
from gdlab.framing import NAMES
from gdlab.gdscript import CODECS, KINDS, Target, write

FRAMINGS = [*(name for name in NAMES if name != "fixed"), "fixed:24", "fixed:5"]
WIRES = [("udp", "auto"), ("ws", "auto"), *(("tcp", framing) for framing in FRAMINGS)]


@dataclass(frozen=True)
class Case:
    """One script: `codec` is the one that is really used, never `auto`."""

    transport: str
    framing: str
    game_listens: bool
    kind: str
    codec: str
    number: int

    def __str__(self) -> str:
        side = "server" if self.game_listens else "client"
        wire = f"{self.transport}-{self.framing}" if self.transport == "tcp" else self.transport
        return f"{wire}-{side}-{self.kind}-{self.codec}".replace(":", "")


@functools.cache
def target(transport: str, framing: str, *, game_listens: bool) -> Target:
    return Target(
        transport=transport,
        host="127.0.0.1",
        port=5000,
        shown=f"{transport}://127.0.0.1:5000",
        framing=framing,
        game_listens=game_listens,
    )


def every_case() -> tuple[dict[Case, str], list[str]]:
    """The cases with their scripts, and what was said where there is no script."""
    cases: dict[Case, str] = {}
    refusals: list[str] = []
    texts: set[str] = set()
    for transport, framing in WIRES:
        for game_listens in (False, True):
            for kind in KINDS:
                for codec in CODECS[1:]:
                    try:
                        text = write(target(transport, framing, game_listens=game_listens), kind, codec)
                    except GdscriptError as error:
                        refusals.append(str(error))
                        continue
                    if text not in texts:
                        texts.add(text)
                        cases[Case(transport, framing, game_listens, kind, codec, len(cases))] = text
    return cases, refusals


TEXTS, REFUSALS = every_case()
CASES = list(TEXTS)
