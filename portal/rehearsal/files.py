"""Files in the rehearsal district: a checklist with the safety letter, scans of court papers, a plan for the star rating."""

import io

from PIL import Image, ImageDraw
from sqlalchemy import select
from werkzeug.datastructures import FileStorage

from portal import clock
from portal.access import Actor, Role
from portal.accounts.models import Person
from portal.custody import papers
from portal.custody.models import Restriction
from portal.extensions import db
from portal.files.intake import take
from portal.notices import attaching
from portal.notices.models import Notice
from portal.ratings import evidence
from portal.ratings.models import Entry, EntryState
from portal.schools.models import School

TITLE = "冬季用火用电安全提醒"
PAPER = "法院文书（演练）.png"
NAME = "家庭用火用电自查单.txt"
CHECKLIST = """家庭用火用电自查单

1. 插座、插头没有发黑和松动。
2. 电热毯睡前关掉，不折叠使用。
3. 取暖炉离床和窗帘一米以上，烟道通畅，房间留通风口。
4. 打火机、火柴放在孩子够不到的地方。
5. 孩子知道火警电话 119，知道从哪里离开房间。

和孩子一起看一遍，看过的打勾。不用交回学校。
"""


def attach() -> None:
    """Take files in and add them to their notice and restrictions; call after the town was committed."""
    upload = FileStorage(io.BytesIO(CHECKLIST.encode()), NAME)
    (taken,) = take([upload])
    notice = db.session.scalars(select(Notice).where(Notice.title == TITLE)).one()
    author = Actor(notice.author_id, Role(notice.author_role), clock.today())
    attaching.attach(notice, author, [taken])
    db.session.commit()
    for number in db.session.scalars(select(Restriction.id).order_by(Restriction.id)).all():
        _scan(number)
    _hand_in()


def _hand_in() -> None:
    """A page that stands for the plan of a school, handed in for its self-assessment of this year."""
    (taken,) = take([FileStorage(_page("PLAN"), "家校共育工作计划.png")])
    entry = db.session.scalars(
        select(Entry).join(School).where(Entry.state == EntryState.SELF_ASSESSING, School.name == "望溪小学")
    ).one()
    head = db.session.scalars(select(Person).where(Person.name == "孙立德")).one()
    acting = Actor(head.id, Role.PRINCIPAL, clock.today(), school_id=entry.school_id)
    evidence.add(entry, "A1", [taken], "本学年家校共育工作计划和分工，校务会通过。", acting)
    db.session.commit()


def _page(words: str) -> io.BytesIO:
    page = io.BytesIO()
    drawn = Image.new("L", (827, 1169), 250)
    ImageDraw.Draw(drawn).text((80, 120), f"REHEARSAL {words}", fill=40)
    drawn.save(page, "PNG")
    page.seek(0)
    return page


def _scan(number: int) -> None:
    """A page that stands for the scan of a court's paper."""
    scans = papers.take_papers([FileStorage(_page(str(number)), PAPER)])
    found = db.session.get_one(Restriction, number)
    office = Actor(found.proposed_by_id or 0, Role.SCHOOL_OFFICE, clock.today(), school_id=found.school_id)
    papers.attach(found, scans, office)
    db.session.commit()
