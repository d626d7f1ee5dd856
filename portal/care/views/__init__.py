"""Pages of care: files, plans, the left-behind register."""

from portal.care.views import files, plans, register
from portal.care.views.blueprint import bp

__all__ = ["bp", "files", "plans", "register"]
