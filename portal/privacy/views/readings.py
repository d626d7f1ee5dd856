"""Who opened our record: the family's list, its questions, and the school's answers."""

from flask import request, url_for
from sqlalchemy.orm import joinedload
from werkzeug.wrappers import Response

from portal import clock
from portal.access import ROLE_NAMES, Role, actor, find, requires
from portal.errors import RuleBroken
from portal.extensions import db
from portal.i18n import gettext as _
from portal.once import commit_and_go
from portal.paging import page_of
from portal.privacy import readings as register
from portal.privacy.forms import ReaderNameForm
from portal.privacy.models import ReaderQuestion
from portal.privacy.policy import READER_NAME, READING_SEE
from portal.privacy.views.blueprint import Answer, bp, form_page
from portal.row_security import all_rows
from portal.templating import render
from portal.trail.models import TrailEntry, note

LARGEST = 2**31 - 1


@bp.get("/readings")
@requires(READING_SEE)
def readings() -> str:
    """Openings of the records of one's household, newest first."""
    # Which lists named a child is told by rows that a guardian may not read: the register, the plans.
    with all_rows():
        listing = page_of(READING_SEE.rows(actor()), [(TrailEntry.id, True)])
    told = register.told(listing.rows, actor().person_id)
    return render("privacy/readings.html", listing=listing, told=told, roles=ROLE_NAMES)


@bp.post("/readings/questions")
@requires(READING_SEE)
def ask_reader() -> Response:
    """Ask the school who it was."""
    typed = request.form.get("entry", "")
    number = int(typed) if typed.isascii() and typed.isdigit() and len(typed) < 12 else 0
    with all_rows():
        entry = db.session.scalar(READING_SEE.rows(actor()).where(TrailEntry.id == min(number, LARGEST)))
    if entry is None:
        raise RuleBroken(_("There is no such opening in your list."), status=422)
    made = register.ask(entry, actor(), clock.now())
    note("reader.asked", made, person_id=actor().person_id, role=actor().role)
    return commit_and_go(url_for(".readings"), _("The school answers within 15 working days, on this page."))


@bp.get("/questions")
@requires(READER_NAME)
def questions() -> str:
    """Families' questions about readers of the school: open ones first."""
    listing = page_of(
        READER_NAME.rows(actor())
        .where(ReaderQuestion.answered_at.is_(None))
        .options(joinedload(ReaderQuestion.pupil)),
        [(ReaderQuestion.due_on, False), (ReaderQuestion.id, False)],
    )
    return render("privacy/questions.html", listing=listing)


@bp.route("/questions/<public_id>", methods=["GET", "POST"])
@requires(READER_NAME)
def question(public_id: str) -> Answer:
    """One question: what was opened by whom, and the answer."""
    asked = find(READER_NAME, public_id, joinedload(ReaderQuestion.pupil), joinedload(ReaderQuestion.reader))
    entry = db.session.get(TrailEntry, asked.trail_entry_id)
    form = ReaderNameForm()
    if asked.answered_at is not None or not form.sent_and_valid():
        if request.method == "POST" and asked.answered_at is not None:
            raise RuleBroken(_("This question is answered already."))
        role = ROLE_NAMES[Role(entry.role)] if entry is not None and entry.role else ""
        return form_page(
            "privacy/question.html",
            form=form,
            asked=asked,
            entry=entry,
            role=role,
            purpose=register.purpose_of(entry) if entry else "",
            relation=register.relation_of(asked),
        )
    name = asked.reader.name if asked.reader is not None and form.tell.data == "yes" else ""
    asked.answer(actor().person_id, clock.now(), name, form.words.data or "")
    note("reader.answered", asked, person_id=actor().person_id, role=actor().role, told=bool(name))
    return commit_and_go(url_for(".questions"), _("The family sees your answer."))
