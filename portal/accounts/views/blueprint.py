"""The blueprint of accounts, and what several of its pages share."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from flask import Blueprint, abort, redirect, request, url_for
from flask_login import current_user
from werkzeug.wrappers import Response

from portal.accounts import arriving, stepping
from portal.accounts.guessing import Refused
from portal.accounts.models import HalfSession, Person
from portal.extensions import db
from portal.i18n import gettext as _
from portal.i18n import ngettext
from portal.links import local

bp = Blueprint("accounts", __name__, url_prefix="/account")

Answer = str | tuple[str, int] | Response


def home() -> str:
    """The address of the first page."""
    return url_for("home.index")


def back() -> str:
    """Where a switch was pressed, if that is an address of the portal; else the first page."""
    return local(request.form.get("to"), home())


def too_many(refused: Refused) -> str:
    """What is said to a try that is not looked at; the same for every account."""
    if refused.wait is None:
        return _(
            "Too many wrong tries. Use a device on which you signed in before, or a passkey, or ask the school office."
        )
    return ngettext(
        "Too many wrong tries. Wait %(num)s minute, then try again, or ask the school office.",
        "Too many wrong tries. Wait %(num)s minutes, then try again, or ask the school office.",
        refused.minutes,
    )


def half_holder(stage: str) -> tuple[HalfSession, Person]:
    """The half session of this browser and its person, when they owe just this step; else off to where they belong."""
    half = arriving.half_session()
    if half is None:
        abort(redirect(url_for("accounts.sign_in")))
    person = db.session.get_one(Person, half.person_id)
    owed = arriving.owes(half, person)
    if owed != stage:
        abort(redirect(url_for(owed or "accounts.sign_in")))
    return half, person


def setting_up(view: Callable[..., Any]) -> Callable[..., Any]:
    """Give the view its person: signed in with a fresh proof, or half signed in and owing a second factor.

    Stands under ``@public``: a half session is nobody to the guard. Strangers are led to the sign-in page.
    """

    @wraps(view)
    def guarded(**named: Any) -> Any:
        if not current_user.is_authenticated:
            return view(half_holder(arriving.SET_UP)[1], **named)
        if current_user.asleep or not stepping.is_fresh():
            return stepping.ask()
        return view(db.session.get_one(Person, current_user.person_id), **named)

    return guarded
