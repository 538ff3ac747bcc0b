"""Many scripts at once in one real engine, each with a capture of its own."""

from __future__ import annotations

import contextlib
import json
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

import gdlab as gd
from gdlab import godot, variant
from gdlab.errors import GdlabError
from tests.ports import bound
from tests.waiting import limit, wait_until

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gdlab.capture import Capture
    from gdlab.godot import Engine, Game
    from tests.gdscript.cases import Case

CAST = Path(__file__).with_name("cast.gd")

#: What the editor warns of unless it is told otherwise (Godot 4.6), here as errors: such a script does not compile.
WARNINGS = [
    "unassigned_variable",
    "unassigned_variable_op_assign",
    "unused_variable",
    "unused_local_constant",
    "unused_private_class_variable",
    "unused_parameter",
    "unused_signal",
    "shadowed_variable",
    "shadowed_variable_base_class",
    "shadowed_global_identifier",
    "unreachable_code",
    "unreachable_pattern",
    "standalone_expression",
    "standalone_ternary",
    "incompatible_ternary",
    "unsafe_void_return",
    "static_called_on_instance",
    "missing_tool",
    "redundant_static_unload",
    "redundant_await",
    "assert_always_true",
    "assert_always_false",
    "integer_division",
    "narrowing_conversion",
    "int_as_enum_without_cast",
    "int_as_enum_without_match",
    "enum_variable_without_default",
    "empty_file",
    "deprecated_keyword",
    "confusable_identifier",
    "confusable_local_declaration",
    "confusable_local_usage",
    "confusable_capture_reassignment",
]

#: Enough to see that messages go on, not only begin, and to know numbers and times among mere bytes.
MESSAGES = 5


@dataclass(frozen=True)
class Played:
    """What came of a case: the capture's rows, and what all games together printed."""

    table: pd.DataFrame
    prints: Sequence[str]
    errors: Sequence[str]

    def payloads(self, direction: str = "in") -> list[bytes]:
        rows = self.table.query(f"event == 'message' and direction == '{direction}'")
        return list(rows.payload)


def project(folder: Path) -> Path:
    """A Godot project in which a warning is an error."""
    lines = "\n".join(f"gdscript/warnings/{name}=2" for name in WARNINGS)
    (folder / "project.godot").write_text(f"config_version=5\n\n[debug]\n\n{lines}\n")
    (folder / ".godot").mkdir()  # nothing to import
    (folder / CAST.name).write_bytes(CAST.read_bytes())
    return folder


def start(folder: Path, scripts: Sequence[Path], engine: Engine) -> Game:
    names = [f"res://{script.relative_to(folder).as_posix()}" for script in scripts]
    return godot.start(folder / CAST.name, args=names, engine=engine, time_limit_s=100)


def play(cases: Sequence[Case], folder: Path, engine: Engine) -> dict[Case, Played]:
    """Play all cases at once, and say what came of each."""
    project(folder)
    captures: dict[Case, Capture] = {}
    scripts = []
    try:
        with (
            contextlib.ExitStack() as ports
        ):  # all are held until all are chosen, so that none is chosen twice
            for case in cases:
                capture = _open(case, ports)
                script = folder / f"case_{case.number}.gd"
                script.write_text(capture.gdscript(case.kind, codec=case.codec), encoding="utf-8")
                scripts.append(script)
                captures[case] = capture
        with start(folder, scripts, engine) as game:
            game.wait_for("all are there", 60)
            for case, capture in captures.items():
                if case.game_listens:
                    address = capture.addresses[0]
                    game.wait_for(f"waiting for gdlab on port {address.rpartition(':')[2]}", 30)
                    captures[case] = gd.connect(address, framing=case.framing, **_choices(case))
            for case, capture in captures.items():
                if _game_begins(case):
                    with contextlib.suppress(GdlabError):  # the assertions will say what did not come
                        capture.wait_sync(1, timeout=limit(20))
                capture.send(said_to(case))
            waiting = list(captures.items())

            def are_done() -> bool:
                # What has been seen once is not looked for again: a table of each capture at each turn costs a core.
                while waiting and _is_done(*waiting[-1], game):
                    waiting.pop()
                return not waiting and _all_measure(cases, game)

            with contextlib.suppress(AssertionError):
                wait_until(are_done, 20)
            for capture in captures.values():
                capture.stop()
            prints = [entry.text for entry in game.entries]
            errors = [str(entry) for entry in game.errors]
    finally:
        gd.stop_all()
    return {case: Played(capture.df, prints, errors) for case, capture in captures.items()}


def _open(case: Case, ports: contextlib.ExitStack) -> Capture:
    """The capture for which the script is written."""
    scheme = case.transport
    if not case.game_listens:
        return gd.listen(f"{scheme}://127.0.0.1:0", framing=case.framing, **_choices(case))
    kind = socket.SOCK_DGRAM if scheme == "udp" else socket.SOCK_STREAM
    port = ports.enter_context(bound(kind)).getsockname()[1]
    capture = gd.connect(f"{scheme}://127.0.0.1:{port}", framing=case.framing, reconnect=True)
    capture.stop()  # nobody is there yet
    return capture


def _game_begins(case: Case) -> bool:
    """Whether it speaks without having heard anything."""
    return not case.game_listens or (case.kind != "echo" and case.transport != "udp")


def _choices(case: Case) -> dict[str, Any]:
    if case.kind == "probe":
        return {"reply": gd.replies.probe_answer}
    return {"ping": 0.1} if case.kind == "echo" else {}


def said_to(case: Case) -> bytes:
    """What gdlab says to the game of a case, and to no other."""
    name, framing = str(case), case.framing
    if framing.startswith("fixed:"):
        return case.number.to_bytes(int(framing[6:]), "big")
    if case.kind == "echo":  # whose game prints how long it was
        text = "-" * (case.number % 100 + 100)
        # What is no Variant would be, to a guess, a sign that the stream is none of Variants.
        as_variant = case.codec == "variant" and framing == "auto"
        return variant.dumps(text) if as_variant else json.dumps(text).encode()
    if case.codec == "variant":
        return variant.dumps(name)
    if case.codec == "json":
        return json.dumps(name).encode()
    return name.encode()


def read_by(case: Case) -> str:
    """How the game of a case prints that."""
    said = said_to(case)
    if case.codec == "bytes":
        return said.hex()
    return str(case) if case.codec == "variant" else said.decode()


def _is_done(case: Case, capture: Capture, game: Game) -> bool:
    """Whether all has come that the assertions look for."""
    if case.kind == "echo":
        if f"back to gdlab: {len(said_to(case))} bytes\n" not in game.output and case.framing != "raw":
            return False
        came = b"".join(capture.df.query("event == 'message' and direction == 'in'").payload)
        pinged = b"pong" in came or case.framing.startswith("fixed")  # into which no ping fits
        return pinged and said_to(case) in came
    if capture.statistics().received < MESSAGES:
        return False
    return case.kind == "probe" or f"gdlab says: {read_by(case)}\n" in game.output


def _all_measure(cases: Sequence[Case], game: Game) -> bool:
    """Whether the games that probe have printed enough; all print alike, so only the number of lines tells."""
    probing = [case for case in cases if case.kind == "probe"]
    first = [case for case in probing if not case.game_listens]
    return game.output.count("round trip ") >= MESSAGES * len(probing) and game.output.count(
        "round trip 0: "
    ) >= len(first)
