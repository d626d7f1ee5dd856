"""Consent through the front door: one tap to give, one to take back, the stricter answer holds, a class is asked once."""

import hashlib
from dataclasses import replace
from datetime import timedelta

import pytest
import time_machine
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, func, select

from portal import clock, consent
from portal.accounts.models import Person
from portal.consent import Purpose
from portal.errors import RuleBroken
from portal.extensions import db
from portal.privacy import consents, purposes
from portal.privacy.ages import Band, band
from portal.privacy.models import Consent
from portal.schools.models import Flag, Guardianship, GuardianshipFlag, Pupil, SchoolClass, Stage
from portal.trail.models import TrailEntry
from tests.support.client import words

PAGE = "/privacy/consents"


def person(name):
    return db.session.scalars(select(Person).where(Person.name == name)).one()


def child(name="陈一诺"):
    return db.session.scalars(select(Pupil).where(Pupil.name == name)).one()


def third_class():
    return db.session.scalars(select(SchoolClass).where(SchoolClass.name == "三(2)班")).first()


def say(as_, who, answer, purpose="visit_photo", name="陈一诺", version="1", **more):
    client = as_(who, "guardian")
    page = client.page(PAGE)
    token = next(e.get("value") for e in page.all("input", name="csrf_token"))
    sent = {"csrf_token": token, "purpose": purpose, "version": version, "answer": answer, **more}
    return client.send(f"{PAGE}/{child(name).public_id}/answers", sent)


def allowed(purpose=Purpose.VISIT_PHOTO, name="陈一诺", on=None):
    return consent.allows(purpose, child(name).id, on or clock.today())


def card(page, purpose, name="陈一诺"):
    return words(page.all("section", id=f"{purpose}-{child(name).public_id}")[0])


def test_nothing_is_allowed_before_somebody_agrees(app):
    assert not allowed()


def test_one_tap_gives_and_one_tap_takes_back_at_once(as_):
    page = as_("方晴").page(PAGE)
    assert "不同意 同意" not in page.text
    form = page.all("section", id=f"visit_photo-{child('何雨桐').public_id}")[0]
    assert form is not None

    say(as_, "方晴", "yes", name="何雨桐")
    assert allowed(name="何雨桐")
    after = as_("方晴").page(PAGE)
    assert "撤回同意" in card(after, "visit_photo", "何雨桐")

    say(as_, "方晴", "no", name="何雨桐")
    assert not allowed(name="何雨桐")
    last = db.session.scalars(select(Consent).order_by(Consent.id.desc()).limit(1)).one()
    assert (last.answer, last.channel, last.version, last.age_band) == ("withdrawn", "screen", 1, "under_14")


def test_the_stricter_of_two_guardians_holds_and_both_are_told(as_):
    say(as_, "李晚晴", "yes")
    assert allowed()
    say(as_, "陈守川", "no")

    assert not allowed()
    mother, father = as_("李晚晴").page(PAGE), as_("陈守川").page(PAGE)
    assert "按更严的一方执行" in card(mother, "visit_photo")
    assert "按更严的一方执行" in card(father, "visit_photo")
    assert "陈守川" not in mother.text
    say(as_, "陈守川", "yes")
    assert allowed()


def test_a_refusal_costs_no_notice_no_visit_and_no_course(as_):
    pages = ("/notices/", "/visits/family", "/courses/", "/opinions/new")
    before = [as_("李晚晴").page(path).text for path in pages]
    for purpose in Purpose:
        say(as_, "李晚晴", "no", purpose.value)

    assert [as_("李晚晴").page(path).text for path in pages] == before


def test_a_new_version_asks_again_and_an_old_no_still_holds(as_, monkeypatch):
    say(as_, "李晚晴", "yes")
    say(as_, "林悦", "no", name="林嘉树")
    declared = purposes.PURPOSES[Purpose.VISIT_PHOTO]
    newer = replace(declared.versions[0], number=2, from_on=clock.today())
    monkeypatch.setitem(
        purposes.PURPOSES, Purpose.VISIT_PHOTO, replace(declared, versions=(*declared.versions, newer))
    )

    assert not allowed()
    assert allowed(on=clock.today() - timedelta(days=1)) is False
    assert "有了新版本" in card(as_("李晚晴").page(PAGE), "visit_photo")
    assert say(as_, "李晚晴", "yes", version="1").status == 409
    assert say(as_, "李晚晴", "yes", version="2").status == 200
    assert allowed()
    assert not allowed(name="林嘉树")


