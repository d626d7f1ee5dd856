"""Pages of home visits: the class's list, plans, invitations, writing, showing, agreed steps, coverage, papers."""

from portal.visits import reminding, sketching
from portal.visits.views import (
    answers,
    classes,
    coverage,
    fairness,
    follow_ups,
    harming,
    home_lessons,
    invitations,
    joining_in,
    offline,
    open_ends,
    overviews,
    papers,
    photos,
    plans,
    rules,
    showing,
    writing,
)
from portal.visits.views.blueprint import bp

__all__ = [
    "answers",
    "bp",
    "classes",
    "coverage",
    "fairness",
    "follow_ups",
    "harming",
    "home_lessons",
    "invitations",
    "joining_in",
    "offline",
    "open_ends",
    "overviews",
    "papers",
    "photos",
    "plans",
    "reminding",
    "rules",
    "showing",
    "sketching",
    "writing",
]
