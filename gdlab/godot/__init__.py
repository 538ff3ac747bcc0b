"""Godot from Python: find the engine, run scripts and projects headless, get what they print as data.

>>> from gdlab import godot
>>> godot.run(source='func _initialize(): print("hello"); quit()').prints    # doctest: +SKIP
['hello']
"""

from gdlab.godot.describe import Description, describe
from gdlab.godot.finder import Engine, cache_folder, find
from gdlab.godot.game import Game, StopOn, running
from gdlab.godot.output import Entry, Level, StackFrame
from gdlab.godot.process import Ending, Line, stop_all
from gdlab.godot.run import Run
from gdlab.godot.runner import run, script, start
from gdlab.godot.sample import probe, project

__all__ = [
    "Description",
    "Ending",
    "Engine",
    "Entry",
    "Game",
    "Level",
    "Line",
    "Run",
    "StackFrame",
    "StopOn",
    "cache_folder",
    "describe",
    "find",
    "probe",
    "project",
    "run",
    "running",
    "script",
    "start",
    "stop_all",
]
