"""Mistakes in the permission map are noticed: each mutant makes a cell answer otherwise than the oracle says."""

import csv
import os
import subprocess
import sys
from collections.abc import Iterator
from xml.etree import ElementTree

import pytest
from sqlalchemy import select

from portal.access import PERMISSIONS, Actor, Permission
from portal.clock import today
from portal.config import ROOT
from portal.extensions import db
from tests.site.actors import PLAYERS, STAND_INS
from tests.site.belonging import BELONGS
from tests.site.matrix import IN_FORM, IN_QUERY, cells, key_of, rules
from tests.site.mutants import id_of, mutants, unchanged
from tests.site.oracle import Oracle, lines

ORACLE = Oracle(lines())
EVERY = 8
"""One mutant in so many is tried each time; all of them in the soak."""
SCOPES = list(csv.DictReader((ROOT / "tests/site/scopes.csv").read_text(encoding="utf-8").splitlines()))
LISTED = {line["permission"] for line in SCOPES}
"""Permissions of pages that only list: what they open is written by relation, since no address names a row."""

TEACHERS_WRITE_TO_CLASSES = "class teachers write to classes only, so the kind of audience says nothing more"
NEVER_TO_THE_PRINCIPAL = (
    "the database keeps opinions about the principal at the district (not_to_the_one_it_is_about)"
)

STANDS_NOWHERE = (
    "an administrator has no class, school, district or child, so every such scope leaves what is public"
)

NO_CLASS = "an office stands in no class, so what is about pupils of one's class adds nothing"

NO_DISTRICT = "a guardian's hat stands in no district, so the entries of it leave one's own"

EQUIVALENT: dict[str, str] = {
    "audit.read guardian reaches as by entries_of_district": NO_DISTRICT,
    "course.read system_admin reaches as by for_own_children": STANDS_NOWHERE,
    "course.read system_admin reaches as by for_own_class": STANDS_NOWHERE,
    "course.read system_admin reaches as by for_own_school": STANDS_NOWHERE,
    "course.read system_admin reaches as by of_district_tree": STANDS_NOWHERE,
    "course.read system_admin reaches as by own_lectures": STANDS_NOWHERE,
    "notice.write class_teacher without condition 1": TEACHERS_WRITE_TO_CLASSES,
    "notice.withdraw class_teacher without condition 1": TEACHERS_WRITE_TO_CLASSES,
    "opinion.answer principal without condition 1": NEVER_TO_THE_PRINCIPAL,
    "sealed_note.read school_office reaches as by own_sealed_notes": NO_CLASS,
    "sealed_note.write principal reaches as by own_visits_in_class_or_joined": NO_CLASS,
    "sealed_note.write school_office reaches as by own_visits_in_class_or_joined": NO_CLASS,
}
"""Mutants that change nothing anybody can notice, by name, with the reason."""

