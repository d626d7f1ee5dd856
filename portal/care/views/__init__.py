"""Pages of care: files, plans, the left-behind register, dropout watch, referrals."""

from portal.care import jobs
from portal.care.views import files, plans, referrals, register, watches
from portal.care.views.blueprint import bp

__all__ = ["bp", "files", "jobs", "plans", "referrals", "register", "watches"]
