"""Pages of home visits: the class's list, invitations, writing, showing, agreed steps, overviews."""

from portal.visits.views import (
    classes,
    follow_ups,
    harming,
    invitations,
    joining_in,
    offline,
    overviews,
    showing,
    writing,
)
from portal.visits.views.blueprint import bp

__all__ = [
    "bp",
    "classes",
    "follow_ups",
    "harming",
    "invitations",
    "joining_in",
    "offline",
    "overviews",
    "showing",
    "writing",
]