JOINT, HARM = "tests/visits/test_joint.py", "tests/visits/test_harm.py"
PHOTOS = "tests/visits/test_photos.py"
HELPERS, OUTGOING = "tests/joining/test_helpers.py", "tests/privacy/test_outgoing.py"
APPEALS = "tests/ratings/test_appeals.py"
OBJECTIONS = "tests/ratings/test_objections.py"
EVIDENCE = "tests/ratings/test_evidence.py"
CONCERNS = "tests/ratings/test_concerns.py"
QUESTIONS = "tests/ratings/test_fairness.py"
SURVEYS = "tests/surveys/test_surveys.py"
NOTICED_BY = {
    f"{JOINT}::test_what_one_wrote_oneself_or_at_another_school_is_no_joint_visit": """
        visit.join principal without condition 0
        visit.join principal without condition 1
        visit.join school_office without condition 0
        visit.join school_office without condition 1
        visit.join subject_teacher without condition 0
        visit.join subject_teacher without condition 1
        visit.read subject_teacher without condition 0
        visit.read subject_teacher without condition 1
        sealed_note.write principal without condition 0
        sealed_note.write principal without condition 1
        sealed_note.write school_office without condition 0
        sealed_note.write school_office without condition 1
        sealed_note.write subject_teacher reaches as by own_visits_in_class_or_joined
        sealed_note.write subject_teacher without condition 0
        sealed_note.write subject_teacher without condition 1
        sealed_note.read subject_teacher reaches as by own_sealed_notes""",
    f"{JOINT}::test_a_class_teacher_reads_what_one_joined_in_another_class_and_not_at_another_school": """
        visit.join class_teacher without condition 1
        visit.read class_teacher without condition 1""",
    f"{HARM}::test_an_office_reads_its_own_report_and_a_named_teacher_every_one": """
        harm.read class_teacher without condition 1
        harm.read subject_teacher without condition 1
        harm.read school_office reaches as by harm_one_reported_in_class
        harm.read school_office reaches nothing
        harm.read school_office without condition 0""",
    f"{HARM}::test_named_people_receive_it_and_nobody_else_does": """
        harm.read school_office without condition 1""",
    f"{PHOTOS}::test_with_consent_it_is_kept_without_its_camera_and_shown_to_the_three_sides": """
        file.read guardian without condition 1
        file.read class_teacher without condition 1
        file.read principal without condition 2""",
    f"{PHOTOS}::test_the_school_keeps_them_and_the_class_teacher_only_while_the_child_is_in_the_class": """
        file.read class_teacher without dates
        file.read principal without dates""",
    f"{HELPERS}::test_asked_confirmed_and_taken_back": """
        joining.helper_end guardian reaches nothing""",
    f"{HELPERS}::test_who_answers_for_the_child_no_more_ends_no_helper": """
        joining.helper_end guardian without condition 1
        joining.helper_end guardian without court orders
        joining.helper_end guardian without dates
        joining.helper_end guardian without limits""",
    f"{OUTGOING}::test_a_list_of_pupils_taken_out_stands_on_the_page_of_each_family_it_named": """
        reading.see guardian without condition 1""",
    f"{OUTGOING}::test_the_file_of_a_child_that_changes_school_is_told_to_its_family_only": """
        reading.see guardian without condition 2""",
    f"{OUTGOING}::test_a_copy_of_ones_own_data_is_told_to_oneself_alone": """
        reading.see guardian without condition 3""",
    f"{OBJECTIONS}::test_two_appeals_each_by_other_people_then_the_result_is_final": """
        rating.objection.hear district_staff reaches everything
        rating.objection.hear district_staff reaches nothing
        rating.objection.hear district_staff without condition 0""",
    f"{APPEALS}::test_two_appeals_each_by_others_and_then_the_measure_stands": """
        rating.appeal.hear district_staff reaches everything
        rating.appeal.hear district_staff reaches nothing""",
    f"{CONCERNS}::test_a_parent_objects_and_the_school_never_learns_who": """
        rating.concern.hear district_staff reaches everything
        rating.concern.hear district_staff reaches nothing
        rating.concern.hear district_staff without condition 0
        rating.concern.hear district_staff without condition 1
        file.read district_staff without condition 1""",
    f"{EVIDENCE}::test_only_the_team_and_the_district_read_what_was_sent": """
        file.read principal without condition 3
        file.read inspector without condition 0
        rating.evidence.read inspector reaches as by evidence_of_district
        rating.evidence.read inspector without condition 0
        rating.evidence.read inspector without condition 1
        rating.evidence.read inspector without condition 2
        rating.evidence.read district_staff without condition 0""",
    f"{QUESTIONS}::test_the_principal_answers_first_then_the_district_closes": """
        rating.question.answer principal reaches everything""",
    f"{SURVEYS}::test_a_school_says_how_it_was_first_and_the_district_closes_the_question": """
        survey.flag.answer principal reaches everything""",
}
"""Mutants that only rows nobody of the crowd has give away, by the test of their feature that fails with each of them."""


def named(test: str) -> list[str]:
    return [name.strip() for name in NOTICED_BY[test].split("\n") if name.strip()]


ELSEWHERE = {name for test in NOTICED_BY for name in named(test)}


def standing_actor(crowd, player) -> Actor:
    """The actor whom a request of the player would have."""
    who = crowd.standing(player)
    place = who.place if player.actor not in ("leaver",) else None
    one = lambda ids: max(ids) if ids else None  # noqa: E731
    if place is None or who.role == "guardian":
        return Actor(who.person_id, who.role, today())
    return Actor(
        who.person_id, who.role, today(), None, one(place.districts), one(place.schools), one(place.classes)
    )


def opened(crowd, permission: Permission, player) -> set[str]:
    """The relations of the rows that a permission opens to a player."""
    actor = standing_actor(crowd, player)
    ids = set(db.session.scalars(select(permission.model.id).where(permission.within(actor))))
    key = permission.name if permission.name in BELONGS else permission.model
    related = crowd.related(player, key, permission.model)
    return {f"{word}{'' if ids >= {row.id for row in rows} else ' in part'}" for word, rows in related.items() if ids & {row.id for row in rows}}  # fmt: skip


def wanted(crowd, permission: Permission, player) -> set[str]:
    """The relations that ought to be open to a player, of those that occur."""
    apart = player.actor in ("restricted_guardian", "leaver")
    role = player.actor if apart else crowd.standing(player).role
    named = {
        line["relation"] for line in SCOPES if (line["permission"], line["role"]) == (permission.name, role)
    }
    key = permission.name if permission.name in BELONGS else permission.model
    return named & set(crowd.related(player, key, permission.model))


def names_row(rule) -> bool:
    """Whether an address, or what is sent to it, says which row is meant."""
    return bool(rule.arguments) or rule.endpoint in IN_QUERY or rule.endpoint in IN_FORM


def endpoints_of(app, permission: str) -> list[str]:
    """Where a permission stands: addresses that name a row first, and two of these are enough."""
    found = []
    for rule, method in rules(app):
        access = app.view_functions[rule.endpoint].access
        stands = isinstance(access, Permission) and access.name == permission
        if stands or key_of(app, rule.endpoint) == permission:
            found.append((not names_row(rule), method != "GET", rule.endpoint))
    ordered = list(dict.fromkeys(endpoint for _row, _method, endpoint in sorted(found)))
    return ordered[:2]


