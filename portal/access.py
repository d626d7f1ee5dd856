"""Who may do what: the one place where access is declared and enforced.

Three small things: a mark on the view (``@requires``), one scope per role used for lists *and* for single rows
(``Permission.rows`` and ``find``), and a ``can_…`` on the row for its state. A permission is a table from roles to
named scopes; a role that is not in it may not knock. An endpoint without a mark keeps the app from starting.

Answers (SECURITY contract): not signed in 302 to sign-in (401 for JSON); a role that can never do this 403; a row out
of reach or absent 404 with the same body.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any, Generic, TypeVar

from flask import Flask, abort, redirect, request, url_for
from flask_login import current_user
from sqlalchemy import ColumnElement, Select, false, select, true
from werkzeug.wrappers import Response

from portal.extensions import Base, db
from portal.i18n import lazy_gettext as _l


class Role(StrEnum):
    """What a person is to a family, a class, a school or a district; the portal's hats."""

    GUARDIAN = "guardian"
    CLASS_TEACHER = "class_teacher"
    SUBJECT_TEACHER = "subject_teacher"
    PRINCIPAL = "principal"
    SCHOOL_OFFICE = "school_office"
    COMMITTEE_CHAIR = "committee_chair"
    LECTURER = "lecturer"
    INSPECTOR = "inspector"
    DISTRICT_STAFF = "district_staff"
    AUDITOR = "auditor"
    SYSTEM_ADMIN = "system_admin"


ROLE_NAMES = {
    Role.GUARDIAN: _l("Parent"),
    Role.CLASS_TEACHER: _l("Class teacher"),
    Role.SUBJECT_TEACHER: _l("Subject teacher"),
    Role.PRINCIPAL: _l("Principal"),
    Role.SCHOOL_OFFICE: _l("School office"),
    Role.COMMITTEE_CHAIR: _l("Parent committee chair"),
    Role.LECTURER: _l("Lecturer"),
    Role.INSPECTOR: _l("Inspector"),
    Role.DISTRICT_STAFF: _l("District staff"),
    Role.AUDITOR: _l("Auditor of data protection"),
    Role.SYSTEM_ADMIN: _l("System administrator"),
}

EVERY_ROLE = tuple(Role)


@dataclass(frozen=True)
class Actor:
    """A person wearing one hat on one day: all that a scope may ask about who is acting."""

    person_id: int
    role: Role
    on: date
    appointment_id: int | None = None
    district_id: int | None = None
    school_id: int | None = None
    class_id: int | None = None
    opens_sealed: bool = True
    """False for who stands in for another without being let at sealed notes."""


Scope = Callable[[Actor], ColumnElement[bool]]
Row = TypeVar("Row", bound=Base)
View = TypeVar("View", bound=Callable[..., Any])


PERMISSIONS: dict[str, "Permission[Any]"] = {}


class Permission(Generic[Row]):
    """One thing that may be done to rows of one table, and the rows each role may do it to.

    ``holds`` is the most sensitive class of data it opens: F0 public, F1 internal, F2 names and classes, F3 contacts,
    F4 narratives and complaints, F4S safeguarding, F5 raw answers, F6 secrets.
    """

    def __init__(self, name: str, model: type[Row], holds: str, grants: Mapping[Role, Scope]) -> None:
        if name in PERMISSIONS:
            raise ValueError(f"permission {name} declared twice")
        self.name = name
        self.model = model
        self.holds = holds
        self.grants = dict(grants)
        PERMISSIONS[name] = self

    def admits(self, role: Role) -> bool:
        """Whether the role may knock at all."""
        return role in self.grants

    def within(self, actor: Actor) -> ColumnElement[bool]:
        """The condition that keeps a query to the rows this actor may do it to."""
        scope = self.grants.get(actor.role)
        return false() if scope is None else scope(actor)

    def rows(self, actor: Actor) -> Select[Row]:
        """All rows this actor may do it to; callers add order and paging."""
        return select(self.model).where(self.within(actor))

    def holds_for(self, actor: Actor, row: Row) -> bool:
        """Whether this one row is within reach (one indexed query)."""
        key = self.model.__mapper__.primary_key[0]
        wanted = select(key).where(
            key == row.__mapper__.primary_key_from_instance(row)[0], self.within(actor)
        )
        return db.session.execute(wanted).first() is not None


def everything(_actor: Actor) -> ColumnElement[bool]:
    """All rows: for what is public inside the portal."""
    return true()


def find(permission: Permission[Row], public_id: str, *options: Any) -> Row:
    """The row with this public id among those the actor may reach; 404 otherwise, as if it did not exist."""
    column = permission.model.public_id  # type: ignore[attr-defined]
    row = db.session.scalar(permission.rows(actor()).where(column == public_id).options(*options))
    if row is None:
        abort(404)
    return row


def actor() -> Actor:
    """The person acting in this request, under the hat they wear."""
    acting: Actor = current_user.actor
    return acting


def public(view: View) -> View:
    """Anyone may knock, signed in or not."""
    view.access = "public"  # type: ignore[attr-defined]
    return view


def nameless(view: View) -> View:
    """Over ``@public``: here nobody is anybody. The cookie of a signed-in person is not read, so nothing of them is touched."""
    view.nameless = True  # type: ignore[attr-defined]
    return view


def signed_in(view: View) -> View:
    """Any signed-in person may knock; the view touches only that person's own rows."""
    view.access = "signed in"  # type: ignore[attr-defined]
    return view


def requires(permission: Permission[Any]) -> Callable[[View], View]:
    """Only roles in the permission may knock; rows are found through the same permission."""

    def mark(view: View) -> View:
        view.access = permission  # type: ignore[attr-defined]
        return view

    return mark


def _turn_away() -> Response:
    if request.accept_mimetypes.best_match(["text/html", "application/json"]) == "application/json":
        abort(401)
    to = request.full_path.rstrip("?") if request.method == "GET" else None
    return redirect(url_for("accounts.sign_in", to=to))


def init_app(app: Flask) -> None:
    """Stand before every view."""

    @app.before_request
    def guard() -> Response | None:
        if request.endpoint is None:
            return None
        access = getattr(app.view_functions[request.endpoint], "access", None)
        if access == "public":
            return None
        if not current_user.is_authenticated:
            return _turn_away()
        if access == "signed in":
            return None
        if isinstance(access, Permission) and access.admits(current_user.actor.role):
            return None
        return abort(403)


def refuse_undeclared(app: Flask) -> None:
    """Called last by create_app: no endpoint may be silent about who it is for."""
    silent = sorted(name for name, view in app.view_functions.items() if not hasattr(view, "access"))
    if silent:
        raise RuntimeError(f"endpoints that do not say who they are for: {', '.join(silent)}")


def rendered(app: Flask) -> list[str]:
    """The access table, one line per address: what a reviewer reads when access changes."""
    lines = []
    for rule in app.url_map.iter_rules():
        access = getattr(app.view_functions[rule.endpoint], "access", "")
        methods = ",".join(sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}))
        if isinstance(access, Permission):
            grants = " ".join(f"{role.value}:{scope.__name__}" for role, scope in access.grants.items())
            who = f"{access.name} [{access.holds}] {grants}"
        else:
            who = access
        lines.append(f"{rule.rule} {methods} {rule.endpoint} -> {who}")
    return sorted(lines)
