"""Rehearsal committees: one of the class, one of the school with a meeting, and one whose term is over."""

from datetime import timedelta

from portal.committees.models import (
    Committee,
    CommitteeMeeting,
    CommitteeMember,
    Office,
    Scope,
    Way,
)
from portal.extensions import db
from portal.rehearsal.cast import Town


def build(town: Town) -> None:
    """The committees of 三(2)班 and of 望溪小学."""
    school, third = town.schools["望溪小学"], town.classes["望溪小学 三(2)班"]
    chair, mother, grandmother = (town.people[name] for name in ("林悦", "李晚晴", "周桂兰"))
    last_year, before = town.start - timedelta(days=200), town.start - timedelta(days=565)
    for scope_kind, place_id, name, began_on, years, eligible, voted in (
        (Scope.CLASS, third.id, third.name, before, 1, 8, 6),
        (Scope.CLASS, third.id, third.name, last_year, 1, 8, 7),
        (Scope.GRADE, third.grade_id, "三年级", last_year, 1, 16, 12),
        (Scope.SCHOOL, school.id, school.name, last_year, 2, 96, 71),
    ):
        made = Committee(
            school_id=school.id,
            scope_kind=scope_kind,
            scope_id=place_id,
            scope_name=name,
            began_on=began_on,
            until_on=began_on + timedelta(days=365 * years),
            way=Way.BALLOT,
            eligible=eligible,
            voted=voted,
            entered_by_id=town.people["何静"].id,
            members=[
                CommitteeMember(person_id=chair.id, office=Office.CHAIR),
                CommitteeMember(person_id=mother.id, office=Office.DEPUTY),
                CommitteeMember(person_id=grandmother.id, office=Office.MEMBER),
            ],
        )
        if began_on == last_year:
            made.meetings = [
                CommitteeMeeting(
                    held_on=min(town.start + timedelta(days=27), town.today),
                    present=3,
                    topics="放学接送的秩序；下学期的家长开放日。",
                    agreed="向学校建议分年级错时放学，两周内请学校答复。",
                    entered_by_id=chair.id,
                )
            ]
        db.session.add(made)
    db.session.flush()
