"""The kinds of data that go when their time is over; adding a kind is one function and one line above it.

Each function gets a day (``until``: what ended on or before it is due) and says which rows are due. ``rows`` selects
``id``, ``school_id`` (NULL: the whole portal's), ``day`` (when its time began) and ``what`` (what a row is, never its content);
``end`` ends a batch of them in the current transaction.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import Date, Select, String, and_, delete, exists, func, literal, null, or_, select, update
from sqlalchemy.orm import aliased

from portal import clock
from portal.accounts.codes import CodeRequest
from portal.accounts.models import Attempts, AuthSession, KnownDevice
from portal.care.models import CareMeasure, CarePerson, CarePlan, LeftBehind, Referral, Watch
from portal.custody.models import Restriction
from portal.deliveries.models import Delivery
from portal.extensions import db
from portal.files.models import File
from portal.files.models import State as FileState
from portal.files.owners import let_ownerless_go
from portal.i18n import lazy_gettext as _l
from portal.i18n import ngettext
from portal.joining.models import JoiningRequest, JoiningSheet
from portal.once import OnceKey
from portal.opinions.models import Opinion
from portal.privacy import erasing
from portal.privacy.models import ErasureRequest, RetentionMark
from portal.recovery.models import Recovery
from portal.roster.models import RosterChange, RosterImport, RosterProblem
from portal.roster.models import State as Import
from portal.schools.identity import KEPT_BY
from portal.schools.models import Enrolment, Grade, GuardianshipFlag, Pupil, School, SchoolClass
from portal.settings import Number, Setting
from portal.visits.drafts import VisitDraft
from portal.visits.models import Visit

CARE = (CarePlan, CareMeasure, CarePerson, LeftBehind, Watch, Referral)
"""The tables of care that name a pupil."""
Rows = Select[*tuple[Any, ...]]


@dataclass(frozen=True)
class Due:
    """What is due, and how a batch of it ends.

    ``pupil`` is the column by which a hold keeps rows; ``district`` names the district of rows that may have no school.
    """

    rows: Rows
    end: Callable[[Sequence[Any]], None]
    pupil: Any = None
    district: Any = None


@dataclass(frozen=True)
class Kept:
    """One kind: its name in words, what happens to it, its period, and the function that finds what is due."""

    name: str
    label: Any
    after: Any
    months: bool
    ordinary: int
    setting: Setting[int] | None
    find: Callable[[date], Due]

    def length(self, day: date, district_id: int | None) -> int:
        """The period on a day: the district's own, or the ordinary one."""
        return self.setting.on(day, district_id=district_id) if self.setting else self.ordinary

    def period(self, day: date, district_id: int | None) -> str:
        """The period in words."""
        number = self.length(day, district_id)
        if self.months:
            return ngettext("%(num)s month", "%(num)s months", number)
        return ngettext("%(num)s day", "%(num)s days", number)


KINDS: dict[str, Kept] = {}


def kind(
    label: Any, after: Any, *, days: int = 0, months: int = 0, least: int = 1, fixed: bool = False
) -> Callable[[Callable[[date], Due]], Callable[[date], Due]]:
    """Declare a kind with its ordinary period in days or months, the least that a district may set, or no setting at all
    for what belongs to no district (``fixed``)."""
    ordinary = months or days

    def register(find: Callable[[date], Due]) -> Callable[[date], Due]:
        name = find.__name__
        setting = None
        if not fixed:
            setting = Setting(
                f"privacy.keep_{name}",
                Number(least, ordinary * 3, _l("months") if months else _l("days")),
                ordinary,
                label=label,
                help=_l("How long it is kept once its time has begun; then it goes by itself, in the night."),
            )
        KINDS[name] = Kept(name, label, after, bool(months), ordinary, setting, find)
        return find

    return register


def _after(until: date) -> datetime:
    """The first instant that is not due: the end of the last day that is."""
    return clock.instant_of(until + timedelta(days=1))


def _shown(id_column: Any, school: Any, day: Any, what: Any) -> Rows:
    return select(
        id_column.label("id"), school.label("school_id"), day.label("day"), what.label("what")
    ).order_by(id_column)


def _nothing(kind_of: Any) -> Any:
    return literal(None, kind_of)


def _unmarked(name: str, id_column: Any) -> Any:
    """Rows that stay as facts are marked once they are emptied."""
    return ~exists().where(RetentionMark.kind == name, RetentionMark.row_id == id_column)


def mark(name: str, ids: Sequence[int]) -> None:
    """Remember that these rows have been emptied."""
    db.session.add_all([RetentionMark(kind=name, row_id=one) for one in ids])


