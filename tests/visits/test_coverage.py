"""Coverage rules: each kind that districts publish has a worked example; any document reads again as it was written."""

from datetime import date, timedelta
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portal.access import Role
from portal.visits.coverage import (
    IN_PERSON,
    Child,
    Flaw,
    Group,
    Held,
    Quota,
    Rule,
    Rules,
    Span,
    Year,
    judge,
    progress,
    quota_in_words,
    read,
    rule_in_words,
    span_of,
    written,
)
from portal.visits.models import PRIORITY_NAMES, Form
from portal.visits.patterns import DEFAULT, PATTERNS

AUTUMN = date(2026, 9, 1)
YEAR = Year(AUTUMN, (Span(AUTUMN, date(2027, 1, 22)), Span(date(2027, 2, 22), date(2027, 7, 9))))
OCTOBER, MAY = date(2026, 10, 8), date(2027, 5, 10)
WANG, DENG = 1, 2


def pattern(name, key):
    """One rule or quota of a pattern."""
    found = read(PATTERNS[name][1])
    return next(one for one in (*found.rules, *found.quotas) if one.key == key)


def a_class(size, visited=(), *, form=Form.IN_HOME, on=OCTOBER, authors=(WANG,), priority=(), **facts):
    """A class of ``size`` pupils; those in ``visited`` were visited once, those in ``priority`` need care."""
    pupils = [
        Child(n, "left_behind" if n in priority else "", facts.get("arrived", date(2024, 9, 1)))
        for n in range(size)
    ]
    visits = [Held(n, on, form, frozenset(authors)) for n in visited]
    return Group(facts.get("level", 3), pupils, visits, facts.get("since"))


def test_a_class_of_up_to_thirty_is_visited_whole_in_one_term():
    rule = pattern("action", "small")

    assert judge(rule, a_class(30, range(30)), YEAR, OCTOBER).is_kept
    assert judge(rule, a_class(30, range(29)), YEAR, OCTOBER).open == {29}
    assert judge(rule, a_class(31), YEAR, OCTOBER).concerned == frozenset()
    # A visit of the first term does not keep the second term's rule.
    assert not judge(rule, a_class(30, range(30)), YEAR, MAY).is_kept


def test_of_a_class_of_fifty_or_more_at_least_half_are_met_in_person():
    rule = pattern("action", "large")

    assert judge(rule, a_class(51, range(26)), YEAR, OCTOBER).needed == 26
    assert judge(rule, a_class(51, range(26)), YEAR, OCTOBER).is_kept
    assert not judge(rule, a_class(51, range(25)), YEAR, OCTOBER).is_kept
    assert not judge(rule, a_class(51, range(51), form=Form.PHONE), YEAR, OCTOBER).is_kept
    assert judge(rule, a_class(49), YEAR, OCTOBER).concerned == frozenset()


def test_starting_grades_are_visited_completely():
    rule = pattern("action", "starting")

    assert judge(rule, a_class(40, level=1), YEAR, OCTOBER).needed == 40
    assert judge(rule, a_class(40, level=2), YEAR, OCTOBER).concerned == frozenset()


def test_heads_middle_managers_and_all_teachers_take_part():
    roles = {one.role for one in read(PATTERNS["action"][1]).quotas}

    assert roles == {Role.PRINCIPAL, Role.SCHOOL_OFFICE, Role.CLASS_TEACHER, Role.SUBJECT_TEACHER}


def test_a_new_teachers_class_is_visited_two_thirds_in_the_first_term_and_whole_by_the_second():
    rule = pattern("classes", "new")
    new = a_class(45, range(30), since=AUTUMN)

    assert judge(rule, new, YEAR, OCTOBER).needed == 30
    assert judge(rule, new, YEAR, OCTOBER).is_kept
    assert judge(rule, new, YEAR, MAY).needed == 45
    assert judge(rule, new, YEAR, MAY).met == frozenset(range(30))
    assert judge(rule, a_class(45, since=date(2024, 9, 1)), YEAR, OCTOBER).concerned == frozenset()


def test_an_old_class_is_visited_by_a_third_each_term():
    rule = pattern("classes", "old")
    old = a_class(45, range(15), since=date(2024, 9, 1))

    assert judge(rule, old, YEAR, OCTOBER).needed == 15
    assert judge(rule, old, YEAR, OCTOBER).is_kept
    assert judge(rule, a_class(45, since=AUTUMN), YEAR, OCTOBER).concerned == frozenset()


