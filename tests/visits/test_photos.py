"""Photos of a visit: never required, only with the family's consent, gone when it ends or grows old."""

import io
import random
from datetime import timedelta

import pytest
from PIL import Image
from sqlalchemy import func, select

from portal import clock
from portal.consent import Purpose
from portal.extensions import db
from portal.files.models import File
from portal.files.storing import open_file
from portal.privacy import consents
from portal.privacy.purposes import PURPOSES
from portal.schools import enrolling
from portal.schools.models import Enrolment, School, SchoolClass
from portal.staffing.models import PupilTransfer, TransferState
from portal.visits import photos
from tests.visits.builders import of, person, pupil, third, visited

NO = "家长没有同意拍照"


def picture(width=60):
    """A picture as the client sends it, of no two alike; with a place and a camera in it."""
    drawn = Image.new("RGB", (width, 40), tuple(random.randbytes(3)))
    meta = Image.Exif()
    meta[0x010F] = "CANARY-CAMERA"
    kept = io.BytesIO()
    drawn.save(kept, "JPEG", exif=meta)
    kept.seek(0)
    return kept, "书桌.jpg"


def says(agrees, name="林悦", child="林嘉树", days_ago=0):
    """A guardian's answer about photos of visits."""
    number = PURPOSES[Purpose.VISIT_PHOTO].on(clock.today()).number
    at = clock.now() - timedelta(days=days_ago)
    consents.answer(pupil(child), person(name).id, Purpose.VISIT_PHOTO, number, agrees, at=at)
    db.session.commit()


def send(client, visit, *files):
    """Give pictures to a visit on its page."""
    page = client.page(f"/visits/{visit.public_id}/photos")
    fields = page.fields(page.form_of("保存照片"))
    return client.send(f"/visits/{visit.public_id}/photos", {**fields, "files": list(files)}, files=True)


def number(visit):
    wanted = (File.owner_kind == "visit", File.owner_id == visit.id)
    return db.session.scalar(select(func.count(File.id)).where(*wanted))


def came_from(name, child, visit, on):
    """The visit was made at another school, from which the child came on a day."""
    there = db.session.query(SchoolClass).join(School).filter(School.name == name).first()
    enrolment = db.session.query(Enrolment).filter_by(pupil_id=child.id, ended_on=None).one()
    before, enrolment.started_on, visit.school_id = enrolment.started_on, on, there.school_id
    db.session.add(
        PupilTransfer(
            pupil_id=child.id,
            from_school_id=there.school_id,
            to_school_id=enrolment.school_id,
            from_on=on,
            state=TransferState.DONE,
            proposed_by_id=visit.author_id,
            proposed_at=clock.now(),
        )
    )
    db.session.flush()
    enrolling.enrol(child, there, before, on)
    db.session.commit()


@pytest.fixture
def visit(app):
    return visited("林嘉树")


@pytest.fixture
def kept(as_, visit):
    """A visit with one photo that the family agreed to."""
    says(True)
    assert send(as_("王雪"), visit, picture()).status == 200
    return visit


def test_without_consent_a_photo_is_refused_in_words_and_the_visit_stands(as_, visit):
    teacher = as_("王雪")
    page = teacher.page(f"/visits/{visit.public_id}/photos")
    assert NO in page.text and "保存照片" not in page.buttons
    form = teacher.page("/account/")
    token = form.all("input", name="csrf_token")[0].get("value")
    refused = teacher.send(
        f"/visits/{visit.public_id}/photos", {"csrf_token": token, "files": [picture()]}, files=True
    )
    assert refused.status == 403 and NO in refused.text
    assert number(visit) == 0
    assert as_("林悦", "guardian").page(f"/visits/{visit.public_id}").press("确认，是这样").status == 200


def test_with_consent_it_is_kept_without_its_camera_and_shown_to_the_three_sides(as_, kept):
    file = db.session.scalars(select(File).where(File.owner_kind == "visit")).one()
    assert file.holds == "F4"
    for name, role in (("王雪", "class_teacher"), ("孙立德", "principal"), ("林悦", "guardian")):
        client = as_(name, role)
        page = client.page(f"/visits/{kept.public_id}")
        link = next(address for address in page.links.values() if address.startswith("/files/"))
        answer = client.get(link)
        assert answer.status_code == 200 and b"CANARY" not in answer.data
        assert answer.headers["Cache-Control"] == "no-store"
    for name, role in (
        ("何静", "school_office"),
        ("刘明远", "class_teacher"),
        ("李晚晴", "guardian"),
        ("张建平", None),
    ):
        assert as_(name, role).get(link).status_code == 404


def test_the_school_keeps_them_and_the_class_teacher_only_while_the_child_is_in_the_class(as_, kept):
    teacher, principal = as_("王雪"), as_("孙立德")
    link = next(one for one in teacher.page(f"/visits/{kept.public_id}").links.values() if "/files/" in one)
    child, here, last_week = pupil("林嘉树"), third(), clock.today() - timedelta(days=7)
    came_from("东塔小学", child, kept, last_week)
    assert [client.get(link).status_code for client in (teacher, principal)] == [200, 200]

    sister = db.session.query(SchoolClass).filter_by(school_id=here.school_id, name="三(1)班").one()
    db.session.query(Enrolment).filter_by(pupil_id=child.id, ended_on=None).one().ended_on = clock.today()
    db.session.flush()
    enrolling.enrol(child, sister, clock.today())
    db.session.commit()
    assert [client.get(link).status_code for client in (teacher, principal)] == [404, 200]


