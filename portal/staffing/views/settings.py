"""What a district or a school sets for itself: the list, one setting with its history, a change, and taking one back."""

from dataclasses import dataclass
from itertools import groupby
from typing import Any

from flask import abort, redirect, request, url_for
from sqlalchemy import select
from werkzeug.wrappers import Response

from portal.access import actor, find, requires
from portal.accounts.models import Person
from portal.extensions import db
from portal.i18n import gettext as _
from portal.i18n import lazy_gettext as _l
from portal.once import commit_and_go
from portal.settings import Setting
from portal.settings.changing import change, withdraw
from portal.settings.declaring import DISTRICT, SCHOOL, SETTINGS, held
from portal.settings.models import SettingValue
from portal.staffing.policy import SETTING_SET
from portal.staffing.setting_forms import form_of, shown
from portal.staffing.views.blueprint import Answer, bp, form_page
from portal.templating import render

HISTORY = 50
FEATURE_NAMES: dict[str, Any] = {
    "modules": _l("What is in use"),
    "accounts": _l("Accounts and sign-in"),
    "joining": _l("Joining of families"),
    "contacts": _l("Contacts"),
    "schools": _l("Schools and classes"),
    "staffing": _l("Offices and hand-over"),
    "courses": _l("Parent school"),
    "visits": _l("Home visits"),
    "care": _l("Care files"),
    "notices": _l("Notices"),
    "deliveries": _l("Messages outside the portal"),
    "opinions": _l("Opinions of parents"),
    "ratings": _l("Star ratings"),
    "privacy": _l("Privacy"),
    "files": _l("Files"),
}
"""Headings of the list, in its order; the settings of another feature stand at the end."""


@dataclass(frozen=True)
class Place:
    """The district or the school whose settings the actor sees."""

    level: str
    district_id: int | None
    school_id: int | None

    @property
    def owner(self) -> dict[str, int | None]:
        """The column that names the place on a value."""
        if self.level == SCHOOL:
            return {"school_id": self.school_id}
        return {"district_id": self.district_id}


def _place() -> Place:
    acting = actor()
    level = SCHOOL if acting.school_id else DISTRICT
    return Place(level, acting.district_id, acting.school_id)


def _held(place: Place) -> Any:
    return held(None if place.level == SCHOOL else place.district_id, place.school_id)


def _own(setting: Setting[Any]) -> list[SettingValue]:
    wanted = SETTING_SET.rows(actor()).filter_by(name=setting.name)
    return list(
        db.session.scalars(
            wanted.order_by(SettingValue.from_on.desc(), SettingValue.id.desc()).limit(HISTORY)
        )
    )


def _chosen() -> Setting[Any]:
    setting = SETTINGS.get(request.args.get("name", ""))
    if setting is None:
        abort(404)
    return setting


@bp.get("/settings")
@requires(SETTING_SET)
def settings() -> str:
    """All settings by feature, with the value that holds today, since when and on which document."""
    place, day = _place(), actor().on
    values = _held(place)
    order = list(FEATURE_NAMES)

    def rank(setting: Setting[Any]) -> tuple[int, str]:
        return (order.index(setting.feature) if setting.feature in order else len(order), setting.feature)

    open_here = sorted((one for one in SETTINGS.values() if place.level in one.levels), key=rank)
    groups = [
        (
            FEATURE_NAMES.get(feature, _("Other")),
            [(one, one.words(one.among(values, day)), one.row(values, day)) for one in found],
        )
        for feature, found in groupby(open_here, key=lambda one: one.feature)
    ]
    return render("staffing/settings.html", groups=groups, level=place.level)


@bp.get("/settings/one")
@requires(SETTING_SET)
def setting() -> str:
    """One setting: what holds, what is to come, and how it came about."""
    chosen, place = _chosen(), _place()
    values = _held(place)
    rows = _own(chosen)
    present = chosen.row(values, actor().on)
    by = {one.set_by_id for one in rows} | {one.withdrawn_by_id for one in rows}
    people = db.session.execute(select(Person.id, Person.name).where(Person.id.in_(by)))
    names = {person_id: name for person_id, name in people}
    return render(
        "staffing/setting.html",
        setting=chosen,
        words=chosen.words(chosen.among(values, actor().on)),
        present=present,
        is_own=present is not None and present.public_id in {one.public_id for one in rows},
        is_open=place.level in chosen.levels,
        coming=[one for one in rows if one.withdrawn_at is None and one.from_on > actor().on][::-1],
        history=_history(chosen, rows),
        names=names,
        level=place.level,
    )


def _history(setting: Setting[Any], rows: list[SettingValue]) -> list[tuple[SettingValue, str, str]]:
    """(row, what held before it, what it set), newest first; a row taken back never held, so nothing follows from it."""
    told = []
    before = setting.words(setting.default)
    for row in reversed(rows):
        told.append((row, before, setting.words(row.value)))
        if row.withdrawn_at is None:
            before = setting.words(row.value)
    return told[::-1]


@bp.route("/settings/change", methods=["GET", "POST"])
@requires(SETTING_SET)
def change_setting() -> Answer:
    """Set another value from a day on."""
    chosen, place = _chosen(), _place()
    if place.level not in chosen.levels:
        abort(404)
    if chosen.page:
        return redirect(url_for(chosen.page))
    present = chosen.among(_held(place), actor().on)
    form = form_of(chosen, data={"value": shown(chosen.kind, present)})
    if not form.sent_and_valid():
        return form_page(
            "staffing/change_setting.html", form=form, setting=chosen, present=chosen.words(present)
        )
    change(
        chosen,
        form.typed(),
        form.from_on.data,
        form.document.data or "",
        told=form.told.data or "",
        person_id=actor().person_id,
        role=actor().role,
        **place.owner,
    )
    return commit_and_go(url_for(".setting", name=chosen.name), _("The setting is changed."))


@bp.post("/settings/<public_id>/withdrawal")
@requires(SETTING_SET)
def withdraw_setting(public_id: str) -> Response:
    """Take back a change whose day has not come."""
    row = find(SETTING_SET, public_id)
    withdraw(row, person_id=actor().person_id, role=actor().role)
    return commit_and_go(url_for(".setting", name=row.name), _("The change is taken back."))
