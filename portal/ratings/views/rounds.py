"""Rounds of the district: where they stand, preparing one, its inspectors, opening and publishing."""

from collections.abc import Callable

from flask import url_for
from flask_login import current_user
from sqlalchemy import select
from sqlalchemy.orm import joinedload, selectinload
from werkzeug.wrappers import Response

from portal.access import Role, actor, find, requires
from portal.accounts.stepping import step_up_required
from portal.extensions import db
from portal.i18n import gettext as _
from portal.once import commit_and_go
from portal.paging import page_of
from portal.ratings import conflicts, naming, rechecking, running, signatures, states, teams, windows
from portal.ratings.forms import InspectorsForm, RoundForm
from portal.ratings.models import (
    ENTRY_STATE_NAMES,
    ROUND_STATE_NAMES,
    Entry,
    Round,
    RoundState,
    RubricState,
    RubricVersion,
    Sheet,
)
from portal.ratings.policy import ENTRY_MANAGE, ENTRY_READ, ROUND_MANAGE, RUBRIC_MANAGE
from portal.ratings.views.blueprint import bp
from portal.ratings.windows import STEP_NAMES
from portal.schools.models import School, SchoolYear
from portal.schools.policy import SCHOOL_READ
from portal.templating import render


@bp.get("/ratings/")
@requires(ENTRY_READ)
def index() -> str:
    """Where the rounds stand and what comes next: for the district all schools, for a principal the own one."""
    if actor().role is Role.DISTRICT_STAFF:
        rounds = db.session.scalars(
            ROUND_MANAGE.rows(actor())
            .options(joinedload(Round.school_year), selectinload(Round.entries))
            .order_by(Round.id.desc())
            .limit(50)
        ).all()
        return render("ratings/index.html", rounds=rounds, names=ROUND_STATE_NAMES, RoundState=RoundState)
    entries = db.session.scalars(
        ENTRY_READ.rows(actor())
        .options(
            joinedload(Entry.round).joinedload(Round.school_year),
            joinedload(Entry.round).joinedload(Round.rubric_version),
            joinedload(Entry.school),
        )
        .order_by(Entry.id.desc())
        .limit(50)
    ).all()
    return render("ratings/my_entries.html", entries=entries, names=ENTRY_STATE_NAMES, RoundState=RoundState)


def _round_form(formdata: bool) -> RoundForm:
    form = RoundForm() if formdata else RoundForm(formdata=None)
    versions = db.session.scalars(
        RUBRIC_MANAGE.rows(actor())
        .where(RubricVersion.state == RubricState.PUBLISHED)
        .order_by(RubricVersion.id.desc())
    ).all()
    years = db.session.scalars(
        select(SchoolYear)
        .where(SchoolYear.district_id == actor().district_id)
        .order_by(SchoolYear.starts_on.desc())
    ).all()
    schools = db.session.scalars(
        SCHOOL_READ.rows(actor())
        .where(School.closed_on.is_(None), School.district_id == actor().district_id)
        .order_by(School.name_pinyin, School.id)
    ).all()
    form.offer(versions, years, schools)
    return form


@bp.get("/ratings/rounds/new")
@requires(ROUND_MANAGE)
def new_round() -> str:
    """The form for a round."""
    return render("ratings/new_round.html", form=_round_form(formdata=False))


@bp.post("/ratings/rounds")
@requires(ROUND_MANAGE)
def prepare_round() -> Response | tuple[str, int]:
    """Prepare a round with its schools."""
    form = _round_form(formdata=True)
    if not form.sent_and_valid():
        return render("ratings/new_round.html", form=form), 422
    round_ = running.prepare(
        form.chosen_rubric(),
        form.chosen_year(),
        form.chosen_schools(),
        form.name.data or running.name_of(form.chosen_year(), form.programme.data),
        (form.self_assessment_due_on.data, form.scoring_due_on.data),
        current_user.person_id,
        form.programme.data,
    )
    return commit_and_go(
        url_for(".round_page", public_id=round_.public_id),
        _("The round is prepared. Now name the inspectors of each school."),
    )


def _round(public_id: str) -> Round:
    return find(
        ROUND_MANAGE,
        public_id,
        joinedload(Round.school_year),
        joinedload(Round.rubric_version),
        selectinload(Round.entries).joinedload(Entry.school),
        selectinload(Round.entries).selectinload(Entry.sheets).joinedload(Sheet.person),
    )


