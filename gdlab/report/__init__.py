"""A capture as one page that explains itself."""

from gdlab.report.report import write_report

__all__ = ["write_report"]
