"""No small group follows from what is published: the linear system of everything shown, solved, over random districts."""

import io
import json
import random
from collections import Counter
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st
from python_calamine import CalamineWorkbook
from sqlalchemy import select

from portal.extensions import db
from portal.schools.models import School, SchoolClass
from portal.surveys import answering, closing, groups, tables
from portal.surveys.answering import Given
from portal.surveys.closing import Group, shown_in_school
from portal.surveys.figures import Cell, Frame, figure, published
from portal.surveys.groups import LEAST, determined, shown
from portal.surveys.instrument import default_instrument, questions_of
from portal.surveys.models import Survey, SurveySchool
from portal.surveys.releasing import visible_schools
from tests.surveys.test_flags import release
from tests.surveys.test_unlinkable import homes_of, opened

PEERS = ("primary", "junior", "primary+junior")
SCHOOLS = ("望溪小学", "东塔小学", "南桥中学", "青石乡中心学校")
CONTROLS = ("without_complement", "two_years_without_complement", "released_twice")


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
    return leaves, found, every_group(schools)


def every_group(schools):
    """The classes of every school and every grade: the groups that are asked about."""
    return [
        classes_in(tree, sizes, key)
        for _peers, tree, sizes in schools.values()
        for key in ("", *(group.key for group in tree if group.level == "grade"))
    ]


def leaking(count, seed, **rule):
    """How many of so many random districts give a small class away."""
    chance = random.Random(seed)
    return sum(bool(determined(*everything_published(district(chance), **rule))) for _number in range(count))


def made_anew(chance):
    """What would be known of a district whose release were made anew without its smallest school: both releases together."""
    schools = district(chance)
    leaves, found, asked = everything_published(schools)
    schools.pop(min(schools, key=lambda school: sum(schools[school][2].values())))
    return leaves, found + everything_published(schools)[1], asked


def years_and_families(chance, *, years=2, **rule):
    """Several years of a district, with tables of how many families each class has and how many of a school answered.

    Answers of another year are other answers, so every year has leaves of its own. The tables of families tell all sizes, those
    of hidden classes too, so these stand as equations of one class each; what is asked is whether an answer follows.
    """
    schools = district(chance)
    leaves, found, asked = {}, [], []
    for year in range(years):
        sizes, published, small = everything_published(schools, **rule)
        asked += [frozenset(("answers", year, key) for key in group) for group in small]
        leaves |= {("answers", year, key): size for key, size in sizes.items()}
        found += [frozenset(("answers", year, key) for key in group) for group in published]
        found += [frozenset({("families", year, key)}) for key in sizes]
        leaves |= {("families", year, key): groups.LEAST + size for key, size in sizes.items()}
        for _peers, tree, of_school in schools.values():
            moved = [group.key for group in tree if group.level == "class"]
            of_school |= {key: max(of_school[key] + chance.choice((-2, 0, 0, 1, 3)), 0) for key in moved}
            of_school |= {
                group.key: sum(of_school[key] for key in classes_in(tree, of_school, group.key))
                for group in tree
                if group.level == "grade"
            }
    return leaves, found, asked


def leaks(count, seed, known):
    """How many of so many random districts give a small class away to whoever knows that much."""
    chance = random.Random(seed)
    return sum(bool(determined(*known(chance))) for _number in range(count))


def test_no_small_class_can_be_worked_out():
    assert leaking(80, 1) == 0
    assert leaks(30, 2, years_and_families) == 0


def test_without_the_complement_many_can():
    assert leaking(80, 1, complement=False) > 20
    assert leaks(30, 2, partial(years_and_families, complement=False)) > 15


def test_a_second_release_of_the_same_answers_would_give_schools_away():
    """Why a release stays as it is when a school's answers are found not to count afterwards."""
    assert leaks(60, 3, made_anew) > 5


@pytest.mark.soak
@pytest.mark.timeout(1800)
def test_a_thousand_districts(record_property):
    for name, number in {
        "leaking": leaking(1_000, 2026),
        "without_complement": leaking(1_000, 2026, complement=False),
        "two_years": leaks(1_000, 2026, years_and_families),
        "two_years_without_complement": leaks(1_000, 2026, partial(years_and_families, complement=False)),
        "released_twice": leaks(1_000, 2026, made_anew),
    }.items():
        record_property(name, number)
        assert number > 50 if name in CONTROLS else number == 0, (name, number)


# A release as it comes out of the portal, with its workbook.


def answer_at_random(chance, rows):
    """Let four in five households answer, each leaving out what it likes; (question, class) → answers with a value."""
    truth = Counter()
    for row in rows:
        for home in homes_of(row):
            given = {f"q{number}": chance.choice(("yes", "no", "unsure")) for number in range(1, 8)}
            given |= {f"q{number}": chance.choice(("5", "4", "3", "1", "unsure")) for number in range(9, 13)}
            given = {name: choice for name, choice in given.items() if chance.random() < 0.9}
            if chance.random() < 0.8:
                answering.put(answering.admission_of(home.token, home), Given(given))
                truth.update((name, home.class_id) for name, choice in given.items() if choice != "unsure")
    db.session.commit()
    return truth