@bp.get("/ratings/rounds/<public_id>")
@requires(ROUND_MANAGE)
def round_page(public_id: str) -> str:
    """A round: a page of its schools, how far each is, its inspectors, and the next move."""
    round_ = find(ROUND_MANAGE, public_id, joinedload(Round.school_year), joinedload(Round.rubric_version))
    own = ENTRY_MANAGE.rows(actor()).where(Entry.round_id == round_.id)
    listing = page_of(
        own.options(joinedload(Entry.school), selectinload(Entry.sheets).joinedload(Sheet.person)),
        [(Entry.id, False)],
    )
    next_move = {RoundState.DRAFT: "open", RoundState.OPEN: "publish"}.get(RoundState(round_.state))
    return render(
        "ratings/round_page.html",
        round=round_,
        listing=listing,
        names=ENTRY_STATE_NAMES,
        round_names=ROUND_STATE_NAMES,
        RoundState=RoundState,
        hindrance=states.refusal(round_, next_move, actor()) if next_move else None,
        ready=naming.how_many(round_, actor().on),
        due_for_check=rechecking.how_many_due(round_, actor().on),
        signature=signatures.waiting(round_, ("publish",)) if next_move == "publish" else None,
        me=current_user.person_id,
        windows=windows.shown(round_.id),
        step_names=STEP_NAMES,
    )


def _draft_entry(public_id: str) -> Entry:
    return find(
        ENTRY_MANAGE,
        public_id,
        joinedload(Entry.round),
        joinedload(Entry.school),
        selectinload(Entry.sheets).joinedload(Sheet.person),
    )


def _team_page(entry: Entry, formdata: bool) -> tuple[InspectorsForm, Callable[[], str]]:
    """The form with the people who may inspect the school, and its page with who must step aside, and why."""
    people, tied = teams.inspectors_of(entry.round.district_id), conflicts.stepping_aside(entry)
    able = [person for person in people if (person.id, entry.school_id) not in tied]
    form = InspectorsForm() if formdata else InspectorsForm(formdata=None)
    form.offer(able, entry.round.team_size, entry.round.by_draw)
    if not formdata:
        form.fill(teams.team_of(entry), able)
        form.reason.data = entry.chosen_reason
    aside = [(person.name, tied[person.id, entry.school_id]) for person in people if person not in able]
    unknown = conflicts.unknown_names(entry.round.district_id)
    return form, lambda: render(
        "ratings/inspectors.html",
        form=form,
        entry=entry,
        aside=aside,
        unknown=unknown,
        years=conflicts.years_of([entry.school_id]),
    )


@bp.get("/ratings/entries/<public_id>/inspectors")
@requires(ENTRY_MANAGE)
def inspectors(public_id: str) -> str:
    """Who inspects this school: the people without a tie to it."""
    _form, page = _team_page(_draft_entry(public_id), formdata=False)
    return page()


@bp.post("/ratings/entries/<public_id>/inspectors")
@requires(ENTRY_MANAGE)
@step_up_required
def assign_inspectors(public_id: str) -> Response | tuple[str, int]:
    """Name the team of a school."""
    entry = _draft_entry(public_id)
    form, page = _team_page(entry, formdata=True)
    if not form.sent_and_valid():
        return page(), 422
    teams.assign(entry, form.team(), current_user.person_id, reason=form.reason.data or "")
    return commit_and_go(
        url_for(".round_page", public_id=entry.round.public_id),
        _("The inspectors of %(school)s are named.", school=entry.school.name),
    )


@bp.post("/ratings/rounds/<public_id>/opening")
@requires(ROUND_MANAGE)
def open_round(public_id: str) -> Response:
    """Open the round for its schools."""
    running.open_round(_round(public_id), actor())
    return commit_and_go(
        url_for(".round_page", public_id=public_id),
        _("The round is open. Principals see it on their first page."),
    )


@bp.post("/ratings/rounds/<public_id>/publication")
@requires(ROUND_MANAGE)
@step_up_required
def publish_round(public_id: str) -> Response:
    """Sign the publication of all results of the round, as the first of two people."""
    running.sign_publication(_round(public_id), actor())
    return commit_and_go(
        url_for(".round_page", public_id=public_id),
        _("Signed. The results come out when a second person countersigns."),
    )
