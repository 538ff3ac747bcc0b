"""Parts of GDScript put together to one script, of which only what is used stays.

A part is a file of valid GDScript: constants, variables, functions and classes at the top level, which may use what
other parts define. Beyond that there is little to learn: a line that ends in ``#if NAME`` stays only where NAME is
asked for, and a line that is nothing but a call of a macro, ``_put(peer, message)``, becomes what the macro says.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

#: What the engine itself calls; all else must be used by something to stay.
ROOTS: Final = frozenset({"_ready", "_process", "_init"})

_BEGINNING: Final = re.compile(r"(const|var|func|class) (\w+)")
_CONDITION: Final = re.compile(r"[ \t]*#if (\w+)$")
_CALL: Final = re.compile(r"^(\t+)(\w+)\((\w+), (.+)\)$", re.MULTILINE)
_WORD: Final = re.compile(r"\w+")
_COMMENT: Final = re.compile(r"#.*$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Block:
    """A constant, variable, function or class with the comments above it.

    Attributes
    ----------
    head : its lines; of a class only those before its members.
    members : of a class.
    """

    kind: str
    name: str
    head: str
    members: tuple[Block, ...] = ()


def compose(
    parts: Iterable[str],
    *,
    base: str,
    constants: Mapping[str, str],
    names: Mapping[str, str],
    macros: Mapping[str, str],
    conditions: frozenset[str],
) -> str:
    """Put parts together.

    Parameters
    ----------
    parts : the texts. What is defined first comes first among its kind: constants, variables, functions, classes.
    base : the class that the script extends.
    constants : new values, in GDScript, of constants that the parts define.
    names : words of the parts, and what stands in their place.
    macros : what stands in the place of a call of two arguments, ``{0}`` and ``{1}``.
    conditions : for which ``#if`` lines stay.
    """
    notes: list[str] = []
    blocks: list[Block] = []
    for part in parts:
        note, found = _read(_replaced(_chosen(part, conditions), constants, names, macros))
        notes += note
        blocks += found
    blocks = _used(blocks)
    text = "\n".join([f"extends {base}", *notes])
    for kind in ("const", "var"):
        lines = [block.head for block in blocks if block.kind == kind]
        text += "\n\n" * bool(lines) + "\n".join(lines)
    for kind in ("func", "class"):
        text += "".join(f"\n\n\n{_text(block)}" for block in blocks if block.kind == kind)
    return text + "\n"


def _chosen(part: str, conditions: frozenset[str]) -> str:
    """The part without the lines that are not asked for."""
    kept = []
    for line in part.split("\n"):
        condition = _CONDITION.search(line)
        if condition is None:
            kept.append(line)
        elif condition[1] in conditions:
            kept.append(line[: condition.start()])
    return "\n".join(kept)


def _replaced(
    part: str, constants: Mapping[str, str], names: Mapping[str, str], macros: Mapping[str, str]
) -> str:
    """The part with its macros, its words and the values of its constants replaced."""
    part = _CALL.sub(
        lambda call: f"{call[1]}{macros[call[2]].format(call[3], call[4])}" if call[2] in macros else call[0],
        part,
    )
    part = _WORD.sub(lambda word: names.get(word[0], word[0]), part)
    return re.sub(
        r"^(\t*const (\w+).*? :?= ).*$",
        lambda found: found[1] + constants[found[2]] if found[2] in constants else found[0],
        part,
        flags=re.MULTILINE,
    )


def _read(part: str) -> tuple[list[str], list[Block]]:
    """The comment at the top of a part, where a blank line or nothing follows it, and its blocks."""
    blocks: list[Block] = []
    above: list[str] = []  # comments whose block is still to come
    notes: list[str] = []
    lines = part.split("\n")
    at = 0
    while at < len(lines):
        line = lines[at]
        found = _BEGINNING.match(line)
        if found is None:
            above += [line] if line.startswith("#") else []
            at += 1
            if not blocks and above and (at == len(lines) or not lines[at]):
                notes += above
                above = []
            continue
        end = at + 1
        while end < len(lines) and (not lines[end] or lines[end][0] in "\t)]}"):
            end += 1
        blocks.append(_block(found[1], found[2], above, lines[at:end]))
        above = []
        at = end
    return notes, blocks


def _block(kind: str, name: str, above: Sequence[str], lines: Sequence[str]) -> Block:
    while lines and not lines[-1]:
        lines = lines[:-1]
    if kind != "class":
        return Block(kind, name, "\n".join([*above, *lines]))
    _, members = _read("\n".join(line.removeprefix("\t") for line in lines[1:]))
    return Block(kind, name, "\n".join([*above, lines[0]]), tuple(members))


def _used(blocks: Sequence[Block]) -> list[Block]:
    """The blocks that something uses, classes without the members that nothing uses."""
    every = [*blocks, *(member for block in blocks for member in block.members)]
    words = set(ROOTS)
    kept: list[Block] = []
    while new := [block for block in every if block.name in words and block not in kept]:
        kept += new
        for block in new:
            words.update(_WORD.findall(_COMMENT.sub("", block.head)))
    return [
        replace(block, members=tuple(member for member in block.members if member in kept))
        for block in blocks
        if block in kept
    ]


def _text(block: Block) -> str:
    """A block as it stands in a script."""
    if not block.members:
        return block.head
    text = block.head
    for before, member in zip((None, *block.members), block.members, strict=False):
        apart = before is not None and (member.kind == "func" or before.kind != member.kind)
        lines = [f"\t{line}" if line else "" for line in member.head.split("\n")]
        text += "\n" * (1 + apart) + "\n".join(lines)
    return text
