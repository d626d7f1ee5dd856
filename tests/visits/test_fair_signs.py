"""The rules of fair play over simulated schools: what was put in is found, honest schools are left alone.

A simulated school has its own habits: a calm year, a month of visits, two weeks of action, teachers who write late, families
who confirm often or seldom, stock phrases. The false-alarm limit is that of the security contract: at most 2 % of schools.
"""

import random
import secrets
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.visits.fair_signs import Fact, Limits, Rule, signs
from portal.visits.models import Form
from portal.visits.sketching import NUMBERS, Sketch, likeness, numbers_of, sketch_of

BEGINS, ENDS = date(2026, 2, 23), date(2026, 7, 10)
TODAY = ENDS + timedelta(days=14)
WEEKS = 20
SECRET = b"rehearsal of sketches" * 2
FORMS = (Form.IN_HOME, Form.IN_HOME, Form.PUBLIC_PLACE, Form.AT_SCHOOL, Form.PHONE, Form.PHONE, Form.VIDEO)
LIMITS = Limits()
LEAST_FLAGGED, MOST_FALSE = 10, 0.02

STOCK = [random.Random(one).randbytes(6) for one in range(60)]
"""Pieces that many notes have in common."""

Telling = Callable[[random.Random], Sketch]


def strange(chance: random.Random) -> Sketch:
    """The sketch of a text that nobody else wrote, with some stock phrases of the trade in it."""
    stock = chance.sample(STOCK, chance.randint(0, 6))
    own = [chance.randbytes(6) for _number in range(NUMBERS - len(stock))]
    return frozenset(stock + own)


class Habits:
    """How the teachers of one school work, and how its families answer."""

    def __init__(self, chance: random.Random, most_teachers: int = 12) -> None:
        self.teachers = chance.randint(2, most_teachers)
        self.each = chance.randint(6, most_teachers + 8)
        self.season = chance.choice(("calm", "calm", "month", "action"))
        self.starts_in = chance.randint(0, WEEKS - 6)
        self.most_an_evening = chance.randint(2, 5)
        self.catches_up = chance.uniform(0, 0.15)
        self.during_lessons = chance.uniform(0, 0.15)
        self.writes_late = chance.uniform(0, 0.1)
        self.confirm = chance.uniform(0.55, 0.97)
        self.without_account = chance.uniform(0, 0.5)
        self.telling: Telling = strange

    def week(self, chance: random.Random) -> int:
        """A week of the term in which a visit falls."""
        if chance.random() < self.catches_up:
            return WEEKS - chance.randint(1, 3)
        if self.season == "calm":
            return chance.randint(0, WEEKS - 1)
        return self.starts_in + chance.randint(0, 4 if self.season == "month" else 1)


