"""The answers written by hand in access.csv, tried one by one.

Relations here: ``own`` is a notice of the actor's own office (for guardians: addressed to their child by the committee),
``same_class`` one of somebody else to the same class, ``same_school`` one to another class of the school,
``same_district`` one of another school, ``other_district`` one of another county, ``past`` one of a place left behind.
"""

import csv
from datetime import timedelta
from pathlib import Path

import pytest
from flask import url_for

from portal import clock
from portal.access import Role
from portal.accounts.models import Appointment
from portal.extensions import db
from portal.notices import audience, writing
from portal.schools.models import Guardianship, SchoolClass
from tests.notices.conftest import acting, person, select

ORACLE = [
    tuple(line.values())
    for line in csv.DictReader((Path(__file__).parent / "access.csv").open(encoding="utf-8"))
]
PEOPLE = {
    "guardian": ("李晚晴", "guardian"),
    "restricted_guardian": ("何志强", "guardian"),
    "leaver": ("周桂兰", "guardian"),
    "class_teacher": ("王雪", "class_teacher"),
    "subject_teacher": ("邓宇", None),
    "principal": ("孙立德", None),
    "school_office": ("何静", None),
    "committee_chair": ("林悦", "committee_chair"),
    "lecturer": ("郑雅琴", None),
    "inspector": ("吴正清", None),
    "district_staff": ("张建平", None),
    "auditor": ("秦守正", None),
    "system_admin": ("系统管理员", None),
    "anonymous": (None, None),
}
DRAFTS = {
    "notices.edit",
    "notices.rewrite",
    "notices.preview",
    "notices.publish",
    "notices.discard",
    "notices.attach",
    "notices.detach",
}
LISTS = {"notices.index", "notices.outbox", "notices.flagged", "notices.new", "notices.create"}
OFFICE = {
    "class_teacher": "王雪",
    "principal": "孙立德",
    "school_office": "何静",
    "district_staff": "张建平",
}


def author_of(role, relation):
    """(author, hat, kind of audience) of the notice that stands in this relation to the role."""
    match relation:
        case "other_district":
            return "唐芸", None, "district"
        case "same_district":
            return "罗敏", None, "school"
        case "same_school":
            return "刘明远", None, "class"
        case "same_class" if role == "class_teacher":
            return "林悦", Role.COMMITTEE_CHAIR, "class"
        case "same_class":
            return "王雪", Role.CLASS_TEACHER, "class"
        case "own" if role in OFFICE:
            name = OFFICE[role]
            kind = {"class_teacher": "class", "district_staff": "district"}.get(role, "school")
            return name, Role(role), kind
        case _:
            return "林悦", Role.COMMITTEE_CHAIR, "class"


@pytest.fixture
def notice_for(send, app):
    def make(role, relation, endpoint):
        name, hat, kind = author_of(role, relation)
        if endpoint not in DRAFTS:
            return send(name, kind, hat)
        actor = acting(name, hat)
        chosen = next(one for one in audience.choices(actor) if one.kind == kind)
        words = {"who": "", "act": "", "ask": "", "due_on": None, "expires_on": None}
        made = writing.draft(
            actor, chosen, title="草稿", body="草稿", level="confirm", counts="household", **words
        )
        db.session.commit()
        return made

    return make


def leave(role):
    """The leaver's last tie to the place has ended."""
    if role == "leaver":
        for tie in db.session.scalars(
            select(Guardianship).where(Guardianship.person_id == person("周桂兰").id)
        ):
            tie.ended_on = clock.today()
        db.session.commit()


def fields_for(endpoint, notice):
    """A good form for each change."""
    words = {"title": "改过", "body": "改过"}
    if endpoint == "notices.rewrite":
        key = f"{notice.scope_kind}:{notice.scope_id}"
        return {**words, "revision": notice.revision, "audience": key, "level": "read", "counts": "household"}
    if endpoint == "notices.correct":
        return {**words, "revision": notice.revision, "change": "改了"}
    return {"reason": "写错了"} if endpoint == "notices.withdraw" else {}


@pytest.mark.parametrize(("endpoint", "method", "role", "relation", "status"), ORACLE)
def test_the_answer_is_the_one_written_down(app, as_, notice_for, endpoint, method, role, relation, status):
    named = {}
    notice = None
    if endpoint not in LISTS:
        notice = notice_for(role, relation, endpoint)
        named = {"public_id": "n" * 22 if relation == "absent" else notice.public_id}
    leave(role)
    client = as_(*PEOPLE[role])
    with app.test_request_context():
        address = url_for(endpoint, **named)

    if method == "GET":
        answer = client.get(address)
    else:
        token = client.page("/account/sign-in" if role == "anonymous" else "/account/")
        sent = {"csrf_token": token.all("input", name="csrf_token")[0].get("value")}
        answer = client.post(address, data={**sent, **(fields_for(endpoint, notice) if notice else {})})

    assert answer.status_code == int(status)


def test_every_endpoint_of_notices_stands_in_the_oracle(app):
    known = {name for name in app.view_functions if name.startswith("notices.")}

    assert {line[0] for line in ORACLE} == known


def test_a_chair_whose_term_is_over_has_no_outbox(as_, send):
    notice = send()
    client = as_("林悦", "committee_chair")
    held = db.session.scalar(select(Appointment).where(Appointment.person_id == person("林悦").id))
    held.ended_on = clock.today()

    assert client.get("/notices/outbox").status_code == 403
    assert client.get(f"/notices/{notice.public_id}/report").status_code == 403


def test_the_next_chair_carries_on(as_, send):
    notice = send()
    held = db.session.scalar(select(Appointment).where(Appointment.person_id == person("林悦").id))
    held.ended_on = clock.today()
    school_class = db.session.scalar(select(SchoolClass).where(SchoolClass.id == held.class_id))
    db.session.add(
        Appointment(
            person_id=person("方晴").id,
            role=Role.COMMITTEE_CHAIR,
            class_id=school_class.id,
            started_on=clock.today() - timedelta(days=1),
        )
    )

    page = as_("方晴", "committee_chair").page(f"/notices/{notice.public_id}/report")

    assert "只提醒还没回应的家长" in page.buttons
