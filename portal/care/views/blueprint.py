"""The blueprint of care, and what several of its pages share."""

from typing import Any

from flask import Blueprint, request
from sqlalchemy import select
from werkzeug.wrappers import Response

from portal.access import Permission, actor, find
from portal.care.models import (
    AWAY_NAMES,
    ENDING_NAMES,
    MEANS_NAMES,
    OUTCOME_NAMES,
    PARTNER_NAMES,
    STEP_NAMES,
)
from portal.extensions import db
from portal.templating import render
from portal.trail.models import note
from portal.visits.models import PRIORITY_NAMES

bp = Blueprint("care", __name__, url_prefix="/care")
Answer = str | Response | tuple[str, int]
WORDS: dict[str, Any] = {
    "away": AWAY_NAMES,
    "endings": ENDING_NAMES,
    "means": MEANS_NAMES,
    "outcomes": OUTCOME_NAMES,
    "partner_kinds": PARTNER_NAMES,
    "steps": STEP_NAMES,
    "priorities": PRIORITY_NAMES,
}


def form_page(template: str, **context: object) -> Answer:
    """A page with a form: 422 when it was sent and does not hold."""
    page = render(template, **context, **WORDS)
    return (page, 422) if request.method == "POST" else page


def found(permission: Permission[Any], public_id: str, *options: Any) -> Any:
    """The row; when it is about to change, nobody else changes it until this request is done."""
    if request.method == "POST":
        model: Any = permission.model
        db.session.execute(select(model.id).where(model.public_id == public_id).with_for_update())
    return find(permission, public_id, *options)


def log(action: str, row: Any, **facts: Any) -> None:
    """Note a change by the acting person; facts are plain values."""
    acting = actor()
    note(action, row, person_id=acting.person_id, role=acting.role, **facts)
