"""A copy of one's own data: asked for, made, fetched once, gone after a day; and never a word of anybody else."""

import contextlib
import io
import json
import sqlite3
import zipfile
from datetime import timedelta

import html5lib
import pytest
import time_machine
from sqlalchemy import select, update

from portal import clock
from portal.accounts.models import AuthSession, Person
from portal.extensions import db
from portal.opinions.models import Opinion, OpinionAnswer
from portal.privacy import copies, jobs
from portal.privacy.models import DataCopy, ReaderQuestion
from portal.schools.models import Guardianship, Household, Pupil
from portal.trail.models import TrailEntry
from portal.visits.models import Correction, SealedNote, Visit, VisitPart, VisitRemark

PAGE = "/privacy/copies"


def person(name):
    return db.session.scalars(select(Person).where(Person.name == name)).one()


def proved(as_, name, role=None):
    """A browser whose session has just proved who holds it."""
    client = as_(name, role)
    session = db.session.scalars(select(AuthSession).order_by(AuthSession.id.desc()).limit(1)).one()
    session.proved_at = clock.now()
    db.session.commit()
    return client


def newest():
    return db.session.scalars(select(DataCopy).order_by(DataCopy.id.desc()).limit(1)).one()


def files_of(name):
    with zipfile.ZipFile(io.BytesIO(copies.zipped(person(name), clock.now()))) as archive:
        return {entry: archive.read(entry).decode() for entry in archive.namelist()}


def fetch(client):
    page = client.page(PAGE)
    form = page.form_of("领取副本")
    return client.post(form.get("action"), data=page.fields(form))


def test_a_copy_is_asked_for_made_and_fetched_once(as_):
    client = proved(as_, "李晚晴", "guardian")
    page = client.page(PAGE).press("申请副本")

    assert "已做好" in page.text
    first = fetch_twice = client.page(PAGE).form_of("领取副本")
    sent = client.page(PAGE).fields(fetch_twice)
    answer = client.post(first.get("action"), data=sent)
    assert answer.status_code == 200
    assert answer.headers["Content-Disposition"].startswith("attachment")
    assert "no-store" in answer.headers["Cache-Control"]
    with zipfile.ZipFile(io.BytesIO(answer.data)) as archive:
        assert "index.html" in archive.namelist() and "data.json" in archive.namelist()
    again = client.post(first.get("action"), data={**sent, "once": "a"})
    assert again.status_code == 409
    copy = newest()
    assert (copy.state, copy.content, copy.key) == ("fetched", None, None)
    actions = [entry.action for entry in db.session.scalars(select(TrailEntry).order_by(TrailEntry.id))]
    assert actions[-3:] == ["copy.asked", "copy.made", "copy.fetched"]


def test_without_a_fresh_proof_nothing_is_made_or_handed_out(as_):
    before = newest().id
    client = as_("李晚晴", "guardian")
    db.session.execute(update(AuthSession).values(proved_at=clock.now() - timedelta(minutes=11)))
    db.session.commit()
    page = client.page(PAGE).press("申请副本")

    assert page.status == 401
    assert newest().id == before


def test_a_copy_that_nobody_fetches_is_gone_on_the_minute(as_):
    client = proved(as_, "李晚晴", "guardian")
    client.page(PAGE).press("申请副本")
    made_at = newest().ready_at
    with time_machine.travel(made_at + timedelta(hours=24) - timedelta(minutes=1), tick=False):
        jobs.forget_unfetched()
        assert newest().state == "ready"
    with time_machine.travel(made_at + timedelta(hours=24), tick=False):
        assert not newest().is_there(clock.now())
        jobs.forget_unfetched()
        jobs.forget_unfetched()
    assert (newest().state, newest().content, newest().key_sealed) == ("gone", None, None)


def test_a_lost_ring_is_found_again_and_a_second_run_makes_nothing(as_):
    made = DataCopy(
        person_id=person("李晚晴").id,
        asked_at=clock.now() - timedelta(minutes=5),
        due_on=clock.today() + timedelta(days=15),
        state="waiting",
    )
    db.session.add(made)
    db.session.commit()
    jobs.make_waiting()
    first = newest().content
    jobs.make_copy(copy_id=newest().id)

    assert first is not None and newest().content == first


def test_a_copy_that_is_late_alarms_the_district_of_the_person_and_no_other(as_):
    db.session.add(
        DataCopy(
            person_id=person("林悦").id,
            state="waiting",
            asked_at=clock.now() - timedelta(days=30),
            due_on=clock.today() - timedelta(days=1),
        )
    )
    db.session.commit()
    assert "份信息副本超期" in as_("张建平").page("/").text
    assert "份信息副本超期" not in as_("唐芸").page("/").text
    late = db.session.scalars(select(DataCopy).where(DataCopy.state == "waiting")).one()
    late.person_id = person("唐芸").id
    db.session.commit()

    assert "份信息副本超期" not in as_("张建平").page("/").text
    assert "份信息副本超期" in as_("唐芸").page("/").text


