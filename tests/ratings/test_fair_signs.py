"""Twelve ways of making a year look better are each seen; honest years hardly ever are."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.stars.judging import Share
from portal.ratings import fair_signs
from portal.ratings.fair_signs import RULES, Rule, Year, signs
from tests.ratings.fair_years import SUBMITTED, cheating, honest

SEED = 20261127
TIMES = 20


def rules_of(year):
    """What is found in a year."""
    return {one.rule for one in signs(year)}


def false_alarms(count, seed=SEED):
    """How many honest schools are asked anything."""
    return Share(sum(bool(signs(honest(seed, number))) for number in range(count)), count)


@pytest.mark.parametrize("rule", list(Rule))
def test_each_way_of_cheating_is_seen_every_time(rule):
    seen = [rule in rules_of(cheating(rule, SEED, number)) for number in range(TIMES)]

    assert seen.count(True) == TIMES


@pytest.mark.parametrize("rule", list(Rule))
def test_without_its_rule_a_way_of_cheating_is_not_seen(rule, monkeypatch):
    """The control: it is this rule that sees it and not another by accident."""
    others = tuple(one for one in RULES if one.__name__ != rule.value)
    assert len(others) == len(RULES) - 1
    monkeypatch.setattr(fair_signs, "RULES", others)

    assert rule not in rules_of(cheating(rule, SEED, 1))


def test_of_two_hundred_honest_schools_at_most_four_are_asked():
    assert false_alarms(200).part <= 4


def test_a_suspicious_eye_asks_too_many(monkeypatch):
    """The control of the false alarms: limits that are too strict are found out by the same count."""
    strict = {"LEAST_LETTERS": 1, "LIKE": 0.01, "PIECE": 1}
    for name, value in strict.items():
        monkeypatch.setattr(fair_signs, name, value)

    assert false_alarms(60).percent > 2


@pytest.mark.soak
def test_of_two_thousand_honest_schools_at_most_two_in_a_hundred_are_asked(record_property):
    found = false_alarms(2_000)
    record_property("false alarms, %", str(found))

    assert found.interval[1] <= 2


@given(st.builds(lambda seed: honest("any", seed), st.integers(0, 10**6)))
def test_signs_hold_only_numbers_days_and_ids(year):
    for one in signs(year):
        assert all(isinstance(value, int | list) for value in one.figures.values())


def test_an_empty_year_says_nothing():
    assert signs(Year(SUBMITTED)) == []
