"""The on-site kit: sheets taken along, what devices send back, texts to choose between; and the notes of a sheet as pages."""

import uuid
from typing import Any

from flask import abort, jsonify, request, url_for
from flask_login import current_user
from flask_wtf.csrf import generate_csrf
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response
from wtforms import DateField, RadioField, SelectMultipleField

from portal import assets, clock, once, operations
from portal.access import actor, find, requires
from portal.accounts.models import Person
from portal.errors import RuleBroken
from portal.extensions import db
from portal.forms import PortalForm, TextField
from portal.i18n import gettext as _
from portal.once import commit_and_go
from portal.ratings import assessing, inspecting, onsite, questions
from portal.ratings.canonical import canonical, restored
from portal.ratings.forms import QuestionForm
from portal.ratings.interests import papers_open
from portal.ratings.models import Entry, EntryState, Mark, Sheet
from portal.ratings.onsite import ITEM, NOTE, NOTE_NAMES, SheetClash, SheetNote, subject_of
from portal.ratings.onsite_forms import NoteForm
from portal.ratings.policy import SHEET_SCORE
from portal.ratings.reading import frozen_items, points
from portal.ratings.rubric import Item
from portal.ratings.rubrics import items_of, metric_of, rubric_of, words
from portal.ratings.views.blueprint import bp
from portal.ratings.views.sheets import scored_on, sheet_of, wrong_with
from portal.templating import render

Answer = str | Response | tuple[str, int]
MOST_SHEETS = 3
"""More schools are not one day's work."""
TRIES = 3


def _items(sheet: Sheet) -> dict[str, Item]:
    """The indicators an inspector may score or question, in the order of the rubric."""
    found = items_of(rubric_of(sheet.entry.round.rubric_version))
    scored = scored_on(sheet)
    return {name: item for name, item in found.items() if metric_of(item) or name in scored}


def _form_class(item: Item) -> type[PortalForm]:
    return QuestionForm if metric_of(item) else questions.item_form(item, with_reason=True)


def _note_form(sheet: Sheet, **named: Any) -> NoteForm:
    chosen = {name: f"{name} {words(item.title)}" for name, item in _items(sheet).items()}
    return NoteForm(chosen, clock.today(), **named)


def _said_of(row: SheetNote) -> dict[str, Any]:
    return {
        "kind": row.kind,
        "held_on": row.held_on,
        "with_whom": row.with_whom,
        "items": row.item_ids,
        "text": row.text,
    }


# Notes as plain pages


@bp.get("/ratings/sheets/<public_id>/notes")
@requires(SHEET_SCORE)
def notes(public_id: str) -> str:
    """The notes of this sheet."""
    found = sheet_of(public_id)
    return render(
        "ratings/notes.html",
        sheet=found,
        entry=found.entry,
        notes=onsite.notes_of(found),
        is_open=found.locked_at is None and found.entry.state == EntryState.SCORING,
    )


@bp.route("/ratings/sheets/<public_id>/note", methods=["GET", "POST"])
@requires(SHEET_SCORE)
def edit_note(public_id: str) -> Answer:
    """Write a note of this sheet, or change the one named by ``?note=``."""
    found = sheet_of(public_id)
    if request.method == "POST":
        onsite.must_be_open(found)
    client_id = request.values.get("note", "")
    row = onsite.note_named(found, client_id) if client_id else None
    if client_id and row is None and not operations.CLIENT_ID.fullmatch(client_id):
        abort(404)
    form = _note_form(found, data=_said_of(row) if row else {"held_on": clock.today()})
    if not form.sent_and_valid():
        page = render(
            "ratings/edit_note.html",
            sheet=found,
            entry=found.entry,
            form=form,
            note_id=client_id or str(uuid.uuid4()),
            known=row is not None,
        )
        return (page, 422) if request.method == "POST" else page
    client_id = client_id or str(uuid.uuid4())
    onsite.write_note(found, client_id, form.said())
    onsite.written_here(found, subject_of(NOTE, client_id))
    return commit_and_go(url_for(".notes", public_id=public_id), _("The note is kept."))


# Taking along