@kind(_l("Messages sent: recipient and text"), _l("A line without person stays"), days=30, fixed=True)
def messages(until: date) -> Due:
    """30 days (SECURITY contract; GOV.UK Notify: 7)."""
    begun = Delivery.created_at
    rows = _shown(Delivery.id, null(), begun, Delivery.channel).where(
        Delivery.created_at < _after(until), Delivery.recipient_sealed.is_not(None)
    )

    def end(ids: Sequence[int]) -> None:
        emptied = {"recipient_sealed": None, "recipient_index": None, "values_sealed": None}
        db.session.execute(update(Delivery).where(Delivery.id.in_(ids)).values(**emptied))

    return Due(rows, end)


@kind(
    _l("What was written about visits"),
    _l("That the visit took place stays as a number"),
    months=12,
    least=6,
)
def visit_texts(until: date) -> Due:
    """The end of the stage of schooling + 12 months: no place in that stage was left later or is still held."""
    stage, place, grade, room = Grade.stage, aliased(Enrolment), aliased(Grade), aliased(SchoolClass)
    same_stage = (
        select(place.id)
        .join(room, room.id == place.class_id)
        .join(grade, grade.id == room.grade_id)
        .where(place.pupil_id == Visit.pupil_id, grade.stage == stage)
    )
    rows = (
        _shown(Visit.id, Visit.school_id, Visit.held_on, SchoolClass.name)
        .join(SchoolClass, SchoolClass.id == Visit.class_id)
        .join(Grade, Grade.id == SchoolClass.grade_id)
        .where(
            same_stage.exists(),
            ~same_stage.where(or_(place.ended_on.is_(None), place.ended_on > until)).exists(),
            _unmarked("visit_texts", Visit.id),
        )
    )

    def end(ids: Sequence[int]) -> None:
        done: erasing.COUNTED = Counter()
        erasing.erase_visit_texts(select(Visit.id).where(Visit.id.in_(ids)), done, sealed=True)
        mark("visit_texts", ids)

    return Due(rows, end, Visit.pupil_id)


@kind(_l("Opinions and their answers"), _l("Statistics stay"), months=36, least=12)
def opinions(until: date) -> Due:
    """Closure + 3 years: the last answer, for an opinion that is not open again."""
    rows = _shown(Opinion.id, Opinion.school_id, Opinion.answered_on, Opinion.number).where(
        Opinion.answered_on <= until, _unmarked("opinions", Opinion.id)
    )

    def end(ids: Sequence[int]) -> None:
        erasing.erase_opinions(Opinion.id.in_(ids), Counter())
        mark("opinions", ids)

    return Due(rows, end, Opinion.pupil_id)


@kind(_l("Rows of imported rosters"), _l("That a roster was brought in stays"), days=90, least=14)
def rosters(until: date) -> Due:
    """What an import read and changed, once nobody undoes it any more."""
    held = or_(
        exists().where(RosterChange.import_id == RosterImport.id),
        exists().where(RosterProblem.import_id == RosterImport.id),
    )
    rows = _shown(
        RosterImport.id, RosterImport.school_id, RosterImport.moved_at, RosterImport.file_name
    ).where(RosterImport.moved_at < _after(until), held)

    def end(ids: Sequence[int]) -> None:
        for owner in (RosterChange, RosterProblem):
            db.session.execute(delete(owner).where(owner.import_id.in_(ids)))

    return Due(rows, end, district=RosterImport.district_id)


@kind(_l("Words of requests for deletion"), _l("Decision and ground stay"), months=12, least=6)
def request_words(until: date) -> Due:
    """What somebody wrote beside a request, a year after the decision."""
    rows = _shown(
        ErasureRequest.id, ErasureRequest.school_id, ErasureRequest.decided_at, ErasureRequest.kind
    ).where(
        ErasureRequest.decided_at < _after(until),
        or_(ErasureRequest.words_sealed.is_not(None), ErasureRequest.reply_sealed.is_not(None)),
    )

    def end(ids: Sequence[int]) -> None:
        emptied = {"words_sealed": None, "reply_sealed": None}
        db.session.execute(update(ErasureRequest).where(ErasureRequest.id.in_(ids)).values(**emptied))

    return Due(rows, end)


