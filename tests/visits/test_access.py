"""Who may open what, compared with the oracle written by hand, and what other households and offices do not read."""

import csv
import uuid
from datetime import timedelta
from functools import cache
from pathlib import Path

import pytest
from flask import current_app

from portal import clock
from portal.extensions import db
from portal.operations import Operation, Sent
from portal.schools import enrolling
from portal.schools.models import Enrolment, SchoolClass
from portal.trail.models import TrailEntry
from portal.visits.harm import HarmReport
from portal.visits.inviting import invite
from portal.visits.merging import Telling, take_in
from portal.visits.models import (
    FORM_NAMES,
    Correction,
    FollowUp,
    Invitation,
    InvitationState,
    SealedNote,
    VisitRemark,
)
from portal.visits.recording import Step
from tests.site.oracle import IN
from tests.visits.builders import person, pupil, teacher, third, ties, visited, yesterday

ORACLE = [
    row
    for row in csv.DictReader((Path(__file__).parent / "access.csv").read_text(encoding="utf-8").splitlines())
]
# Lines of further relations (limited guardians, modules that are off) are walked by tests/site/test_access.py.
PEOPLE = {
    ("guardian", "own"): ("林悦", "guardian"),
    ("guardian", "any"): ("李晚晴", "guardian"),
    ("guardian", "same_class"): ("李晚晴", "guardian"),
    ("guardian", "same_school"): ("方晴", "guardian"),
    ("guardian", "other_district"): ("许诚", "guardian"),
    ("guardian", "absent"): ("林悦", "guardian"),
    ("class_teacher", "own"): ("王雪", "class_teacher"),
    ("class_teacher", "any"): ("王雪", "class_teacher"),
    ("class_teacher", "same_school"): ("刘明远", "class_teacher"),
    ("class_teacher", "past"): ("王雪", "class_teacher"),
    ("class_teacher", "other_district"): ("高洁", "class_teacher"),
    ("class_teacher", "absent"): ("王雪", "class_teacher"),
    ("class_teacher", "stranger"): ("王雪", "class_teacher"),
    ("principal", "own"): ("孙立德", "principal"),
    ("principal", "stranger"): ("孙立德", "principal"),
    ("principal", "same_district"): ("钱文博", "principal"),
    ("principal", "other_district"): ("钱文博", "principal"),
    ("principal", "absent"): ("孙立德", "principal"),
    ("school_office", "own"): ("何静", "school_office"),
    ("school_office", "stranger"): ("何静", "school_office"),
    ("school_office", "same_district"): ("罗敏", "school_office"),
    ("school_office", "other_district"): ("罗敏", "school_office"),
    ("school_office", "absent"): ("何静", "school_office"),
    ("anonymous", "any"): (None, None),
    ("restricted_guardian", "own"): ("何志强", "guardian"),
    ("restricted_guardian", "any"): ("何志强", "guardian"),
    ("leaver", "past"): ("马兰", None),
    ("leaver", "any"): ("马兰", None),
    ("principal", "any"): ("孙立德", "principal"),
    ("school_office", "any"): ("何静", "school_office"),
    ("subject_teacher", "any"): ("邓宇", "subject_teacher"),
    ("subject_teacher", "own"): ("邓宇", "subject_teacher"),
    ("subject_teacher", "absent"): ("邓宇", "subject_teacher"),
    ("committee_chair", "any"): ("林悦", "committee_chair"),
    ("lecturer", "any"): ("郑雅琴", "lecturer"),
    ("inspector", "any"): ("吴正清", "inspector"),
    ("district_staff", "any"): ("张建平", "district_staff"),
    ("auditor", "any"): ("秦守正", "auditor"),
    ("system_admin", "any"): ("系统管理员", "system_admin"),
}
PATHS = {
    "index": "/visits/",
    "pupil": "/visits/pupils/{pupil}",
    "new": "/visits/new?pupil={pupil}",
    "create": "/visits/",
    "new_invitation": "/visits/invitations/new?pupil={pupil}",
    "send_invitation": "/visits/invitations",
    "invitation": "/visits/invitations/{invitation}",
    "accept": "/visits/invitations/{invitation}/acceptance",
    "decline": "/visits/invitations/{invitation}/refusal",
    "withdraw": "/visits/invitations/{invitation}/withdrawal",
    "show": "/visits/{visit}",
    "edit": "/visits/{visit}/edit",
    "change": "/visits/{visit}/amendment",
    "confirm": "/visits/{visit}/confirmation",
    "remark": "/visits/{visit}/remark",
    "correction": "/visits/{visit}/correction",
    "ask_correction": "/visits/{visit}/correction",
    "answer_correction": "/visits/corrections/{correction}/answer",
    "sealed": "/visits/sealed/{sealed}",
    "unseal": "/visits/sealed/{sealed}",
    "joined": "/visits/joined",
    "part": "/visits/{visit}/part",
    "write_own_part": "/visits/{visit}/part",
    "sealed_note": "/visits/{visit}/sealed-note",
    "add_sealed_note": "/visits/{visit}/sealed-note",
    "new_harm": "/visits/harm/new?pupil={pupil}",
    "report_harm": "/visits/harm",
    "harm": "/visits/harm",
    "harm_report": "/visits/harm/{harm}",
    "open_harm": "/visits/harm/{harm}/opening",
    "add_harm_entry": "/visits/harm/{harm}/entries",
    "safeguarding": "/visits/safeguarding",
    "name_safeguarding": "/visits/safeguarding",
    "follow_ups": "/visits/follow-ups",
    "follow_up": "/visits/follow-ups/{step}",
    "finish": "/visits/follow-ups/{step}/completion",
    "take_in": "/visits/pupils/{pupil}/drafts",
    "draft": "/visits/drafts/{draft}",
    "choose": "/visits/drafts/{draft}/choice",
    "package": "/visits/take-along/package?pupil={pupil}",
    "take_along": "/visits/take-along",
    "offline": "/visits/offline",
    "standing": "/visits/offline/standing",
    "worker": "/visits/worker.js",
    "family": "/visits/family",
    "school": "/visits/school",
}