def _open_sheets() -> list[Sheet]:
    rows = SHEET_SCORE.rows(actor()).join(Entry, Entry.id == Sheet.entry_id)
    open_ones = rows.where(
        Entry.state == EntryState.SCORING, Sheet.locked_at.is_(None), papers_open()
    ).order_by(Sheet.id)
    return [sheet_of(one.public_id) for one in db.session.scalars(open_ones.limit(20)).all()]


@bp.get("/ratings/kit/take")
@requires(SHEET_SCORE)
def take_kit() -> str:
    """The schools whose sheets may be taken along."""
    return render("ratings/take_kit.html", sheets=_open_sheets(), most=MOST_SHEETS)


@bp.get("/ratings/kit/standing")
@requires(SHEET_SCORE)
def kit_standing() -> Response:
    """Who a device would send as, the token to send with, and the time it is here."""
    person = db.session.scalar(select(Person.public_id).where(Person.id == current_user.person_id))
    return jsonify(person=person, token=generate_csrf(), now=clock.now().isoformat())


@bp.get("/ratings/kit/package")
@requires(SHEET_SCORE)
def kit_package() -> Response:
    """The sheets chosen (``?sheet=`` for each) as one JSON package: what each school says, the forms, what is scored."""
    wanted = list(dict.fromkeys(request.args.getlist("sheet")))
    if not 0 < len(wanted) <= MOST_SHEETS:
        find(SHEET_SCORE, "")
    sheets = [sheet_of(public_id) for public_id in wanted]
    for sheet in sheets:
        onsite.must_be_open(sheet)
    told = [_packed(sheet) for sheet in sheets]
    return jsonify(sheets=told, format=operations.FORMAT, now=clock.now().isoformat())


def _packed(sheet: Sheet) -> dict[str, Any]:
    rubric = rubric_of(sheet.entry.round.rubric_version)
    frozen = frozen_items(rubric, assessing.latest_snapshot(sheet.entry))
    marks, revisions = inspecting.marks_of(sheet), onsite.revisions_of(sheet)
    rows = [
        {
            "key": subject_of(ITEM, name),
            "title": f"{name} {words(item.title)}",
            "detail": _("At most %(points)s points", points=points(item.points)),
            "said": [list(line) for line in frozen[name].lines] if name in frozen else [],
            "computed": bool(metric_of(item)),
            "form": _asked(_form_class(item)(formdata=None)),
            "fields": _plain(_item_form(item, marks.get(name))),
            "base": revisions.get(subject_of(ITEM, name), 0),
            "done": name in marks,
        }
        for name, item in _items(sheet).items()
    ]
    asked = _asked(_note_form(sheet, formdata=None))
    rows += [
        {
            "key": subject_of(NOTE, row.client_id),
            "title": row.kind_name,
            "detail": row.with_whom,
            "form": asked,
            "fields": _plain(_note_form(sheet, formdata=None, data=_said_of(row))),
            "base": revisions.get(subject_of(NOTE, row.client_id), 0),
            "done": True,
        }
        for row in onsite.notes_of(sheet)
    ]
    entry = sheet.entry
    return {"sheet": sheet.public_id, "name": entry.school.name, "note": asked, "rows": rows}


def _item_form(item: Item, mark: Mark | None) -> PortalForm:
    facts = restored(mark.facts) if mark and mark.facts else {}
    filled = {} if metric_of(item) or not mark else questions.filled_in(item, facts)
    return _form_class(item)(formdata=None, data=filled | {"reason": mark.reason if mark else ""})


def _asked(form: PortalForm) -> list[dict[str, Any]]:
    """The fields of a form as a device paints them: name, label, kind, and choices as (value, words)."""
    return [
        {
            "name": field.name,
            "label": str(field.label.text),
            "kind": _kind(field),
            "choices": [(choice.value, str(choice.label)) for choice in field.iter_choices()]
            if hasattr(field, "iter_choices")
            else [],
        }
        for field in form
        if field.name in _plain(form)
    ]


def _kind(field: Any) -> str:
    match field:
        case SelectMultipleField():
            return "checkbox"
        case RadioField():
            return "radio"
        case DateField():
            return "date"
        case TextField():
            return "area"
        case _:
            return "text"


def _plain(form: PortalForm) -> dict[str, Any]:
    """What a form says, as a form sends it."""
    return {
        field.name: operations.plain(field.data)
        for field in form
        if field.name not in ("csrf_token", once.FIELD)
    }


