"""Why something cannot be read, in Chinese."""

from __future__ import annotations

from typing import Final

#: By the key of a `Statement`.
STATEMENTS: Final[dict[str, str]] = {}