SUBJECT = {"restricted_guardian-own": "何雨桐", "class_teacher-past": "陈一诺"}


def records(name):
    """A visit with everything in it, an invitation and a correction about one pupil, by their public ids."""
    db.session.query(Correction).delete()
    db.session.query(Invitation).update({"state": InvitationState.LAPSED})
    step = Step("共读", "family", clock.today() + timedelta(days=2))
    along = [person("邓宇").public_id]
    visit = visited(name, hopes="好", sealed="只给校长", steps=[step], company=along)
    return {
        "pupil": pupil(name).public_id,
        "visit": visit.public_id,
        "sealed": db.session.query(SealedNote.public_id).filter_by(visit_id=visit.id).scalar(),
        "harm": reported(name),
        "step": db.session.query(FollowUp.public_id).filter_by(visit_id=visit.id).scalar(),
        **pending(name, visit),
        **drafted(name),
    }


def reported(name):
    """A report of harm that 王雪 made about the pupil."""
    made = HarmReport(
        pupil_id=pupil(name).id,
        school_id=third().school_id,
        author_id=person("王雪").id,
        noted_at=clock.now(),
    )
    db.session.add(made)
    db.session.flush()
    return made.public_id


def pending(name, visit):
    """An open correction and an open invitation about the pupil."""
    asked = Correction(visit_id=visit.id, person_id=person("林悦").id, body="不对", asked_at=clock.now())
    db.session.add(asked)
    tomorrow = clock.now() + timedelta(days=1)
    sent = invite(
        pupil(name), third(), visit.household_id, teacher(), [tomorrow], [*FORM_NAMES], "聊聊", clock.now()
    )
    db.session.commit()
    return {"correction": asked.public_id, "invitation": sent.public_id}


