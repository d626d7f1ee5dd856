"""Transfers whose day has come, the numbers of a term that begins, codes of first access whose hour is over."""

from sqlalchemy import exists, select

from portal import clock
from portal.extensions import db
from portal.jobs.queue import every, task
from portal.schools import summaries
from portal.schools.models import Term
from portal.schools.summaries import SchoolTermSummary
from portal.staffing import every_school, newcomers
from portal.staffing.transferring import complete_due


@every(600)
def complete_transfers() -> None:
    """Give pupils to their new schools on the day; what is not due stays as it is."""
    complete_due()


@task
def apply_ordered() -> None:
    """Hand over the schools for which the district ordered it, each in its own transaction."""
    every_school.carry_out_all()


@every(120)
def apply_what_was_ordered() -> None:
    """Find again what a lost ring or a stop in the middle left behind."""
    every_school.carry_out_all()


@every(3600)
def count_new_terms() -> None:
    """Count pupils and households of a term that has begun and has no numbers yet."""
    counted = exists().where(
        SchoolTermSummary.term_id == Term.id, SchoolTermSummary.measure == summaries.PUPILS
    )
    today = clock.today()
    missing = db.session.scalar(
        select(Term.id).where(Term.starts_on <= today, Term.ends_on >= today, ~counted).limit(1)
    )
    db.session.rollback()
    if missing is not None:
        summaries.rebuild(summaries.FROM_ROSTER)
        db.session.commit()


@every(600)
def forget_codes() -> None:
    """Codes of first access are kept for an hour, to be printed."""
    newcomers.forget_codes()
