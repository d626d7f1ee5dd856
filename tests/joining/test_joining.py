"""Joining through the front door: slips printed, codes tried, families confirmed by the class teacher."""

import io
from dataclasses import dataclass
from datetime import timedelta

import pypdf
import pytest
import time_machine
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import event, func, select
from sqlalchemy.orm import joinedload, selectinload

from portal import clock, documents
from portal.accounts.models import Person
from portal.extensions import db
from portal.joining import admitting, asking, codes, deciding, printing
from portal.joining.jobs import forget_codes, forget_old
from portal.joining.models import (
    WRONG_TRIES,
    GuardianNews,
    JoiningRequest,
    JoiningSheet,
    JoiningSlip,
    RequestState,
    SlipState,
)
from portal.privacy import retention
from portal.rehearsal.town import PASSWORD
from portal.schools import enrolling, summaries
from portal.schools.models import Enrolment, Guardianship, Pupil, SchoolClass
from portal.trail.models import TrailEntry

SECRET = "溪水绕着村子慢慢走，我每天都去看它"
CONTINUE, ASK = "继续", "请班主任确认"


def pupil(name="林嘉树"):
    return db.session.scalars(select(Pupil).where(Pupil.name == name)).one()


def person(name):
    return db.session.scalars(select(Person).where(Person.name == name)).one()


@dataclass(frozen=True)
class Printed:
    """A slip on paper."""

    number: str
    code: str
    sheet: str

    @property
    def row(self):
        """What the portal keeps of it, as it stands now."""
        db.session.expire_all()
        return db.session.scalars(
            select(JoiningSlip)
            .where(JoiningSlip.number == self.number)
            .options(joinedload(JoiningSlip.sheet), joinedload(JoiningSlip.pupil))
        ).one()


def slip_for(name="林嘉树", uses=1, days=3):
    """A slip printed by 王雪 for a child of her class, and its code."""
    child = pupil(name)
    place = db.session.scalars(select(Enrolment.class_id).where(Enrolment.pupil_id == child.id)).one()
    school_class = db.session.get_one(SchoolClass, place)
    sheet = printing.print_sheet(school_class, [child], uses=uses, days=days, printed_by_id=person("王雪").id)
    number = sheet.slips[0].number
    printed = Printed(number, printing.kept_codes(sheet)[number], sheet.public_id)
    db.session.commit()
    return printed, printed.code


def count_of(model):
    return db.session.scalar(select(func.count(model.id)))


def newest_sheet():
    return db.session.scalars(
        select(JoiningSheet).options(selectinload(JoiningSheet.slips)).order_by(JoiningSheet.id.desc())
    ).first()


def type_code(client, number, code, path="/join/"):
    return client.page(path).press(CONTINUE, number=number, code=code)


def introduce(page, name="林远山", relation="爷爷", phone="13900001111", password=SECRET, **more):
    return page.press(ASK, name=name, relation=relation, phone=phone, password=password, **more)


def request_of(name="林远山"):
    return db.session.scalars(
        select(JoiningRequest).where(JoiningRequest.name == name).order_by(JoiningRequest.id.desc())
    ).first()


def decide(as_, asked, **chosen):
    return as_("王雪").page(f"/join/requests/{asked.public_id}").press("我认识，确认", **chosen)


# The class teacher prints


