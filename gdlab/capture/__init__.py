"""The object in the user's hand: listeners, what they received, and their lifetime."""

from gdlab.capture.capture import Capture, show_with
from gdlab.capture.recording import Recording, load
from gdlab.capture.registry import connect, listen, running, stop_all
from gdlab.capture.status import Light, Statistics, Status

__all__ = [
    "Capture",
    "Light",
    "Recording",
    "Statistics",
    "Status",
    "connect",
    "listen",
    "load",
    "running",
    "show_with",
    "stop_all",
]
