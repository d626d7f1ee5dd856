"""Parts of the portal that a district or a school switches on and off. A module is a feature with pages of its own; its
name is that of its blueprint. What a module holds is kept while it is off."""

from datetime import date

from flask import Flask, abort, request
from flask_login import current_user

from portal.i18n import lazy_gettext as _l
from portal.settings import Setting, Switch
from portal.settings.declaring import DISTRICT, SCHOOL, held

MODULE_NAMES = {
    "joining": _l("Joining by slip or phone number"),
    "courses": _l("Parent school"),
    "visits": _l("Home visits"),
    "notices": _l("Notices"),
    "opinions": _l("Opinions of parents"),
    "ratings": _l("Star ratings"),
}

MODULES = {
    name: Setting(
        f"modules.{name}",
        Switch(),
        True,
        label,
        _l("Off: its pages, tasks and links are gone for everybody here; what was written is kept."),
        levels=(DISTRICT, SCHOOL),
        is_told=True,
    )
    for name, label in MODULE_NAMES.items()
}
"""By blueprint. A module is on where neither the district (nor one above it) nor the school has switched it off."""


def is_on(name: str, day: date, *, district_id: int | None = None, school_id: int | None = None) -> bool:
    """Whether a module is on at a place that day; what is no module is always on. One query per request and place."""
    setting = MODULES.get(name)
    if setting is None:
        return True
    values = held(district_id, school_id)
    return all(
        setting.among([one for one in values if one.depth == depth], day)
        for depth in {one.depth for one in values}
    )


def init_app(app: Flask) -> None:
    """Answer 404 for the pages of a module that is off at the place of the hat worn."""

    @app.before_request
    def close_what_is_off() -> None:
        if request.blueprint in MODULES and current_user.is_authenticated:
            acting = current_user.actor
            place = {"district_id": acting.district_id, "school_id": acting.school_id}
            if not is_on(request.blueprint, acting.on, **place):
                abort(404)
