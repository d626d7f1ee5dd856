"""Restrictions by court order: two people, dates, every query; and what twelve kinds of families may see of each other."""

import io
from dataclasses import dataclass
from datetime import timedelta

import pytest
import time_machine
from sqlalchemy import func, select, update
from sqlalchemy.exc import IntegrityError
from werkzeug.datastructures import FileStorage

from portal import clock
from portal.access import Actor, Role
from portal.accounts import passwords
from portal.accounts.models import AuthSession, Person
from portal.courses.models import CourseSession
from portal.custody import restricting
from portal.custody.models import Document, Restriction
from portal.deliveries.kinds import KINDS
from portal.deliveries.models import Delivery
from portal.extensions import db
from portal.files.intake import take
from portal.files.models import File
from portal.files.storing import keep
from portal.joining.models import GuardianNews
from portal.notices import audience
from portal.notices.models import Notice, State
from portal.privacy.erasing import erase_pupil
from portal.ratings.metrics.registry import cared_for_on
from portal.rehearsal.town import PASSWORD
from portal.schools import enrolling, summaries
from portal.schools.models import (
    Enrolment,
    Flag,
    Guardianship,
    GuardianshipFlag,
    Pupil,
    School,
    SchoolClass,
)
from portal.trail.models import TrailEntry
from portal.visits.homes import homes_of
from portal.visits.models import Invitation, InvitationState, Outcome, Visit, VisitPart
from tests.files.conftest import sent
from tests.files.seeds import office, pdf, picture

GOOD = {
    "document": "protection_order",
    "court": "云溪县人民法院",
    "number": "（2026）民保令3号",
}


def person(name):
    return db.session.scalars(select(Person).where(Person.name == name)).one()


def pupil(name="陈一诺"):
    return db.session.scalars(select(Pupil).where(Pupil.name == name)).one()


def tie(name="陈守川", child="陈一诺"):
    return db.session.scalars(
        select(Guardianship).where(
            Guardianship.person_id == person(name).id, Guardianship.pupil_id == pupil(child).id
        )
    ).one()


def enter(as_, who="何静", **more):
    today = clock.today()
    page = as_(who).page(f"/custody/pupils/{pupil().public_id}/new")
    values = {
        "guardianship": tie().public_id,
        "issued_on": str(today),
        "from_on": str(today),
        "until_on": str(today + timedelta(days=30)),
        "papers": [sent(picture(), "裁定书.jpg")],
        **GOOD,
        **more,
    }
    return page.press("提交校长审批", **values)


def newest():
    return db.session.scalars(select(Restriction).order_by(Restriction.id.desc())).first()


def sees(as_, name="陈守川", child="陈一诺"):
    return as_(name).get(f"/schools/pupils/{pupil(child).public_id}").status_code == 200


def test_the_whole_life_of_a_restriction(as_):
    page = enter(as_)
    assert page.status == 200 and "等待批准" in page.text
    assert sees(as_)
    found = newest()
    assert found.number == GOOD["number"].replace("（", "(").replace("）", ")")
    assert "民保令".encode() not in found.number_sealed

    principal = as_("孙立德")
    assert "审批一份法院限制" in principal.page("/").text
    page = principal.page(f"/custody/{found.public_id}").press("批准：与文书相符")
    assert "生效中" in page.text
    assert not sees(as_)
    father = as_("陈守川").page("/")
    assert "一诺" not in father.html
    assert "法院限制" not in as_("李晚晴").page("/").html.replace("依据法院文书", "")
    assert "依据法院文书，一位监护人受到限制：爸爸" in as_("李晚晴").page("/").text

    as_("何静").page(f"/custody/{found.public_id}").client.page(f"/custody/{found.public_id}/end").press(
        "提交第二个人审批", reason="法院已撤销"
    )
    assert not sees(as_)
    as_("孙立德").page(f"/custody/{newest().public_id}").press("同意解除")
    assert sees(as_)
    actions = set(db.session.scalars(select(TrailEntry.action)))
    assert {
        "custody.proposed",
        "custody.approved",
        "custody.end_asked",
        "custody.ended",
        "record.read",
    } <= actions


