"""The words in English."""

from __future__ import annotations

from typing import Final

from gdlab.words.en import findings, multiplayer, path, watched
from gdlab.words.en.notes import NOTES
from gdlab.words.en.phrases import PHRASES
from gdlab.words.en.reading import STATEMENTS
from gdlab.words.en.rows import COUNTED, SENTENCES
from gdlab.words.en.usage import USAGE
from gdlab.words.tables import Language

LANGUAGE: Final = Language(
    SENTENCES,
    COUNTED,
    PHRASES,
    findings.FINDINGS | path.FINDINGS | watched.FINDINGS | multiplayer.FINDINGS,
    findings.PARTS | path.PARTS | watched.PARTS | multiplayer.PARTS | NOTES | USAGE | STATEMENTS,
)
