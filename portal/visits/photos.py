"""Photos of a visit: never required, only where the register of consents allows them, gone when it no longer does.

A visit counts without any photo. What is kept is what the family read before it agreed: the class teacher and the principal
see it, nobody publishes it, it is deleted after twelve months (``portal/privacy/purposes.py``). A guardian who says no
takes every photo of the child away at once; whatever else ends the consent is found within the hour.
"""

from collections.abc import Sequence
from datetime import date, timedelta

from sqlalchemy import Select, select

from portal import clock, consent
from portal.access import Actor
from portal.consent import Purpose
from portal.errors import RuleBroken
from portal.extensions import db
from portal.files.intake import Taken
from portal.files.models import File, Kind
from portal.files.owners import Owner, owned
from portal.files.storing import covered, files_of, keep
from portal.i18n import gettext as _
from portal.jobs.queue import every, task
from portal.row_security import all_rows
from portal.trail.models import note
from portal.visits.models import Visit
from portal.visits.policy import VISIT_FAMILY, VISIT_PRINT

SLOT = "photo"
MOST = 3
KEPT_FOR = timedelta(days=365)
PURPOSE = Purpose.VISIT_PHOTO

owned(
    Owner(
        "visit",
        Visit,
        (VISIT_PRINT, VISIT_FAMILY),
        pupil_of=lambda visit: int(visit.pupil_id),
        of_pupil=lambda pupil_id: Visit.pupil_id == pupil_id,
    )
)


def allowed(visit: Visit, on: date) -> bool:
    """Whether the family allows photos of visits on a day."""
    return consent.allows(PURPOSE, visit.pupil_id, on)


def must_be_allowed(visit: Visit, on: date) -> None:
    """RuleBroken, in words, where the family has not agreed."""
    if not allowed(visit, on):
        raise RuleBroken(
            _("The family has not agreed to photos. The visit counts without one; do not ask why."), 403
        )


def photos_of(visit: Visit, on: date) -> list[File]:
    """The photos of a visit, none where the family does not allow them (any more)."""
    found = files_of(visit, SLOT)
    return found if found and allowed(visit, on) else []


def within_reach(visit: Visit, actor: Actor) -> list[File]:
    """The photos of a visit that the actor may look at: class teacher, principal and the home that was visited."""
    readers = [one for one in (VISIT_PRINT, VISIT_FAMILY) if one.admits(actor.role)]
    found = photos_of(visit, actor.on) if readers else []
    return found if found and any(one.holds_for(actor, visit) for one in readers) else []


def add(visit: Visit, actor: Actor, taken: Sequence[Taken], on: date) -> int:
    """Keep photos of a visit, in the current transaction; how many it has then. RuleBroken without consent, for anything
    that is no picture, or beyond three."""
    db.session.execute(select(Visit.id).where(Visit.id == visit.id).with_for_update())
    must_be_allowed(visit, on)
    if any(one.kind != Kind.IMAGE for one in taken):
        raise RuleBroken(_("Choose a picture."), 422)
    for one in taken:
        keep(one, visit, actor, slot=SLOT, holds="F4")
    there = len(files_of(visit, SLOT))
    if there > MOST:
        raise RuleBroken(_("A visit has at most %(most)s photos.", most=MOST), 422)
    return there


def cover(visit: Visit, file_id: str, actor: Actor, at: Sequence[float]) -> None:
    """Hide a disc of one photo for good: the picture as it was is deleted, in the transaction that begins here.

    ``at`` as in ``files.storing.covered``. The twelve months go on as they began. RuleBroken without consent or photo.
    """
    must_be_allowed(visit, actor.on)
    taken = covered(_one(visit, file_id), at)
    db.session.execute(select(Visit.id).where(Visit.id == visit.id).with_for_update())
    must_be_allowed(visit, actor.on)
    before = _one(visit, file_id)
    after = keep(taken, visit, actor, slot=SLOT, holds="F4")
    if after.id == before.id:
        return
    after.created_at = before.created_at
    note("visit_photo.covered", visit, person_id=actor.person_id, role=actor.role)
    db.session.delete(before)


def _one(visit: Visit, file_id: str) -> File:
    file = next((one for one in files_of(visit, SLOT) if one.public_id == file_id), None)
    if file is None:
        raise RuleBroken(_("This file is not there any more."))
    return file


def take_out(file: File, visit: Visit, actor: Actor) -> None:
    """Delete one photo, in the current transaction."""
    note("visit_photo.deleted", visit, person_id=actor.person_id, role=actor.role)
    db.session.delete(file)


def _delete(files: Sequence[tuple[File, Visit]], why: str) -> int:
    for file, visit in files:
        note("visit_photo.deleted", visit, person_id=None, why=why)
        db.session.delete(file)
    return len(files)


def _with_photos() -> Select[*tuple[File, Visit]]:
    mine = (File.owner_kind == "visit", File.slot == SLOT)
    return select(File, Visit).join(Visit, Visit.id == File.owner_id).where(*mine)


def let_go_of(pupil_id: int) -> None:
    """Delete all photos of visits to a child, in the current transaction: a guardian has just said no."""
    with all_rows():
        found = db.session.execute(_with_photos().where(Visit.pupil_id == pupil_id)).all()
        _delete([(file, visit) for file, visit in found], "consent")


consent.when_refused(PURPOSE, let_go_of)


@task
@every(3_600)
def sweep_photos() -> None:
    """Delete photos after twelve months, and those of children for whom the consent no longer holds."""
    now = clock.now()
    day = clock.local(now).date()
    old = db.session.execute(_with_photos().where(File.created_at < now - KEPT_FOR)).all()
    _delete([(file, visit) for file, visit in old], "age")
    db.session.flush()
    for file, visit in db.session.execute(_with_photos()).all():
        if not allowed(visit, day):
            _delete([(file, visit)], "consent")
    db.session.commit()
