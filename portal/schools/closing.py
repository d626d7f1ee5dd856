"""Modules that are off are gone for the people of the place: 404 for their pages, no tab, task or link, and a line that
says why. A guardian keeps a module as long as one of the children's schools uses it."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from flask import Flask, abort, g, has_request_context, request
from flask_login import current_user
from sqlalchemy import Select, select

from portal.access import Actor, Role
from portal.extensions import db
from portal.prepared import Prepared, whoever
from portal.schools.models import School
from portal.schools.modules import MODULES, open_at
from portal.schools.policy import schools_of_guardian
from portal.settings.declaring import held

TOLD_FOR = timedelta(days=14)
"""How long the line about a switch stands on the first page."""


def _of_family() -> Select[*tuple[Any, ...]]:
    """The schools of the guardian's children, each with a column per module that says whether it is on."""
    actor = whoever(Role.GUARDIAN)
    switches = [open_at(name, School.id, actor).label(name) for name in MODULES]
    return (
        select(School.id.label("school_id"), School.name.label("school"), *switches)
        .where(School.id.in_(schools_of_guardian(actor)))
        .order_by(School.id)
    )


OF_FAMILY = Prepared(_of_family)


def _family(actor: Actor) -> Sequence[Any]:
    if not has_request_context():
        return OF_FAMILY.all(db.session(), person=actor.person_id, day=actor.on)
    cache: dict[int, Sequence[Any]] = g.setdefault("family_modules", {})
    if actor.person_id not in cache:
        cache[actor.person_id] = OF_FAMILY.all(db.session(), person=actor.person_id, day=actor.on)
    return cache[actor.person_id]


def off(actor: Actor) -> frozenset[str]:
    """The modules that are off for the actor today. One query per request."""
    if actor.role == Role.GUARDIAN:
        schools = _family(actor)
        return frozenset(
            name for name in MODULES if schools and not any(getattr(row, name) for row in schools)
        )
    if actor.school_id is None and actor.district_id is None:
        return frozenset()
    values = _of_place(actor)
    return frozenset(name for name, switch in MODULES.items() if not switch.among(values, actor.on))


def _of_place(actor: Actor) -> Sequence[Any]:
    return held(None if actor.school_id else actor.district_id, actor.school_id)


def told(actor: Actor) -> list[str]:
    """What the actor reads about switches of the last two weeks: 家访（望溪小学）：… , newest first."""
    if actor.role != Role.GUARDIAN:
        return _lines(_of_place(actor), actor, "")
    schools = _family(actor)
    named = len(schools) > 1
    lines = [
        line
        for row in schools
        if not all(getattr(row, name) for name in MODULES)
        for line in _lines(held(None, row.school_id), actor, row.school if named else "")
    ]
    return list(dict.fromkeys(lines))


def _lines(values: Sequence[Any], actor: Actor, school: str) -> list[str]:
    names = {switch.name: str(switch.label) for switch in MODULES.values()}
    recent = [
        one
        for one in values
        if one.name in names and one.told and actor.on - TOLD_FOR <= one.from_on <= actor.on
    ]
    place = f" · {school}" if school else ""
    return [
        f"{names[one.name]}{place}: {one.told}" for one in sorted(recent, key=lambda one: one.from_on)[::-1]
    ]


def init_app(app: Flask) -> None:
    """Close the pages of modules that are off, and tell the frame of the page which places are open."""

    @app.before_request
    def close_what_is_off() -> None:
        is_module = request.blueprint in MODULES and current_user.is_authenticated
        if is_module and request.blueprint in off(current_user.actor):
            abort(404)

    app.extensions["portal.closed"] = lambda: (
        off(current_user.actor) if current_user.is_authenticated else frozenset()
    )