def test_it_ends_by_its_date(as_):
    enter(as_)
    as_("孙立德").page(f"/custody/{newest().public_id}").press("批准：与文书相符")
    with time_machine.travel(clock.now() + timedelta(days=30)):
        assert not sees(as_)
    with time_machine.travel(clock.now() + timedelta(days=31)):
        assert sees(as_)


def test_it_begins_on_its_date(as_):
    begins = clock.today() + timedelta(days=2)
    enter(as_, from_on=str(begins))
    as_("孙立德").page(f"/custody/{newest().public_id}").press("批准：与文书相符")
    assert sees(as_)
    with time_machine.travel(clock.now() + timedelta(days=2)):
        assert not sees(as_)


def test_a_restricted_guardian_reads_whom_to_ask_and_nothing_else(as_):
    page = as_("何志强").page("/")

    assert "这里没有孩子的信息" in page.text
    assert "雨桐" not in page.html and "法院" not in page.html


def test_nobody_approves_their_own(as_):
    enter(as_, who="孙立德")
    page = as_("孙立德").page(f"/custody/{newest().public_id}")
    assert "批准：与文书相符" not in page.buttons
    form = as_("何静").page(f"/custody/{newest().public_id}")
    assert form.status == 200
    newest().decided_by_id = newest().proposed_by_id
    with pytest.raises(IntegrityError):
        db.session.flush()
    db.session.rollback()


def test_the_second_person_may_refuse(as_):
    enter(as_)
    page = as_("孙立德").page(f"/custody/{newest().public_id}/refusal").press("不批准", reason="文书不是原件")

    assert "文书不是原件" in page.text
    assert sees(as_)
    assert as_("孙立德").page(f"/custody/{newest().public_id}").buttons == []


def heard():
    """(who, what) of all news, and who got a message that there is some."""
    news = db.session.execute(
        select(Person.name, GuardianNews.kind).join(Person, Person.id == GuardianNews.person_id)
    )
    sent_to = select(Person.name).join(Delivery, Delivery.person_id == Person.id)
    return {tuple(row) for row in news}, set(
        db.session.scalars(sent_to.where(Delivery.kind == "guardian.news"))
    )


def test_the_full_guardians_and_the_class_teacher_hear_it_and_the_restricted_one_does_not(as_):
    before, _none = heard()
    enter(as_)
    as_("孙立德").page(f"/custody/{newest().public_id}").press("批准：与文书相符")
    news, messages = heard()
    assert news - before == {("李晚晴", "restricted"), ("王雪", "restricted")}
    assert messages == {"李晚晴", "王雪"}
    for sent_text in db.session.scalars(select(Delivery).where(Delivery.kind == "guardian.news")):
        subject, text = KINDS["guardian.news"].worded({})
        assert "一诺" not in subject + text and "法院" not in subject + text and not sent_text.values

    teacher = as_("王雪", "class_teacher").page("/")
    assert "依据法院文书，一位监护人受到限制：爸爸" in teacher.text
    after = teacher.press("我知道了")
    assert "受到限制" not in after.text

    found = newest().public_id
    as_("何静").page(f"/custody/{found}/end").press("提交第二个人审批", reason="法院已撤销")
    as_("孙立德").page(f"/custody/{found}").press("同意解除")
    news, messages = heard()
    assert {("李晚晴", "restriction_ended"), ("王雪", "restriction_ended")} <= news
    assert "陈守川" not in messages


def test_who_sees_and_confirms_only_does_not_hear_of_a_restriction(as_):
    limited = tie("李晚晴")
    db.session.add(GuardianshipFlag(guardianship_id=limited.id, kind=Flag.LIMITED, started_on=clock.today()))
    before, _none = heard()
    enter(as_)
    as_("孙立德").page(f"/custody/{newest().public_id}").press("批准：与文书相符")
    news, messages = heard()
    assert news - before == {("王雪", "restricted")} and messages == {"王雪"}


