"""Pages of staffing: appointments, first access, delegations, hand-over, transfers, settings."""

from portal.staffing.views import appointments, delegations, hand_overs, newcomers, settings, transfers
from portal.staffing.views.blueprint import bp

__all__ = ["appointments", "bp", "delegations", "hand_overs", "newcomers", "settings", "transfers"]
