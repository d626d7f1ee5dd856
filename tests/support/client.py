"""A browser for tests: fetches pages, checks what every page must be, reads what a person reads, presses buttons."""

import re
from contextvars import Context
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from urllib.parse import urlsplit

import lxml.html
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from portal.access import Role
from portal.accounts import sessions
from portal.accounts.models import Person
from portal.database import reading
from portal.extensions import db
from tests.support import watching

READABLE = ("text/html", "application/json", "text/plain", "text/csv")
MEANS_SUBMIT = {"button": "submit", "input": "text"}


def words(element: Any) -> str:
    """The text of an element as read, with single spaces."""
    return re.sub(r"\s+", " ", "".join(element.itertext())).strip()


@dataclass
class Page:
    """An answer as a person sees it."""

    client: "PortalClient"
    response: TestResponse
    path: str

    def __post_init__(self) -> None:
        self.status = self.response.status_code
        self.html = self.response.get_data(as_text=True) if self.response.mimetype == "text/html" else ""

    @cached_property
    def tree(self) -> Any:
        """The page as a quick parser reads it: that it is sound is the business of ``tests/site/test_pages.py``."""
        return lxml.html.document_fromstring(self.html) if self.html else None

    def all(self, tag: str, **attributes: str) -> list[Any]:
        """Elements of a tag with these attributes (``class_`` means: has this class)."""
        found = []
        for element in self.tree.iter(tag) if self.tree is not None else []:
            wanted = dict(attributes)
            css = wanted.pop("class_", None)
            if css and css not in (element.get("class") or "").split():
                continue
            if all(element.get(name.replace("_", "-")) == value for name, value in wanted.items()):
                found.append(element)
        return found

    @property
    def heading(self) -> str:
        """The page's h1."""
        return words(self.all("h1")[0])

    @property
    def text(self) -> str:
        """Everything within the main part."""
        mains = self.all("main")
        return words(mains[0]) if mains else ""

    @property
    def links(self) -> dict[str, str]:
        """Link text → address."""
        return {words(link): link.get("href") or "" for link in self.all("a")}

    @property
    def buttons(self) -> list[str]:
        """The words on the buttons within the main part."""
        return [words(button) for main in self.all("main") for button in main.iter("button")]

    def form_of(self, button: str) -> Any:
        """The form that holds the button with these words."""
        for form in self.all("form"):
            if any(words(found) == button for found in form.iter("button")):
                return form
        raise AssertionError(f"no button {button!r} on {self.path}; there are {self.buttons}")

    def fields(self, form: Any) -> dict[str, list[str]]:
        """What the form would send as it stands."""
        sent: dict[str, list[str]] = {}
        for element in form.iter():
            name = element.get("name")
            if not name:
                continue
            if element.tag == "input":
                if element.get("type") in ("checkbox", "radio") and element.get("checked") is None:
                    continue
                if element.get("type") in ("submit", "file"):
                    continue
                sent.setdefault(name, []).append(
                    element.get("value", "on" if element.get("type") == "checkbox" else "")
                )
            elif element.tag == "textarea":
                sent.setdefault(name, []).append("".join(element.itertext()).removeprefix("\n"))
            elif element.tag == "select":
                options = list(element.iter("option"))
                chosen = [option for option in options if option.get("selected") is not None] or options[:1]
                sent.setdefault(name, []).extend(option.get("value", words(option)) for option in chosen)
        return sent

    def press(self, button: str, **values: Any) -> "Page":
        """Press a button after filling in fields; hidden inputs and tokens go along. Follows the redirect."""
        form = self.form_of(button)
        sent = self.fields(form)
        pressed = next(found for found in form.iter("button") if words(found) == button)
        if pressed.get("name"):
            sent[pressed.get("name")] = [pressed.get("value", "")]
        for name, value in values.items():
            sent[name] = list(value) if isinstance(value, list | tuple) else [value]
        unknown = set(values) - {element.get("name") for element in form.iter() if element.get("name")}
        assert not unknown, f"the form of {button!r} has no fields {unknown}"
        action = form.get("action") or self.path
        method = (form.get("method") or "get").lower()
        if method == "get":
            return self.client.page(action, query_string={name: value for name, value in sent.items()})
        files = form.get("enctype") == "multipart/form-data"
        return self.client.send(action, sent, files=files)


class PortalClient(FlaskClient):
    """Flask's test client with the words of a person.

    Each request runs in a context of its own, as on a server; what the test itself has open is committed before. No answer
    may show a sensitive value without its entry (``tests/support/watching.py``); ``shown`` counts those of the last one.
    """

    shown = 0

    def open(self, *args: Any, **kwargs: Any) -> TestResponse:
        db.session.commit()
        with reading():
            since = watching.last_entry()
            db.session.rollback()
        with watching.watched() as opened:
            answer: TestResponse = Context().run(super().open, *args, **kwargs)
        db.session.expire_all()
        if opened and answer.mimetype in READABLE:
            with reading():
                try:
                    self.shown = watching.refuse_unlogged(opened, answer.get_data(as_text=True), since)
                finally:
                    db.session.rollback()
        return answer

    def sign_in(self, name: str, role: str | None = None) -> None:
        """Open a real session for a person of the town and put its cookie into this browser."""
        person = db.session.scalar(select(Person).where(Person.name == name).limit(1))
        assert person is not None, f"nobody is called {name}"
        appointments = sessions.appointments_today(person)
        chosen = appointments[0].id if appointments else None
        if role == Role.GUARDIAN:
            chosen = None
        elif role is not None:
            chosen = next(found.id for found in appointments if found.role == role)
        token = sessions.open_session(
            person, staff=bool(appointments), appointment_id=chosen, device="a test browser"
        )
        db.session.commit()
        with self.session_transaction() as session:
            session["_user_id"] = token

    def page(self, path: str, **named: Any) -> Page:
        """GET a page; redirects within the portal are followed."""
        response = self.get(path, **named)
        hops = 0
        while response.status_code in (301, 302, 303, 307, 308) and hops < 5:
            path = urlsplit(response.headers["Location"])._replace(scheme="", netloc="").geturl()
            response = self.get(path)
            hops += 1
        return Page(self, response, path)

    def send(self, path: str, values: dict[str, Any], files: bool = False) -> Page:
        """POST values and follow the redirect."""
        named = {"content_type": "multipart/form-data"} if files else {}
        response = self.post(path, data=values, **named)
        if response.status_code in (302, 303):
            return self.page(urlsplit(response.headers["Location"])._replace(scheme="", netloc="").geturl())
        return Page(self, response, path)