@bp.get("/ratings/kit")
@requires(SHEET_SCORE)
def kit() -> str:
    """The shell that works without a network. It holds nobody's data."""
    return render("ratings/kit.html")


@bp.get("/ratings/kit/worker.js")
@requires(SHEET_SCORE)
def kit_worker() -> Response:
    """The service worker of the kit, for the pages of ratings."""
    return assets.worker(kit(), url_for(".kit"), "kit", scope="/ratings/")


# What devices send


@bp.post("/ratings/sheets/<public_id>/operations")
@requires(SHEET_SCORE)
def take_in_score(public_id: str) -> tuple[Response, int]:
    """What a device has written about an indicator or as a note.

    201 stored, 200 sent before, 409 with ``kept`` when both texts are kept and a choice is due, 409 without when the
    sheet is locked, 422 with the fields that do not hold, or with the portal's ``format`` when the app is of another age.
    """
    sheet = sheet_of(public_id)
    if not request.is_json:
        abort(415)
    if len(request.get_data()) > operations.MOST_BYTES:
        abort(413)
    try:
        key, sent = operations.read(request.get_data())
    except operations.OtherFormat as refused:
        return _told("format", 422, format=operations.FORMAT, message=refused.message)
    for attempt in range(TRIES):
        before = once.answered(key)
        if before is not None:
            return _told(before.message, 200, kept=True, address=before.location, revisions={})
        try:
            return _take_in(sheet_of(public_id) if attempt else sheet, key, sent)
        except IntegrityError:
            db.session.rollback()
    return abort(503)


def _take_in(sheet: Sheet, key: str, sent: operations.Operation) -> tuple[Response, int]:
    if sheet.locked_at is not None or sheet.entry.state != EntryState.SCORING:
        return _told("closed", 409, kept=False, address=url_for(".sheet", public_id=sheet.public_id))
    kind, name, form = _form_sent(sheet, sent)
    wrong = _wrong(sheet, kind, name, form)
    if wrong:
        return _told("wrong", 422, fields=wrong)
    part = onsite.part_of(sheet, subject_of(kind, name))
    verdict = onsite.weigh(part, sent, same=_same(sheet, kind, name, form))
    if verdict.apply:
        _write(sheet, kind, name, form)
        onsite.taken_over(part, sent)
    elif verdict.clash:
        onsite.keep_beside(sheet, part, sent, _plain(form))
    address = url_for(".sheet_texts" if verdict.clash else ".sheet", public_id=sheet.public_id)
    state = "clash" if verdict.clash else "written"
    once.keep_answer(key, address, state)
    db.session.commit()
    return _told(state, 409 if verdict.clash else 201, kept=True, address=address, revisions={})


def _form_sent(sheet: Sheet, sent: operations.Operation) -> tuple[str, str, PortalForm]:
    """The form an operation fills in; RuleBroken (422) for a field or an indicator that is none."""
    told = {field: one.value for field, one in sent.fields.items()}
    name = told.pop("item", "")
    item = _items(sheet).get(name) if isinstance(name, str) else None
    if name and item is None:
        raise RuleBroken(_("The sheet has no such indicator."), 422)
    data = MultiDict((field, one) for field, value in told.items() for one in _each(value))
    form = _form_class(item)(formdata=data) if item else _note_form(sheet, formdata=data)
    unknown = sorted(set(told) - set(form._fields))
    if unknown:
        raise RuleBroken(_("The form has no such field: %(names)s", names=", ".join(unknown)[:200]), 422)
    return (ITEM, name, form) if item else (NOTE, sent.client_id, form)


def _each(value: Any) -> list[str]:
    """What a form sends for a value: nothing for nothing chosen."""
    return value if isinstance(value, list) else [value] if value else []


def _facts(item: Item, form: PortalForm) -> dict[str, Any] | None:
    return None if metric_of(item) else questions.facts_from(item, form)


def _wrong(sheet: Sheet, kind: str, name: str, form: PortalForm) -> dict[str, str]:
    """Messages by field; nothing for a form that holds."""
    item = _items(sheet).get(name) if kind == ITEM else None
    if item is not None and metric_of(item):
        return {}
    if not form.validate():
        return {field.name: str(field.errors[0]) for field in form if field.errors}
    message = wrong_with(sheet, item, questions.facts_from(item, form)) if item else None
    return {questions.questions(item)[0].name: message} if item and message else {}


