"""Objections of others in the days of public notice: written by name, examined by the district, never shown to the school."""

from flask import abort, request, url_for
from sqlalchemy.orm import joinedload
from werkzeug.wrappers import Response

from portal.access import Role, actor, find, requires, signed_in
from portal.deliveries.sending import send
from portal.errors import RuleBroken
from portal.extensions import db
from portal.files.intake import NotTaken, chosen, take
from portal.i18n import gettext as _
from portal.once import commit_and_go
from portal.ratings import concerns, conflicts, evidence, rechecking, standing
from portal.ratings.concerns import CONCERN_STATE_NAMES, Concern, ConcernState
from portal.ratings.forms import ConcernForm, VerdictForm
from portal.ratings.jobs import CONCERN_ANSWERED
from portal.ratings.models import Entry, Round
from portal.ratings.policy import CONCERN_HEAR
from portal.ratings.standing import MeasureKind
from portal.ratings.views.blueprint import bp
from portal.ratings.views.stars import asked_kind, newest_of
from portal.schools.models import School
from portal.templating import render
from portal.trail.reads import opened


def _entry(public_id: str) -> Entry:
    entry = db.session.scalar(
        newest_of(public_id, asked_kind()).options(
            joinedload(Entry.school).joinedload(School.district),
            joinedload(Entry.round).joinedload(Round.rubric_version),
        )
    )
    if entry is None:
        abort(404)
    return entry


def _page(entry: Entry, form: ConcernForm | None = None) -> str:
    own = concerns.own(entry, actor().person_id)
    for one in own if actor().role != Role.GUARDIAN else ():
        opened("F4", one, purpose="own rating objection")
    why = concerns.refusal(entry, actor().on)
    may = why is None and concerns.open_one(own) is None
    return render(
        "ratings/concern.html",
        entry=entry,
        own=own,
        names=CONCERN_STATE_NAMES,
        files={one.id: concerns.files(one) for one in own},
        why=why,
        kind=request.args.get("kind"),
        most=concerns.MOST_FILES,
        **({"form": form or ConcernForm(formdata=None)} if may else {}),
    )


@bp.get("/stars/<public_id>/objection")
@signed_in
def concern(public_id: str) -> str:
    """What one has to say against a published result, and what came of it."""
    return _page(_entry(public_id))


@bp.post("/stars/<public_id>/objection")
@signed_in
def file_concern(public_id: str) -> Response | tuple[str, int]:
    """Send it. Files are looked at while no transaction is open."""
    entry, form = _entry(public_id), ConcernForm()
    why = concerns.refusal(entry, actor().on)
    if why:
        raise RuleBroken(why)
    if not form.sent_and_valid():
        form.ask_for_files_again()
        return _page(entry, form), 422
    try:
        uploads = chosen(form.files.data or [])
        if len(uploads) > concerns.MOST_FILES:
            raise NotTaken(_("At most %(most)s files.", most=concerns.MOST_FILES))
        taken = take(uploads) if uploads else []
        concerns.file(_entry(public_id), form.words.data, taken, actor())
    except NotTaken as refused:
        form.files.errors = [refused.message]
        return _page(_entry(public_id), form), refused.status
    return commit_and_go(
        url_for(".concern", public_id=public_id, kind=request.args.get("kind")),
        _(
            "Sent. Somebody of the district office who took no part examines it; the school does not learn who you are."
        ),
    )


@bp.post("/stars/<public_id>/objection/withdrawal")
@signed_in
def withdraw_concern(public_id: str) -> Response:
    """Take one's own objection back."""
    found = concerns.open_one(concerns.own(_entry(public_id), actor().person_id))
    if found is None:
        raise RuleBroken(_("There is nothing to take back."))
    concerns.withdraw(found, actor())
    return commit_and_go(
        url_for(".concern", public_id=public_id, kind=request.args.get("kind")), _("Taken back.")
    )


def _heard(public_id: str) -> Concern:
    return find(
        CONCERN_HEAR,
        public_id,
        joinedload(Concern.author),
        joinedload(Concern.entry).joinedload(Entry.school).joinedload(School.district),
        joinedload(Concern.entry).joinedload(Entry.round).joinedload(Round.rubric_version),
    )


def _tied(found: Concern) -> bool:
    school_id = found.entry.school_id
    return (actor().person_id, school_id) in conflicts.conflicts([school_id])


def _case_page(found: Concern, form: VerdictForm) -> str:
    opened("F4", found, purpose="rating objection")
    return render(
        "ratings/concern_case.html",
        concern=found,
        entry=found.entry,
        files=concerns.files(found),
        names=CONCERN_STATE_NAMES,
        is_open=found.state == ConcernState.OPEN,
        tied=_tied(found),
        form=form,
    )


@bp.get("/ratings/concerns/<public_id>")
@requires(CONCERN_HEAR)
def concern_case(public_id: str) -> str:
    """What somebody says, who says it, and the answer."""
    return _case_page(_heard(public_id), VerdictForm(formdata=None))


@bp.post("/ratings/concerns/<public_id>")
@requires(CONCERN_HEAR)
def answer_concern(public_id: str) -> Response | tuple[str, int]:
    """Answer the author, and write what the school may read; what is founded becomes a proposed measure."""
    found, form = _heard(public_id), VerdictForm()
    if _tied(found):
        raise RuleBroken(_("You have a tie to this school; somebody else must answer."))
    valid = form.sent_and_valid()
    wrong = concerns.names_somebody(found, form.gist.data or "") or evidence.named_in(
        found.entry.school_id, form.gist.data or "", evidence.SHORTEST_NAME
    )
    if valid and wrong:
        form.gist.errors, valid = [wrong], False
    if not valid:
        return _case_page(found, form), 422
    founded = form.outcome.data == "founded"
    concerns.answer(found, founded, form.gist.data, form.reply.data, actor())
    if founded and standing.open_measure(standing.measures_of(found.entry)) is None:
        rechecking.propose(found.entry, MeasureKind.RE_RATING, None, form.gist.data, actor())
    send(
        found.author,
        CONCERN_ANSWERED.name,
        {},
        key=found.public_id,
        district_id=found.entry.round.district_id,
    )
    return commit_and_go(url_for("home.index"), _("Answered. The school reads only what you wrote for it."))
