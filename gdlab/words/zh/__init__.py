"""The words in Chinese."""

from __future__ import annotations

from typing import Final

from gdlab.words.tables import Language
from gdlab.words.zh import findings, multiplayer, path, watched
from gdlab.words.zh.notes import NOTES
from gdlab.words.zh.phrases import PHRASES
from gdlab.words.zh.reading import STATEMENTS
from gdlab.words.zh.rows import COUNTED, SENTENCES
from gdlab.words.zh.usage import USAGE

LANGUAGE: Final = Language(
    SENTENCES,
    COUNTED,
    PHRASES,
    findings.FINDINGS | path.FINDINGS | watched.FINDINGS | multiplayer.FINDINGS,
    findings.PARTS | path.PARTS | watched.PARTS | multiplayer.PARTS | NOTES | USAGE | STATEMENTS,
)
