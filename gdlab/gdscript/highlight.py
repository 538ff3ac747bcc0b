"""GDScript as coloured HTML."""

from __future__ import annotations

import html
import re
from typing import Final

_KEYWORDS: Final = (
    r"and|as|assert|await|break|breakpoint|class|class_name|const|continue|elif|else|enum|extends|false|for|func|if"
    r"|in|is|match|not|null|or|pass|preload|return|self|signal|static|super|true|var|void|when|while|yield"
)

#: The kinds of word, in the order in which they are looked for, each with a colour that is read on white and on black.
_COLOURS: Final = {
    "comment": "#768390",
    "string": "#b35900",
    "annotation": "#b08800",
    "number": "#1a8754",
    "keyword": "#d0457e",
    "type": "#2f81b7",
    "call": "#7d5bd6",
}

_TOKEN: Final = re.compile(
    r"(?P<comment>\#.*)"
    r"|(?P<string>[&^]?\"(?:\\.|[^\"\\\n])*\"|[&^]?'(?:\\.|[^'\\\n])*')"
    r"|(?P<annotation>@\w+)"
    r"|(?P<number>\b0[xb][\da-fA-F_]+|\b\d[\d_]*(?:\.\d+)?(?:e[+-]?\d+)?\b)"
    rf"|(?P<keyword>\b(?:{_KEYWORDS})\b)"
    r"|(?P<type>\b(?:[A-Z]\w*[a-z]\w*|int|float|bool)\b)"
    r"|(?P<call>\b[a-z_]\w*(?=\())"
)


def highlighted(source: str) -> str:
    """The source as one preformatted block, its text escaped and its words coloured."""
    pieces = []
    at = 0
    for token in _TOKEN.finditer(source):
        pieces.append(html.escape(source[at : token.start()]))
        colour = _COLOURS[token.lastgroup or "comment"]
        pieces.append(f'<span style="color:{colour}">{html.escape(token[0])}</span>')
        at = token.end()
    pieces.append(html.escape(source[at:]))
    return f'<pre style="line-height:1.35;tab-size:4;text-align:left">{"".join(pieces)}</pre>'
