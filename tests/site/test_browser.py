"""Every page in a real Chromium: usable by everyone, nothing wider than the phone, targets for a thumb.

CI looks at each page once, so that each page, language and mode is met at least once; ``make soak`` looks at all.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import cycle, product
from pathlib import Path

import pytest
from flask import Flask
from playwright.sync_api import BrowserContext
from sqlalchemy import select, update

from portal import create_app
from portal.accounts import sessions
from portal.accounts.models import Person
from portal.config import Settings
from portal.extensions import db
from tests.site.actors import LANGUAGES, PLAYERS, Player
from tests.site.crawl import endpoint_of, walk
from tests.site.test_pages import STARTS
from tests.support.browser import PHONE
from tests.support.client import PortalClient
from tests.support.looking import faults
from tests.support.server import Portal

pytestmark = pytest.mark.browser
SAME_PAGE = {"class_teacher": 12}
"""Whose rare pages hang on one row of many: a draft of a visit."""
MODES = [(False, "light"), (True, "light"), (False, "dark"), (True, "dark")]


@dataclass
class Site:
    """A served portal and the same portal in this process, over one database."""

    portal: Portal
    app: Flask

    def pages(self) -> dict[str, tuple[Player, str]]:
        """One address of every page, with somebody who can open it."""
        found: dict[str, tuple[Player, str]] = {}
        with self.app.app_context():
            for player in PLAYERS:
                client = self.app.test_client()
                assert isinstance(client, PortalClient)
                if player.name:
                    client.sign_in(player.name, player.role)
                starts = tuple(start for start in STARTS if endpoint_of(self.app, start))
                for answer in walk(self.app, client, "zh-Hans", starts, SAME_PAGE.get(player.actor, 2)):
                    endpoint = endpoint_of(self.app, answer.path)
                    if endpoint and answer.status == 200 and answer.is_page:
                        key = f"{endpoint} as {player.actor}" if endpoint == "home.index" else endpoint
                        found.setdefault(key, (player, answer.path))
            db.session.remove()
        return found

    def cookies(self, player: Player, language: str, elder: bool, theme: str) -> list[dict[str, str]]:
        """The cookies of a browser in which the player is signed in and reads that way."""
        kept = {"language": language, "elder": "1" if elder else "0", "theme": theme}
        with self.app.app_context():
            if player.name:
                db.session.execute(
                    update(Person)
                    .where(Person.name == player.name)
                    .values(language=language, elder=elder, theme=theme)
                )
                client = self.app.test_client()
                assert isinstance(client, PortalClient)
                kept["gongyu"] = self._session(client, player)
            db.session.commit()
            db.session.remove()
        return [{"name": name, "value": value, "url": self.portal.address} for name, value in kept.items()]

    def _session(self, client: PortalClient, player: Player) -> str:
        person = db.session.scalars(select(Person).where(Person.name == player.name).limit(1)).one()
        appointments = sessions.appointments_today(person)
        worn = next((found.id for found in appointments if found.role == player.role), None)
        token = sessions.open_session(person, staff=False, appointment_id=worn, device="Chromium")
        interface = self.app.session_interface
        return interface.get_signing_serializer(self.app).dumps({"_user_id": token})  # type: ignore[attr-defined]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, town_in: Callable[[Path], Path]) -> Iterator[Site]:
    folder: Path = town_in(tmp_path_factory.mktemp("site"))
    with Portal(folder, workers=1) as portal:
        app = create_app(
            Settings(
                instance=folder, database_url="", secret_key_file=Path(portal.settings["SECRET_KEY_FILE"])
            ),
            TESTING=True,
        )
        app.test_client_class = PortalClient
        yield Site(portal, app)
        with app.app_context():
            db.engine.dispose()


class Eye:
    """One tab that looks at one page after the other: styles, scripts and the process behind it come once."""

    def __init__(self, site: Site, context: BrowserContext) -> None:
        self.site, self.context = site, context
        self.page = context.new_page()
        self.errors: list[str] = []
        self.page.on("pageerror", lambda error: self.errors.append(f"script: {error}"))

    def look(self, player: Player, path: str, language: str, mode: tuple[bool, str]) -> list[str]:
        """What is wrong with a page."""
        self.context.clear_cookies()
        self.context.add_cookies(self.site.cookies(player, language, *mode))  # type: ignore[arg-type]
        self.errors.clear()
        self.page.goto(self.site.portal.address + path)
        self.page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = false; })")
        found = faults(self.page) + self.errors
        return [f"{path} as {player.actor} in {language} {mode}: {fault}" for fault in found]


@pytest.fixture(scope="module")
def pages(site) -> dict[str, tuple[Player, str]]:
    return site.pages()


SHARES = 4


@pytest.mark.timeout(600)
@pytest.mark.parametrize("share", range(SHARES))
def test_every_page_can_be_used_by_everyone(site, pages, open_context, share):
    ways = cycle(product(MODES, LANGUAGES))
    eye, found = Eye(site, open_context(PHONE, bypass_csp=True, device_scale_factor=1)), []
    for number, (player, path) in enumerate(pages.values()):
        mode, language = next(ways)
        if number % SHARES == share:
            found += eye.look(player, path, language, mode)

    assert len(pages) > 20
    assert found == []


@pytest.mark.soak
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("language", LANGUAGES)
def test_every_page_in_every_language_and_mode(site, pages, open_context, language, mode):
    eye, found = Eye(site, open_context(PHONE, bypass_csp=True, device_scale_factor=1)), []
    for player, path in pages.values():
        found += eye.look(player, path, language, mode)

    assert found == []
