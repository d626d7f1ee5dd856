"""The way to a district's provider and back, and the page on which the district sets it."""

import hmac
import secrets
from typing import Any

from flask import Blueprint, current_app, g, redirect, request, session, url_for
from flask_login import current_user
from sqlalchemy import select
from sqlalchemy.orm import joinedload
from werkzeug.wrappers import Response

from portal import clock, cookies
from portal.access import actor, public, requires
from portal.accounts import arriving, limits
from portal.accounts.stepping import step_up_required
from portal.accounts.ways import Way, other_way
from portal.errors import RuleBroken
from portal.extensions import db
from portal.i18n import gettext as _
from portal.links import local
from portal.once import commit_and_go
from portal.signon import asking, checking, matching, tying
from portal.signon.asking import Refused, Unreachable
from portal.signon.checking import Untrue
from portal.signon.forms import ProviderForm
from portal.signon.models import SignOnProvider
from portal.signon.policy import SIGN_ON_SET
from portal.templating import render
from portal.trail.models import note

bp = Blueprint("signon", __name__, url_prefix="/sign-on")
Answer = str | Response | tuple[str, int]
BEGUN, COOKIE = "sign_on", "sign-on"
LASTS_SECONDS = 600
SHORT = 4_000


def in_use() -> list[SignOnProvider]:
    """The providers of all districts that have one, by name."""
    wanted = select(SignOnProvider).where(SignOnProvider.ended_at.is_(None))
    return list(
        db.session.scalars(wanted.options(joinedload(SignOnProvider.district)).order_by(SignOnProvider.name))
    )


@other_way
def offered(to: str) -> list[Way]:
    """What the sign-in page offers: the one provider by its name, or the choice among several."""
    found = in_use()
    if len(found) == 1:
        return [Way(found[0].name, url_for("signon.start", at=found[0].public_id, to=to or None))]
    return (
        [Way(_("Single sign-on of your district"), url_for("signon.index", to=to or None))] if found else []
    )


def _provider(public_id: str) -> SignOnProvider:
    """A provider in use, apart from the session: no transaction stays open while it is spoken to."""
    row = db.session.scalar(
        select(SignOnProvider).where(SignOnProvider.public_id == public_id, SignOnProvider.ended_at.is_(None))
    )
    if row is None:
        raise RuleBroken(_("There is no such sign-on any more. Choose another way to sign in."), 404)
    db.session.expunge(row)
    db.session.rollback()
    return row


def _redirect_uri() -> str:
    address = current_app.config["ADDRESS"].rstrip("/")
    return address + url_for(".arrive") if address else url_for(".arrive", _external=True)


def _silent(problem: Unreachable) -> RuleBroken:
    """The page for a provider that does not answer; the reason stands in the log, without addresses of people."""
    current_app.logger.warning("sign-on: the provider %s", problem)
    return RuleBroken(
        _(
            "The district's sign-on does not answer right now. Try again in a few minutes, or sign in with your password."
        ),
        503,
    )


@bp.get("/")
@public
def index() -> str:
    """Choose one's district."""
    return render("signon/index.html", providers=in_use(), to=local(request.args.get("to"), ""))


@bp.get("/start")
@public
def start() -> Answer:
    """Go to the provider, with what its answer will be held against kept in this browser."""
    if current_user.is_authenticated:
        return redirect(local(request.args.get("to"), url_for("home.index")))
    provider = _provider(request.args.get("at", ""))
    state, nonce, verifier = (secrets.token_urlsafe(32) for _value in range(3))
    try:
        client = asking.session_with(provider, _redirect_uri())
        address, _state = client.create_authorization_url(
            asking.metadata(provider.issuer)["authorization_endpoint"],
            state=state,
            nonce=nonce,
            code_verifier=verifier,
        )
    except Unreachable as problem:
        raise _silent(problem) from problem
    session[BEGUN] = {
        "provider": provider.public_id,
        "state": state,
        "nonce": nonce,
        "verifier": verifier,
        "to": local(request.args.get("to"), ""),
        "at": int(clock.now().timestamp()),
    }
    return redirect(address)


