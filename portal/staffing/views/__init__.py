"""Pages of staffing: appointments, delegations, settings."""

from portal.staffing.views import appointments, delegations, settings
from portal.staffing.views.blueprint import bp

__all__ = ["appointments", "bp", "delegations", "settings"]
