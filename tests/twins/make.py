"""Makes the twins' captures, with a real Godot.

    python -m tests.twins.make                  all of them
    python -m tests.twins.make overload ...     some

A take in which this machine was too busy to show what it is about is thrown away, and played again.
"""

from __future__ import annotations

import sys
import zipfile
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from tests.twins import watched
from tests.twins.plays import PLAYS
from tests.twins.stage import Shown, perform

FOLDER: Final = Path(__file__).parent.parent / "data" / "twins"
TAKES: Final = 5
#: Plays that share an engine: more of them, and it gets no frame done in time.
TOGETHER: Final = 4
#: What holds up all others in its engine.
ALONE: Final = frozenset(
    {"encrypted", "close-1011", "nagle", "overload", "few-samples", "relay-late", "one-a-frame"}
)
HOLDS_UP: Final = frozenset({"close-1011"})


def fits(rule: str, guilty: Shown, innocent: Shown) -> bool:
    """Whether a pair shows its rule, and the innocent one nothing that the guilty one does not."""
    return rule in guilty.rules() and rule not in innocent.rules()


def write(rule: str, guilty: Shown, innocent: Shown) -> None:
    """Put both captures, with what belongs to them, into one file."""
    FOLDER.mkdir(exist_ok=True)
    with TemporaryDirectory() as made:
        folder = Path(made)
        guilty.save(folder, "guilty")
        innocent.save(folder, "innocent")
        with zipfile.ZipFile(FOLDER / f"{rule}.zip", "w", zipfile.ZIP_DEFLATED, compresslevel=9) as file:
            for path in sorted(folder.rglob("*")):
                if path.is_file():
                    # One time for all: the same takes are the same bytes.
                    entry = zipfile.ZipInfo(str(path.relative_to(folder)), (2026, 1, 1, 0, 0, 0))
                    entry.compress_type = zipfile.ZIP_DEFLATED
                    file.writestr(entry, path.read_bytes())


def parts(rules: Sequence[str]) -> list[list[str]]:
    """Those that may share an engine."""
    shared = [rule for rule in rules if rule not in ALONE]
    alone = [[rule] for rule in rules if rule in ALONE]
    return [shared[at : at + TOGETHER] for at in range(0, len(shared), TOGETHER)] + alone


def take(rules: Sequence[str]) -> list[str]:
    """Play rules and write those that show what they should; return the others."""
    try:
        # A fault that holds up the engine would hold up the innocent twin as well.
        shown = {
            key: each
            for faults in (((True,), (False,)) if HOLDS_UP & set(rules) else ((True, False),))
            for key, each in perform(
                {(rule, bad): PLAYS[rule](bad) for rule in rules for bad in faults}, all_of_them=False
            ).items()
        }
    except AssertionError as error:
        print(f"{error}"[:300])
        return list(rules)
    ended = [rule for rule in rules if (rule, True) in shown and (rule, False) in shown]
    good = [rule for rule in ended if kept(rule, shown[rule, True], shown[rule, False])]
    return [rule for rule in rules if rule not in good]


def kept(rule: str, guilty: Shown, innocent: Shown) -> bool:
    """Write a pair if it fits."""
    good = fits(rule, guilty, innocent)
    print(rule, "good" if good else "again", sorted(guilty.rules()), sorted(innocent.rules()), flush=True)
    if good:
        write(rule, guilty, innocent)
    return good


def main(names: Sequence[str]) -> int:
    left = [rule for rule in names or PLAYS if rule in PLAYS]
    seen = [rule for rule in names or watched.RULES if rule in watched.RULES]
    for _ in range(TAKES):
        left = [rule for part in parts(left) for rule in take(part)]
        seen = [rule for rule in seen if not kept(rule, watched.play(rule, True), watched.play(rule, False))]
        if not left + seen:
            return 0
    print("not made:", *left, *seen)
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