def drafted(name):
    """A draft of 王雪 about the pupil on which two devices said two things."""
    with current_app.test_request_context(method="POST"):
        telling = Telling(pupil(name), third(), clock.today(), teacher(), clock.now())
        client_id = str(uuid.uuid4())
        for text in ("甲", "乙"):
            sent = Operation(client_id, str(uuid.uuid4()), 1, clock.now(), False, {"note": Sent(text, 0)})
            draft = take_in(telling, sent).draft
        ids = {"draft": draft.public_id, "clash": draft.open_clashes[0].public_id}
        db.session.commit()
        return ids


def clear(endpoint):
    """Put away what the endpoint itself brings into being."""
    if endpoint in ("ask_correction", "confirm"):
        db.session.query(Correction).delete()
    if endpoint == "send_invitation":
        db.session.query(Invitation).update({"state": InvitationState.LAPSED})
    db.session.commit()


def filled_in(endpoint, ids):
    """What a well filled-in form of the endpoint sends."""
    when = clock.local(clock.now() + timedelta(days=2)).strftime("%Y-%m-%dT18:30")
    visit = {"how": "phone", "met": "child", "held_on": yesterday(), "held_time": "18:00"}
    return {
        "create": {"pupil": ids["pupil"], **visit},
        "change": visit,
        "send_invitation": {"pupil": ids["pupil"], "purpose": "聊聊", "forms": "phone", "time_1": when},
        "write_own_part": {"hopes": "爱画画"},
        "add_sealed_note": {"sealed": "只给校长"},
        "remark": {"body": "好"},
        "ask_correction": {"body": "不对"},
        "answer_correction": {"answer": "改了"},
        "unseal": {"reason": "复查"},
        "choose": {"clash": ids["clash"], "keep": "this"},
        "report_harm": {"pupil": ids["pupil"]},
        "open_harm": {"reason": "复查"},
        "add_harm_entry": {"act": "more", "body": "已报警"},
    }.get(endpoint, {})


def knock(client_of, endpoint, row):
    """The status this person gets at this endpoint."""
    who = f"{row['role']}-{row['relation']}"
    ids = records(SUBJECT.get(who, "林嘉树"))
    clear(endpoint)
    if who == "class_teacher-past":
        move_away("陈一诺")
    if row["relation"] == "absent":
        ids = {key: "nothing-has-this-name0" for key in ids}
    client, token = client_of(*PEOPLE[row["role"], row["relation"]])
    path = PATHS[endpoint].format(**ids)
    if row["method"] == "GET":
        return client.get(path).status_code
    return client.post(path, data={"csrf_token": token, **filled_in(endpoint, ids)}).status_code


def move_away(name):
    """The pupil goes to the neighbouring class from today on."""
    place = db.session.query(Enrolment).filter_by(pupil_id=pupil(name).id, ended_on=None).one()
    place.ended_on = clock.today()
    db.session.flush()
    other = db.session.query(SchoolClass).filter_by(school_id=place.school_id, name="三(1)班").one()
    enrolling.enrol(pupil(name), other, clock.today())
    db.session.commit()


@pytest.mark.parametrize("endpoint", PATHS)
def test_everyone_gets_what_the_oracle_says(as_, endpoint):
    @cache
    def client_of(name, role):
        client = as_(name, role)
        page = client.page("/account/" if name else "/account/sign-in")
        return client, page.all("input", name="csrf_token")[0].get("value")

    rows = [
        row
        for row in ORACLE
        if row["endpoint"] == f"visits.{endpoint}" and (row["role"], row["relation"]) in PEOPLE
    ]
    assert rows

    answers = {(row["role"], row["relation"], row["method"]): knock(client_of, endpoint, row) for row in rows}

    wrong = {
        (row["role"], row["relation"], row["method"]): (answer, row["status"])
        for row, answer in zip(rows, answers.values(), strict=True)
        if answer not in (IN if row["status"] == "in" else {int(row["status"])})
    }
    assert wrong == {}


