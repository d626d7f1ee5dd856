"""The generated districts: what stands in them, and that a page asks the same however many neighbours there are."""

import pytest
from sqlalchemy import func, select

from bench import county
from bench.pages import PAGES
from bench.visiting import cookies_for, path_of
from portal.extensions import db
from portal.rehearsal.town import PASSWORD
from portal.schools import summaries
from portal.schools.models import Guardianship, Pupil, School

STATEMENTS = {
    "parent home": 11,
    "visit list": 7,
    "notice page": 8,
    "district board": 20,
    "whole-city board": 20,
}
"""At most, at every size. One of each is for the modules that are switched off at the place; the home also asks for news of
guardians, for consents and for open questionnaires, the board for questionnaires to release, the notice for its files."""


def count(model: type) -> int:
    return db.session.scalar(select(func.count()).select_from(model)) or 0


def test_a_school_has_a_hundred_pupils_with_seven_guardians_to_four(app):
    before = count(School), count(Pupil), count(Guardianship)
    county.build(2)

    assert count(School) - before[0] == 2
    # 25 more stand in the class that is looked at.
    assert count(Pupil) - before[1] == 225
    assert count(Guardianship) - before[2] == pytest.approx(225 * 7 / 4, rel=0.02)


@pytest.mark.parametrize("schools", [1, 22])
def test_each_measured_page_opens_with_few_statements_at_every_size(app, queries, schools):
    county.build(schools)
    summaries.rebuild()
    db.session.commit()
    cookies = cookies_for(app, PAGES, PASSWORD)
    asked = {}
    for page in PAGES:
        path = path_of(app, page, cookies[page.account])
        with queries() as counted:
            answer = app.test_client(use_cookies=False).get(path, headers={"Cookie": cookies[page.account]})
        assert answer.status_code == 200
        asked[page.name] = len(counted)

    assert {name: number for name, number in asked.items() if number > STATEMENTS[name]} == {}


def test_the_parent_home_is_a_full_page(app):
    county.build(1)
    cookies = cookies_for(app, PAGES[:1], PASSWORD)
    answer = app.test_client(use_cookies=False).get("/", headers={"Cookie": cookies["liwanqing"]})

    assert len(answer.get_data()) >= 11_000
