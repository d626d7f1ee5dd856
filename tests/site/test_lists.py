"""A list shows what may be opened, and what may be opened stands in a list: the same scope serves both."""

from collections import deque
from urllib.parse import urlsplit

import pytest
from sqlalchemy import false, select

from portal.access import Permission, Role
from portal.courses.models import Course
from portal.extensions import db
from portal.notices.models import Notice
from portal.opinions.models import Opinion
from portal.schools.models import Pupil, School
from portal.visits.models import Outcome, Visit
from tests.site.actors import PLAYERS
from tests.site.checks import Answer, links
from tests.site.crawl import endpoint_of

PAIRS = {
    "schools": (select(School.public_id), "/schools/", "schools.index", "schools.show"),
    "class": (select(Pupil.public_id), "/schools/class", "schools.my_class", "schools.pupil"),
    "visits of a school": (
        select(Visit.public_id).where(Visit.outcome == Outcome.MET),
        "/visits/school",
        "visits.school",
        "visits.show",
    ),
    "visits of a family": (select(Visit.public_id), "/visits/family", "visits.family", "visits.show"),
    "notices": (select(Notice.public_id), "/notices/", "notices.index", "notices.show"),
    "opinions": (select(Opinion.public_id), "/opinions/", "opinions.index", "opinions.show"),
    "courses": (select(Course.public_id), "/courses/", "courses.index", "courses.show"),
}


WIDER = {
    "class": "a principal opens pupils of every class; the list shows one class",
    "courses": "the planners' own list shows drafts; the catalogue shows what is published",
}


def listed(app, client, start: str, index: str, show: str) -> set[str]:
    """Public ids that the list links to, over all its pages and views."""
    found, waiting, seen = set(), deque([start]), {start}
    while waiting:
        response = client.get(waiting.popleft())
        if response.status_code != 200:
            continue
        page = Answer("", 200, response.headers, response.get_data(as_text=True))
        for link in links(page):
            endpoint = endpoint_of(app, link)
            if endpoint == show:
                found.add(urlsplit(link).path.rstrip("/").rpartition("/")[2])
            elif endpoint == index and link not in seen and len(seen) < 60:
                seen.add(link)
                waiting.append(link)
    return found


def opened(app, client, rows, show: str) -> set[str]:
    """Public ids of all rows that open."""
    ids = db.session.scalars(rows).all()
    with app.test_request_context():
        addresses = {
            public_id: app.url_map.bind("").build(show, {"public_id": public_id}) for public_id in ids
        }
    return {public_id for public_id, path in addresses.items() if client.get(path).status_code == 200}


@pytest.mark.parametrize("player", PLAYERS, ids=lambda player: player.actor)
@pytest.mark.parametrize("pair", PAIRS)
def test_what_is_listed_opens_and_what_opens_is_listed(app, as_, player, pair):
    rows, start, index, show = PAIRS[pair]
    access = app.view_functions[index].access
    client = as_(player.name, player.role)
    if player.name is None and isinstance(access, Permission):
        assert client.get(start).status_code == 302
        return
    if client.get(start).status_code == 403:
        return

    in_list, open_to_them = listed(app, client, start, index, show), opened(app, client, rows, show)

    assert in_list - open_to_them == set()
    assert open_to_them - in_list == set() or pair in WIDER


def test_a_list_that_shows_too_much_is_noticed(app, as_, monkeypatch):
    rows, start, index, show = PAIRS["visits of a school"]
    permission = app.view_functions[show].access
    monkeypatch.setitem(permission.grants, Role.PRINCIPAL, lambda _actor: false())
    client = as_("孙立德")

    assert listed(app, client, start, index, show) - opened(app, client, rows, show)