def test_for_safety_only_the_class_teacher_is_told(as_):
    before, _none = heard()
    enter(as_, is_quiet="y")
    as_("孙立德").page(f"/custody/{newest().public_id}").press("批准：与文书相符")

    assert not sees(as_)
    news, messages = heard()
    assert news - before == {("王雪", "restricted")} and messages == {"王雪"}


# The scan of the paper.


def scans(found=None):
    found = found or newest()
    return db.session.scalars(
        select(File).where(File.owner_kind == "restriction", File.owner_id == found.id).order_by(File.id)
    ).all()


def test_without_a_scan_nobody_is_restricted(as_):
    page = enter(as_, papers=[])
    assert "还没有文书扫描件" in page.text
    principal = as_("孙立德")
    page = principal.page(f"/custody/{newest().public_id}")
    assert "批准：与文书相符" not in page.buttons
    token = page.fields(page.form_of("添加扫描件"))
    assert principal.post(f"/custody/{newest().public_id}/approval", data=token).status_code == 409
    assert sees(as_)

    page = as_("何静").page(f"/custody/{newest().public_id}")
    page = page.press("添加扫描件", papers=[sent(pdf(), "裁定书.pdf"), sent(picture(), "第二页.jpg")])
    assert page.status == 200 and "裁定书.pdf" in page.text and "第二页.jpg" in page.text
    assert "已批准" in principal.page(f"/custody/{newest().public_id}").press("批准：与文书相符").html
    assert not sees(as_)


def test_what_the_second_person_saw_does_not_change_afterwards(as_):
    enter(as_)
    client = as_("何静")
    page = client.page(f"/custody/{newest().public_id}")
    as_("孙立德").page(f"/custody/{newest().public_id}").press("批准：与文书相符")
    late = page.press("添加扫描件", papers=[sent(pdf(), "另一份.pdf")])
    assert late.status == 409 and [scan.name for scan in scans()] == ["裁定书.jpg"]


@pytest.mark.parametrize(
    "papers, told",
    [
        ([sent(office(), "裁定.docx")], "既不是图片也不是 PDF"),
        ([sent(b"MZ\x00", "裁定.pdf")], "裁定.pdf"),
        ([sent(pdf(str(n).encode()), f"{n}.pdf") for n in range(7)], "最多 6 个文件"),
    ],
    ids=["word", "program", "seven"],
)
def test_what_is_no_scan_is_refused_and_the_rest_kept(as_, papers, told):
    before = newest().id
    page = enter(as_, papers=papers)
    assert page.status == 422 and told in page.text
    assert newest().id == before and GOOD["court"] in page.html


def test_a_form_with_a_mistake_says_that_the_files_are_to_be_chosen_again(as_):
    page = enter(as_, court="")
    assert page.status == 422 and "请重新选择文件" in page.text


def test_the_scan_opens_for_the_school_with_a_fresh_proof_and_each_opening_is_recorded(as_):
    enter(as_)
    scan = scans()[0]
    assert scan.holds == "F4S"
    path = f"/files/{scan.public_id}"
    for name, role, status in (
        ("何静", None, 200),
        ("孙立德", None, 200),
        ("王雪", "class_teacher", 404),
        ("李晚晴", None, 404),
        ("陈守川", None, 404),
        ("张建平", None, 404),
        ("罗敏", None, 404),
    ):
        assert as_(name, role).get(path).status_code == status, name
    reads = db.session.scalars(
        select(TrailEntry).where(
            TrailEntry.action == "record.read", TrailEntry.object_kind == "file", TrailEntry.category == "F4S"
        )
    ).all()
    assert {entry.person_id for entry in reads} == {person("何静").id, person("孙立德").id}
    assert {entry.pupil_id for entry in reads} == {pupil().id}

    client = as_("何静")
    client.page("/")
    db.session.execute(update(AuthSession).values(proved_at=clock.now() - timedelta(minutes=11)))
    db.session.commit()
    assert client.get(path).status_code == 303
    assert client.get("/custody/").status_code == 200