def test_answers_of_those_who_may_not_sign_do_not_count(as_):
    say(as_, "赵大江", "yes", name="赵小满")
    assert allowed(name="赵小满")
    tie = select(Guardianship.id).where(Guardianship.person_id == person("赵大江").id)
    db.session.execute(
        delete(GuardianshipFlag).where(
            GuardianshipFlag.guardianship_id.in_(tie), GuardianshipFlag.kind == Flag.MAY_SIGN
        )
    )
    db.session.commit()

    assert not allowed(name="赵小满")
    assert say(as_, "赵大江", "yes", name="赵小满").status == 404
    assert "可以代孩子签字的监护人回答" in as_("赵大江").page(PAGE).text


@pytest.mark.parametrize("kind", [Flag.LIMITED, Flag.UNCONFIRMED, Flag.RESTRICTED])
def test_a_limited_or_unconfirmed_guardian_does_not_sign(as_, kind):
    say(as_, "赵大江", "yes", name="赵小满")
    assert allowed(name="赵小满")
    tie = db.session.scalars(select(Guardianship).where(Guardianship.person_id == person("赵大江").id)).one()
    db.session.add(
        GuardianshipFlag(guardianship_id=tie.id, kind=kind, started_on=clock.today(), basis="演练文书")
    )
    db.session.commit()

    assert not allowed(name="赵小满")
    assert say(as_, "赵大江", "yes", name="赵小满").status == 404


def test_a_restricted_guardian_sees_and_says_nothing(as_):
    assert child("何雨桐").public_id not in as_("何志强").page(PAGE).html
    assert say(as_, "何志强", "no", name="何雨桐").status == 404


def test_paper_is_entered_by_the_school_and_seen_by_the_guardian(as_):
    form = as_("王雪", "class_teacher").page(f"{PAGE}/pupils/{child().public_id}/paper")
    tie = db.session.scalars(
        select(Guardianship).where(
            Guardianship.person_id == person("陈守川").id, Guardianship.pupil_id == child().id
        )
    ).one()
    done = form.press("录入回执", guardian=tie.public_id, purpose="reading_audio", answer="yes")

    assert done.status == 200
    assert allowed(Purpose.READING_AUDIO)
    assert "纸质回执，由学校录入" in as_("陈守川").page(PAGE).text
    entry = db.session.scalars(select(TrailEntry).order_by(TrailEntry.id.desc()).limit(1)).one()
    assert (entry.action, entry.facts["on_paper"]) == ("consent.given", True)


def test_an_older_slip_does_not_undo_a_newer_answer(as_):
    say(as_, "李晚晴", "no")
    form = as_("王雪", "class_teacher").page(f"{PAGE}/pupils/{child().public_id}/paper")
    tie = db.session.scalars(
        select(Guardianship).where(
            Guardianship.person_id == person("李晚晴").id, Guardianship.pupil_id == child().id
        )
    ).one()
    yesterday = clock.today() - timedelta(days=1)
    sent = {"guardian": tie.public_id, "purpose": "visit_photo", "answer": "yes"}

    assert form.press("录入回执", **sent, signed_on=str(yesterday)).status == 409
    assert not allowed()
    assert form.press("录入回执", **sent, signed_on=str(clock.today())).status == 200


@pytest.mark.parametrize(
    "field, value",
    [
        ("guardian", "0"),
        ("guardian", ""),
        ("purpose", "anything"),
        ("answer", "perhaps"),
        ("signed_on", "2020-01-01"),
        ("signed_on", "9999-12-31"),
        ("signed_on", "2026-02-30"),
        ("signed_on", ""),
    ],
)
def test_a_wrong_slip_is_refused_at_its_field(as_, field, value):
    before = db.session.scalar(select(func.count(Consent.id)))
    form = as_("王雪", "class_teacher").page(f"{PAGE}/pupils/{child().public_id}/paper")
    tie = db.session.scalars(
        select(Guardianship.public_id).where(Guardianship.pupil_id == child().id)
    ).first()
    good = {"guardian": tie, "purpose": "visit_photo", "answer": "yes", "signed_on": str(clock.today())}

    assert form.press("录入回执", **{**good, field: value}).status == 422
    assert db.session.scalar(select(func.count(Consent.id))) == before


@pytest.mark.parametrize(
    "sent",
    [
        {"purpose": "__class__"},
        {"purpose": ""},
        {"version": "-1"},
        {"version": "١"},
        {"version": "9" * 400},
        {"answer": "maybe"},
        {"answer": ""},
    ],
)
def test_a_mangled_answer_changes_nothing(as_, sent):
    before = db.session.scalar(select(func.count(Consent.id)))

    assert say(as_, "李晚晴", **{"answer": "yes", **sent}).status == 422
    assert db.session.scalar(select(func.count(Consent.id))) == before


