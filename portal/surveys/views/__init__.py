"""Pages of questionnaires: the district's, the school's, the family's, and the one that knows nobody."""

from portal.surveys.views import answering, families, managing, results
from portal.surveys.views.blueprint import answers, bp

__all__ = ["answering", "answers", "bp", "families", "managing", "results"]