def test_over_a_proof_what_was_typed_is_kept_and_the_files_are_asked_for_again(as_):
    client, before = as_("何静"), newest().id
    page = client.page(f"/custody/pupils/{pupil().public_id}/new")
    db.session.execute(update(AuthSession).values(proved_at=clock.now() - timedelta(minutes=11)))
    db.session.commit()
    today = str(clock.today())
    values = {"guardianship": tie().public_id, "issued_on": today, "from_on": today, **GOOD}
    asked = page.press("提交校长审批", **values, papers=[sent(picture(), "裁定书.jpg")])
    assert asked.status == 401 and "要重新选一次" in asked.text
    again = asked.press("确认", password=PASSWORD).press("继续")
    assert again.status == 422 and "请重新选择文件" in again.text
    assert GOOD["court"] in again.html and newest().id == before
    done = again.press("提交校长审批", papers=[sent(picture(), "裁定书.jpg")])
    assert done.status == 200 and newest().id > before and len(scans()) == 1


def test_over_a_proof_a_form_without_files_goes_on_with_one_tap(as_):
    client, before = as_("何静"), newest().id
    page = client.page(f"/custody/pupils/{pupil().public_id}/new")
    db.session.execute(update(AuthSession).values(proved_at=clock.now() - timedelta(minutes=11)))
    db.session.commit()
    today = str(clock.today())
    values = {"guardianship": tie().public_id, "issued_on": today, "from_on": today, **GOOD}
    asked = page.press("提交校长审批", **values)
    assert asked.press("确认", password=PASSWORD).press("继续").status == 200
    assert newest().id > before


def test_a_restricted_guardian_opens_no_file_of_a_notice_any_more(as_):
    """A notice to the class has a file: the father opens it, and from the restriction on does not know of it."""
    place = db.session.scalars(select(Enrolment).where(Enrolment.pupil_id == pupil().id)).one()
    notice = db.session.scalars(
        select(Notice).where(
            Notice.state == State.PUBLISHED, Notice.scope_kind == "class", Notice.scope_id == place.class_id
        )
    ).first()
    (taken,) = take([FileStorage(io.BytesIO(b"abc"), "a.txt")])
    notice = db.session.get_one(Notice, notice.id)
    file = keep(
        taken, notice, Actor(notice.author_id, Role(notice.author_role), clock.today()), slot="attachment"
    )
    db.session.commit()
    path = f"/files/{file.public_id}"
    assert as_("陈守川").get(path).status_code == 200
    enter(as_)
    as_("孙立德").page(f"/custody/{newest().public_id}").press("批准：与文书相符")
    assert as_("陈守川").get(path).status_code == 404
    assert as_("李晚晴").get(path).status_code == 200


def test_with_the_child_the_scan_is_erased(as_):
    enter(as_)
    found = newest()
    kept = len(db.session.scalars(select(File.id)).all())
    assert scans(found)
    erase_pupil(pupil(), clock.today())
    db.session.commit()
    assert len(db.session.scalars(select(File.id)).all()) == kept - 1


@pytest.mark.parametrize(
    "field, value",
    [
        ("guardianship", ""),
        ("guardianship", "../../etc"),
        ("document", "opinion_of_the_mother"),
        ("court", ""),
        ("court", "a\x00b"),
        ("number", "号" * 101),
        ("issued_on", "2999-01-01"),
        ("issued_on", "昨天"),
        ("from_on", ""),
        ("until_on", "2020-01-01"),
    ],
)
def test_bad_input_is_refused_at_its_field_and_the_rest_kept(as_, field, value):
    before = newest().id
    page = enter(as_, **{field: value})

    assert page.status == 422
    assert newest().id == before
    if field != "court":
        assert "云溪县人民法院" in page.html