def test_a_class_is_asked_once_and_only_those_who_have_not_answered(as_):
    address = f"{PAGE}/classes/{third_class().public_id}?purpose=visit_photo"
    say(as_, "林悦", "no", name="林嘉树")
    page = as_("王雪", "class_teacher").page(address).press("询问还没回答的家长")

    assert page.status == 200 and "不再重复询问" in page.text
    assert "询问还没回答的家长" not in page.buttons
    assert "学校想征求您的意见" in as_("李晚晴").page("/").text
    assert "学校想征求您的意见" not in as_("林悦", "guardian").page("/").text
    say(as_, "李晚晴", "no")
    assert "学校想征求您的意见" not in as_("李晚晴").page("/").text
    with pytest.raises(RuleBroken, match="问过一次"):
        consents.remind(third_class(), Purpose.VISIT_PHOTO, person("王雪").id, clock.today())


def test_the_question_leaves_the_first_page_after_two_weeks(as_):
    consents.remind(third_class(), Purpose.VISIT_PHOTO, person("王雪").id, clock.today())
    db.session.commit()
    assert "学校想征求您的意见" in as_("李晚晴").page("/").text
    with time_machine.travel(clock.now() + timedelta(days=14), tick=True):
        assert "学校想征求您的意见" not in as_("李晚晴").page("/").text


def test_the_school_sees_counts_and_children_of_its_own_classes(as_):
    page = as_("何静").page(f"{PAGE}/classes/{third_class().public_id}?purpose=school_photo")

    assert "陈一诺" in page.text and "林嘉树" in page.text
    assert "李晚晴" not in page.text
    assert "仅供工作使用" in page.text
    other = as_("罗敏")
    assert other.page(f"{PAGE}/classes/{third_class().public_id}").status == 404


def test_a_class_costs_the_same_for_one_child_as_for_many(as_, queries):
    client = as_("王雪", "class_teacher")
    address = f"{PAGE}/classes/{third_class().public_id}"
    client.page(address)
    with queries() as few:
        client.page(address)
    for name in ("李晚晴", "方晴", "林悦"):
        for purpose in Purpose:
            own = {"李晚晴": "陈一诺", "方晴": "何雨桐", "林悦": "林嘉树"}[name]
            say(as_, name, "yes", purpose.value, name=own)
    with queries() as many:
        client.page(address)

    assert len(many.statements) == len(few.statements)


def test_the_rules_are_public_and_in_plain_words(as_):
    page = as_(None).page("/privacy/rules")

    assert page.status == 200
    assert "未满 14 周岁" in page.text
    assert "不同意没有任何影响" in page.text


WORDINGS = {
    ("school_photo", 1): "99a03cf4daaf5882",
    ("visit_photo", 1): "8cd5b1954af00b30",
    ("reading_audio", 1): "a30711ce4044a227",
    ("partner_referral", 1): "2841fe2486278c12",
    ("case_publication", 1): "a294352fed44cb72",
}


def fingerprint(version):
    english = [text._args[0] for text in (version.what, version.why, version.who, version.kept)]
    return hashlib.sha256("\n".join(english).encode()).hexdigest()[:16]


def test_a_wording_that_is_in_use_never_changes():
    """A changed text is a new version: then add its line, and leave the others as they are."""
    found = {
        (purpose.value, version.number): fingerprint(version)
        for purpose, declared in purposes.PURPOSES.items()
        for version in declared.versions
    }

    assert found == WORDINGS


@pytest.mark.parametrize(
    "stage, level, expected",
    [
        (Stage.KINDERGARTEN, 3, Band.UNDER_14),
        (Stage.PRIMARY, 6, Band.UNDER_14),
        (Stage.JUNIOR, 2, Band.UNDER_14),
        (Stage.JUNIOR, 3, Band.FROM_14),
        (Stage.SENIOR, 1, Band.FROM_14),
        (Stage.VOCATIONAL, 3, Band.FROM_14),
    ],
)
def test_the_age_group_follows_the_grade(stage, level, expected):
    assert band(stage, level) == expected


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.sampled_from(["李晚晴", "陈守川"]), st.booleans()), max_size=8))
def test_what_holds_is_what_the_newest_answers_say(app, told):
    db.session.rollback()
    pupil, at = child(), clock.now()
    for number, (name, agrees) in enumerate(told):
        consents.answer(
            pupil, person(name).id, Purpose.VISIT_PHOTO, 1, agrees, at=at + timedelta(microseconds=number)
        )
    newest = dict(told)

    assert allowed() == (bool(newest) and all(newest.values()))
    db.session.rollback()
