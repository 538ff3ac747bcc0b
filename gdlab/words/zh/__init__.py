"""The words in Chinese."""

from __future__ import annotations

from typing import Final

from gdlab.words.tables import Language
from gdlab.words.zh.findings import FINDINGS, PARTS
from gdlab.words.zh.multiplayer import FINDINGS as MULTIPLAYER
from gdlab.words.zh.multiplayer import PARTS as MULTIPLAYER_PARTS
from gdlab.words.zh.phrases import PHRASES
from gdlab.words.zh.reading import STATEMENTS
from gdlab.words.zh.rows import COUNTED, SENTENCES

LANGUAGE: Final = Language(
    SENTENCES, COUNTED, PHRASES, FINDINGS | MULTIPLAYER, PARTS | MULTIPLAYER_PARTS | STATEMENTS
)
