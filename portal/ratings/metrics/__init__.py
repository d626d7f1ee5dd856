"""Indicators that the portal computes from its own records: one function and one line of text each.

A rubric names a metric in an item's ``source: "system:<name>"``.
"""

from portal.ratings.metrics import committees, courses, families, findings, notices, opinions, surveys, visits
from portal.ratings.metrics.registry import (
    METRICS,
    Figure,
    Metric,
    Period,
    Record,
    fits,
    metric,
    period_of,
    school_facts,
)

__all__ = [
    "METRICS",
    "Figure",
    "Metric",
    "Period",
    "Record",
    "committees",
    "courses",
    "families",
    "findings",
    "fits",
    "metric",
    "notices",
    "opinions",
    "period_of",
    "school_facts",
    "surveys",
    "visits",
]
