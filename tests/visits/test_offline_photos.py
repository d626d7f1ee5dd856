"""Photos that a device kept without a network: taken in once, with the family's consent, when the visit is written down."""

import io
import uuid

import pytest
from sqlalchemy import func, select, update

from portal.extensions import db
from portal.files.models import File
from portal.files.storing import open_file
from portal.visits.models import Visit, VisitPart
from tests.visits.builders import person, pupil
from tests.visits.test_drafts import Device, visits
from tests.visits.test_photos import picture, says


@pytest.fixture
def phone(app, as_):
    """王雪's phone; the family of 林嘉树 allows photos."""
    says(True)
    return Device(as_)


def send(device, visit, photo=None, content=None, child=None, named="照片.jpg"):
    """Send a photo as the app does."""
    content = picture()[0].getvalue() if content is None else content
    files = [] if content == b"" else [(io.BytesIO(content), named)]
    return device.client.post(
        f"/visits/pupils/{child or device.child}/photos",
        data={"visit": visit, "photo": photo or str(uuid.uuid4()), "files": files},
        headers={"X-CSRFToken": device.token, "Accept": "application/json"},
        content_type="multipart/form-data",
    )


def kept():
    return db.session.scalar(select(func.count(File.id)).where(File.owner_kind == "visit"))


def test_it_waits_for_its_visit_and_then_comes_once_however_often_it_is_sent(phone):
    visit, photo, content = str(uuid.uuid4()), str(uuid.uuid4()), picture()[0].getvalue()
    before = kept()
    assert (send(phone, visit, photo, content).status_code, kept()) == (409, before)
    phone.send(visit, hopes="爱画画")
    assert send(phone, visit, photo, content).json["state"] == "later"
    phone.send(visit, True, hopes="爱画画")

    answers = [send(phone, visit, photo, content) for _time in range(3)]

    assert [one.status_code for one in answers] == [201, 200, 200]
    assert {one.json["state"] for one in answers} == {"kept"}
    assert kept() == before + 1
    file = db.session.scalars(select(File).order_by(File.id.desc()).limit(1)).one()
    assert b"CANARY-CAMERA" in content
    assert b"CANARY-CAMERA" not in open_file(file)
    (written,) = visits(visit)
    assert "照片.jpg" in phone.client.page(f"/visits/{written.public_id}/photos").text


def test_consent_that_ended_meanwhile_is_said_and_nothing_is_kept(phone):
    visit, photo, content = str(uuid.uuid4()), str(uuid.uuid4()), picture()[0].getvalue()
    phone.send(visit, True, hopes="好")
    assert send(phone, visit, photo, content).status_code == 201
    says(False)
    before = kept()

    refused = send(phone, visit)

    assert (refused.status_code, refused.json["state"], kept()) == (403, "not_allowed", before)
    # What was kept and went with the consent does not come back by a replay.
    assert send(phone, visit, photo, content).status_code == 200
    assert kept() == before


def test_three_are_the_most_and_what_is_no_picture_is_refused_in_words(phone):
    visit = str(uuid.uuid4())
    phone.send(visit, True, hopes="好")
    before = kept()
    for content in (b"", b"%PDF-1.7 nothing", b"\xff\xd8\xff"):
        wrong = send(phone, visit, content=content)
        assert wrong.status_code == 422
        assert wrong.json["message"]
    assert send(phone, "x", content=None).status_code == 422
    assert send(phone, visit, "../../x").status_code == 422
    answers = [send(phone, visit) for _one in range(4)]

    assert [one.status_code for one in answers] == [201, 201, 201, 422]
    assert "3" in answers[-1].json["message"]
    assert kept() == before + 3


def test_a_deleted_visit_takes_none_and_a_colleague_adds_to_the_own(phone, as_):
    visit = str(uuid.uuid4())
    phone.send(visit, True, hopes="好")
    (written,) = visits(visit)
    written.author_id = person("邓宇").id
    db.session.commit()
    assert send(phone, visit).status_code == 201, "who wrote a part was there"
    db.session.execute(
        update(VisitPart).values(author_id=person("邓宇").id).where(VisitPart.visit_id == written.id)
    )
    db.session.commit()
    assert "同事" in send(phone, visit).json["message"]
    db.session.delete(db.session.get_one(Visit, written.id))
    db.session.commit()

    gone = send(phone, visit)
    assert (gone.status_code, gone.json["state"]) == (410, "gone")
    assert send(phone, visit, child=pupil("陈一诺").public_id).status_code == 409


def test_only_the_package_of_a_family_that_agreed_offers_photos(phone):
    child, other = phone.child, pupil("陈一诺").public_id
    package = phone.client.get(f"/visits/take-along/package?pupil={child}&pupil={other}").json
    assert {one["pupil"]: one["photos"] for one in package["families"]} == {child: True, other: False}