def _begun(state: str) -> dict[str, Any]:
    """What this browser began under this state. Raises RuleBroken for a stranger's answer, an old or a mangled one."""
    begun = session.get(BEGUN)
    age = int(clock.now().timestamp()) - begun.get("at", 0) if isinstance(begun, dict) else LASTS_SECONDS
    if (
        not isinstance(begun, dict)
        or not state
        or not 0 <= age < LASTS_SECONDS
        or not hmac.compare_digest(begun["state"].encode(), state.encode("utf-8", "replace"))
    ):
        raise RuleBroken(
            _(
                "This sign-in was not begun in this browser, or too long ago. Begin again on the sign-in page."
            ),
            400,
        )
    return begun


@bp.get("/return")
@public
def arrive() -> Answer:
    """Where the provider sends the browser back to. Changes nothing yet: the button, or the script, goes on."""
    begun = _begun(request.args.get("state", "")[:SHORT])
    problem = request.args.get("error", "")
    if problem in ("temporarily_unavailable", "server_error"):
        raise _silent(Unreachable("says it is out of order"))
    if problem:
        raise RuleBroken(
            _(
                "The district's sign-on did not let you in, or you went back. Begin again, or use your password."
            ),
            403,
        )
    code, issuer = request.args.get("code", ""), request.args.get("iss")
    provider = _provider(begun["provider"])
    if not code or len(code) > SHORT or (issuer is not None and issuer != provider.issuer):
        raise RuleBroken(_("This answer is not whole. Begin again on the sign-in page."), 400)
    return render("signon/arrive.html", code=code, state=begun["state"], name=provider.name)


@bp.post("/entry")
@public
def enter() -> Answer:
    """Exchange the code, check the answer, recognise the person, sign in."""
    begun = _begun(request.form.get("state", "")[:SHORT])
    code = request.form.get("code", "")
    session.pop(BEGUN)
    _keep_to_limits()
    provider = _provider(begun["provider"])
    try:
        tokens = asking.exchanged(provider, code[:SHORT], begun["verifier"], _redirect_uri())
        claims = checking.checked(provider, tokens, begun["nonce"])
    except Unreachable as problem:
        raise _silent(problem) from problem
    except (Refused, Untrue) as problem:
        _note_failure(provider, str(problem))
        raise RuleBroken(
            _("The answer of the district's sign-on could not be checked. Begin again on the sign-in page."),
            403,
        ) from problem
    try:
        person = matching.matched(provider, claims)
    except RuleBroken:
        _note_failure(provider, "not matched")
        raise
    try:
        tying.hold_to(provider, claims, person)
    except RuleBroken:
        db.session.rollback()
        _note_failure(provider, "another subject")
        raise
    answer = arriving.after_first_factor(
        person, "oidc", begun["to"], has_second=checking.is_second(provider, claims)
    )
    cookies.keep(answer, COOKIE, provider.public_id)
    return answer


def _keep_to_limits() -> None:
    if limits.count("sign-on", request.remote_addr or "") > limits.PER_ADDRESS:
        db.session.commit()
        raise RuleBroken(
            _("Too many attempts. Wait 15 minutes, then try again, or ask the school office."), 429
        )
    db.session.commit()


def _note_failure(provider: SignOnProvider, why: str) -> None:
    note(
        "account.sign_on_failed",
        None,
        person_id=None,
        object_kind=SignOnProvider.__tablename__,
        provider=provider.public_id,
        why=why,
    )
    db.session.commit()


@bp.before_app_request
def remember_the_way() -> None:
    """Before a session ends: by which provider it began."""
    if request.endpoint == "accounts.sign_out":
        g.signed_on = cookies.kept(COOKIE)


@bp.after_app_request
def lead_to_the_provider(answer: Any) -> Any:
    """After signing out: to the page from which the provider's own session is ended."""
    key = g.pop("signed_on", "")
    if key and answer.status_code == 303 and len(key) <= 22:
        answer.location = url_for("signon.left", at=key)
        cookies.drop(answer, COOKIE)
    return answer


