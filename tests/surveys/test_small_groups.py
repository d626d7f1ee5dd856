"""No small group follows from what is published: the linear system of everything shown, solved, over random districts."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.surveys import groups
from portal.surveys.closing import Group, shown_in_school
from portal.surveys.figures import Cell, Frame, figure, published
from portal.surveys.groups import LEAST, determined, shown
from portal.surveys.instrument import default_instrument, questions_of
from portal.surveys.releasing import visible_schools

PEERS = ("primary", "junior", "primary+junior")


def district(chance):
    """Schools with grades and classes: school → (like schools, tree, class → answers)."""
    schools = {}
    for school in range(chance.randint(1, 7)):
        tree, sizes = [], {}
        for grade in range(chance.randint(1, 6)):
            key = f"g{school}.{grade}"
            classes = [f"c{school}.{grade}.{number}" for number in range(chance.randint(1, 5))]
            tree.append(Group(key, "grade", key, "", []))
            tree.extend(Group(name, "class", name, key, []) for name in classes)
            sizes |= {name: chance.choice((0, 1, 3, 6, 8, 9, 10, 11, 15, 25, 40)) for name in classes}
            sizes[key] = sum(sizes[name] for name in classes)
        schools[school] = (chance.choice(PEERS), tree, sizes)
    return schools


def classes_in(tree, sizes, key=""):
    return frozenset(
        group.key for group in tree if group.level == "class" and key in ("", group.within, group.key)
    )


def everything_published(schools, *, complement=True):
    """(answers by class, the classes of every group that is shown) of one question."""
    leaves, whole = {}, {}
    for school, (peers, tree, sizes) in schools.items():
        leaves |= {key: sizes[key] for key in classes_in(tree, sizes)}
        whole[school] = (peers, sum(sizes[key] for key in classes_in(tree, sizes)))
    seen = visible_schools(whole, complement=complement)
    found = []
    if seen.district:
        found.append(frozenset(leaves))
    for name in seen.peers:
        found.append(
            frozenset().union(
                *(classes_in(tree, sizes) for peers, tree, sizes in schools.values() if peers == name)
            )
        )
    for school in seen.rows:
        _peers, tree, sizes = schools[school]
        found.append(classes_in(tree, sizes))
        found += [classes_in(tree, sizes, key) for key in shown_in_school(tree, sizes, complement=complement)]
    return leaves, found


def leaking(count, seed, **rule):
    """How many of so many random districts give a small class away."""
    chance = random.Random(seed)
    return sum(bool(determined(*everything_published(district(chance), **rule))) for _number in range(count))


def test_no_small_class_can_be_worked_out():
    assert leaking(80, 1) == 0


def test_without_the_complement_many_can():
    assert leaking(80, 1, complement=False) > 20


@pytest.mark.soak
@pytest.mark.timeout(1800)
def test_a_thousand_districts(record_property):
    record_property("leaking", leaking(1_000, 2026))
    record_property("without_complement", leaking(1_000, 2026, complement=False))
    assert leaking(1_000, 2026) == 0
    assert leaking(1_000, 2026, complement=False) > 300


def test_the_solver_finds_what_follows_by_subtraction():
    leaves = {"a": 30, "b": 4, "c": 12}
    whole = frozenset(leaves)
    assert determined(leaves, [whole]) == set()
    assert determined(leaves, [whole, frozenset("ac")]) == {"b"}
    assert determined(leaves, [whole, frozenset("a"), frozenset("c")]) == {"b"}
    assert determined(leaves | {"d": 3}, [frozenset("ab"), frozenset("bd"), frozenset("ad")]) == {"b", "d"}
    assert determined({"a": 30, "b": 4, "none": 0}, [frozenset({"a", "b", "none"}), frozenset("a")]) == {"b"}


def test_questions_of_one_questionnaire_do_not_help_each_other():
    """The index is the only figure over several questions; it is shown where all of them are, so it says nothing new."""
    chance = random.Random(5)
    for _number in range(12):
        first = district(chance)
        leaves, equations, shown_in = {}, [], []
        for name in ("q9", "q10", "q11"):
            schools = {
                key: (
                    peers,
                    tree,
                    {
                        one: max(size - chance.choice((0, 0, 2, 5)), 0)
                        for one, size in sizes.items()
                        if one[0] == "c"
                    },
                )
                for key, (peers, tree, sizes) in first.items()
            }
            for _peers, tree, sizes in schools.values():
                sizes |= {
                    group.key: sum(sizes[one] for one in classes_in(tree, sizes, group.key))
                    for group in tree
                    if group.level == "grade"
                }
            answers, found = everything_published(schools)
            leaves |= {(name, key): size for key, size in answers.items()}
            equations += [frozenset((name, key) for key in group) for group in found]
            shown_in.append(set(found))
        for group in set.intersection(*shown_in):
            equations.append(frozenset((name, key) for name in ("q9", "q10", "q11") for key in group))
        assert determined(leaves, equations) == set()


@given(st.dictionaries(st.integers(0, 30), st.integers(0, 60), max_size=12))
def test_what_stays_hidden_is_nothing_or_enough(sizes):
    kept = shown(sizes)
    hidden = [size for name, size in sizes.items() if name not in kept and size]
    assert all(sizes[name] >= LEAST for name in kept)
    assert not kept or not hidden or (len(hidden) >= groups.LEAST_HIDDEN_GROUPS and sum(hidden) >= LEAST)


def test_figures_are_those_of_the_domain_page():
    cell = Cell(12, 12 * 98, 12 * 98 * 98, 0)
    found = figure(cell, "index", share=False, frame=Frame({"index": 88.0}, 40))
    assert (found["mean"], found["shrunk"], found["n"]) == (98.0, 91.8, 12)
    nearly_all = Cell(25, 2400, 240_000, 0)
    assert figure(nearly_all, "q1", share=True, frame=Frame())["mean"] == ">95"
    assert "low" not in figure(nearly_all, "q1", share=True, frame=Frame())
    assert figure(Cell(25, 50, 5_000, 0), "q9", share=False, frame=Frame(exact=False))["mean"] == "<5"
    half = figure(Cell(100, 5_000, 500_000, 25), "q1", share=True, frame=Frame())
    assert (half["mean"], half["low"], half["high"], half["others"]) == (50.0, 40.4, 59.6, 20.0)


def test_the_index_is_missing_where_a_scored_question_is():
    questions = questions_of(default_instrument())
    cells = {f"q{number}": Cell(20, 1_500, 120_000, 1) for number in range(9, 13)}
    assert published(questions, cells, Frame())["index"]["mean"] == 75.0
    del cells["q11"]
    assert "index" not in published(questions, cells, Frame())
