"""Writing a rubric in the browser: a copy, one indicator a form, settings, differences in words, a try on last year's data."""

from collections.abc import Mapping
from typing import Any

from flask import abort, jsonify, request, url_for
from flask_login import current_user
from werkzeug.wrappers import Response

from portal.access import find, requires
from portal.extensions import db
from portal.i18n import gettext as _
from portal.once import commit_and_go
from portal.ratings import drafting, field_forms, satisfaction
from portal.ratings.forms import ItemFieldsForm, ItemForm, NewItemForm, RubricSettingsForm, WholeFieldsForm
from portal.ratings.models import RubricState, RubricVersion
from portal.ratings.policy import RUBRIC_MANAGE
from portal.ratings.reading import points, sentence
from portal.ratings.rubric import RubricError, filling, title_text
from portal.ratings.rubric import editing as e
from portal.ratings.rubric.comparing import changes
from portal.ratings.rubric.fields import Part
from portal.ratings.rubric.notation import spelled
from portal.ratings.rubric.reading import Path
from portal.ratings.rubrics import rubric_of, values_of, words
from portal.ratings.views.blueprint import bp
from portal.templating import render


def _draft(public_id: str, to_change: bool = False) -> tuple[RubricVersion, dict[str, Any]]:
    version = drafting.draft_only(find(RUBRIC_MANAGE, public_id))
    if to_change:
        db.session.refresh(version, with_for_update=True)
    return version, values_of(version)


def _at(values: Mapping[str, Any], item_id: str) -> Path:
    path = e.path_of(values, item_id)
    if path is None:
        abort(404)
    return path


@bp.post("/ratings/rubrics/<public_id>/copy")
@requires(RUBRIC_MANAGE)
def copy_rubric(public_id: str) -> Response:
    """A draft with the same contents."""
    draft = drafting.copied(find(RUBRIC_MANAGE, public_id), current_user.person_id)
    return commit_and_go(
        url_for(".edit_rubric", public_id=draft.public_id),
        _("A draft to change. The original stays as it is."),
    )


@bp.post("/ratings/rubrics/<public_id>/removal")
@requires(RUBRIC_MANAGE)
def remove_draft(public_id: str) -> Response:
    """Take a draft away."""
    version, _values = _draft(public_id, to_change=True)
    drafting.forget(version, current_user.person_id)
    return commit_and_go(url_for(".rubrics"), _("The draft is gone."))


def _problems(values: Mapping[str, Any]) -> list[tuple[str, str]]:
    """(id of the indicator or nothing, what is wrong) of everything that keeps a draft from being published."""
    found = []
    for path, message in e.findings(values):
        item, inside = e.place_in_words(values, path)
        place = " ".join(part for part in (item, inside) if part)
        said = sentence(field_forms.in_words(message))
        found.append((item, _("%(path)s: %(what)s", path=place, what=said) if place else said))
    return found


