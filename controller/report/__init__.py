"""Reports: a run folder's events and telemetry turned into a page, tracks and a summary."""

from controller.report.summary import FlightSummary, Summary
from controller.report.writing import write_report

__all__ = ["FlightSummary", "Summary", "write_report"]