def test_the_file_is_sealed_where_it_lies(as_, home):
    client = proved(as_, "李晚晴", "guardian")
    client.page(PAGE).press("申请副本")
    db.session.remove()
    with contextlib.closing(sqlite3.connect(home / "portal.db")) as raw:
        stored = raw.execute("SELECT content FROM data_copy WHERE state = 'ready'").fetchone()[0]

    assert stored[:2] != b"PK" and b"index.html" not in stored


def test_several_copies_a_day_are_enough(as_):
    client = proved(as_, "李晚晴", "guardian")
    statuses = [client.page(PAGE).press("申请副本").status for _number in range(4)]

    assert statuses == [200, 200, 200, 429]


def test_the_pages_are_whole_without_script_and_say_the_same_as_the_json(app):
    found = files_of("李晚晴")
    data = json.loads(found["data.json"])

    assert set(data["areas"]) == {
        "me",
        "children",
        "notices",
        "visits",
        "opinions",
        "courses",
        "consents",
        "readings",
    }
    for name, text in found.items():
        if name.endswith(".html"):
            parser = html5lib.HTMLParser(namespaceHTMLElements=False)
            parser.parse(text)
            assert parser.errors == [], name
            assert "<script" not in text and "http" not in text.replace("http-equiv", "")
    for area, tables in data["areas"].items():
        for rows in tables.values():
            for row in rows:
                for value in row.values():
                    assert not value or value.split("\n")[0][:20] in html_text(found[f"{area}.html"])
    assert "README.txt" in found and "副本里没有" in found["README.txt"]


def html_text(source):
    return "".join(html5lib.parse(source, treebuilder="etree", namespaceHTMLElements=False).itertext())


def apart():
    """赵大江 lives apart from now on: two households of the same children."""
    home = Household(formed_on=clock.today())
    db.session.add(home)
    db.session.flush()
    for tie in db.session.scalars(select(Guardianship).where(Guardianship.person_id == person("赵大江").id)):
        tie.household_id = home.id
    db.session.commit()


def canaries():
    """A word in everything that 周桂兰 must not find in her copy, and one that she must."""
    forbidden, allowed = [], []

    def word(kind, into):
        into.append(f"金丝雀{kind}")
        return into[-1]

    visits = db.session.scalars(
        select(Visit)
        .join(Pupil, Pupil.id == Visit.pupil_id)
        .where(Pupil.name == "赵小满", Visit.outcome == "met")
    ).all()
    visit, father, mother = visits[0], person("赵大江"), person("周桂兰")
    now = clock.now()
    for part in db.session.scalars(select(VisitPart).where(VisitPart.visit_id == visit.id)):
        part.hopes, part.note, part.school_only = word("期望", allowed), word("内部", forbidden), True
    db.session.add_all(
        [
            VisitRemark(
                visit_id=visit.id, person_id=father.id, body=word("父亲补充", forbidden), written_at=now
            ),
            VisitRemark(
                visit_id=visit.id, person_id=mother.id, body=word("母亲补充", allowed), written_at=now
            ),
            Correction(
                visit_id=visit.id,
                person_id=father.id,
                body=word("父亲更正", forbidden),
                asked_at=now,
                answered_at=now,
            ),
        ]
    )
    for note in db.session.scalars(select(SealedNote)):
        note.body = word(f"保密{note.id}", forbidden)
    for opinion in db.session.scalars(select(Opinion)):
        into = allowed if opinion.author_id == mother.id else forbidden
        opinion.text = word(f"意见{opinion.id}", into)
        for answer in db.session.scalars(select(OpinionAnswer).where(OpinionAnswer.opinion_id == opinion.id)):
            answer.text = word(f"答复{answer.id}", into)
    for other in db.session.scalars(
        select(VisitPart).where(VisitPart.visit_id.not_in([one.id for one in visits]))
    ):
        other.hopes = word(f"别家{other.id}", forbidden)
    for who in db.session.scalars(select(Person).where(Person.id != mother.id)):
        if who.phone:
            forbidden.append(who.phone)
    forbidden += ["陈一诺", "林嘉树", "李晚晴", "何雨桐"]
    allowed += [mother.phone, "赵小满"]
    db.session.commit()
    return forbidden, allowed


def test_no_word_of_anybody_else_is_in_a_copy(app):
    forbidden, allowed = canaries()
    found = files_of("周桂兰")
    text = "\n".join(found.values())

    assert [word for word in forbidden if word in text] == []
    assert [word for word in allowed if word not in text] == []


def test_the_search_for_canaries_finds_one(app, monkeypatch):
    forbidden, _allowed = canaries()
    monkeypatch.setattr(
        copies, "OPINION_OWN", copies.OPINION_OWN.__class__.__new__(copies.OPINION_OWN.__class__)
    )
    monkeypatch.setattr(copies.OPINION_OWN, "rows", lambda _actor: select(Opinion), raising=False)
    text = "\n".join(files_of("周桂兰").values())

    assert any(word in text for word in forbidden)