def test_four_homes_a_month_and_sixteen_a_term():
    monthly, termly = pattern("classes", "month"), pattern("classes", "term")
    visits = [Held(n, OCTOBER, Form.IN_HOME, frozenset({WANG})) for n in range(4)]
    visits += [Held(n, date(2026, 11, 3), Form.PHONE, frozenset({WANG})) for n in range(4)]

    assert progress(monthly, WANG, visits, YEAR, OCTOBER).is_kept
    assert progress(monthly, WANG, visits, YEAR, date(2026, 11, 20)).done == 0
    assert progress(termly, WANG, visits * 4, YEAR, OCTOBER).done == 16
    assert not progress(termly, DENG, visits * 4, YEAR, OCTOBER).is_kept


def test_six_pupils_for_class_teachers_and_four_for_others_in_person():
    six, four = pattern("pairs", "lead"), pattern("pairs", "subject")
    twice = [Held(n % 5, OCTOBER, Form.AT_SCHOOL, frozenset({WANG, DENG})) for n in range(10)]

    assert progress(six, WANG, twice, YEAR, OCTOBER).done == 5
    assert progress(four, DENG, twice, YEAR, OCTOBER).is_kept
    assert (six.number, four.number) == (6, 4)


def test_a_group_is_two_teachers():
    rule = pattern("pairs", "care")
    alone = a_class(10, [0, 1], priority=[0, 1])
    together = a_class(10, [0, 1], priority=[0, 1], authors=(WANG, DENG))

    assert judge(rule, alone, YEAR, OCTOBER).met == frozenset()
    assert judge(rule, together, YEAR, OCTOBER).is_kept


def test_new_pupils_are_all_visited_in_the_visit_month():
    rule = pattern("visit_month", "new")
    new = a_class(20, range(20), arrived=AUTUMN)

    assert judge(rule, new, YEAR, OCTOBER).span == Span(AUTUMN, date(2026, 10, 15))
    assert judge(rule, new, YEAR, MAY).is_kept
    assert not judge(rule, a_class(20, range(20), arrived=AUTUMN, on=date(2026, 10, 16)), YEAR, MAY).is_kept
    assert judge(rule, a_class(20), YEAR, OCTOBER).concerned == frozenset()


def test_whoever_is_not_met_in_person_is_called_so_that_special_groups_are_complete():
    rule = pattern("care", "care")
    half = a_class(20, [0, 1], priority=[0, 1, 2, 3], authors=(WANG, DENG))
    called = [Held(n, OCTOBER, Form.PHONE, frozenset({WANG})) for n in (2, 3)]

    assert judge(rule, half, YEAR, OCTOBER).to_call == {2, 3}
    assert not judge(rule, half, YEAR, OCTOBER).is_kept
    assert judge(rule, Group(3, half.pupils, [*half.visits, *called]), YEAR, OCTOBER).is_kept


def test_a_rule_may_name_single_groups():
    rule = Rule("some", "some", who="priority", groups=("disabled",))

    assert judge(rule, a_class(5, priority=[0]), YEAR, OCTOBER).concerned == frozenset()


def test_by_default_everybody_once_a_year_and_care_every_term():
    everyone, care, _newcomers = read(DEFAULT).rules

    assert judge(everyone, a_class(10, range(10)), YEAR, MAY).is_kept
    assert judge(care, a_class(10, [0], priority=[0, 1]), YEAR, OCTOBER).open == {1}


@pytest.mark.parametrize(
    ("flaw", "place"),
    [
        ({"share": "0"}, "share"),
        ({"share": "3/2"}, "share"),
        ({"share": "1/0"}, "share"),
        ({"share": "half"}, "share"),
        ({"first_share": "1/3"}, "first_share"),
        ({"every": "year", "share": "1/2", "first_share": "2/3"}, "first_share"),
        ({"every": "daily"}, "every"),
        ({"every": "window"}, "windows"),
        ({"every": "window", "windows": ["02-30/03-01"]}, "windows"),
        ({"every": "window", "windows": ["08-15/09-15"]}, "windows"),
        ({"windows": ["09-01/10-15"]}, "windows"),
        ({"who": "boys"}, "who"),
        ({"groups": ["left_behind"]}, "groups"),
        ({"who": "priority", "groups": ["rich"]}, "groups"),
        ({"least": 50, "most": 30}, "most"),
        ({"least": True}, "least"),
        ({"forms": []}, "forms"),
        ({"forms": ["letter"]}, "forms"),
        ({"teachers": 9}, "teachers"),
        ({"calls": "yes"}, "calls"),
        ({"name": ""}, "name"),
        ({"name": "长" * 61}, "name"),
        ({"sanction": "red card"}, ""),
    ],
)
def test_a_flaw_is_found_at_its_field(flaw, place):
    good = {"key": "one", "name": "一条规则"}
    assert read({"rules": [good]}).rules[0].share == 1

    with pytest.raises(Flaw) as found:
        read({"rules": [good | flaw]})
    assert found.value.place == place