def _tree(values: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Every indicator with its depth, for the list."""
    return [
        {
            "id": str(entry.get("id", "")),
            "title": words(entry["title"]) if "title" in entry else "",
            "points": entry.get("points"),
            "group": "children" in entry,
            "depth": len(path) // 2 - 1,
            "part": path[0],
        }
        for path, entry in e.entries(values)
    ]


@bp.get("/ratings/rubrics/<public_id>/edit")
@requires(RUBRIC_MANAGE)
def edit_rubric(public_id: str) -> str:
    """The draft as a list to change, with everything that is still wrong."""
    version, values = _draft(public_id)
    return render(
        "ratings/edit_rubric.html",
        version=version,
        tree=_tree(values),
        problems=_problems(values),
        beyond=_beyond(version),
        points=points,
    )


def _beyond(version: RubricVersion) -> str | None:
    return satisfaction.beyond(rubric_of(version)) if satisfaction.is_beyond(version) else None


def _item_page(version: RubricVersion, item_id: str, form: Any, parts: Mapping[str, Part] | None) -> str:
    return render(
        "ratings/edit_item.html",
        version=version,
        item_id=item_id,
        form=field_forms.as_shown(form),
        group="source" not in form,
        parts=parts,
        words=field_forms,
        examples=[] if parts or "source" not in form else field_forms.examples(),
    )


def _item_form(entry: Mapping[str, Any], path: Path) -> tuple[Any, Mapping[str, Part] | None]:
    """The form of an indicator with what this request sends or what the draft holds, and its fields; no fields: as text."""
    group, source = "children" in entry, entry.get("source", "")
    sent = request.form.to_dict() if request.method == "POST" else None
    if request.values.get("as") == "text":
        with spelled(field_forms.spelling()):
            return ItemForm.offering(source, group, None if sent is not None else e.fields_of(entry)), None
    with spelled(field_forms.spelling()):
        texts = sent if sent is not None else filling.item_texts(entry, path)
    parts = filling.item_parts(entry, path, texts)
    form = field_forms.with_fields(ItemFieldsForm, parts, None if sent is not None else texts)
    form.complete(source, group)
    return form, parts


@bp.get("/ratings/rubrics/<public_id>/items/<item_id>")
@requires(RUBRIC_MANAGE)
def edit_item(public_id: str, item_id: str) -> str:
    """One indicator, field by field or as text."""
    version, values = _draft(public_id)
    path = _at(values, item_id)
    form, parts = _item_form(e.at(values, path), path)
    return _item_page(version, item_id, form, parts)


def _changed(values: Mapping[str, Any], path: Path, form: Any, is_text: bool) -> dict[str, Any]:
    """The values with what the form says; what is wrong stands at the form's fields."""
    if is_text:
        entry, wrong = e.entry_of(
            {"rule": "", "evidence": "", "source": "", **field_forms.texts_of(form)},
            e.at(values, path).get("children"),
        )
        changed = e.with_entry(values, path, entry)
        wrong = wrong or e.wrong_with(changed, path)
    else:
        changed, wrong = filling.with_item(values, path, field_forms.texts_of(form))
    field_forms.tell(form, wrong)
    return changed


@bp.post("/ratings/rubrics/<public_id>/items/<item_id>")
@requires(RUBRIC_MANAGE)
def keep_item(public_id: str, item_id: str) -> Response | tuple[str, int]:
    """Keep one indicator."""
    version, values = _draft(public_id, to_change=True)
    path = _at(values, item_id)
    form, parts = _item_form(e.at(values, path), path)
    if "more" not in request.form and form.sent_and_valid():
        changed = _changed(values, path, form, parts is None)
        if not form.errors:
            drafting.keep(version, changed, current_user.person_id)
            return commit_and_go(url_for(".edit_rubric", public_id=public_id), _("Kept."))
    db.session.rollback()
    version, _values = _draft(public_id)
    return _item_page(version, item_id, form, parts), 422


@bp.post("/ratings/rubrics/<public_id>/items/<item_id>/check")
@requires(RUBRIC_MANAGE)
def check_item(public_id: str, item_id: str) -> Response:
    """What is wrong with an indicator while it is being typed, for the page's script; changes nothing."""
    _version, values = _draft(public_id)
    path = _at(values, item_id)
    form, parts = _item_form(e.at(values, path), path)
    if form.sent_and_valid():
        _changed(values, path, form, parts is None)
    said = [f"{field.label.text}：{message}" for field in form for message in field.errors]
    return jsonify(problems=said, fields={field.id: str(field.errors[0]) for field in form if field.errors})


@bp.post("/ratings/rubrics/<public_id>/items/<item_id>/up")
@requires(RUBRIC_MANAGE)
def move_item(public_id: str, item_id: str) -> Response:
    """Move an indicator before its neighbour."""
    version, values = _draft(public_id, to_change=True)
    drafting.keep(version, e.moved(values, _at(values, item_id), -1), current_user.person_id)
    return commit_and_go(url_for(".edit_item", public_id=public_id, item_id=item_id), _("Moved up."))


@bp.post("/ratings/rubrics/<public_id>/items/<item_id>/removal")
@requires(RUBRIC_MANAGE)
def remove_item(public_id: str, item_id: str) -> Response:
    """Take an indicator out, with everything below it."""
    version, values = _draft(public_id, to_change=True)
    drafting.keep(version, e.removed(values, _at(values, item_id)), current_user.person_id)
    return commit_and_go(url_for(".edit_rubric", public_id=public_id), _("%(id)s is taken out.", id=item_id))


def _new_item_form(values: Mapping[str, Any], formdata: bool) -> NewItemForm:
    groups = {
        str(entry["id"]): f"{entry['id']} {words(entry.get('title', ''))}".strip()
        for path, entry in e.entries(values)
        if "children" in entry and path[0] == "indicators"
    }
    return NewItemForm.offering(groups, formdata)


@bp.get("/ratings/rubrics/<public_id>/new-item")
@requires(RUBRIC_MANAGE)
def new_item(public_id: str) -> str:
    """Where a new indicator goes and how it is scored."""
    version, values = _draft(public_id)
    return render("ratings/new_item.html", version=version, form=_new_item_form(values, formdata=False))


@bp.post("/ratings/rubrics/<public_id>/new-item")
@requires(RUBRIC_MANAGE)
def add_item(public_id: str) -> Response | tuple[str, int]:
    """Add an indicator with an example of its rule, then open its form."""
    version, values = _draft(public_id, to_change=True)
    form = _new_item_form(values, formdata=True)
    if not form.sent_and_valid():
        return render("ratings/new_item.html", version=version, form=form), 422
    changed, item_id = e.added(values, form.under.data, form.kind.data)
    drafting.keep(version, changed, current_user.person_id)
    return commit_and_go(
        url_for(".edit_item", public_id=public_id, item_id=item_id), _("Added. Now write what it is about.")
    )


def _settings_form(values: Mapping[str, Any]) -> tuple[Any, Part | None]:
    """The form of the settings with what this request sends or what the draft holds, and its fields; no fields: as text."""
    own = {"number": values.get("id", ""), "title": title_text(values.get("title", ""))}
    sent = request.form.to_dict() if request.method == "POST" else None
    with spelled(field_forms.spelling()):
        if request.values.get("as") == "text":
            data = own | e.settings_of(values)
            return (
                RubricSettingsForm() if sent is not None else RubricSettingsForm(formdata=None, data=data)
            ), None
        texts = sent if sent is not None else own | filling.whole_texts(values)
    part = filling.whole_part(texts)
    form = field_forms.with_fields(WholeFieldsForm, {"whole": part}, None if sent is not None else texts)
    return form, part


def _settings_page(version: RubricVersion, form: Any, part: Part | None) -> str:
    return render(
        "ratings/rubric_settings.html",
        version=version,
        form=field_forms.as_shown(form),
        parts=part.parts if part else (),
        main=filling.MAIN,
        words=field_forms,
    )


@bp.get("/ratings/rubrics/<public_id>/settings")
@requires(RUBRIC_MANAGE)
def rubric_settings(public_id: str) -> str:
    """What holds for the whole rubric, field by field or as text."""
    version, values = _draft(public_id)
    return _settings_page(version, *_settings_form(values))


@bp.post("/ratings/rubrics/<public_id>/settings")
@requires(RUBRIC_MANAGE)
def keep_settings(public_id: str) -> Response | tuple[str, int]:
    """Keep the settings; what contradicts the indicators is told on the list."""
    version, values = _draft(public_id, to_change=True)
    form, part = _settings_form(values)
    if "more" not in request.form and form.sent_and_valid():
        typed = field_forms.texts_of(form)
        own = {"id": typed["number"], "title": _title(values, typed["title"])}
        if part is None:
            changed, wrong = e.with_settings(values | own, typed)
            wrong = wrong or e.wrong_settings(changed)
        else:
            changed, wrong = filling.with_whole(values | own, typed)
        field_forms.tell(form, wrong)
        if not wrong:
            drafting.keep(version, changed, current_user.person_id)
            return commit_and_go(url_for(".edit_rubric", public_id=public_id), _("Kept."))
    db.session.rollback()
    version, _values = _draft(public_id)
    return _settings_page(version, form, part), 422


def _title(values: Mapping[str, Any], typed: str) -> Any:
    """The title that was typed; other languages stay as long as the Chinese one does."""
    before = values.get("title", "")
    return before if title_text(before) == typed else typed


@bp.get("/ratings/rubrics/<public_id>/differences")
@requires(RUBRIC_MANAGE)
def rubric_differences(public_id: str) -> str:
    """What this version changes against the one before, in words."""
    version = find(RUBRIC_MANAGE, public_id)
    earlier = drafting.before(version)
    found = changes(values_of(earlier), values_of(version)) if earlier else []
    return render(
        "ratings/rubric_differences.html",
        version=version,
        earlier=earlier,
        changes=[(change, words(change.title), sentence(change.what)) for change in found],
        is_draft=version.state == RubricState.DRAFT,
    )


@bp.get("/ratings/rubrics/<public_id>/preview")
@requires(RUBRIC_MANAGE)
def rubric_preview(public_id: str) -> str:
    """What this version would have given the schools of the last published round."""
    version = find(RUBRIC_MANAGE, public_id)
    round_ = drafting.last_round(version.district_id)
    problems: list[str] = []
    found: list[drafting.Tried] = []
    try:
        rubric = rubric_of(version)
        found = drafting.tried(rubric, rubric_of(round_.rubric_version), round_) if round_ else []
    except RubricError:
        problems = [said for _item, said in _problems(values_of(version))[:10]]
    return render(
        "ratings/rubric_preview.html",
        version=version,
        round=round_,
        tried=found,
        problems=problems,
        stars_given=values_of(version).get("result", {}).get("kind") != "none",
        points=points,
    )
