"""What visits hold about families: that one took place stays as a number, what was said goes."""

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import select

from portal.extensions import db
from portal.holdings import Act, Counted, Subject, empty, held, remove
from portal.i18n import lazy_gettext as _l
from portal.schools.holdings import ties_of
from portal.visits.drafts import DraftClash, DraftPart, LateVisit, VisitDraft
from portal.visits.harm import HarmEntry, HarmReport, SafeguardingPerson
from portal.visits.home_lessons import HomeLesson, HomeTeaching
from portal.visits.models import (
    AnswerCode,
    Correction,
    FollowUp,
    HomePlace,
    Invitation,
    PlanEntry,
    SealedNote,
    Visit,
    VisitChange,
    VisitCompanion,
    VisitMet,
    VisitPart,
    VisitRemark,
)

BLANK = "—"
PROOF = _l("A report of harm is proof for the police and the courts; it stays sealed.")
STAYS = _l("That a visit took place counts in the numbers of the school; what was said goes.")

TAUGHT = _l("That lessons were given at home counts in the numbers of the school; what was done goes.")


def _of_child(column: Any) -> Callable[[Subject], Any]:
    return lambda subject: column.in_(select(Visit.id).where(Visit.pupil_id == subject.pupil_id))


def _met(subject: Subject) -> Any:
    return VisitMet.guardianship_id.in_(ties_of(subject))


held(Visit, Act.EMPTY, pupil="pupil_id", blanks={"others_met": ""}, why=STAYS)
held(Invitation, Act.EMPTY, pupil="pupil_id", blanks={"purpose": BLANK}, why=STAYS)
held(FollowUp, Act.EMPTY, pupil="pupil_id", blanks={"what": BLANK, "done_line": ""}, why=STAYS)
held(VisitPart, Act.ERASE, pupil=_of_child(VisitPart.visit_id))
held(SealedNote, Act.ERASE, pupil=_of_child(SealedNote.visit_id))
held(VisitChange, Act.ERASE, pupil=_of_child(VisitChange.visit_id))
held(VisitMet, Act.ERASE, person=_met, pupil=_of_child(VisitMet.visit_id))
held(VisitRemark, Act.ERASE, person="person_id", pupil=_of_child(VisitRemark.visit_id))
held(Correction, Act.ERASE, person="person_id", pupil=_of_child(Correction.visit_id))


def _drafted(column: Any) -> tuple[Callable[[Subject], Any], Callable[[Subject], Any]]:
    """Parts of drafts by their author, and by the child they are about."""
    return (
        lambda subject: column.in_(select(VisitDraft.id).where(VisitDraft.author_id == subject.person_id)),
        lambda subject: column.in_(select(VisitDraft.id).where(VisitDraft.pupil_id == subject.pupil_id)),
    )


for _part in (DraftPart, DraftClash, LateVisit):
    _by_author, _by_child = _drafted(_part.draft_id)
    held(_part, Act.ERASE, person=_by_author, pupil=_by_child)
held(VisitDraft, Act.ERASE, person="author_id", pupil="pupil_id")
held(SafeguardingPerson, Act.ERASE, person="person_id")
held(VisitCompanion, Act.ERASE, pupil=_of_child(VisitCompanion.visit_id))
held(HarmReport, Act.KEEP, pupil="pupil_id", why=PROOF)
held(
    HarmEntry,
    Act.KEEP,
    pupil=lambda subject: HarmEntry.report_id.in_(
        select(HarmReport.id).where(HarmReport.pupil_id == subject.pupil_id)
    ),
    why=PROOF,
)


def _invited(subject: Subject) -> Any:
    return AnswerCode.invitation_id.in_(select(Invitation.id).where(Invitation.pupil_id == subject.pupil_id))


held(AnswerCode, Act.ERASE, person="person_id", pupil=_invited)
held(HomeTeaching, Act.EMPTY, pupil="pupil_id", blanks={"plan": BLANK}, why=TAUGHT)


def _taught(subject: Subject) -> Any:
    return HomeLesson.log_id.in_(select(HomeTeaching.id).where(HomeTeaching.pupil_id == subject.pupil_id))


held(HomeLesson, Act.EMPTY, pupil=_taught, blanks={"content": BLANK}, why=TAUGHT)
held(PlanEntry, Act.ERASE, pupil="pupil_id")
held(HomePlace, Act.ERASE, pupil="pupil_id")


def erase_texts(visits: Any, done: Counted, *, sealed: bool) -> None:
    """Everything that was said at visits (a select of ids); that they took place stays."""
    wanted = list(db.session.scalars(visits))
    for owner in (VisitPart, VisitRemark, Correction, VisitChange, VisitMet):
        remove(owner, owner.visit_id.in_(wanted), done)
    remove(VisitDraft, VisitDraft.visit_id.in_(wanted), done)
    if sealed:
        remove(SealedNote, SealedNote.visit_id.in_(wanted), done)
    empty(Visit, Visit.id.in_(wanted), {"others_met": ""}, done)
    empty(FollowUp, FollowUp.visit_id.in_(wanted), {"what": BLANK, "done_line": ""}, done)
    invitations = select(Visit.invitation_id).where(Visit.id.in_(wanted))
    empty(Invitation, Invitation.id.in_(invitations), {"purpose": BLANK}, done)


def erase_lessons(logs: Sequence[int]) -> None:
    """What was planned and done at lessons at home, of these logs; how many were given stays."""
    done: Counted = Counter()
    empty(HomeTeaching, HomeTeaching.id.in_(logs), {"plan": BLANK}, done)
    empty(HomeLesson, HomeLesson.log_id.in_(logs), {"content": BLANK}, done)