def test_who_says_no_takes_the_photos_away_at_once(as_, kept):
    client = as_("王雪")
    link = next(one for one in client.page(f"/visits/{kept.public_id}").links.values() if "/files/" in one)
    says(False)
    assert number(kept) == 0
    assert client.get(link).status_code == 404
    assert NO in client.page(f"/visits/{kept.public_id}/photos").text


def test_a_no_about_something_else_leaves_them(kept):
    version = PURPOSES[Purpose.READING_AUDIO].on(clock.today()).number
    consents.answer(pupil("林嘉树"), person("林悦").id, Purpose.READING_AUDIO, version, False, at=clock.now())
    db.session.commit()
    assert number(kept) == 1


def test_old_photos_and_those_without_a_consent_that_holds_are_swept(as_, kept):
    photos.sweep_photos()
    assert number(kept) == 1
    file = db.session.scalars(select(File).where(File.owner_kind == "visit")).one()
    file.created_at = clock.now() - photos.KEPT_FOR - timedelta(days=1)
    db.session.commit()
    photos.sweep_photos()
    photos.sweep_photos()
    assert number(kept) == 0

    assert send(as_("王雪"), kept, picture()).status == 200
    db.session.execute(consents.Consent.__table__.delete())
    db.session.commit()
    assert "照片" not in as_("孙立德").page(f"/visits/{kept.public_id}").text
    photos.sweep_photos()
    assert number(kept) == 0


def test_three_are_enough_and_papers_are_no_pictures(as_, kept):
    client = as_("王雪")
    too_many = send(client, kept, picture(61), picture(62), picture(63))
    assert too_many.status == 422 and "最多3张" in too_many.text
    assert number(kept) == 1
    text = send(client, kept, (io.BytesIO("书桌".encode()), "书桌.txt"))
    assert text.status == 422 and number(kept) == 1
    assert send(client, kept).status == 422


def test_the_teacher_takes_one_out(as_, kept):
    page = as_("王雪").page(f"/visits/{kept.public_id}/photos")
    assert page.press("去掉").status == 200
    assert number(kept) == 0
    assert of("林嘉树").id == kept.id


def drawn_on(visit):
    """The photo of a visit as it is served, and its row."""
    file = db.session.scalars(select(File).where(File.owner_kind == "visit", File.owner_id == visit.id)).one()
    return Image.open(io.BytesIO(open_file(file))).convert("RGB"), file


def faced():
    """A white picture with a black face in the middle of its left half."""
    drawn = Image.new("RGB", (400, 200), "white")
    drawn.paste((0, 0, 0), (90, 90, 110, 110))
    kept = io.BytesIO()
    drawn.save(kept, "PNG")
    kept.seek(0)
    return kept, "客厅.png"


@pytest.mark.parametrize(
    "place",
    [{"at.x": "70", "at.y": "70", "size": "middle"}, {"left": "25", "top": "50", "size": "middle"}],
    ids=["tapped", "typed"],
)
def test_a_face_is_covered_for_good_where_one_taps(as_, visit, place):
    says(True)
    assert send(as_("王雪"), visit, faced()).status == 200
    before, old = drawn_on(visit)
    assert before.getpixel((100, 100)) == (0, 0, 0)
    old.created_at = born = clock.now() - timedelta(days=40)
    old_id, old_key = old.public_id, old.stored_key
    db.session.commit()
    client = as_("王雪")
    page = client.page(f"/visits/{visit.public_id}/photos")
    fields = {"csrf_token": page.all("input", name="csrf_token")[0].get("value"), "file": old_id, **place}
    assert client.send(f"/visits/{visit.public_id}/photo-covers", fields).status == 200
    db.session.expire_all()
    after, new = drawn_on(visit)
    assert len({after.getpixel((x, 100)) for x in range(75, 126)}) == 1
    assert after.getpixel((100, 100)) != (0, 0, 0) and after.getpixel((300, 100)) == (255, 255, 255)
    assert new.created_at == born and new.stored_key != old_key
    assert client.get(f"/files/{old_id}").status_code == 404
    gone = client.send(f"/visits/{visit.public_id}/photo-covers", fields)
    assert gone.status == 409 and number(visit) == 1


@pytest.mark.parametrize(
    "place",
    [
        {},
        {"at.x": "-1", "at.y": "5"},
        {"at.x": "5"},
        {"at.x": "1e9", "at.y": "1"},
        {"at.x": "99999", "at.y": "99999"},
        {"left": "五十", "top": "50"},
        {"left": "", "top": ""},
        {"at.x": "5", "at.y": "5", "size": "world"},
    ],
    ids=str,
)
def test_a_place_that_is_none_covers_nothing(as_, kept, place):
    client = as_("王雪")
    page = client.page(f"/visits/{kept.public_id}/photos")
    _picture, file = drawn_on(kept)
    token = page.all("input", name="csrf_token")[0].get("value")
    sent = {"csrf_token": token, "file": file.public_id, "size": "small", **place}
    assert client.send(f"/visits/{kept.public_id}/photo-covers", sent).status == 422
    assert drawn_on(kept)[1].id == file.id
