"""Opinions as the family, the school and the district see them."""

from dataclasses import dataclass
from typing import Any

from flask import Blueprint, request, url_for
from sqlalchemy import func, select
from sqlalchemy.orm import joinedload, selectinload
from werkzeug.wrappers import Response

from portal import clock
from portal.access import Permission, Role, actor, find, requires
from portal.errors import RuleBroken
from portal.extensions import db
from portal.i18n import gettext as _
from portal.once import commit_and_go
from portal.opinions import counting
from portal.opinions.forms import AnswerForm, OpinionForm, ReopeningForm
from portal.opinions.models import ADDRESSEE_NAMES, CATEGORY_NAMES, Addressee, Category, Opinion
from portal.opinions.policy import NAMES_SHOWN_TO, OPINION_ANSWER, OPINION_OWN, OPINION_READ, OPINION_SEND
from portal.opinions.sending import send
from portal.paging import page_of
from portal.row_security import all_rows
from portal.schools import summaries
from portal.schools.calendar import term_on
from portal.schools.models import Pupil, School
from portal.schools.policy import schools_in_district
from portal.templating import render
from portal.trail.models import note
from portal.trail.reads import opened

bp = Blueprint("opinions", __name__, url_prefix="/opinions")
Answer = str | Response | tuple[str, int]


def _form_page(template: str, **context: object) -> Answer:
    page = render(template, **context)
    return (page, 422) if request.method == "POST" else page


@bp.get("/")
@requires(OPINION_READ)
def index() -> str:
    """One's own opinions; or those of the school, first what is due first; or the numbers and what was lifted."""
    acting = actor()
    answered = request.args.get("state") == "answered"
    wanted = OPINION_READ.rows(acting).options(joinedload(Opinion.school))
    if acting.role == Role.GUARDIAN:
        listing = page_of(wanted, [(Opinion.id, True)])
    else:
        condition = Opinion.answered_on.is_not(None) if answered else Opinion.answered_on.is_(None)
        wanted = wanted.where(condition)
        order = [(Opinion.id, True)] if answered else [(Opinion.due_on, False), (Opinion.id, False)]
        listing = page_of(wanted, order)
    return render(
        "opinions/index.html",
        listing=listing,
        answered=answered,
        is_family=acting.role == Role.GUARDIAN,
        categories=CATEGORY_NAMES,
        today=acting.on,
        schools=_numbers() if acting.role == Role.DISTRICT_STAFF else [],
    )


@dataclass(frozen=True)
class SchoolNumbers:
    """How a school deals with opinions this term, without a word of what they say."""

    name: str
    open: int
    late: int
    answered: int
    in_time: int


def _numbers() -> list[SchoolNumbers]:
    """The numbers of the district's schools, by name."""
    acting = actor()
    assert acting.district_id is not None
    schools = db.session.execute(
        select(School.id, School.name)
        .where(schools_in_district(acting))
        .order_by(School.name_pinyin, School.id)
    ).all()
    ids = [school_id for school_id, _name in schools]
    counts = (
        select(
            Opinion.school_id,
            func.count(Opinion.id),
            func.count(Opinion.id).filter(Opinion.answer_by < acting.on),
        )
        .where(Opinion.school_id.in_(ids), Opinion.answered_on.is_(None))
        .group_by(Opinion.school_id)
    )
    with all_rows():
        waiting = {school_id: (number, late or 0) for school_id, number, late in db.session.execute(counts)}
    term = term_on(acting.district_id, acting.on)
    kept = summaries.values(ids, term.id, [counting.ANSWERED, counting.IN_TIME]) if term else {}
    return [
        SchoolNumbers(
            name,
            *waiting.get(school_id, (0, 0)),
            kept.get((school_id, counting.ANSWERED), 0),
            kept.get((school_id, counting.IN_TIME), 0),
        )
        for school_id, name in schools
    ]


def _children() -> dict[str, str]:
    """Public id → child and school, of the children one may write about."""
    rows = db.session.execute(
        select(Pupil.public_id, Pupil.name, School.name)
        .join(School, School.id == Pupil.school_id)
        .where(OPINION_SEND.within(actor()))
        .order_by(Pupil.id)
    )
    return {public_id: f"{name} · {school}" for public_id, name, school in rows}


@bp.route("/new", methods=["GET", "POST"])
@requires(OPINION_SEND)
def new() -> Answer:
    """Tell the school something; the answer has a clock. ``?about=`` chooses what it is about beforehand."""
    children = _children()
    only = next(iter(children)) if len(children) == 1 else None
    about = request.args.get("about")
    given = {"child": only, "naming": "confidential" if about == Category.PRESSURE else "named"}
    if about in set(Category):
        given["category"] = about
    form = OpinionForm(children, data=given)
    if not form.sent_and_valid():
        return _form_page("opinions/new.html", form=form, children=children)
    pupil = find(OPINION_SEND, form.child.data)
    opinion = send(
        pupil,
        actor().person_id,
        Category(form.category.data),
        form.text.data,
        confidential=form.naming.data == "confidential",
        at=clock.now(),
    )
    note("opinion.sent", opinion, person_id=actor().person_id, role=actor().role, category=opinion.category)
    return commit_and_go(url_for(".sent", public_id=opinion.public_id))


