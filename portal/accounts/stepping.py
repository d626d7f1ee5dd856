"""Proof of who one is, asked again before what must not happen on a phone left lying open.

Sealed notes, exports and changes of roles ask for a proof of the last ten minutes (password or second factor). What was
typed into a form stays in the page while the proof is given, and goes on with one tap; files are chosen once more.
"""

from collections.abc import Callable, Iterable
from datetime import timedelta
from functools import wraps
from typing import Any, TypeVar

from flask import Flask, current_app, redirect, request, url_for
from flask_login import current_user
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response

from portal import clock
from portal.accounts import by_message, factors, passkeys
from portal.accounts.forms import ProofForm
from portal.accounts.models import Person
from portal.deliveries.models import masked
from portal.extensions import db
from portal.forms import FILES_AGAIN
from portal.i18n import gettext as _
from portal.templating import render

FRESH_FOR = timedelta(minutes=10)
KEPT = "kept-"
"""Before the name of a field that waits in the proof page."""
NOT_KEPT = frozenset({"csrf_token"})
View = TypeVar("View", bound=Callable[..., Any])
Fields = list[tuple[str, str]]


def is_fresh() -> bool:
    """Whether this session has proved within ten minutes who is holding the device."""
    proved_at = current_user.proved_at
    return proved_at is not None and clock.now() - proved_at < FRESH_FOR


def step_up_required(view: View) -> View:
    """Let a view through only with a fresh proof; stands under the view's mark.

    Without one: a page leads to the proof page and back (303), a form shows the proof page with everything typed kept
    in it (401), a program gets 401 with the reason. Rule: SECURITY contract, condition "step-up".
    """

    @wraps(view)
    def guarded(*arguments: Any, **named: Any) -> Any:
        return view(*arguments, **named) if is_fresh() else ask()

    return guarded  # type: ignore[return-value]


def ask() -> Response | tuple[str | dict[str, object], int]:
    """The answer that asks for a proof first, whatever was requested."""
    if request.accept_mimetypes.best_match(["text/html", "application/json"]) == "application/json":
        reason = _("Confirm first that it is you.")
        return {"status": 401, "reason": "proof", "message": reason, "proof": url_for("accounts.proof")}, 401
    if request.method != "POST":
        return redirect(url_for("accounts.proof", to=request.full_path.rstrip("?")), 303)
    fields = typed(request.form)
    if any(file.filename for file in request.files.values()):
        # Files cannot wait in a page: the form comes back with what was typed and asks for them once more.
        fields.append((FILES_AGAIN, "1"))
    return page(request.full_path.rstrip("?"), fields), 401


def typed(sent: MultiDict[str, str]) -> Fields:
    """The fields of a form as pairs, without the token that belongs to its page."""
    return [(name, value) for name, value in sent.items(multi=True) if name not in NOT_KEPT]


def kept(sent: MultiDict[str, str]) -> Fields:
    """The fields that wait in a proof page which was sent, under their own names."""
    return [
        (name.removeprefix(KEPT), value) for name, value in sent.items(multi=True) if name.startswith(KEPT)
    ]


def page(
    to: str, fields: Iterable[tuple[str, str]] = (), form: ProofForm | None = None, *, sent: bool = False
) -> str:
    """The proof page: ``to`` is where to go on, ``fields`` what is to be sent there, ``sent``: a code is on its way."""
    person = db.session.get_one(Person, current_user.person_id)
    form = form or ProofForm(person, formdata=None)
    reach = by_message.proof_reach(person)
    waiting = [(KEPT + name, value) for name, value in fields]
    app, keys = factors.summary(current_user.person_id)
    asked = (
        passkeys.request_for(passkeys.SECOND, current_user.person_id) if keys and passkeys.domain() else ""
    )
    return render(
        "accounts/proof.html",
        form=form,
        to=to,
        waiting=waiting,
        has_code=bool(app or keys),
        has_password=bool(person.password_hash),
        reach=masked(reach) if reach else "",
        sent=sent,
        asked=asked,
    )


AWAKE = frozenset({"accounts.proof", "accounts.prove", "accounts.send_proof_code", "accounts.sign_out"})


def init_app(app: Flask) -> None:
    """Let a session that slept prove first who holds it; nothing typed is lost by that. Called after the marks are asked."""

    @app.before_request
    def wake() -> Response | tuple[str | dict[str, object], int] | None:
        if request.endpoint is None or not current_user.is_authenticated or not current_user.asleep:
            return None
        access = getattr(current_app.view_functions[request.endpoint], "access", None)
        return None if access == "public" or request.endpoint in AWAKE else ask()