@pytest.mark.parametrize(
    "document", [None, [], "x", {"rules": {}}, {"rules": [3]}, {"more": []}, {"rules": [{}] * 99}]
)
def test_what_is_no_document_is_refused(document):
    with pytest.raises(Flaw):
        read(document)


def test_a_key_stands_for_one_rule():
    with pytest.raises(Flaw):
        read(
            {
                "rules": [{"key": "one", "name": "甲"}],
                "quotas": [{"key": "one", "name": "乙", "role": "principal", "number": 1}],
            }
        )


SHARES = st.tuples(st.integers(1, 100), st.integers(1, 100)).map(lambda pair: Fraction(min(pair), max(pair)))
FORMS = st.lists(st.sampled_from(list(Form)), min_size=1, unique=True).map(
    lambda chosen: tuple(form for form in Form if form in chosen)
)
RULES = st.builds(
    Rule,
    key=st.uuids().map(lambda key: f"r{key.hex[:12]}"),
    name=st.text("家访甲乙丙ABC 1", min_size=1, max_size=20).filter(str.strip),
    who=st.sampled_from(["all", "priority", "starting_grades", "new_classes", "other_classes", "new_pupils"]),
    least=st.none() | st.integers(1, 40),
    most=st.none() | st.integers(40, 90),
    every=st.sampled_from(["term", "year", "month"]),
    share=SHARES,
    forms=FORMS,
    teachers=st.integers(1, 3),
    calls=st.booleans(),
)
DAYS = st.integers(0, 364).map(lambda n: AUTUMN + timedelta(days=n))


@settings(max_examples=40)
@given(st.lists(RULES, max_size=5, unique_by=lambda rule: rule.key))
def test_a_document_reads_again_as_it_was_written(rules):
    assert read(written(Rules(tuple(rules)))) == Rules(tuple(rules))
    assert all(rule_in_words(rule) for rule in rules)


@settings(max_examples=40)
@given(
    RULES,
    st.lists(st.tuples(st.integers(0, 60), DAYS, st.sampled_from(list(Form)), st.integers(1, 3))),
    st.integers(1, 60),
    DAYS,
    st.sets(st.integers(0, 60)),
)
def test_what_is_counted_lies_within_what_is_asked_and_another_visit_never_takes_away(
    rule, told, size, day, care
):
    visits = [Held(n, on, form, frozenset(range(many))) for n, on, form, many in told]
    pupils = [Child(n, "disabled" if n in care else "", AUTUMN) for n in range(size)]
    before = judge(rule, Group(1, pupils, visits[:-1], AUTUMN), YEAR, day)
    after = judge(rule, Group(1, pupils, visits, AUTUMN), YEAR, day)

    for one in (before, after):
        assert one.in_home <= one.met <= one.reached <= one.concerned
        assert one.needed <= len(one.concerned)
        assert (one.needed == 0) == (not one.concerned)
        assert one.span.first <= one.span.last
    assert before.met <= after.met
    assert after.needed == before.needed


@settings(max_examples=40)
@given(st.sampled_from(["term", "year", "month", "window"]), DAYS)
def test_a_period_is_found_for_every_day_of_the_year(every, day):
    span = span_of(every, ("09-01/10-15", "03-01/03-31"), YEAR, day)

    assert span.first <= span.last
    assert every not in ("month", "year") or span.holds(day)


def test_a_window_may_end_on_the_leap_day():
    assert span_of("window", ("02-20/02-29",), YEAR, MAY).last == date(2027, 2, 28)
    assert span_of("window", ("02-20/02-29",), Year(date(2027, 9, 1), ()), date(2028, 5, 1)).last == date(
        2028, 2, 29
    )


def test_groups_and_forms_are_those_of_visits():
    assert set(Rule("a", "a").forms) == set(Form)
    assert set(IN_PERSON) < set(Form)
    assert PRIORITY_NAMES
    assert quota_in_words(Quota("q", "q", Role.PRINCIPAL, 1))
