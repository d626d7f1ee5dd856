"""Pages of staffing: appointments, delegations, hand-over, transfers, settings."""

from portal.staffing.views import appointments, delegations, hand_overs, settings, transfers
from portal.staffing.views.blueprint import bp

__all__ = ["appointments", "bp", "delegations", "hand_overs", "settings", "transfers"]