@kind(_l("Identity numbers of pupils"), _l("The pupil stays without it"), months=12, fixed=True)
def identity_numbers(until: date) -> Due:
    """A year after the pupil left; at once where the district keeps none any more (its setting of that day)."""
    today = clock.today()
    districts = db.session.scalars(select(School.district_id).distinct()).all()
    keeping = [one for one in districts if KEPT_BY.on(today, district_id=one)]
    rows = (
        _shown(Pupil.id, Pupil.school_id, func.coalesce(Pupil.left_on, today), _nothing(String))
        .join(School, School.id == Pupil.school_id)
        .where(
            Pupil.identity_sealed.is_not(None),
            or_(Pupil.left_on <= until, School.district_id.not_in(keeping)),
        )
    )

    def end(ids: Sequence[int]) -> None:
        emptied = {"identity_sealed": None, "identity_index": None}
        db.session.execute(update(Pupil).where(Pupil.id.in_(ids)).values(**emptied))

    return Due(rows, end, Pupil.id)


@kind(_l("Sessions that ended"), _l("Gone"), days=30, fixed=True)
def sessions(until: date) -> Due:
    """Devices that are signed out or whose session ran out."""
    over = func.coalesce(AuthSession.revoked_at, AuthSession.expires_at)
    rows = _shown(AuthSession.id, null(), over, _nothing(String)).where(
        or_(AuthSession.revoked_at < _after(until), AuthSession.expires_at < _after(until))
    )
    return Due(rows, lambda ids: _gone(AuthSession, AuthSession.id, ids))


@kind(_l("Counters of attempts to sign in"), _l("Gone"), days=1, fixed=True)
def attempts(until: date) -> Due:
    """Limits whose window is over."""
    rows = _shown(Attempts.key, null(), Attempts.window_ends_at, _nothing(String)).where(
        Attempts.window_ends_at < _after(until)
    )
    return Due(rows, lambda keys: _gone(Attempts, Attempts.key, keys))


@kind(_l("Keys that keep a form from being sent twice"), _l("Gone"), days=30, fixed=True)
def once_keys(until: date) -> Due:
    """The answers given to forms."""
    rows = _shown(OnceKey.id, null(), OnceKey.answered_at, _nothing(String)).where(
        OnceKey.answered_at < _after(until)
    )
    return Due(rows, lambda ids: _gone(OnceKey, OnceKey.id, ids))


@kind(_l("Slips for joining"), _l("Gone; who joined stays a guardian"), days=44, least=4)
def slips(until: date) -> Due:
    """A sheet and its slips: 14 days in which they admit somebody and 30 in the teacher's list. Codes went within 72 hours
    of their end (SECURITY contract)."""
    begun = JoiningSheet.printed_at
    rows = (
        _shown(JoiningSheet.id, SchoolClass.school_id, begun, SchoolClass.name)
        .join(SchoolClass, SchoolClass.id == JoiningSheet.class_id)
        .where(begun < _after(until))
    )
    return Due(rows, lambda ids: _gone(JoiningSheet, JoiningSheet.id, ids))


@kind(_l("Requests to join that were decided"), _l("Gone; the guardian or helper stays"), months=12, least=3)
def joining_requests(until: date) -> Due:
    """A year, for questions about who was let in by whom; afterwards the log alone tells it. Ours: no rule sets a time."""
    rows = (
        _shown(JoiningRequest.id, Pupil.school_id, JoiningRequest.decided_at, JoiningRequest.state)
        .join(Pupil, Pupil.id == JoiningRequest.pupil_id)
        .where(JoiningRequest.decided_at < _after(until))
    )
    return Due(rows, lambda ids: _gone(JoiningRequest, JoiningRequest.id, ids), JoiningRequest.pupil_id)


@kind(_l("Help to get back into an account"), _l("Gone; the log tells who helped"), months=12, least=3)
def recoveries(until: date) -> Due:
    """A year after its end; the reason went after 30 days and the code at once. Ours: no rule sets a time."""
    ended = Recovery.expires_at
    rows = _shown(Recovery.id, Recovery.school_id, ended, Recovery.whose).where(ended < _after(until))
    return Due(rows, lambda ids: _gone(Recovery, Recovery.id, ids), Recovery.pupil_id)


@kind(_l("Restrictions that are over"), _l("Gone with paper and flag; the log stays"), months=36, least=12)
def restrictions(until: date) -> Due:
    """Three years after the end or the refusal, as long as claims may be raised over it (Civil Code, art. 188)."""
    over = func.coalesce(Restriction.until_on, _day_of(Restriction.ended_at), _day_of(Restriction.decided_at))
    refused = and_(Restriction.refusal_sealed.is_not(None), Restriction.decided_at < _after(until))
    rows = _shown(Restriction.id, Restriction.school_id, over, Restriction.document).where(
        or_(Restriction.until_on <= until, Restriction.ended_at < _after(until), refused)
    )

    def end(ids: Sequence[int]) -> None:
        flags = db.session.scalars(select(Restriction.flag_id).where(Restriction.id.in_(ids))).all()
        _gone(Restriction, Restriction.id, ids)
        _gone(GuardianshipFlag, GuardianshipFlag.id, [one for one in flags if one is not None])
        let_ownerless_go()

    return Due(rows, end, Restriction.pupil_id)


