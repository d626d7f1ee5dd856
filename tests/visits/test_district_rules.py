"""The district sets whom to visit in the browser; schools and the district see where they stand."""

from datetime import timedelta

from sqlalchemy import select

from portal import clock
from portal.extensions import db
from portal.paging import PAGE
from portal.schools.models import School
from portal.schools.summaries import TALLIES
from portal.visits import covering
from portal.visits.coverage import read
from portal.visits.models import ClassCoverage, Form
from portal.visits.patterns import PATTERNS
from portal.visits.recording import Step
from tests.support.client import words
from tests.support.queries import counting as counted
from tests.visits.builders import pupil, third, visited

LOOK, SET = "看看效果", "从这一天起这样定"


def rules_now(day=None):
    """The rules that hold at 望溪小学."""
    school = db.session.scalars(select(School).where(School.name == "望溪小学")).one()
    return covering.rules_on(day or clock.today(), school_id=school.id)


def kept(rule):
    """The rolled-up numbers of 三(2)班 for a rule."""
    db.session.expire_all()
    return db.session.get_one(ClassCoverage, (third().id, rule))


def take(name, client):
    """Take a pattern over on the page of the rules."""
    return client.page("/visits/rules").press("采用这个样式", pattern=name)


def test_a_rule_is_looked_at_on_todays_numbers_before_it_holds(as_):
    page = as_("张建平").page("/visits/rules/one?kind=rule")
    typed = {
        "name": "三年级当面家访",
        "who": "all",
        "share": "1/2",
        "every": "term",
        "forms": ["in_home", "at_school"],
    }
    looked = page.press(LOOK, **typed)

    assert looked.status == 200
    assert "至少一半" in looked.text
    assert "望溪小学" in looked.text
    assert "三年级当面家访" in looked.html
    assert [one.name for one in rules_now().rules] != ["三年级当面家访"]

    later = (clock.today() + timedelta(days=9)).isoformat()
    done = looked.press(SET, **typed, from_on=later, document="云教〔2026〕9号")
    assert done.status == 200
    assert "三年级当面家访" not in [one.name for one in rules_now().rules]
    assert "三年级当面家访" in [one.name for one in rules_now(clock.today() + timedelta(days=9)).rules]


def test_what_does_not_hold_comes_back_with_everything_typed(as_):
    page = as_("张建平").page("/visits/rules/one?kind=rule")
    wrong = page.press(
        LOOK, name="半数家访", who="all", share="三分之二", every="window", windows="9月", forms=["phone"]
    )

    assert wrong.status == 422
    assert "半数家访" in wrong.html
    assert "三分之二" in wrong.html
    assert "2/3" in wrong.text


def test_a_quota_is_added_changed_and_left_out(as_):
    client = as_("张建平")
    page = client.page("/visits/rules/one?kind=quota")
    listed = page.press(
        SET,
        name="班主任六名",
        role="class_teacher",
        number="6",
        unit="pupils",
        every="term",
        forms=["in_home"],
    )
    assert "班主任六名" in listed.text
    (quota,) = rules_now().quotas
    assert quota.number == 6

    changed = client.page(f"/visits/rules/one?kind=quota&key={quota.key}").press(SET, number="8")
    assert changed.status == 200
    assert [one.number for one in rules_now().quotas] == [8]
    assert client.page(f"/visits/rules/one?kind=quota&key={quota.key}").press("不要这一条").status == 200
    assert rules_now().quotas == ()


def test_a_pattern_takes_the_place_of_all_rules(as_):
    page = take("classes", as_("张建平"))

    assert page.status == 200
    assert rules_now() == read(PATTERNS["classes"][1])
    own = select(ClassCoverage.rule).where(ClassCoverage.class_id == third().id)
    assert set(db.session.scalars(own)) <= {covering.WHOLE.key, "new", "old"}


def test_schools_of_other_districts_keep_their_own_rules(as_):
    take("action", as_("唐芸"))

    assert "small" not in [one.key for one in rules_now().rules]


def test_numbers_change_with_each_visit_and_prove_themselves(app):
    covering.keep_all()
    before = kept("everyone")
    met, in_home, members = before.met, before.in_home, before.members
    child = next(one for one in covering.places(clock.today())[third().id].pupils if not one.priority)
    name = pupil("陈一诺").name
    assert child is not None

    visited(name, form=Form.IN_HOME)
    assert (kept("everyone").met, kept("everyone").in_home) == (met + 1, in_home + 1)
    assert kept("everyone").members == members
    assert TALLIES["coverage of visits"].differences() == {}

    kept("everyone").met = 0
    kept("everyone").in_home = 0
    db.session.flush()
    assert TALLIES["coverage of visits"].differences() != {}
    covering.recount()
    assert TALLIES["coverage of visits"].differences() == {}