def test_the_oracle_speaks_of_every_endpoint(app):
    own = {rule.endpoint for rule in app.url_map.iter_rules() if rule.endpoint.startswith("visits.")}

    assert own == {row["endpoint"] for row in ORACLE}


def test_the_other_home_learns_that_a_visit_was_but_not_what_was_said(as_):
    child = pupil("陈一诺")
    father = next(tie for tie in ties(child.name) if tie.person_id == person("陈守川").id)
    enrolling.split_household(father, clock.today(), None, "分开居住")
    mother = next(tie for tie in ties("陈一诺") if tie.person_id == person("李晚晴").id)
    visit = visited("陈一诺", household_id=mother.household_id, hopes="妈妈说的话", guardians=[mother])
    db.session.add(
        VisitRemark(
            visit_id=visit.id, person_id=mother.person_id, body="妈妈补充的话", written_at=clock.now()
        )
    )
    db.session.commit()

    other = as_("陈守川")
    page = other.page(f"/visits/{visit.public_id}")

    assert page.status == 200
    assert "王雪" in page.text
    assert "妈妈" not in page.text
    assert "确认，是这样" not in page.buttons
    assert "在另一方家庭" in other.page("/visits/family").text
    assert other.get(f"/visits/{visit.public_id}/correction").status_code == 404
    assert "妈妈说的话" in as_("李晚晴").page(f"/visits/{visit.public_id}").text


def test_a_school_note_stays_in_the_school(as_):
    visit = visited("林嘉树", hopes="都能看", note="只在学校里说", school_only=True)
    path = f"/visits/{visit.public_id}"

    assert "只在学校里说" not in as_("林悦", "guardian").page(path).html
    assert "只在学校里说" in as_("王雪").page(path).text
    assert "只在学校里说" in as_("孙立德").page(path).text


def test_the_office_reads_facts_only(as_):
    visit = visited(
        "林嘉树", hopes="孩子的好", note="家里的事", steps=[Step("共读", "family", clock.today())]
    )
    page = as_("何静").page(f"/visits/{visit.public_id}")

    assert "王雪" in page.text
    for told in ("孩子的好", "家里的事", "共读", "保密记录"):
        assert told not in page.html


def test_a_sealed_note_opens_only_with_a_reason_and_leaves_a_trace(as_):
    visit = visited("林嘉树", sealed="夜里睡不着")
    note = db.session.query(SealedNote).filter_by(visit_id=visit.id).one()
    principal = as_("孙立德")
    page = principal.page(f"/visits/sealed/{note.public_id}")
    assert "夜里睡不着" not in page.html

    refused = page.press("查看记录", reason="  ")
    assert refused.status == 422
    assert "夜里睡不着" not in refused.html
    assert traces(note) == []

    opened = refused.press("查看记录", reason="准备心理辅导")
    assert "夜里睡不着" in opened.text
    assert [(one.person_id, one.purpose) for one in traces(note)] == [(person("孙立德").id, "准备心理辅导")]
    for who in ("林悦", "何静", "邓宇"):
        assert "夜里睡不着" not in as_(who).page(f"/visits/{visit.public_id}").html


def traces(note):
    """The trail's entries of a sealed note being opened."""
    return (
        db.session.query(TrailEntry)
        .filter_by(action="record.read", category="F4S", object_id=note.id)
        .order_by(TrailEntry.id)
        .all()
    )


def test_a_guardian_kept_away_by_a_court_is_not_offered_as_someone_to_meet(as_):
    page = as_("王雪").page(f"/visits/new?pupil={pupil('何雨桐').public_id}")

    assert "妈妈" in page.text
    assert "爸爸" not in page.text
    assert as_("何志强").page("/visits/family").text.count("何雨桐") == 0