def test_parents_who_live_apart_have_no_word_of_each_other(app):
    apart()
    canaries()
    text = "\n".join(files_of("赵大江").values())

    assert "周桂兰" not in text
    assert "金丝雀期望" not in text
    assert "金丝雀母亲补充" not in text
    assert person("周桂兰").phone not in text


def test_a_restricted_guardian_has_a_copy_without_the_child(app):
    text = "\n".join(files_of("何志强").values())

    assert "何雨桐" not in text and "方晴" not in text
    assert "何志强" in text


def test_a_teacher_has_a_copy_without_families(app):
    text = "\n".join(files_of("刘明远").values())

    assert "班主任" in text
    assert "赵小满" not in text


def test_a_copy_costs_the_same_for_few_and_many_visits(app, queries):
    with queries() as few:
        copies.zipped(person("方晴"), clock.now())
    with queries() as many:
        copies.zipped(person("周桂兰"), clock.now())

    assert len(many.statements) <= len(few.statements) + 6


@pytest.mark.parametrize("name", ["买买提·艾合买提", "<b>𠮷</b> & \"'", "=1+1"])
def test_names_stay_as_typed(app, name):
    db.session.scalars(select(Pupil).where(Pupil.name == "赵小满")).one().name = name
    db.session.commit()
    found = files_of("周桂兰")

    assert name in json.loads(found["data.json"])["areas"]["children"]["children"][0]["name"]
    assert name in html_text(found["children.html"])


# Who opened our record.


def open_visit(as_, who="孙立德", name="赵小满"):
    visit = db.session.scalars(
        select(Visit)
        .join(Pupil, Pupil.id == Visit.pupil_id)
        .where(Pupil.name == name, Visit.outcome == "met")
    ).first()
    assert as_(who).page(f"/visits/{visit.public_id}").status == 200
    return visit


def test_an_opening_stands_on_the_family_page_without_the_name(as_):
    open_visit(as_)
    page = as_("周桂兰").page("/privacy/readings")

    assert "家访记录 · 赵小满" in page.text and "校长" in page.text and "望溪小学" in page.text
    assert "孙立德" not in page.text
    assert "校长" not in as_("方晴").page("/privacy/readings").text


def test_openings_of_sealed_notes_are_never_told(as_):
    note = db.session.scalars(select(SealedNote)).first()
    visit = db.session.get(Visit, note.visit_id)
    client = proved(as_, "孙立德")
    page = client.page(f"/visits/sealed/{note.public_id}")
    assert page.press(page.buttons[-1], reason="核实安全情况").status == 200
    assert db.session.scalar(select(TrailEntry.id).where(TrailEntry.category == "F4S")) is not None
    guardians = db.session.scalars(
        select(Person)
        .join(Guardianship, Guardianship.person_id == Person.id)
        .where(Guardianship.pupil_id == visit.pupil_id)
    ).all()

    for guardian in guardians:
        assert "核实安全情况" not in as_(guardian.name, "guardian").page("/privacy/readings").text
        assert "核实安全情况" not in "\n".join(files_of(guardian.name).values())


def test_an_opened_opinion_is_told_to_its_author_only(as_):
    opinion = db.session.scalars(select(Opinion).where(Opinion.author_id == person("周桂兰").id)).first()
    as_("孙立德").page(f"/opinions/{opinion.public_id}")

    assert "您提的意见" in as_("周桂兰").page("/privacy/readings").text
    assert "您提的意见" not in as_("赵大江").page("/privacy/readings").text


def test_the_other_household_does_not_learn_of_a_visit_from_its_openings(as_):
    apart()
    open_visit(as_)

    assert "家访记录" in as_("周桂兰").page("/privacy/readings").text
    assert "家访记录" not in as_("赵大江").page("/privacy/readings").text


def test_the_school_tells_the_name_when_asked(as_):
    open_visit(as_)
    page = as_("周桂兰").page("/privacy/readings").press("问问是谁")
    assert "已询问" in page.text
    question = db.session.scalars(select(ReaderQuestion).order_by(ReaderQuestion.id.desc())).first()

    own = as_("孙立德").page(f"/privacy/questions/{question.public_id}")
    assert own.press("答复家长", tell="yes").status == 409
    office = as_("何静").page(f"/privacy/questions/{question.public_id}")
    assert office.press("答复家长", tell="no").status == 422
    assert office.press("答复家长", tell="yes", words="例行检查。").status == 200
    assert "是孙立德" in as_("周桂兰").page("/privacy/readings").text
    assert as_("罗敏").page(f"/privacy/questions/{question.public_id}").status == 404


@pytest.mark.parametrize("entry", ["", "0", "-1", "999999999999999999", "١", "1' OR 1=1"])
def test_a_mangled_question_is_refused(as_, entry):
    open_visit(as_)
    page = as_("周桂兰").page("/privacy/readings")

    assert page.press("问问是谁", entry=entry).status == 422