@bp.get("/<public_id>/sent")
@requires(OPINION_OWN)
def sent(public_id: str) -> str:
    """What was sent: its number, who reads it, and by when."""
    opinion = find(OPINION_OWN, public_id, joinedload(Opinion.school))
    return render("opinions/sent.html", opinion=opinion, reader=ADDRESSEE_NAMES[Addressee(opinion.addressee)])


@bp.get("/<public_id>")
@requires(OPINION_READ)
def show(public_id: str) -> str:
    """One opinion with its clock, its answers and what may be done now."""
    acting = actor()
    opinion = find(
        OPINION_READ,
        public_id,
        joinedload(Opinion.school),
        joinedload(Opinion.pupil),
        joinedload(Opinion.author),
        selectinload(Opinion.answers),
    )
    opened("F4", opinion)
    return render(
        "opinions/show.html",
        opinion=opinion,
        category=CATEGORY_NAMES[Category(opinion.category)],
        reader=ADDRESSEE_NAMES[Addressee(opinion.addressee)],
        shows_name=not opinion.is_confidential or acting.role in NAMES_SHOWN_TO,
        may_answer=OPINION_ANSWER.admits(acting.role) and OPINION_ANSWER.holds_for(acting, opinion),
        is_family=acting.role == Role.GUARDIAN,
        today=acting.on,
    )


def _locked(permission: Permission[Opinion], public_id: str, *options: Any) -> Opinion:
    """The opinion within reach; when it is about to change, nobody else changes it until this request is done."""
    if request.method == "POST":
        db.session.execute(select(Opinion.id).where(Opinion.public_id == public_id).with_for_update())
    return find(permission, public_id, *options)


def _back(opinion: Opinion, message: str) -> Response:
    return commit_and_go(url_for(".show", public_id=opinion.public_id), message)


@bp.post("/<public_id>/acknowledgement")
@requires(OPINION_ANSWER)
def acknowledge(public_id: str) -> Response:
    """Tell the family that their opinion has arrived and is being dealt with."""
    opinion = _locked(OPINION_ANSWER, public_id)
    opinion.acknowledge(actor().person_id, actor().on)
    note("opinion.acknowledged", opinion, person_id=actor().person_id, role=actor().role)
    return _back(opinion, _("The family sees that you are dealing with it."))


@bp.route("/<public_id>/answer", methods=["GET", "POST"])
@requires(OPINION_ANSWER)
def answer(public_id: str) -> Answer:
    """Answer the family."""
    opinion = _locked(OPINION_ANSWER, public_id, selectinload(Opinion.answers))
    if opinion.is_answered:
        raise RuleBroken(_("This opinion is answered already."))
    form = AnswerForm()
    if not form.sent_and_valid():
        opened("F4", opinion)
        return _form_page("opinions/answer.html", form=form, opinion=opinion)
    given = opinion.answer(actor().person_id, clock.now(), actor().on, form.text.data)
    counting.answered(opinion, given)
    note("opinion.answered", opinion, person_id=actor().person_id, role=actor().role, round=given.round)
    return _back(opinion, _("The answer is with the family."))


@bp.post("/<public_id>/rating")
@requires(OPINION_OWN)
def rate(public_id: str) -> Response:
    """Say whether the answer helped."""
    opinion = _locked(OPINION_OWN, public_id)
    chosen = request.form.get("helpful")
    if chosen not in ("yes", "no"):
        raise RuleBroken(_("Choose whether the answer helped."), status=422)
    opinion.rate(helpful=chosen == "yes", at=clock.now())
    note("opinion.rated", opinion, person_id=actor().person_id, role=actor().role, helpful=chosen)
    return _back(opinion, _("Thank you for telling us."))


@bp.route("/<public_id>/reopening", methods=["GET", "POST"])
@requires(OPINION_OWN)
def reopen(public_id: str) -> Answer:
    """Ask once more, to another reader."""
    opinion = _locked(OPINION_OWN, public_id)
    if not opinion.may_be_reopened:
        raise RuleBroken(_("An opinion can be reopened once, after it was answered."))
    form = ReopeningForm()
    if not form.sent_and_valid():
        return _form_page("opinions/reopen.html", form=form, opinion=opinion)
    opinion.reopen(clock.now(), actor().on, form.text.data)
    note("opinion.reopened", opinion, person_id=actor().person_id, role=actor().role)
    return _back(opinion, _("Your opinion is open again. Another person reads it."))
