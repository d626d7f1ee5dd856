"""The pages of data rights, one file for each subject."""

from portal.privacy.views import consents, copies, own, readings
from portal.privacy.views.blueprint import bp

__all__ = ["bp", "consents", "copies", "own", "readings"]
