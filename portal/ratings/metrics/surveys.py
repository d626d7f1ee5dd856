"""The metric over parent questionnaires: how many families answered, and the mean that was released."""

from collections.abc import Sequence

from portal import i18n
from portal.i18n import gettext as _
from portal.i18n import lazy_gettext as _l
from portal.ratings.metrics.registry import Period, Record, metric
from portal.surveys.releasing import Standing, standing_of

NAME = "survey_mean"


@metric(
    NAME,
    _l("Mean of the parent questionnaire that the district released, with how many families answered."),
    counts=_l("Families that answered; the mean of the opinions (0 to 100) stands beside"),
    out_of=_l("Families that were asked"),
    population=_l("Families with a child at the school on the day the questionnaire was sent"),
)
def survey_mean(school_id: int, period: Period) -> Sequence[Record]:
    """The newest released questionnaire of the year; one that does not count is not listed."""
    found = standing_of(school_id, period.starts_on)
    return [] if found is None else [record_of(found)]


def record_of(standing: Standing) -> Record:
    """The line of a questionnaire: its name, its mean, and the day of its release."""
    mean = _("too few answered") if standing.mean is None else _("mean %(mean)s", mean=standing.mean)
    detail = f"{mean} · {i18n.long_date(standing.released_on)}"
    return Record(standing.survey_id, standing.name, detail, standing.answered, standing.invited)