def test_it_cuts_every_count(as_):
    """Audience of notices, households of the school, homes to visit, families of a rating."""
    father = tie("何志强", "何雨桐")
    flag = db.session.scalars(
        select(GuardianshipFlag).where(
            GuardianshipFlag.guardianship_id == father.id, GuardianshipFlag.kind == Flag.RESTRICTED
        )
    ).one()
    child = pupil("何雨桐")
    place = db.session.scalars(select(Enrolment).where(Enrolment.pupil_id == child.id)).one()
    notice = db.session.scalars(
        select(Notice).where(
            Notice.state == State.PUBLISHED, Notice.scope_kind == "class", Notice.scope_id == place.class_id
        )
    ).first()
    day = clock.today()

    def counts():
        summaries.rebuild(summaries.FROM_ROSTER)
        measured = summaries.counted_anew([summaries.HOUSEHOLDS])
        return (
            audience.size(notice).guardians,
            sum(
                number
                for (school_id, _term, _name), number in measured.items()
                if school_id == child.school_id
            ),
            len(homes_of(child, day)),
            db.session.scalar(select(func.count(Guardianship.id)).where(cared_for_on(day))),
        )

    with_order = counts()
    db.session.delete(flag)
    db.session.flush()
    without = counts()

    assert [more - less for more, less in zip(without, with_order, strict=True)] == [1, 1, 1, 1]


# Twelve constellations: nothing of the other household, positive control for whom it belongs to.


@dataclass(frozen=True)
class Case:
    """A family: how the second guardian stands to the child, and whether the first home's words may reach them."""

    name: str
    same_home: bool = False
    flags: tuple[str, ...] = ()
    ended: bool = False
    starts_later: bool = False
    other_child_in_home: bool = False
    own_home_again: bool = False
    reads_words: bool = False
    knows_child: bool = True


CASES = (
    Case("together", same_home=True, reads_words=True),
    Case("separated, two homes"),
    Case("separated, restricted", flags=("restricted_by_court_order",), knows_child=False),
    Case("together, restricted", same_home=True, flags=("restricted_by_court_order",), knows_child=False),
    Case("together, sees and confirms", same_home=True, flags=("sees_and_confirms",), reads_words=True),
    Case("apart, sees and confirms", flags=("sees_and_confirms",)),
    Case("together, not yet confirmed", same_home=True, flags=("not_yet_confirmed",), knows_child=False),
    Case("guardianship ended", same_home=True, ended=True, knows_child=False),
    Case("guardianship to come", same_home=True, starts_later=True, knows_child=False),
    Case("apart, in the first home by another child", other_child_in_home=True),
    Case("ended in the first home, now apart", ended=True, own_home_again=True),
    Case(
        "restricted for this child, in the home by another",
        same_home=True,
        flags=("restricted_by_court_order",),
        other_child_in_home=True,
        knows_child=False,
    ),
)
CANARIES = ("金丝雀话语七七", "金丝雀目的八八", "+8619912345678"[3:], "吴桂芳")
ROUTES = (
    "/", "/visits/family", "/notices/", "/courses/", "/courses/mine", "/opinions/", "/opinions/new",
    "/account/", "/privacy/", "/privacy/readings",
)  # fmt: skip


