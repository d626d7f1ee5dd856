"""The pages of data rights, one file for each subject."""

from portal.privacy.views import consents, copies, erasing, exporting, own, readings, retention
from portal.privacy.views.blueprint import bp

__all__ = ["bp", "consents", "copies", "erasing", "exporting", "own", "readings", "retention"]
