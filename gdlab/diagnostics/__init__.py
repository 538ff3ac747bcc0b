"""Environment check: one table, for whoever sets a machine up or wonders why nothing arrives."""

from gdlab.diagnostics.doctor import doctor
from gdlab.diagnostics.report import Line, Report, State

__all__ = ["Line", "Report", "State", "doctor"]