def said(survey, rows):
    """Question → groups that were shown, as (classes, how many it says answered)."""
    places = db.session.execute(select(SchoolClass.id, SchoolClass.grade_id, SchoolClass.school_id)).all()
    of_row = {row.id: frozenset(one.id for one in places if one.school_id == row.school_id) for row in rows}
    of_key = {f"c{one.id}": frozenset({one.id}) for one in places}
    for one in places:
        of_key[f"g{one.grade_id}"] = of_key.get(f"g{one.grade_id}", frozenset()) | {one.id}
    above, found = json.loads(survey.release), []
    found.append((frozenset().union(*of_row.values()), above["district"]))
    for peers, shown_there in above["peers"].items():
        found.append(
            (frozenset().union(*(of_row[row.id] for row in rows if row.peers == peers)), shown_there)
        )
    for row in rows:
        tables = json.loads(row.tables)
        found += [(of_row[row.id], tables), *((of_key[group["key"]], group) for group in tables["groups"])]
    by_question = {}
    for classes, shown_there in found:
        for name, numbers in shown_there["questions"].items():
            by_question.setdefault(name, []).append((classes, numbers["n"]))
    return by_question


def small_classes_found_out(seed):
    """(question, class) pairs that follow from a whole release; each number in it is compared with the answers on the way."""
    chance = random.Random(seed)
    schools = db.session.scalars(select(School).where(School.name.in_(SCHOOLS)).order_by(School.id)).all()
    survey_id = opened(schools=schools).survey_id
    rows = db.session.scalars(select(SurveySchool).where(SurveySchool.survey_id == survey_id)).all()
    truth = answer_at_random(chance, rows)
    closing.close(db.session.get_one(Survey, survey_id), None)
    for row in rows:
        closing.count(row)
    release(rows[0])
    survey = db.session.get_one(Survey, survey_id)
    found = set()
    for name, shown_there in said(survey, rows).items():
        leaves = {place: number for (question, place), number in truth.items() if question == name}
        assert all(sum(leaves.get(one, 0) for one in classes) == n >= LEAST for classes, n in shown_there)
        equations = [frozenset(leaf for leaf in classes if leaf in leaves) for classes, _n in shown_there]
        found |= {(name, leaf) for leaf in determined(leaves, equations)}
    return survey, found


@pytest.mark.parametrize("seed", [1, 2])
def test_a_real_release_gives_no_small_class_away(app, seed):
    assert small_classes_found_out(seed)[1] == set()


def test_a_real_release_without_the_complement_does(app, monkeypatch):
    shown_alone = groups.shown
    monkeypatch.setattr(groups, "shown", lambda sizes, complement=True: shown_alone(sizes, complement=False))
    assert small_classes_found_out(1)[1]


def test_the_workbook_holds_the_numbers_of_the_pages_and_no_other(app, as_):
    survey, _found = small_classes_found_out(1)
    address, client = f"/surveys/{survey.public_id}", as_("张建平")
    book = CalamineWorkbook.from_filelike(io.BytesIO(client.get(f"{address}/results.xlsx").data))
    cells = {str(cell) for line in book.get_sheet_by_index(0).to_python()[1:] for cell in line[2:] if cell}
    pages = [client.page(where) for where in client.page(address).links.values() if "/schools/" in where]
    texts = "".join(page.text for page in pages)
    whole = tables_of(survey)
    assert len(cells) > 30
    assert not [cell for cell in cells if cell not in texts and cell not in whole]


def tables_of(survey):
    """The figures of the district, which stand in the workbook only."""
    return {cell for line in tables.of_survey(survey, json.loads(survey.release)).lines for cell in line}


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
            answers, found, _asked = everything_published(schools)
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
    towards_all = figure(Cell(25, 2_000, 200_000, 0), "q1", share=True, frame=Frame({"q1": 99.0}))
    assert towards_all["shrunk"] is None, "it would tell what the like schools' bound hides"
    assert figure(Cell(25, 2_000, 200_000, 0), "q1", share=True, frame=Frame({"q1": 60.0}))["shrunk"] == 71.1
    half = figure(Cell(100, 5_000, 500_000, 25), "q1", share=True, frame=Frame())
    assert (half["mean"], half["low"], half["high"], half["others"]) == (50.0, 40.4, 59.6, 20.0)


def test_the_index_is_missing_where_a_scored_question_is():
    questions = questions_of(default_instrument())
    cells = {f"q{number}": Cell(20, 1_500, 120_000, 1) for number in range(9, 13)}
    assert published(questions, cells, Frame())["index"]["mean"] == 75.0
    del cells["q11"]
    assert "index" not in published(questions, cells, Frame())