def test_the_class_teacher_prints_a_sheet_for_families_that_have_not_joined(as_):
    teacher = as_("王雪")
    page = teacher.page("/join/class").client.page("/join/class/sheets/new")
    chosen = page.fields(page.form_of("生成加入单"))["pupils"]
    page = page.press("生成加入单")

    assert page.status == 200
    assert len(chosen) > 3
    sheet = newest_sheet()
    assert {slip.pupil_id for slip in sheet.slips} == {
        found.id for found in db.session.scalars(select(Pupil).where(Pupil.public_id.in_(chosen)))
    }
    slips, kept = len(sheet.slips), printing.kept_codes(sheet)
    paper = teacher.get(page.links["打开可打印的加入单"])
    assert paper.mimetype == "application/pdf"
    assert paper.headers["Cache-Control"] == "no-store"
    read = pypdf.PdfReader(io.BytesIO(paper.data))
    assert len(read.pages) == -(-slips // 8)
    words = "".join(page.extract_text() for page in read.pages)
    for number, code in kept.items():
        assert codes.shown(number) in words and codes.shown(code) in words
    assert "望溪小学" in words and "0000-6100101" in words


def test_codes_stand_nowhere_in_the_database_but_sealed(as_):
    slip, code = slip_for()

    assert slip.row.code_hash.startswith("$argon2id$")
    sealed = slip.row.sheet.codes_sealed
    assert code.encode() not in sealed and slip.number.encode() not in sealed
    forget_codes()
    assert printing.kept_codes(slip.row.sheet) == {slip.number: code}
    with time_machine.travel(clock.now() + timedelta(hours=1, seconds=1)):
        forget_codes()
        assert slip.row.sheet.codes_sealed is None
        assert as_("王雪").get(f"/join/sheets/{slip.sheet}/paper").status_code == 410


def test_only_who_printed_opens_the_paper(as_):
    slip, _code = slip_for()
    slip.row.sheet.printed_by_id = person("刘明远").id
    db.session.commit()

    assert as_("王雪").get(f"/join/sheets/{slip.sheet}/paper").status_code == 404
    assert as_("刘明远").get(f"/join/sheets/{slip.sheet}/paper").status_code == 404


def test_the_same_form_sent_twice_prints_one_sheet(as_):
    before = count_of(JoiningSheet)
    page = as_("王雪").page("/join/class/sheets/new")
    page.press("生成加入单", pupils=[pupil().public_id])
    page.press("生成加入单", pupils=[pupil().public_id])

    assert count_of(JoiningSheet) == before + 1


@pytest.mark.parametrize(
    "field, value",
    [("pupils", []), ("pupils", ["0"]), ("uses", "5"), ("uses", "0"), ("days", "30"), ("days", "-1")],
)
def test_bad_choices_are_refused_at_their_field(as_, field, value):
    before = count_of(JoiningSheet)
    good = {"pupils": [pupil().public_id]}
    page = as_("王雪").page("/join/class/sheets/new").press("生成加入单", **{**good, field: value})

    assert page.status == 422
    assert count_of(JoiningSheet) == before


def test_a_name_with_characters_the_paper_lacks_is_written_readably_and_said_so(as_):
    child = pupil()
    child.name = "林𠮷ئ"
    db.session.commit()
    slip, _code = slip_for("林𠮷ئ")

    assert documents.lacking("林嘉树·𬭎") == set()
    assert printing.printable("林𠮷") == "林＿"
    assert "手写" in as_("王雪").page(f"/join/sheets/{slip.sheet}").text
    paper = as_("王雪").get(f"/join/sheets/{slip.sheet}/paper")
    assert "林＿＿" in pypdf.PdfReader(io.BytesIO(paper.data)).pages[0].extract_text()


# Codes


@given(st.text(alphabet=codes.ALPHABET, min_size=8, max_size=8), st.randoms())
def test_a_code_is_understood_however_it_is_typed(code, random):
    said = "".join(
        random.choice(
            {"0": "0Oo０", "1": "1IiLl１"}.get(letter, letter + letter.lower() + chr(ord(letter) + 0xFEE0))
        )
        for letter in code
    )
    spaced = random.choice([" ", "", "　", "-", "－", " - "]).join([said[:4], said[4:]])

    assert codes.plain(spaced) == code


@given(st.text(max_size=80))
def test_anything_may_be_typed_as_a_code(typed):
    assert isinstance(codes.plain(typed), str)


def test_fresh_codes_have_their_entropy():
    made = {codes.new_code() for _time in range(5_000)}

    assert len(made) == 5_000
    assert all(len({code[place] for code in made}) == 32 for place in range(8))


def test_a_family_joins_by_slip_and_sees_the_child_once_confirmed(as_):
    slip, code = slip_for()
    family = as_(None)
    page = type_code(family, codes.shown(slip.number).lower(), codes.shown(code).lower())
    assert page.heading == "您是谁"
    assert "林嘉树" not in page.html
    page = introduce(page)

    assert page.heading == "等班主任确认"
    assert "林嘉树" not in page.html
    asked = request_of()
    assert asked.account_name in page.text
    assert asked.phone == "+8613900001111" and b"13900001111" not in asked.phone_sealed
    assert db.session.scalar(select(Person.id).where(Person.name == "林远山")) is None

    board = as_("王雪").page("/join/class")
    assert "林远山" in board.text
    page = as_("王雪").page(f"/join/requests/{asked.public_id}")
    assert "139****1111" in page.text and "13900001111" not in page.html
    page = decide(as_, asked)
    assert page.status == 200

    tie = db.session.scalars(select(Guardianship).where(Guardianship.person_id == person("林远山").id)).one()
    assert (tie.pupil_id, tie.relation) == (slip.row.pupil_id, "爷爷")
    mother = db.session.scalars(select(Guardianship).where(Guardianship.person_id == person("林悦").id)).one()
    assert tie.household_id == mother.household_id
    assert "已确认" in family.page("/join/waiting").text
    signed_in = as_(None).page("/account/sign-in").press("登录", name="13900001111", password=SECRET)
    assert signed_in.status == 200
    assert signed_in.client.page(f"/schools/pupils/{pupil().public_id}").status == 200
    assert "学校新增了一位监护人：爷爷" in as_("林悦", "guardian").page("/").text
    as_("林悦", "guardian").page("/").press("我知道了")
    assert "学校新增了一位监护人" not in as_("林悦", "guardian").page("/").text
    actions = set(db.session.scalars(select(TrailEntry.action)))
    assert {"joining.asked", "joining.confirmed", "joining.news_seen"} <= actions


@pytest.mark.parametrize("until", ["2023-03-03", "today"])
def test_somebody_limited_until_a_day_that_is_past_is_refused_at_its_field(as_, until):
    printed, code = slip_for()
    introduce(type_code(as_(None), printed.number, code))
    day = str(clock.today()) if until == "today" else until
    page = decide(as_, request_of(), is_limited="y", limited_until=day)

    assert page.status == 422
    assert "请选今天以后的日期" in page.text
    assert request_of().is_waiting


def test_a_quiet_confirmation_tells_nobody(as_):
    before = count_of(GuardianNews)
    slip, code = slip_for()
    introduce(type_code(as_(None), slip.number, code))
    decide(as_, request_of(), is_quiet="y")

    assert count_of(GuardianNews) == before


def test_who_has_an_account_joins_with_it(as_):
    slip, code = slip_for()
    mother = as_("李晚晴")
    page = type_code(mother, slip.number, code).press(ASK, relation="other", other_relation="姑姑")
    assert page.heading == "等班主任确认"
    decide(as_, request_of("李晚晴"))

    ties = db.session.scalars(select(Guardianship).where(Guardianship.person_id == person("李晚晴").id)).all()
    assert [tie.relation for tie in ties] == ["妈妈", "妈妈", "姑姑"]


def test_signing_in_on_the_way_keeps_the_slip_in_hand(as_):
    slip, code = slip_for()
    family = as_(None)
    page = type_code(family, slip.number, code)
    page = family.page(page.links["我已有账号，先登录"]).press("登录", name="liwanqing", password=PASSWORD)

    assert page.heading == "您是谁"
    assert "李晚晴" in page.text


def test_the_roster_guardian_with_the_number_gets_the_account(as_):
    child = db.session.scalars(
        select(Pupil)
        .join(Guardianship, Guardianship.pupil_id == Pupil.id)
        .join(Person, Person.id == Guardianship.person_id)
        .where(Pupil.school_id == pupil().school_id, Person.password_hash.is_(None))
        .order_by(Pupil.id)
    ).first()
    known = db.session.scalars(
        select(Person)
        .join(Guardianship, Guardianship.person_id == Person.id)
        .where(Guardianship.pupil_id == child.id)
    ).one()
    slip, code = slip_for(child.name)
    number = known.phone.removeprefix("+86")
    introduce(type_code(as_(None), slip.number, code), name="随便写的", relation="妈妈", phone=number)
    asked = request_of("随便写的")
    teacher = "王雪" if asked else ""
    page = as_(teacher).page(f"/join/requests/{asked.public_id}")
    if page.status == 404:
        page = as_("刘明远").page(f"/join/requests/{asked.public_id}")
    assert "名册上" in page.text
    page.press("我认识，确认")

    db.session.refresh(known)
    assert known.password_hash is not None
    assert (
        db.session.scalar(select(func.count(Guardianship.id)).where(Guardianship.pupil_id == child.id)) == 1
    )


# 8.1: two at once, replays, expired, revoked, foreign


def test_two_parents_with_one_code_at_once(as_):
    slip, code = slip_for()
    first, second = as_(None), as_(None)
    one, two = type_code(first, slip.number, code), type_code(second, slip.number, code)
    assert introduce(one, name="甲").heading == "等班主任确认"
    late = introduce(two, name="乙")

    assert late.status == 409
    assert request_of("甲") and not request_of("乙")


def test_a_family_slip_serves_as_many_as_it_says(as_):
    slip, code = slip_for(uses=2)
    for name in ("甲", "乙"):
        assert introduce(type_code(as_(None), slip.number, code), name=name).heading == "等班主任确认"

    assert "用完" in type_code(as_(None), slip.number, code).text


def test_the_same_form_sent_twice_asks_once(as_):
    before = count_of(JoiningRequest)
    slip, code = slip_for(uses=2)
    page = type_code(as_(None), slip.number, code)
    introduce(page)
    introduce(page)

    assert count_of(JoiningRequest) == before + 1
    assert slip.row.used == 1


@pytest.mark.parametrize(
    "spoil, words",
    [
        (lambda slip: setattr(slip, "expires_at", clock.now() - timedelta(seconds=1)), "过期"),
        (lambda slip: setattr(slip, "revoked_at", clock.now()), "作废"),
        (lambda slip: setattr(slip, "used", 1), "用完"),
    ],
)
def test_a_slip_that_no_longer_holds_says_so_to_the_right_code_only(as_, spoil, words):
    slip, code = slip_for()
    spoil(slip.row)
    db.session.commit()

    assert words in type_code(as_(None), slip.number, code).text
    wrong = type_code(as_(None), slip.number, "00000000")
    unknown = type_code(as_(None), "000000", "00000000")
    assert wrong.status == unknown.status == 422
    assert wrong.text == unknown.text.replace("000-000", codes.shown(slip.number))


def test_a_slip_revoked_on_the_way_admits_nobody(as_):
    slip, code = slip_for()
    family = as_(None)
    page = type_code(family, slip.number, code)
    as_("王雪").page(f"/join/sheets/{slip.sheet}").press("作废")

    page = introduce(page)
    assert page.status == 409 and "作废" in page.text
    assert not request_of()


def test_the_cookie_of_another_slip_cannot_be_made(as_):
    family = as_(None)
    family.set_cookie("joining", '["slip", "x"].aaaa.bbbb', path="/join")

    assert family.get("/join/you").status_code == 303


def test_a_number_can_be_scanned_but_no_code_stands_in_an_address(as_):
    slip, code = slip_for()
    page = as_(None).page(f"/join/?slip={slip.number}")

    assert page.all("input", name="number")[0].get("value") == codes.shown(slip.number)
    assert as_(None).page("/join/?slip=<script>").all("input", name="number")[0].get("value") == ""
    assert code not in printing.qr(f"http://localhost/join/?slip={slip.number}")


@pytest.mark.parametrize(
    "field, value",
    [
        ("name", ""),
        ("name", "a\x00b"),
        ("name", "字" * 161),
        ("relation", "nobody"),
        ("relation", "other"),
        ("phone", "1390000111"),
        ("phone", "电话"),
        ("password", "短"),
        ("password", "123456789012345"),
    ],
)
def test_what_was_typed_stays_when_something_does_not_hold(as_, field, value):
    slip, code = slip_for()
    page = type_code(as_(None), slip.number, code)
    page = introduce(page, **{"name": "林远山", "phone": "13900001111", field: value})

    assert page.status == 422
    assert not request_of()
    assert slip.row.used == 0
    if field != "name":
        assert page.all("input", name="name")[0].get("value") == "林远山"


@pytest.mark.parametrize("name", ["𠮷𠀀", "买买提·艾合买提", "<b>{{7*7}}</b>", "O'Brien -- ' OR 1=1", "=1+1"])
def test_names_are_kept_as_typed(as_, name):
    slip, code = slip_for()
    introduce(type_code(as_(None), slip.number, code), name=name)

    assert request_of(name)
    assert name in as_("王雪").page(f"/join/requests/{request_of(name).public_id}").text


# Guessing


def test_a_slip_dies_after_five_wrong_codes_and_then_answers_like_none(as_):
    slip, code = slip_for()
    for _time in range(WRONG_TRIES):
        assert admitting.check(slip.number, "00000000", "192.0.2.1").slip is None
    assert admitting.check(slip.number, code, "192.0.2.1").slip is None

    assert slip.row.state(clock.now()) == SlipState.DEAD
    assert "试错太多" in as_("王雪").page(f"/join/sheets/{slip.sheet}").text
    assert db.session.scalar(select(TrailEntry.id).where(TrailEntry.action == "joining.slip_died"))


def test_mistyping_four_times_does_no_harm(as_):
    slip, code = slip_for()
    for _time in range(WRONG_TRIES - 1):
        admitting.check(slip.number, "00000000", "192.0.2.1")
    for _time in range(3):
        assert admitting.check(slip.number, code, "192.0.2.1").slip is not None


def test_an_address_that_guesses_waits_and_its_neighbours_do_not(as_):
    slip, code = slip_for()
    for _time in range(admitting.PER_ADDRESS):
        admitting.check(codes.new_number(), "00000000", "192.0.2.1")

    assert admitting.check(slip.number, code, "192.0.2.1").too_often
    assert admitting.check(slip.number, code, "192.0.2.2").slip is not None
    assert admitting.place("2001:db8::1") == admitting.place("2001:db8::ffff:1")
    assert admitting.place("2001:db8::1") != admitting.place("2001:db8:0:1::1")


def test_guessing_everywhere_raises_an_alarm_and_shuts_nobody_out(app):
    slip, code = slip_for()
    for guess in range(admitting.ALARM + 1):
        admitting.check(codes.new_number(), codes.new_code(), f"198.51.{guess // 50}.{guess % 50}")

    assert (
        db.session.scalar(select(func.count(TrailEntry.id)).where(TrailEntry.action == "joining.alarm")) == 1
    )
    assert admitting.check(slip.number, code, "203.0.113.9").slip is not None


def guess(count, slips):
    """So many guesses of somebody who knows every slip number, from ever new addresses; returns what they got."""
    bound = 0
    for turn in range(count):
        number = slips[turn % len(slips)] if turn % 2 else codes.new_number()
        bound += (
            admitting.check(
                number, codes.new_code(), f"10.{turn >> 16 & 255}.{turn >> 8 & 255}.{turn & 255}"
            ).slip
            is not None
        )
    return bound


@pytest.fixture
def hasty(app):
    """A database that does not wait for the disk: what is tried here are guesses, not power cuts."""
    db.session.remove()

    def hurry(connection, *_rest):
        connection.execute("PRAGMA synchronous=OFF")

    event.listen(db.engine, "checkout", hurry)
    yield
    event.remove(db.engine, "checkout", hurry)
    db.session.remove()
    db.engine.dispose()


def test_a_thousand_guesses_bind_nobody(app, hasty):
    slips = [slip_for()[0].number for _time in range(3)]
    open_slip, code = slip_for()

    assert guess(1_000, slips) == 0
    assert admitting.check(open_slip.number, code, "203.0.113.9").slip is not None


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_a_quarter_of_a_million_guesses_bind_nobody(app, hasty):
    open_slip, code = slip_for()

    assert guess(250_000, [slip_for()[0].number for _time in range(200)]) == 0
    assert admitting.check(open_slip.number, code, "203.0.113.9").slip is not None


def test_a_guess_that_is_right_would_be_seen(app):
    slip, code = slip_for()

    assert admitting.check(slip.number, code, "203.0.113.9").slip.id == slip.row.id


# By phone


def test_a_known_number_is_proposed_to_the_teacher_and_an_unknown_one_gets_the_same_answer(as_):
    known = db.session.scalars(
        select(Person)
        .join(Guardianship, Guardianship.person_id == Person.id)
        .join(Pupil, Pupil.id == Guardianship.pupil_id)
        .where(Person.password_hash.is_(None), Pupil.school_id == pupil().school_id)
        .order_by(Person.id)
    ).first()
    answers = [
        introduce(as_(None).page("/join/phone"), name=name, relation="妈妈", phone=number)
        for name, number in (
            ("知道的", known.phone.removeprefix("+86")),
            ("不知道的", "13900002222"),
            ("有账号的", person("李晚晴").phone.removeprefix("+86")),
        )
    ]

    assert len({answer.text for answer in answers}) == 1
    assert len({answer.path for answer in answers}) == 1
    assert request_of("知道的") and not request_of("不知道的") and not request_of("有账号的")
    asked = request_of("知道的")
    teacher = "王雪" if as_("王雪").get(f"/join/requests/{asked.public_id}").status_code == 200 else "刘明远"
    page = as_(teacher).page(f"/join/requests/{asked.public_id}").press("我认识，确认")
    assert page.status == 200
    db.session.refresh(known)
    assert known.password_hash is not None


def test_one_teacher_vouches_for_one_child_only(as_):
    """A guardian of children in two classes: the second child stays shut until its own teacher has confirmed."""
    first, second = pupil("林嘉树"), pupil("陈一帆")
    known = enrolling.add_person("林大海", phone="+8613900003333")
    home = enrolling.form_household(clock.today())
    db.session.flush()
    for child in (first, second):
        enrolling.add_guardian(child, known, "叔叔", home, clock.today())
    db.session.commit()
    introduce(
        as_(None).page("/join/phone"),
        name="林大海",
        relation="other",
        other_relation="叔叔",
        phone="13900003333",
    )
    both = db.session.scalars(select(JoiningRequest).where(JoiningRequest.name == "林大海")).all()
    assert {asked.pupil_id for asked in both} == {first.id, second.id}
    decide(as_, next(asked for asked in both if asked.pupil_id == first.id))

    uncle = as_("林大海")
    assert uncle.page(f"/schools/pupils/{first.public_id}").status == 200
    assert uncle.page(f"/schools/pupils/{second.public_id}").status == 404
    other = next(asked for asked in both if asked.pupil_id == second.id)
    db.session.refresh(other)
    assert other.password_hash is None and other.person_id == known.id
    deciding.confirm(other, deciding.Decision(), person("刘明远").id)
    db.session.commit()
    assert uncle.page(f"/schools/pupils/{second.public_id}").status == 200


def test_rivals_for_one_guardian_are_declined(as_):
    known = enrolling.add_person("林大海", phone="+8613900003333")
    db.session.flush()
    enrolling.add_guardian(pupil(), known, "叔叔", enrolling.form_household(clock.today()), clock.today())
    db.session.commit()
    for name in ("林大海", "冒充的"):
        introduce(as_(None).page("/join/phone"), name=name, relation="爸爸", phone="13900003333")
    decide(as_, request_of("林大海"))

    assert request_of("冒充的").state == RequestState.DECLINED
    assert request_of("冒充的").password_hash is None


# The decision


def test_declining_needs_a_reason_and_the_family_reads_it(as_):
    slip, code = slip_for()
    family = as_(None)
    introduce(type_code(family, slip.number, code))
    teacher = as_("王雪")
    page = teacher.page(f"/join/requests/{request_of().public_id}/refusal")
    assert page.press("不予确认").status == 422
    page.press("不予确认", reason="请带身份证到学校来一趟")

    assert "请带身份证到学校来一趟" in family.page("/join/waiting").text
    assert request_of().password_hash is None
    assert teacher.page(f"/join/requests/{request_of().public_id}/refusal").status == 409


def test_a_request_is_decided_once(as_):
    slip, code = slip_for()
    introduce(type_code(as_(None), slip.number, code))
    page = as_("王雪").page(f"/join/requests/{request_of().public_id}")
    page.press("我认识，确认")
    again = (
        as_("王雪")
        .page("/join/class")
        .client.post(
            f"/join/requests/{request_of().public_id}/confirmation",
            data={
                **{name: values[0] for name, values in page.fields(page.form_of("我认识，确认")).items()},
                "once": "",
            },
        )
    )

    assert again.status_code in (400, 409)
    assert db.session.scalar(select(func.count(Person.id)).where(Person.name == "林远山")) == 1


def test_a_restricted_guardian_cannot_come_in_again(as_):
    slip, code = slip_for("何雨桐")
    page = type_code(as_("何志强"), slip.number, code)
    assert page.press(ASK, relation="爸爸").status == 409
    introduce(type_code(as_(None), slip.number, code), name="何强", relation="爸爸")
    page = as_("王雪").page(f"/join/requests/{request_of('何强').public_id}")

    assert "法院" in page.text


def test_a_sibling_in_another_school_joins_the_same_account(as_):
    slip, code = slip_for("林嘉树")
    introduce(type_code(as_(None), slip.number, code))
    decide(as_, request_of())
    grandfather = as_("林远山")
    slip, code = slip_for("赵小满")
    type_code(grandfather, slip.number, code).press(ASK, relation="other", other_relation="邻居")
    decide(as_, request_of(), household="own")

    children = db.session.scalars(
        select(Guardianship.pupil_id).where(Guardianship.person_id == person("林远山").id)
    ).all()
    assert set(children) == {pupil("林嘉树").id, pupil("赵小满").id}
    homes = set(
        db.session.scalars(
            select(Guardianship.household_id).where(Guardianship.pupil_id == pupil("赵小满").id)
        )
    )
    assert len(homes) == 2


def test_numbers_of_households_stay_true(app, as_):
    slip, code = slip_for()
    introduce(type_code(as_(None), slip.number, code))
    decide(as_, request_of(), household="own")

    assert not [key for key in summaries.differences() if key[2] in summaries.FROM_ROSTER]


# Forgetting


def test_old_slips_and_requests_are_forgotten(app, as_):
    slip, code = slip_for()
    introduce(type_code(as_(None), slip.number, code))
    with time_machine.travel(clock.now() + timedelta(days=7)):
        forget_codes()
        assert slip.row.code_hash is None
    with time_machine.travel(clock.now() + timedelta(days=61)):
        forget_old()
        retention.run(clock.today(), ["slips"])
    assert count_of(JoiningSlip) == count_of(JoiningSheet) == 0
    assert not request_of()


# Lists


def test_the_board_costs_the_same_for_many(as_, queries):
    teacher = as_("王雪")
    slip_for()
    teacher.page("/join/class")
    with queries() as few:
        teacher.page("/join/class")
    for _time in range(6):
        slip, _code = slip_for()
        asking.with_slip(slip.row, person=None, name="甲", relation="妈妈", phone=None, password=SECRET)
    db.session.commit()
    with queries() as many:
        teacher.page("/join/class")

    assert len(many) == len(few)