def honest(chance: random.Random, habits: Habits | None = None, tell: Telling | None = None) -> list[Fact]:
    """The visits of one honest school in one term."""
    habits = habits or Habits(chance)
    tell = tell or habits.telling
    found: list[Fact] = []
    for teacher in range(habits.teachers):
        done = 0
        while done < habits.each:
            monday = BEGINS + timedelta(days=7 * habits.week(chance))
            on = min(monday + timedelta(days=chance.choice((0, 1, 2, 3, 4, 4, 5, 6))), ENDS)
            minute = chance.randint(17 * 60, 18 * 60)
            for _visit in range(chance.randint(1, habits.most_an_evening)):
                form = chance.choice(FORMS)
                at = datetime.combine(on, time(minute // 60, minute % 60))
                if chance.random() < habits.during_lessons:
                    at = datetime.combine(on, time(9, 40))
                minute = min(minute + chance.randint(25, 50), 22 * 60)
                late = chance.random() < habits.writes_late
                written_on = on + timedelta(days=chance.randint(15, 25) if late else chance.randint(0, 3))
                found.append(
                    Fact(
                        visit_id=len(found) + 1,
                        author_id=teacher,
                        held_at=at,
                        written_on=written_on,
                        form=form,
                        is_confirmed=chance.random() < habits.confirm,
                        can_be_confirmed=chance.random() >= habits.without_account,
                        sketches=(tell(chance),) if chance.random() < 0.9 else (),
                    )
                )
                done += 1
    return found


def rules_of(facts: list[Fact], limits: Limits = LIMITS) -> set[Rule]:
    """The rules that find something."""
    return {one.rule for one in signs(facts, ENDS, TODAY, limits)}


def false_alarms(schools: int, seed: int, most_teachers: int) -> dict[int, set[Rule]]:
    """Honest schools of which something would be asked, by number."""
    found = {}
    for number in range(schools):
        chance = random.Random(seed * 100_003 + number)
        rules = rules_of(honest(chance, Habits(chance, most_teachers)))
        if rules:
            found[number] = rules
    return found


# What cheating looks like


def some(facts: list[Fact], share: float, chance: random.Random) -> Iterator[tuple[int, Fact]]:
    """Places of a share of the visits."""
    for place in chance.sample(range(len(facts)), int(len(facts) * share)):
        yield place, facts[place]


def rushed(facts: list[Fact], chance: random.Random) -> None:
    for place, one in some(facts, 0.6, chance):
        on = ENDS - timedelta(days=chance.randint(0, 6))
        facts[place] = replace(one, held_at=datetime.combine(on, one.held_at.time()), written_on=on)


def back_dated(facts: list[Fact], chance: random.Random) -> None:
    for place, one in some(facts, 0.7, chance):
        held_at = min(one.held_at, datetime.combine(ENDS - timedelta(days=40), time(18)))
        facts[place] = replace(one, held_at=held_at, written_on=ENDS - timedelta(days=chance.randint(0, 5)))


def crammed_evenings(facts: list[Fact], chance: random.Random) -> None:
    for week in (4, 9, 13):
        on = BEGINS + timedelta(days=7 * week)
        for place in range(9):
            at = datetime.combine(on, time(18, place * 5))
            spot = week * 3 + place
            facts[spot % len(facts)] = replace(
                facts[spot % len(facts)], author_id=1, held_at=at, written_on=on, form=Form.IN_HOME
            )


def one_note_for_all(facts: list[Fact], chance: random.Random) -> None:
    note = strange(chance)
    for place, one in some(facts, 0.5, chance):
        facts[place] = replace(one, sketches=(note,))


def touched_up_notes(facts: list[Fact], chance: random.Random) -> None:
    note = sorted(strange(chance))
    for place, one in some(facts, 0.5, chance):
        changed = [*note[:-2], chance.randbytes(6), chance.randbytes(6)]
        facts[place] = replace(one, sketches=(frozenset(changed),))


def three_notes_in_turn(facts: list[Fact], chance: random.Random) -> None:
    notes = [strange(chance) for _note in range(3)]
    for place, one in some(facts, 0.6, chance):
        facts[place] = replace(one, sketches=(chance.choice(notes),))


def in_lesson_time(facts: list[Fact], chance: random.Random) -> None:
    for place, one in some(facts, 0.9, chance):
        on = one.held_on - timedelta(days=max(0, one.held_on.weekday() - 4))
        facts[place] = replace(one, held_at=datetime.combine(on, time(chance.choice((9, 10, 14)), 40)))


def nobody_confirms(facts: list[Fact], chance: random.Random) -> None:
    facts[:] = [replace(one, is_confirmed=False, can_be_confirmed=True) for one in facts]


def invented_families(facts: list[Fact], chance: random.Random) -> None:
    for place, one in some(facts, 0.9, chance):
        facts[place] = replace(one, is_confirmed=False, can_be_confirmed=True)


def invented_last_evening(facts: list[Fact], chance: random.Random) -> None:
    for place, one in some(facts, 0.7, chance):
        on = ENDS - timedelta(days=chance.randint(0, 2))
        facts[place] = replace(
            one, author_id=0, held_at=datetime.combine(on, time(18)), written_on=on, form=Form.IN_HOME
        )


PATTERNS: dict[Callable[[list[Fact], random.Random], None], Rule] = {
    rushed: Rule.LAST_WEEK,
    back_dated: Rule.LAST_WEEK,
    crammed_evenings: Rule.EVENINGS,
    one_note_for_all: Rule.ALIKE,
    touched_up_notes: Rule.ALIKE,
    three_notes_in_turn: Rule.ALIKE,
    in_lesson_time: Rule.LESSONS,
    nobody_confirms: Rule.UNCONFIRMED,
    invented_families: Rule.UNCONFIRMED,
    invented_last_evening: Rule.EVENINGS,
}


@pytest.mark.parametrize("cheat", PATTERNS, ids=lambda one: one.__name__)
def test_each_of_ten_patterns_is_found(cheat: Callable[[list[Fact], random.Random], None]) -> None:
    for seed in range(3):
        chance = random.Random(seed)
        habits = Habits(chance)
        habits.teachers, habits.each = 10, 20
        facts = honest(chance, habits)
        cheat(facts, chance)
        assert PATTERNS[cheat] in rules_of(facts), f"school {seed}"
    assert len(PATTERNS) == LEAST_FLAGGED


def test_honest_schools_are_left_alone() -> None:
    schools = 200
    found = false_alarms(schools, seed=1, most_teachers=12)
    assert len(found) <= MOST_FALSE * schools, found


def test_the_limit_would_notice_rules_that_are_too_strict() -> None:
    strict = Limits(last_week=5, unconfirmed=20, lessons=5)
    asked = [bool(rules_of(honest(random.Random(number)), strict)) for number in range(30)]
    assert sum(asked) > 15


@pytest.mark.soak
def test_honest_schools_are_left_alone_over_many_years() -> None:
    schools = 2_000
    found = false_alarms(schools, seed=2, most_teachers=30)
    assert len(found) <= MOST_FALSE * schools, found


@pytest.mark.soak
def test_honest_texts_are_left_alone() -> None:
    """The same with texts put together from phrases of the trade, sketched by the real function."""
    asked = 0
    for number in range(200):
        chance = random.Random(number)
        facts = honest(chance, tell=lambda chance: numbers_of(sketch_of(a_note(chance), 1, (), SECRET)))
        asked += Rule.ALIKE in rules_of(facts)
    assert asked <= MOST_FALSE * 200


PHRASES = (
    "孩子在家能主动完成作业", "家长很配合学校的工作", "平时由爷爷奶奶照顾", "希望老师多关注孩子的情绪",
    "孩子喜欢看书和画画", "晚上九点前能睡觉", "最近爱看手机", "妈妈在外地打工每周视频一次", "会帮家里洗碗扫地",
    "学习上有进步", "对数学不太有信心", "和弟弟相处得很好", "家里有安静的写字桌", "周末常去图书馆", "胆子比较小",
)  # fmt: skip


def a_note(chance: random.Random) -> str:
    """A note such as many teachers write: phrases of the trade and a few words of one's own."""
    said = chance.sample(PHRASES, chance.randint(2, 6))
    own = "".join(chr(chance.randint(0x4E00, 0x9FA5)) for _letter in range(chance.randint(15, 80)))
    return "，".join(said) + "。" + own


# Sketches


TEXT = (
    "小满最近自己整理书包，外婆很高兴。外婆盼着小满周末能和爸爸视频，听他讲讲学校的事。放学后在外婆家写作业。"
)


def sketch(text: str, *names: str, school: int = 1) -> Sketch:
    return numbers_of(sketch_of(text, school, names, SECRET))


def test_a_copy_with_another_name_is_alike() -> None:
    copied = TEXT.replace("小满", "一诺").replace("，", " , ")
    assert likeness(sketch(TEXT, "赵小满", "小满"), sketch(copied, "陈一诺", "一诺")) == 1
    assert likeness(sketch(TEXT, "小满"), sketch(TEXT + "别的都好。", "小满")) > 0.7


def test_other_texts_other_schools_and_short_ones_are_not() -> None:
    other = "雨桐会自己做早饭，还教弟弟系鞋带。妈妈想知道她在学校有没有好朋友，老师说她常帮同学讲题。"
    assert likeness(sketch(TEXT), sketch(other)) == 0
    assert likeness(sketch(TEXT), sketch(TEXT, school=2)) == 0
    assert sketch("孩子很好，家长很配合。") == frozenset()
    assert likeness(frozenset(), frozenset()) == 0


def test_without_the_key_nothing_can_be_compared() -> None:
    other_key = numbers_of(sketch_of(TEXT, 1, (), secrets.token_bytes(32)))
    assert likeness(sketch(TEXT), other_key) == 0


@given(
    st.sets(st.binary(min_size=6, max_size=6), max_size=40),
    st.sets(st.binary(min_size=6, max_size=6), max_size=40),
)
def test_likeness_is_a_share_and_the_same_both_ways(one: set[bytes], other: set[bytes]) -> None:
    first, second = (frozenset(sorted(numbers)[:NUMBERS]) for numbers in (one, other))
    found = likeness(first, second)
    assert 0 <= found <= 1
    assert found == likeness(second, first)
    assert not first or likeness(first, first) == 1


def test_few_visits_say_nothing() -> None:
    chance = random.Random(5)
    facts = honest(chance)[: LIMITS.least - 1]
    nobody_confirms(facts, chance)
    assert rules_of(facts) <= {Rule.EVENINGS}


def test_families_without_an_account_and_fresh_notes_are_not_counted_as_silent() -> None:
    chance = random.Random(6)
    facts = [replace(one, is_confirmed=False, can_be_confirmed=False) for one in honest(chance)]
    assert Rule.UNCONFIRMED not in rules_of(facts)
    fresh = [replace(one, is_confirmed=False, can_be_confirmed=True, written_on=TODAY) for one in facts]
    assert Rule.UNCONFIRMED not in rules_of(fresh)


def test_a_school_that_plans_an_action_in_the_last_week_may_raise_the_limit() -> None:
    chance = random.Random(7)
    facts = honest(chance)
    rushed(facts, chance)
    assert Rule.LAST_WEEK in rules_of(facts)
    assert Rule.LAST_WEEK not in rules_of(facts, replace(LIMITS, last_week=100))
