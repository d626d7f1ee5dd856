"""Pages of accounts: signing in and out, proving who one is, one's own settings, the switches on every page."""

from portal.accounts import jobs
from portal.accounts.views import (
    by_message,
    coding,
    own,
    proving,
    second_factors,
    second_step,
    signing_in,
    switches,
)
from portal.accounts.views.blueprint import bp

__all__ = [
    "bp",
    "by_message",
    "coding",
    "jobs",
    "own",
    "proving",
    "second_factors",
    "second_step",
    "signing_in",
    "switches",
]
