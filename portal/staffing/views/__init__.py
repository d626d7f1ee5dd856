"""Pages of staffing."""

from portal.staffing.views import settings
from portal.staffing.views.blueprint import bp

__all__ = ["bp", "settings"]
