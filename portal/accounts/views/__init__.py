"""Pages of accounts: signing in and out, proving who one is, one's own settings, the switches on every page."""

from portal.accounts.views import coding, own, proving, signing_in, switches
from portal.accounts.views.blueprint import bp

__all__ = ["bp", "coding", "own", "proving", "signing_in", "switches"]