@bp.get("/left")
@public
def left() -> str:
    """Signed out here; how to sign out at the provider as well (RP-Initiated Logout 1.0)."""
    provider = _provider(request.args.get("at", ""))
    try:
        address = str(asking.metadata(provider.issuer).get("end_session_endpoint") or "")
    except Unreachable:
        address = ""
    joint = "&" if "?" in address else "?"
    url = f"{address}{joint}client_id={provider.client_id}" if asking.is_allowed(address) else ""
    return render("signon/left.html", name=provider.name, url=url)


# What the district sets.


def _present() -> SignOnProvider | None:
    return db.session.scalar(
        select(SignOnProvider).where(
            SignOnProvider.district_id == actor().district_id, SignOnProvider.ended_at.is_(None)
        )
    )


@bp.get("/settings")
@requires(SIGN_ON_SET)
def show() -> str:
    """The district's provider as it is set; without its secret."""
    return render("signon/show.html", provider=_present(), address=_redirect_uri())


@bp.route("/settings/edit", methods=["GET", "POST"])
@requires(SIGN_ON_SET)
@step_up_required
def edit() -> Answer:
    """Set the provider; it is asked at once whether it answers as it should."""
    present = _present()
    form = ProviderForm(data=_typed(present))
    if form.sent_and_valid():
        db.session.rollback()
        _ask_provider(form)
    if request.method == "GET" or form.errors:
        page = render("signon/edit.html", form=form, has_secret=bool(present and present.client_secret))
        return page if request.method == "GET" else (page, 422)
    return _replaced(form)


def _ask_provider(form: ProviderForm) -> None:
    try:
        asking.metadata(form.issuer.data)
    except Unreachable as problem:
        form.issuer.errors = [
            _(
                "The provider does not answer as it should (%(problem)s). Check the address.",
                problem=str(problem),
            )
        ]


def _replaced(form: ProviderForm) -> Response:
    acting, now, present = actor(), clock.now(), _present()
    secret = form.client_secret.data or (present.client_secret if present else None)
    if present is not None:
        present.ended_at = now
        db.session.flush()
    row = SignOnProvider(
        district_id=acting.district_id,
        name=form.name.data,
        issuer=form.issuer.data,
        client_id=form.client_id.data,
        roster_claim=form.roster_claim.data or "",
        phone_claim=form.phone_claim.data or "",
        account_claim=form.account_claim.data or "",
        roles=list(form.roles.data),
        trusts_second=bool(form.trusts_second.data),
        second_words=form.words(),
        document=form.document.data or "",
        set_by_id=acting.person_id,
        set_at=now,
    )
    row.client_secret = secret
    db.session.add(row)
    db.session.flush()
    if present is not None:
        tying.untie_all(present, row)
    note("sign_on.set", row, person_id=acting.person_id, role=acting.role, issuer=row.issuer)
    return commit_and_go(url_for(".show"), _("Single sign-on is set."))


def _typed(present: SignOnProvider | None) -> dict[str, Any]:
    if present is None:
        return {"name": _("District single sign-on"), "roster_claim": "sub", "roles": []}
    names = (
        "name",
        "issuer",
        "client_id",
        "roster_claim",
        "phone_claim",
        "account_claim",
        "roles",
        "trusts_second",
    )
    found: dict[str, Any] = {name: getattr(present, name) for name in (*names, "document")}
    return {**found, "second_words": ", ".join(present.second_words)}


@bp.post("/settings/end")
@requires(SIGN_ON_SET)
@step_up_required
def end() -> Response:
    """Stop using the provider; from now on nobody signs in this way."""
    present = _present()
    if present is None:
        raise RuleBroken(_("Single sign-on is not set."))
    present.ended_at = clock.now()
    note("sign_on.ended", present, person_id=actor().person_id, role=actor().role)
    return commit_and_go(url_for(".show"), _("Single sign-on is off."))
