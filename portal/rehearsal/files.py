"""Files in the rehearsal district: a checklist with the safety letter, scans of the papers that restrict guardians."""

import io

from PIL import Image, ImageDraw
from sqlalchemy import select
from werkzeug.datastructures import FileStorage

from portal import clock
from portal.access import Actor, Role
from portal.custody import papers
from portal.custody.models import Restriction
from portal.extensions import db
from portal.files.intake import take
from portal.notices import attaching
from portal.notices.models import Notice

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


def _scan(number: int) -> None:
    """A page that stands for the scan of a court's paper."""
    page = io.BytesIO()
    drawn = Image.new("L", (827, 1169), 250)
    ImageDraw.Draw(drawn).text((80, 120), f"REHEARSAL {number}", fill=40)
    drawn.save(page, "PNG")
    page.seek(0)
    scans = papers.take_papers([FileStorage(page, PAPER)])
    found = db.session.get_one(Restriction, number)
    office = Actor(found.proposed_by_id or 0, Role.SCHOOL_OFFICE, clock.today(), school_id=found.school_id)
    papers.attach(found, scans, office)
    db.session.commit()