def test_the_sweep_counts_once_a_day(app):
    row = kept("everyone")
    row.kept_on -= timedelta(days=1)
    row.met, row.in_home = 0, 0
    db.session.commit()

    covering.sweep()
    assert kept("everyone").kept_on == clock.today()
    assert TALLIES["coverage of visits"].differences() == {}


def test_coverage_shows_homes_apart_and_the_rules_share(as_):
    visited("陈一诺", form=Form.IN_HOME)
    school = as_("孙立德").page("/visits/coverage")
    district = as_("张建平").page("/visits/coverage")

    for page in (school, district):
        assert "入户" in page.text
        assert "每个家庭每学年至少走访一次" in page.text
    assert "三(2)班" in school.text
    assert "三年级" in school.text
    assert "望溪小学" in district.text
    assert "石桥县第一小学" not in district.text


def line(page, name):
    """The cells of the first row of this name, on a page with tables."""
    for row in page.all("tr"):
        cells = [words(cell).replace(" ", "") for cell in row if cell.tag.endswith(("th", "td"))]
        if cells[:1] == [name]:
            return cells[1:]
    raise AssertionError(f"no row {name}")


def test_class_grade_school_and_district_say_the_same_with_homes_apart(as_):
    """Pupils visited, in the home, not reached: the same at each level, on the board and in the report."""
    present = int(line(as_("孙立德").page("/visits/coverage"), "三(2)班")[3])
    visited("陈一诺", form=Form.IN_HOME)
    for _attempt in range(2):
        visited("何雨桐", form=None)
    covering.keep_all()
    school, district = as_("孙立德").page("/visits/coverage"), as_("张建平").page("/visits/coverage")

    of_class, of_grade, together = line(school, "三(2)班"), line(school, "三年级"), line(school, "合计")
    assert of_class[0].split("/")[0] == of_grade[0].split("/")[0] == together[0].split("/")[0]
    assert of_class[2:4] == of_grade[2:4] == together[2:4] == [of_class[2], str(present + 1)]
    assert int(of_class[2]) >= 1
    assert line(district, "望溪小学")[:4] == together[:4]
    assert line(district, "三年级")[2:4] == of_grade[2:4]
    assert line(district, "合计")[2:4] == together[2:4]
    reports = [as_(name).page("/visits/report") for name in ("孙立德", "张建平")]
    own, all_schools = line(reports[0], "合计"), line(reports[1], "望溪小学")
    assert own[:4] == all_schools[:4]
    assert f"{own[1]}/{own[0]}" == together[0]
    assert own[2:4] == together[2:4]


def test_the_comparison_of_levels_notices_a_number_that_was_not_kept(as_):
    covering.keep_all()
    before = line(as_("张建平").page("/visits/coverage"), "望溪小学")
    kept(covering.WHOLE.key).not_reached += 1
    db.session.commit()

    assert line(as_("张建平").page("/visits/coverage"), "望溪小学") != before
    assert TALLIES["coverage of visits"].differences() != {}


def test_the_board_counts_what_its_lists_show(as_):
    principal = as_("孙立德")
    figures = {
        words(one[0]): words(one[1]) for one in principal.page("/visits/coverage").all("a", class_="figure")
    }
    for title, path in (("到期的约定", "/visits/open"), ("没联系上", "/visits/open?what=families")):
        listed = principal.page(path)
        assert figures[title] == str(len(listed.all("a", class_="row") + listed.all("div", class_="row"))), (
            title
        )


def test_what_is_open_lists_families_nobody_reached_and_steps_past_their_day(as_):
    steps = as_("孙立德").page("/visits/open")
    families = as_("何静").page("/visits/open?what=families")

    assert "林嘉树" in steps.text
    assert "板报" not in steps.text
    assert "2 次" in families.text or "2次" in families.text


def test_what_is_open_comes_in_pages_that_cost_the_same(as_):
    principal = as_("孙立德")
    present = len(principal.page("/visits/open").all("a", class_="row"))
    with counted() as before:
        principal.page("/visits/open")
    steps = [Step(f"第{days}步", "school", clock.today() - timedelta(days=days)) for days in range(30)]
    visited("陈一诺", steps=steps)
    with counted() as after:
        first = principal.page("/visits/open")
    second = principal.page(first.links["看更多"])

    assert len(after) == len(before)
    assert [len(page.all("a", class_="row")) for page in (first, second)] == [PAGE, present + 30 - PAGE]
    assert "看更多" not in second.links


def test_boards_cost_the_same_for_more_classes_and_visits(as_):
    principal, district = as_("孙立德"), as_("张建平")
    for client in (principal, district):
        client.page("/visits/coverage")
    with counted() as before:
        principal.page("/visits/coverage")
    with counted() as before_district:
        district.page("/visits/coverage")
    for name in ("陈一诺", "林嘉树", "何雨桐"):
        visited(name)
    with counted() as after:
        principal.page("/visits/coverage")
    with counted() as after_district:
        district.page("/visits/coverage")

    assert len(after) == len(before)
    assert len(after_district) == len(before_district)
    assert len(after_district) <= 12
