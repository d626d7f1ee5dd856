"""What a school does next after its result: written by the principal, read by the district and by everybody."""

from datetime import timedelta

from flask import request, url_for
from sqlalchemy.orm import joinedload
from werkzeug.wrappers import Response

from portal.access import actor, find, requires
from portal.errors import RuleBroken
from portal.i18n import gettext as _
from portal.once import commit_and_go
from portal.ratings import deciding, evidence, improving
from portal.ratings.forms import DoneForm, ImprovementForm
from portal.ratings.models import Entry, Round, RoundState
from portal.ratings.policy import ENTRY_ASSESS
from portal.ratings.reading import reading_of
from portal.ratings.rubrics import items_of, rubric_of, words
from portal.ratings.views.blueprint import bp
from portal.templating import render

LOADED = (
    joinedload(Entry.school),
    joinedload(Entry.round).joinedload(Round.rubric_version),
    joinedload(Entry.round).joinedload(Round.school_year),
)
USUAL_DAYS = timedelta(days=120)


def titles_of(entry: Entry) -> dict[str, str]:
    """The indicators of the school's rubric, by number."""
    rubric = rubric_of(entry.round.rubric_version)
    return {name: f"{name} {words(item.title)}" for name, item in items_of(rubric).items()}


def fit_for_public(entry: Entry, form: ImprovementForm | DoneForm) -> bool:
    """Whether a form is valid and its text, which stands on the public page of the school, names nobody."""
    valid = form.sent_and_valid()
    named = evidence.named_in(entry.school_id, form.text.data or "", evidence.SHORTEST_NAME)
    if named:
        form.text.errors = [named]
    return valid and not named


def _page(entry: Entry, form: ImprovementForm | None = None, done_form: DoneForm | None = None) -> str:
    published = entry.round.state == RoundState.PUBLISHED
    result = deciding.stored_result(entry) if published else None
    rubric = rubric_of(entry.round.rubric_version)
    titles = titles_of(entry)
    if form is None:
        form = ImprovementForm.offering(titles, formdata=False)
        form.due_on.data = actor().on + USUAL_DAYS
        wanted = request.args.get("item", "")
        form.item.data = wanted if wanted in titles else ""
    return render(
        "ratings/improvements.html",
        entry=entry,
        published=published,
        reading=reading_of(rubric, result) if result else None,
        lifts=improving.lifts(result) if result else [],
        rows=improving.improvements_of(entry),
        titles=titles,
        form=form,
        done_form=done_form or DoneForm(formdata=None, prefix="done-"),
        peers=improving.peers_of(entry, {top.id: words(top.title) for top in rubric.items}),
        years=improving.years_of(entry) if published else [],
    )


@bp.get("/ratings/assessments/<public_id>/improvements")
@requires(ENTRY_ASSESS)
def improvements(public_id: str) -> str:
    """What would lift the next star, and what the school does about it."""
    return _page(find(ENTRY_ASSESS, public_id, *LOADED))


@bp.post("/ratings/assessments/<public_id>/improvements")
@requires(ENTRY_ASSESS)
def plan_improvement(public_id: str) -> Response | tuple[str, int]:
    """Write down something to do."""
    entry = find(ENTRY_ASSESS, public_id, *LOADED)
    if entry.round.state != RoundState.PUBLISHED:
        raise RuleBroken(_("The results are not published yet."))
    form = ImprovementForm.offering(titles_of(entry), formdata=True)
    if not fit_for_public(entry, form):
        return _page(entry, form), 422
    improving.plan(entry, form.item.data, form.text.data, form.due_on.data, actor())
    return commit_and_go(
        url_for(".improvements", public_id=public_id), _("Kept. It stands on the public page of the school.")
    )


@bp.post("/ratings/assessments/<public_id>/improvements/done")
@requires(ENTRY_ASSESS)
def finish_improvement(public_id: str) -> Response | tuple[str, int]:
    """Say what came of it."""
    entry = find(ENTRY_ASSESS, public_id, *LOADED)
    form = DoneForm(prefix="done-")
    if not fit_for_public(entry, form):
        return _page(entry, done_form=form), 422
    improving.finish(entry, form.which.data or "", form.text.data, actor())
    return commit_and_go(url_for(".improvements", public_id=public_id), _("Kept."))
