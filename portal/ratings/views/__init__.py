"""Pages of star ratings: rubrics, rounds, self-assessments, score sheets, and the public stars."""

from portal.ratings import fairness as fair_play
from portal.ratings import jobs
from portal.ratings.views import (
    assessments,
    concerns,
    documents,
    drafts,
    entries,
    evidence,
    fairness,
    improvements,
    metrics,
    objections,
    onsite,
    rounds,
    rubrics,
    sheets,
    signatures,
    standing,
    stars,
    windows,
    yearend,
)
from portal.ratings.views.blueprint import bp

__all__ = [
    "assessments",
    "bp",
    "concerns",
    "documents",
    "drafts",
    "entries",
    "evidence",
    "fair_play",
    "fairness",
    "improvements",
    "jobs",
    "metrics",
    "objections",
    "onsite",
    "rounds",
    "rubrics",
    "sheets",
    "signatures",
    "standing",
    "stars",
    "windows",
    "yearend",
]