def family(case):
    """林嘉树 with his mother's home full of canaries, and a second guardian as the case says."""
    child = pupil("林嘉树")
    mother = tie("林悦", "林嘉树")
    person("林悦").phone = "+8619912345678"
    home, today = mother.household_id, clock.today()
    visit = db.session.scalars(select(Visit).where(Visit.outcome == Outcome.MET)).first()
    visit.pupil_id, visit.household_id = child.id, home
    part = db.session.scalars(select(VisitPart).where(VisitPart.visit_id == visit.id)).first()
    part.note, part.school_only = CANARIES[0], False
    invitation = db.session.scalars(select(Invitation)).first()
    invitation.pupil_id, invitation.household_id = child.id, home
    invitation.state, invitation.purpose = InvitationState.OPEN, CANARIES[1]
    later = clock.now() + timedelta(days=2)
    invitation.times, invitation.last_time_at = [later.isoformat()], later
    invitation.chosen_at = invitation.chosen_form = invitation.answered_at = invitation.answered_by_id = None
    second = enrolling.add_person(
        "某某人", account_name="moumou", password_hash=passwords.hashed("x"), phone=None
    )
    db.session.flush()
    own = enrolling.form_household(today)
    start = today - timedelta(days=9)
    held = enrolling.add_guardian(
        child, second, "爸爸", own, today + timedelta(days=3) if case.starts_later else start, ()
    )
    db.session.flush()
    if case.same_home:
        held.household_id = home
    if case.ended:
        held.ended_on = today
        held.household_id = home
    if case.own_home_again:
        enrolling.add_guardian(child, second, "爸爸", own, today, ())
    for kind in case.flags:
        flag = GuardianshipFlag(guardianship_id=held.id, kind=kind, started_on=start)
        flag.basis = "文书" if kind == Flag.RESTRICTED else ""
        db.session.add(flag)
    if case.other_child_in_home:
        brother = enrolling.add_pupil("林小弟", db.session.get_one(School, child.school_id), start)
        db.session.flush()
        place = db.session.scalars(select(Enrolment).where(Enrolment.pupil_id == child.id)).one()
        enrolling.enrol(brother, db.session.get_one(SchoolClass, place.class_id), start)
        enrolling.add_guardian(brother, second, "叔叔", own, start, ()).household_id = home
    db.session.commit()
    return child.public_id, visit.public_id, invitation.public_id


def everything_read(client, child, visit, invitation):
    """All that the pages of a guardian say, records by their addresses included."""
    paths = [
        *ROUTES,
        f"/schools/pupils/{child}",
        f"/visits/{visit}",
        f"/visits/invitations/{invitation}",
        *(f"/notices/{one}" for one in db.session.scalars(select(Notice.public_id).limit(5))),
    ]
    return {path: client.get(path).get_data(as_text=True) for path in paths}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_nothing_of_the_other_home_reaches_the_second_guardian(as_, case):
    child, visit, invitation = family(case)
    mother = "".join(everything_read(as_("林悦", "guardian"), child, visit, invitation).values())
    pages = everything_read(as_("某某人"), child, visit, invitation)
    read = "".join(pages.values())

    assert CANARIES[0] in mother and CANARIES[1] in mother, "the control: who is entitled reads it"
    assert (CANARIES[0] in read, CANARIES[1] in read) == (case.reads_words, case.reads_words)
    assert CANARIES[2] not in read
    assert (CANARIES[3] in read) == case.reads_words
    assert ("林嘉树" in read) == case.knows_child
    assert (as_("某某人").get(f"/schools/pupils/{child}").status_code == 200) == case.knows_child


def test_a_change_by_a_restricted_guardian_finds_no_row(as_):
    child, visit, invitation = family(CASES[3])
    client = as_("某某人")
    page = client.page("/account/")
    token = page.fields(page.all("form")[0])["csrf_token"][0]
    sessions = db.session.scalars(select(CourseSession.public_id)).all()
    notices = db.session.scalars(select(Notice.public_id)).all()
    posts = [
        *(f"/notices/{one}/{verb}" for one in notices for verb in ("confirmations", "openings")),
        *(
            f"/courses/sessions/{one}/{verb}"
            for one in sessions
            for verb in ("seat", "return", "acknowledgement")
        ),
        *(f"/visits/{visit}/{verb}" for verb in ("confirmation", "remark", "correction")),
        *(f"/visits/invitations/{invitation}/{verb}" for verb in ("acceptance", "refusal")),
    ]
    statuses = {client.post(path, data={"csrf_token": token, "body": "x"}).status_code for path in posts}

    assert statuses == {404}
    assert client.get(f"/schools/pupils/{child}").status_code == 404


def test_two_restrictions_cannot_wait_for_one_guardian(app):
    ties = restricting.ties_of(pupil())
    restricting.propose(
        tie(),
        pupil(),
        person("何静").id,
        document=Document.JUDGMENT,
        number="1",
        court="法院",
        issued_on=clock.today(),
        from_on=clock.today(),
        until_on=None,
        is_quiet=False,
    )

    assert tie() in ties and tie() not in restricting.ties_of(pupil())