@kind(_l("Drafts of visits"), _l("The visit that was sent stays"), months=6, least=3)
def visit_drafts(until: date) -> Due:
    """Half a year untouched: the term in which it could still be sent is over. A sent one is a copy of the visit."""
    rows = (
        _shown(VisitDraft.id, Pupil.school_id, VisitDraft.changed_at, _nothing(String))
        .join(Pupil, Pupil.id == VisitDraft.pupil_id)
        .where(VisitDraft.changed_at < _after(until))
    )
    return Due(rows, lambda ids: _gone(VisitDraft, VisitDraft.id, ids), VisitDraft.pupil_id)


@kind(_l("Care files, plans, registers and referrals"), _l("Gone"), months=12, least=6)
def care(until: date) -> Due:
    """A year after the pupil left, as what was written about visits (SECURITY contract: narratives)."""
    held = or_(*(exists().where(one.pupil_id == Pupil.id) for one in CARE))
    rows = _shown(Pupil.id, Pupil.school_id, Pupil.left_on, _nothing(String)).where(
        Pupil.left_on <= until, held
    )

    def end(ids: Sequence[int]) -> None:
        for pupil_id in ids:
            erasing.erase_care(pupil_id, Counter())

    return Due(rows, end, Pupil.id)


@kind(_l("Checked rosters that nobody brought in"), _l("That a file was checked stays"), days=14, fixed=True)
def staged_imports(until: date) -> Due:
    """As long as the file itself is kept: 14 days."""
    held = or_(
        exists().where(RosterChange.import_id == RosterImport.id),
        exists().where(RosterProblem.import_id == RosterImport.id),
    )
    rows = _shown(
        RosterImport.id, RosterImport.school_id, RosterImport.moved_at, RosterImport.file_name
    ).where(
        RosterImport.moved_at < _after(until),
        RosterImport.state.in_((Import.CHECKED, Import.FAILED, Import.WITHDRAWN)),
        held,
    )

    def end(ids: Sequence[int]) -> None:
        for owner in (RosterChange, RosterProblem):
            db.session.execute(delete(owner).where(owner.import_id.in_(ids)))

    return Due(rows, end, district=RosterImport.district_id)


@kind(_l("Files that the virus check refused"), _l("Gone"), days=30, fixed=True)
def refused_files(until: date) -> Due:
    """A month, so that whoever brought it can be told. Every other file goes with the record it belongs to."""
    rows = _shown(File.id, null(), File.scanned_at, _nothing(String)).where(
        File.state == FileState.REFUSED, File.scanned_at < _after(until)
    )
    return Due(rows, lambda ids: _gone(File, File.id, ids))


@kind(_l("Requests for one-time codes"), _l("Gone"), days=1, fixed=True)
def code_requests(until: date) -> Due:
    """A day, with the numbers that strangers typed; the code itself is good for ten minutes."""
    rows = _shown(CodeRequest.id, null(), CodeRequest.asked_at, _nothing(String)).where(
        CodeRequest.asked_at < _after(until)
    )
    return Due(rows, lambda ids: _gone(CodeRequest, CodeRequest.id, ids))


@kind(_l("Devices that are known"), _l("Gone; the next sign-in there is told"), days=365, fixed=True)
def known_devices(until: date) -> Due:
    """A year after the last sign-in, as long as the cookie lasts."""
    seen = KnownDevice.last_seen_at
    rows = _shown(KnownDevice.id, null(), seen, _nothing(String)).where(seen < _after(until))
    return Due(rows, lambda ids: _gone(KnownDevice, KnownDevice.id, ids))


def _gone(owner: Any, column: Any, ids: Sequence[Any]) -> None:
    db.session.execute(delete(owner).where(column.in_(ids)))


def _day_of(instant: Any) -> Any:
    return func.date(instant, type_=Date())


FIXED = (
    (_l("Copies of one's data and files that were exported"), _l("24 hours, fetched once")),
    (_l("One-time codes"), _l("at most 72 hours")),
    (_l("Photos of visits"), _l("12 months, or at once when a guardian no longer agrees")),
    (_l("Raw answers of questionnaires"), _l("90 days after publication, once questionnaires are in use")),
)
"""What goes on a clock of its own, for the page."""
