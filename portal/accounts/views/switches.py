"""The switches that stand on every page: hat, language, elder mode, colours."""

from flask import Response, make_response, redirect, request
from flask_login import current_user
from werkzeug.wrappers import Response as BaseResponse

from portal import cookies, i18n
from portal.access import public, signed_in
from portal.accounts import sessions
from portal.accounts.models import Person
from portal.accounts.views.blueprint import back, bp, home
from portal.errors import RuleBroken
from portal.extensions import db
from portal.i18n import gettext as _
from portal.once import commit_and_go

THEMES = ("auto", "light", "dark")
YEAR = 365 * 24 * 3600


@bp.post("/hat")
@signed_in
def switch_hat() -> BaseResponse:
    """Act under another appointment, or as a parent."""
    hat = sessions.wear(request.form.get("hat", ""))
    if hat is None:
        raise RuleBroken(_("You do not hold this appointment any more."))
    return commit_and_go(home())


@bp.post("/language")
@public
def switch_language() -> Response:
    """Read the portal in another language; remembered with the person, or in a cookie before sign-in."""
    tag = request.form.get("language", "")
    if tag not in i18n.LANGUAGES:
        raise RuleBroken(_("The portal is not available in this language."), status=422)
    if current_user.is_authenticated:
        db.session.get_one(Person, current_user.person_id).language = tag
        db.session.commit()
    answer = make_response(redirect(back(), 303))
    cookies.keep(answer, i18n.COOKIE, tag, YEAR)
    return answer


@bp.post("/elder")
@public
def switch_elder() -> Response:
    """Elder mode on or off; remembered with the person, or in a cookie before sign-in."""
    elder = request.form.get("elder") == "1"
    if current_user.is_authenticated:
        db.session.get_one(Person, current_user.person_id).elder = elder
        db.session.commit()
    answer = make_response(redirect(back(), 303))
    cookies.keep(answer, "elder", "1" if elder else "0", YEAR)
    return answer


@bp.post("/theme")
@public
def switch_theme() -> Response:
    """Light, dark, or as the device is set."""
    theme = request.form.get("theme", "")
    if theme not in THEMES:
        raise RuleBroken(_("There is no such display setting."), status=422)
    if current_user.is_authenticated:
        db.session.get_one(Person, current_user.person_id).theme = theme
        db.session.commit()
    answer = make_response(redirect(back(), 303))
    cookies.keep(answer, "theme", theme, YEAR)
    return answer