def _same(sheet: Sheet, kind: str, name: str, form: PortalForm) -> bool:
    """Whether the form says what stands already."""
    if kind == NOTE:
        row = onsite.note_named(sheet, name)
        return row is not None and _plain(_note_form(sheet, formdata=None, data=_said_of(row))) == _plain(
            form
        )
    mark = inspecting.marks_of(sheet).get(name)
    facts = _facts(_items(sheet)[name], form)
    said = None if facts is None else canonical(facts)
    return mark is not None and (mark.facts, mark.reason) == (said, form["reason"].data or "")


def _write(sheet: Sheet, kind: str, name: str, form: Any) -> None:
    if kind == NOTE:
        onsite.write_note(sheet, name, form.said())
    else:
        item = _items(sheet)[name]
        inspecting.mark(sheet, item, _facts(item, form), form["reason"].data or "")


def _told(state: str, status: int, **more: Any) -> tuple[Response, int]:
    return jsonify(state=state, now=clock.now().isoformat(), **more), status


# Two texts


@bp.get("/ratings/sheets/<public_id>/texts")
@requires(SHEET_SCORE)
def sheet_texts(public_id: str) -> str:
    """Texts of one inspector that met, side by side."""
    found = sheet_of(public_id)
    return render(
        "ratings/sheet_texts.html",
        sheet=found,
        entry=found.entry,
        pairs=[_pair(found, one) for one in onsite.open_clashes(found)],
    )


def _pair(
    sheet: Sheet, clash: SheetClash
) -> tuple[SheetClash, str, list[tuple[str, str]], list[tuple[str, str]]]:
    """A clash with its title, the text that stands and the other, in words."""
    kind, _colon, name = clash.subject.partition(":")
    form = _form_of(sheet, clash)
    if kind == NOTE:
        row = onsite.note_named(sheet, name)
        stands = _note_form(sheet, formdata=None, data=_said_of(row)) if row else None
        return clash, str(NOTE_NAMES[form["kind"].data]), _note_words(stands), _note_words(form)
    item, mark = _items(sheet)[name], inspecting.marks_of(sheet).get(name)
    facts = questions.in_words(item, restored(mark.facts)) if mark and mark.facts else []
    other = [] if metric_of(item) else questions.in_words(item, questions.facts_from(item, form))
    reason = _("Reason")
    return (
        clash,
        f"{name} {words(item.title)}",
        [*facts, (reason, mark.reason if mark else "")],
        [*other, (reason, form["reason"].data or "")],
    )


def _note_words(form: Any) -> list[tuple[str, str]]:
    if form is None:
        return []
    said = form.said()
    return [(str(form[name].label.text), str(said[name])) for name in ("held_on", "with_whom", "text")]


def _form_of(sheet: Sheet, clash: SheetClash) -> Any:
    """The form that a kept text fills in."""
    kind, _colon, name = clash.subject.partition(":")
    data = MultiDict((field, one) for field, value in restored(clash.content).items() for one in _each(value))
    form = (
        _form_class(_items(sheet)[name])(formdata=data) if kind == ITEM else _note_form(sheet, formdata=data)
    )
    form.validate()
    return form


@bp.post("/ratings/sheets/<public_id>/choice")
@requires(SHEET_SCORE)
def choose_text(public_id: str) -> Response:
    """Keep what stands, or the other text."""
    found = sheet_of(public_id)
    onsite.must_be_open(found)
    clash = next(
        (one for one in onsite.open_clashes(found) if one.public_id == request.form.get("clash")), None
    )
    if clash is None or request.form.get("keep") not in ("this", "other"):
        raise RuleBroken(_("Choose one of the two texts."), status=422)
    if request.form["keep"] == "other":
        kind, _colon, name = clash.subject.partition(":")
        _write(found, kind, name, _form_of(found, clash))
        onsite.written_here(found, clash.subject)
    clash.settled_at = clock.now()
    left = onsite.open_clashes(found)
    to = url_for(".sheet_texts" if left else ".sheet", public_id=public_id)
    return commit_and_go(to, _("Your choice is kept."))
