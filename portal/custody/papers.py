"""The scan of the paper a restriction rests on: pictures or a PDF, open to those who see the restriction, with a fresh proof,
and every opening stands in the trail."""

from collections.abc import Sequence

from sqlalchemy import select
from werkzeug.datastructures import FileStorage

from portal.access import Actor
from portal.custody.models import Restriction
from portal.custody.policy import CUSTODY_READ
from portal.errors import RuleBroken
from portal.extensions import db
from portal.files.intake import NotTaken, Taken, take
from portal.files.models import File, Kind
from portal.files.owners import Owner, owned
from portal.files.storing import files_of, keep
from portal.i18n import gettext as _
from portal.schools.models import Guardianship

SLOT = "paper"
MOST = 6
HOLDS = "F4S"
ACCEPTED = ".jpg,.jpeg,.png,.webp,.heic,.heif,.pdf"
"""For the ``accept`` of the file field; what a file is, is found out by opening it."""
owned(
    Owner(
        "restriction",
        Restriction,
        (CUSTODY_READ,),
        pupil_of=lambda row: row.pupil_id if row is not None else None,
        of_pupil=lambda pupil_id: Restriction.pupil_id == pupil_id,
        of_person=lambda person_id: Restriction.guardianship_id.in_(
            select(Guardianship.id).where(Guardianship.person_id == person_id)
        ),
        needs_proof=True,
    )
)


def papers(found: Restriction) -> list[File]:
    """The pages that were scanned, in the order they came."""
    return files_of(found, SLOT)


def take_papers(uploads: Sequence[FileStorage], there: int = 0) -> list[Taken]:
    """Take scans in while nothing is changed. NotTaken for more than six, and for what is neither picture nor PDF."""
    if there + len(uploads) > MOST:
        raise NotTaken(_("At most %(most)s files. Put the pages into one PDF.", most=MOST))
    taken = take(uploads)
    for one in taken:
        if one.kind not in (Kind.IMAGE, Kind.PDF):
            raise NotTaken(_("%(name)s is neither a picture nor a PDF.", name=one.name))
    return taken


def add(found: Restriction, taken: Sequence[Taken], actor: Actor) -> None:
    """Keep scans with a restriction that is not decided yet, in the current transaction.

    RuleBroken once it is decided: what the second person looked at does not change afterwards.
    """
    db.session.execute(select(Restriction.id).where(Restriction.id == found.id).with_for_update())
    if found.decided_at is not None:
        raise RuleBroken(_("This restriction is decided already."))
    attach(found, taken, actor)


def attach(found: Restriction, taken: Sequence[Taken], actor: Actor) -> None:
    """Keep scans with a restriction, in the current transaction. RuleBroken beyond six."""
    if len(papers(found)) + len(taken) > MOST:
        raise RuleBroken(_("At most %(most)s files. Put the pages into one PDF.", most=MOST))
    for one in taken:
        keep(one, found, actor, slot=SLOT, holds=HOLDS)
