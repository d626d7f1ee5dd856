"""What every page knows: language, mode, who is reading, where they can go."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from flask import Flask, g, get_flashed_messages, has_request_context, request, url_for
from flask_login import current_user

from portal import cookies, i18n
from portal.access import Role
from portal.i18n import no_op


@dataclass(frozen=True)
class Tab:
    """One place in the bottom bar (or left column): where, under which word and icon."""

    label: str
    icon: str
    endpoint: str
    url: str = ""
    current: bool = False
    badge: int = 0


_TODAY = ("home.index", no_op("Today"), "house")
_ME = ("accounts.show", no_op("Me"), "user")
TABS: dict[Role, tuple[tuple[str, str, str], ...]] = {
    Role.GUARDIAN: (
        _TODAY,
        ("notices.index", no_op("Notices"), "bell"),
        ("courses.index", no_op("Courses"), "book-open"),
        _ME,
    ),
    Role.CLASS_TEACHER: (
        _TODAY,
        ("visits.index", no_op("Visits"), "door-open"),
        ("schools.my_class", no_op("Class"), "users"),
        _ME,
    ),
    Role.SUBJECT_TEACHER: (_TODAY, ("schools.my_class", no_op("Class"), "users"), _ME),
    Role.PRINCIPAL: (
        _TODAY,
        ("schools.my_school", no_op("School"), "school"),
        ("ratings.index", no_op("Stars"), "star-full"),
        _ME,
    ),
    Role.SCHOOL_OFFICE: (
        _TODAY,
        ("courses.manage", no_op("Courses"), "book-open"),
        ("schools.my_school", no_op("School"), "school"),
        _ME,
    ),
    Role.COMMITTEE_CHAIR: (_TODAY, ("notices.outbox", no_op("Notices"), "bell"), _ME),
    Role.LECTURER: (_TODAY, ("courses.index", no_op("Courses"), "book-open"), _ME),
    Role.INSPECTOR: (_TODAY, ("ratings.sheets", no_op("Scoring"), "star-full"), _ME),
    Role.DISTRICT_STAFF: (
        _TODAY,
        ("schools.index", no_op("Schools"), "school"),
        ("ratings.index", no_op("Stars"), "star-full"),
        _ME,
    ),
    Role.AUDITOR: (_TODAY, ("audit.index", no_op("Log"), "list-checks"), _ME),
    Role.SYSTEM_ADMIN: (_TODAY, _ME),
}


@dataclass
class Page:
    """The frame around what a view shows."""

    language: str
    direction: str
    languages: list[i18n.Language]
    elder: bool
    theme: str
    signed_in: bool
    signs_in: bool
    nameless: bool
    person_name: str
    hat: Any
    hats: list[Any]
    tabs: tuple[Tab, ...]
    school_phone: str
    district_name: str
    return_to: str
    development: bool
    flashes: list[tuple[str, str]] = field(default_factory=list)


ELDER_LEAVES_OUT = {"courses.index", "schools.my_class"}


def tabs_for(
    app: Flask, role: Role, endpoint: str | None, elder: bool = False, closed: frozenset[str] = frozenset()
) -> tuple[Tab, ...]:
    """The places of a role; the current one is that of the endpoint's blueprint. Elder mode keeps to three.

    ``closed``: blueprints that are switched off for the person.
    """
    made: dict[Any, tuple[Tab, ...]] = app.extensions["portal.tabs"]
    key = (i18n.current().tag, role, endpoint, elder, closed)
    if key not in made:
        made[key] = _tabs(app, role, endpoint, elder, closed)
    return made[key]


def _tabs(
    app: Flask, role: Role, endpoint: str | None, elder: bool, closed: frozenset[str]
) -> tuple[Tab, ...]:
    area = (endpoint or "").partition(".")[0]
    tabs = []
    for target, label, icon in TABS[role]:
        if target.partition(".")[0] in closed:
            continue
        if target in app.view_functions and not (elder and target in ELDER_LEAVES_OUT):
            lit = endpoint == target or (area not in ("", "home") and area == target.partition(".")[0])
            tabs.append(Tab(i18n.gettext(label), icon, target, url_for(target), lit))
    if endpoint not in {tab.endpoint for tab in tabs} and sum(tab.current for tab in tabs) > 1:
        first = next(tab for tab in tabs if tab.current)
        tabs = [
            tab if tab is first or not tab.current else Tab(tab.label, tab.icon, tab.endpoint, tab.url)
            for tab in tabs
        ]
    return tuple(tabs)


LANGUAGES = list(i18n.LANGUAGES.values())


def nonce() -> str:
    """The request's nonce for scripts."""
    if "nonce" not in g:
        g.nonce = secrets.token_urlsafe(16)
    made: str = g.nonce
    return made


def _closed(app: Flask) -> frozenset[str]:
    """Blueprints that are switched off for the person of this request."""
    ask = app.extensions.get("portal.closed")
    closed: frozenset[str] = ask() if ask else frozenset()
    return closed


def _elder(person: Any) -> bool:
    if person is not None:
        return bool(person.elder)
    return (request.args.get("elder") if cookies.are_not_read() else cookies.kept("elder")) == "1"


def _theme(person: Any) -> str:
    theme = person.theme if person is not None else "" if cookies.are_not_read() else cookies.kept("theme")
    return theme if theme in ("auto", "light", "dark") else "auto"


def build(app: Flask) -> Page:
    """The frame of this request's page."""
    language = i18n.current()
    person = current_user._get_current_object() if current_user.is_authenticated else None
    hat: Any = person.hat if person is not None else None
    elder = _elder(person)
    return Page(
        language=language.tag,
        direction=language.direction,
        languages=LANGUAGES,
        elder=elder,
        theme=_theme(person),
        signed_in=person is not None,
        signs_in=(request.endpoint or "").startswith("accounts."),
        nameless=cookies.are_not_read(),
        person_name=person.name if person is not None else "",
        hat=hat,
        hats=[other for other in person.hats if other.key != hat.key] if person is not None else [],
        tabs=tabs_for(app, hat.role, request.endpoint, elder, _closed(app)) if hat else (),
        school_phone=hat.school_phone if hat else "",
        district_name="",
        return_to=request.full_path.rstrip("?") if request.method == "GET" else url_for("home.index"),
        development=bool(app.config["DEVELOPMENT"]),
        flashes=[] if cookies.are_not_read() else get_flashed_messages(with_categories=True),  # type: ignore[arg-type]
    )


def init_app(app: Flask) -> None:
    """Give templates their frame."""

    def context() -> Mapping[str, Any]:
        return {"page": build(app), "nonce": nonce()} if has_request_context() else {}

    app.extensions["portal.page"] = context
    app.extensions["portal.tabs"] = {}