class Hunt:
    """Looks for a cell that gives a mutant away."""

    def __init__(self, app, crowd, knocker) -> None:
        self.app, self.crowd, self.knocker = app, crowd, knocker
        self.kept: dict[tuple[str, str], list] = {}
        self.naming = {rule.endpoint for rule, _method in rules(app) if names_row(rule)}
        self.knocking: dict[str, object] = {}

    def cells_of(self, permission: str, player) -> list:
        if (permission, player.actor) not in self.kept:
            where = endpoints_of(self.app, permission)
            found = [cell for cell in cells(self.app, self.crowd, player, where, rows=8)]
            reading = [cell for cell in found if cell.method == "GET" and cell.endpoint in self.naming]
            self.kept[permission, player.actor] = reading or found
        return self.kept[permission, player.actor]

    def clues(self, mutant) -> Iterator[str]:
        """What gives a mutant away, one thing after the other: rows that a list opens, then answers to knocks."""
        for player in (*PLAYERS, *STAND_INS):
            if self.crowd.standing(player).role == mutant.role:
                yield from self._by_listing(mutant, player)
                yield from self._by_knocking(mutant, player)

    def notices(self, mutant) -> bool:
        return next(self.clues(mutant), None) is not None

    def _by_listing(self, mutant, player) -> Iterator[str]:
        permission = PERMISSIONS[mutant.permission]
        if permission.name not in LISTED:
            return
        with mutant.applied():
            seen = opened(self.crowd, permission, player)
        ought = wanted(self.crowd, permission, player)
        if seen != ought:
            yield f"{mutant}: {player.actor} is shown {sorted(seen ^ ought)}"

    def _by_knocking(self, mutant, player) -> Iterator[str]:
        if player.actor not in self.knocking:
            self.knocking[player.actor] = self.knocker(player)
        knock = self.knocking[player.actor]
        for cell in self.cells_of(mutant.permission, player):
            expected = ORACLE.expected(cell.endpoint, cell.method, player.actor, cell.relation)
            with mutant.applied():
                status, _changed = knock.knock(cell)
            if status not in expected:
                yield f"{mutant}: {cell}: {status}, expected {sorted(expected)}"


LEFT_OUT = set(EQUIVALENT) | ELSEWHERE


def test_there_are_many_mutants():
    assert len(mutants()) >= 300
    assert len({str(mutant) for mutant in mutants()}) == len(mutants())


@pytest.mark.parametrize("name", sorted(LISTED))
def test_lists_open_what_they_ought_to(app, crowd, name):
    permission = PERMISSIONS[name]
    for player in PLAYERS:
        if player.name is not None:
            assert opened(crowd, permission, player) == wanted(crowd, permission, player), player.actor


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_the_map_as_it_is_gives_nothing_away(app, crowd, knocker):
    """The control: what the hunt calls a clue is none while nothing is mistaken."""
    hunt = Hunt(app, crowd, knocker)
    clues = [clue for one in unchanged() for clue in hunt.clues(one)]

    assert not clues, "\n".join(clues)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("part", range(4))
def test_mutants_are_noticed(app, crowd, knocker, part):
    hunt = Hunt(app, crowd, knocker)
    alive = [
        str(one) for one in mutants()[part::4][::EVERY] if str(one) not in LEFT_OUT and not hunt.notices(one)
    ]

    assert not alive, "\n".join(alive)


@pytest.mark.soak
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("part", range(8))
def test_all_mutants_are_noticed(app, crowd, knocker, part, record_property):
    hunt = Hunt(app, crowd, knocker)
    tried = [one for one in mutants()[part::8] if str(one) not in LEFT_OUT]
    record_property("mutants", len(tried))
    alive = [str(one) for one in tried if not hunt.notices(one)]

    assert not alive, "\n".join(alive)


@pytest.mark.soak
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("test", NOTICED_BY)
def test_what_no_cell_gives_away_fails_a_test_of_its_feature(test, tmp_path, record_property):
    """The named test, once on the map with each mistake; that it passes without is its own business in CI."""
    report = tmp_path / "report.xml"
    command = [sys.executable, "-m", "pytest", "-q", "-p", "tests.site.mutated", "-p", "no:randomly", f"--junitxml={report}", test]  # fmt: skip
    subprocess.run(command, cwd=ROOT, env={**os.environ, "MUTANTS": "\n".join(named(test))}, check=False)
    cases = list(ElementTree.parse(report).iter("testcase"))
    failed = [case.get("name") or "" for case in cases if case.find("failure") is not None]
    missed = [name for name in named(test) if not any(id_of(name) in case for case in failed)]

    record_property("mutants", len(named(test)))
    assert missed == []


def test_mutants_named_here_exist():
    assert set(EQUIVALENT) | ELSEWHERE <= {str(mutant) for mutant in mutants()}
    assert not set(EQUIVALENT) & ELSEWHERE
