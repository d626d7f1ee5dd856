"""The page of a round shows its schools in pages and asks the same however many they are."""

from sqlalchemy import select

from portal.extensions import db
from portal.paging import PAGE
from portal.ratings.models import Entry, Round, RoundState
from portal.schools.models import School


def opened():
    return db.session.scalars(select(Round).where(Round.state == RoundState.OPEN)).one()


def test_a_round_of_many_schools_is_shown_in_pages(app, as_, queries):
    round_ = opened()
    district, where = as_("张建平"), f"/ratings/rounds/{round_.public_id}"
    district.page(where)
    with queries() as few:
        district.page(where)
    schools = [
        School(
            district_id=round_.district_id, code=f"many-{one}", name=f"第{one}小学", name_pinyin=f"z{one:03}"
        )
        for one in range(2 * PAGE)
    ]
    db.session.add_all(schools)
    db.session.flush()
    db.session.add_all(Entry(round_id=round_.id, school_id=school.id) for school in schools)
    db.session.commit()

    with queries() as many:
        page = district.page(where)

    assert len(many) == len(few)
    assert "第22小学" in page.text
    assert "第23小学" not in page.text
    (more,) = [url for words, url in page.links.items() if "after=" in url]
    assert "第23小学" in district.page(more).text
