"""The GDScript that fits an endpoint: the game's side, ready to be put on a Node."""

from gdlab.gdscript.script import Script
from gdlab.gdscript.write import CODECS, KINDS, Codec, Kind, Target, write

__all__ = ["CODECS", "KINDS", "Codec", "Kind", "Script", "Target", "write"]
