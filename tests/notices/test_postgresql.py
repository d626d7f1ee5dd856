"""Notices over a real PostgreSQL: the same answers, numbers and refusals."""

import pytest

from portal import create_app
from portal.access import Role
from portal.config import Settings
from portal.extensions import db
from portal.notices import audience, counting, reading
from portal.notices.models import Notice, NoticeReminder
from tests.notices.conftest import acting, numbers, person, select
from tests.support.client import PortalClient

pytestmark = pytest.mark.postgres


@pytest.fixture
def portal(postgres_town_url, tmp_path):
    """A portal with the town on PostgreSQL."""
    settings = Settings(
        instance=tmp_path, database_url=postgres_town_url, password_memory_kib=64, development=True
    )
    app = create_app(settings, TESTING=True)
    app.test_client_class = PortalClient
    with app.app_context():
        yield app
        db.session.remove()
        db.engine.dispose()


def test_parents_confirm_and_the_chair_reminds(portal):
    notice = db.session.scalar(select(Notice).where(Notice.title.contains("认树")))
    before = numbers(notice)
    mother, chair = portal.test_client(), portal.test_client()
    mother.sign_in("李晚晴", "guardian")
    chair.sign_in("林悦", "committee_chair")

    assert "认树" in mother.page("/").text
    mother.page(f"/notices/{notice.public_id}").press("确认收到")
    assert [after - was for after, was in zip(numbers(notice), before, strict=True)] == [1, 1, 1, 1]
    assert "认树" not in mother.page("/").text

    report = chair.page(f"/notices/{notice.public_id}/report")
    form = report.fields(report.form_of("只提醒还没回应的家长"))
    assert chair.send(f"/notices/{notice.public_id}/reminders", form).status == 200
    again = chair.send(f"/notices/{notice.public_id}/reminders", {**form, "once": ["f" * 32]})
    assert again.status == 409
    assert len(db.session.scalars(select(NoticeReminder)).all()) == 1
    assert counting.differences() == {}
    assert audience.missing_households(notice) == audience.size(notice).households - numbers(notice)[3]


def test_the_hot_reads_run_and_agree(portal):
    actor = acting("周桂兰", Role.GUARDIAN)

    listed, _further = reading.page(actor, reading.Cursor.read(""))
    waiting = reading.waiting(actor)

    assert {entry.row.title for entry in waiting} == {"周六上午去云溪河边认树"}
    assert len(listed) == 5
    assert listed[0].row.published_at > listed[-1].row.published_at
    assert reading.children(actor) == [(reading.children(actor)[0][0], "赵小满")]
    assert person("周桂兰") is not None
