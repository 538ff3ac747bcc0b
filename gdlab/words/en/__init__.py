"""The words in English."""

from __future__ import annotations

from typing import Final

from gdlab.words.en.findings import FINDINGS, PARTS
from gdlab.words.en.multiplayer import FINDINGS as MULTIPLAYER
from gdlab.words.en.multiplayer import PARTS as MULTIPLAYER_PARTS
from gdlab.words.en.phrases import PHRASES
from gdlab.words.en.reading import STATEMENTS
from gdlab.words.en.rows import COUNTED, SENTENCES
from gdlab.words.tables import Language

LANGUAGE: Final = Language(
    SENTENCES, COUNTED, PHRASES, FINDINGS | MULTIPLAYER, PARTS | MULTIPLAYER_PARTS | STATEMENTS
)
