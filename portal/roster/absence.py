"""Ending what a complete roster no longer names, within the schools it names and the kinds it brings."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from portal.accounts.models import Appointment, Person
from portal.roster.existing import Existing, Query, Reach, pieces
from portal.roster.rows import Kind
from portal.roster.staging import Stage
from portal.schools.models import Enrolment, Guardianship, Pupil, School, SchoolClass


@dataclass
class Absence:
    """What an import named, by kind, and the ends that follow from what it did not name."""

    existing: Existing
    stage: Stage
    reach: Reach
    named: dict[Kind, set[int]]
    placed: dict[int, int]

    @property
    def schools(self) -> list[int]:
        """The schools that the file names and the portal knew before."""
        return [ref for ref in self.named[Kind.SCHOOL] if ref > 0]

    def end_missing(self, brought: set[Kind]) -> None:
        """Stage the end of what a complete file leaves out, for the kinds it brings."""
        if Kind.PUPIL in brought:
            self.end_pupils()
        if Kind.ENROLMENT in brought:
            self.end_places_left()
        if Kind.APPOINTMENT in brought:
            self.end_appointments()
        if Kind.GUARDIANSHIP in brought:
            self.end_ties()

    def end_pupils(self) -> None:
        """Pupils of the schools who are not in the file leave today, and so do their places."""
        query = select(Pupil.id, Pupil.name).where(Pupil.left_on.is_(None))
        gone: dict[int, str] = {}
        for row in self.existing.in_batches(query, Pupil.school_id, self.schools):
            if row.id not in self.named[Kind.PUPIL]:
                gone[row.id] = row.name
        for pupil, name in gone.items():
            self.stage.end("pupil", pupil, "left_on", self.reach.today.isoformat(), name)
        self.end_places(gone)

    def end_places(self, pupils: dict[int, str]) -> None:
        """End the open places of pupils who leave."""
        for pupil, place in self.existing.places_of(pupils).items():
            self.end_row("enrolment", place, pupils[pupil])
            self.placed[pupil] = 0

    def end_row(self, table: str, row: Any, label: str) -> None:
        """End a dated row today, or on its first day if it has not begun."""
        on = max(self.reach.today, row.started_on).isoformat()
        self.stage.end(table, row.id, "ended_on", on, label)

    def end_places_left(self) -> None:
        """End open places of pupils whom the file names without any class."""
        query = (
            select(Enrolment.id, Enrolment.pupil_id, Enrolment.started_on, Pupil.name)
            .join(Pupil, Pupil.id == Enrolment.pupil_id)
            .where(Enrolment.ended_on.is_(None))
        )
        for row in self.existing.in_batches(query, Enrolment.school_id, self.schools):
            if row.pupil_id in self.named[Kind.PUPIL] and row.pupil_id not in self.placed:
                self.end_row("enrolment", row, row.name)

    def open_appointments(self) -> Query:
        """Roles from rosters that have not ended, with the name and school of each."""
        return (
            select(Appointment.id, Appointment.started_on, Person.name)
            .join(Person, Person.id == Appointment.person_id)
            .outerjoin(SchoolClass, SchoolClass.id == Appointment.class_id)
            .where(Appointment.sourced_id.is_not(None), Appointment.ended_on.is_(None))
        )

    def open_ties(self) -> Query:
        """Guardians from rosters, of pupils who have not left."""
        return (
            select(Guardianship.id, Guardianship.started_on, Person.name, Pupil.name.label("pupil"))
            .join(Pupil, Pupil.id == Guardianship.pupil_id)
            .join(Person, Person.id == Guardianship.person_id)
            .where(Guardianship.ended_on.is_(None), Guardianship.sourced_id.is_not(None))
            .where(Pupil.left_on.is_(None))
        )

    def end_appointments(self) -> None:
        """End roles in the schools that came from a roster and are not in this one."""
        for piece in pieces(self.schools):
            inside = Appointment.school_id.in_(piece) | SchoolClass.school_id.in_(piece)
            for row in self.existing.rows(self.open_appointments().where(inside)):
                if row.id not in self.named[Kind.APPOINTMENT]:
                    self.end_row("appointment", row, row.name)

    def end_ties(self) -> None:
        """End guardians of the schools' pupils who came from a roster and are not in this one."""
        for row in self.existing.in_batches(self.open_ties(), Pupil.school_id, self.schools):
            if row.id not in self.named[Kind.GUARDIANSHIP]:
                self.end_row("guardianship", row, f"{row.name} · {row.pupil}")

    def end_people(self) -> None:
        """End roles and ties, within reach, of people whom the file ends by name."""
        schools = self.existing.school_ids
        for piece in pieces(self.named[Kind.PERSON]):
            roles = self.open_appointments().where(Appointment.person_id.in_(piece))
            for row in self.existing.in_batches(roles, SchoolClass.school_id, schools):
                self.end_once(Kind.APPOINTMENT, row, row.name)
            for row in self.existing.in_batches(roles, Appointment.school_id, schools):
                self.end_once(Kind.APPOINTMENT, row, row.name)
            ties = self.open_ties().where(Guardianship.person_id.in_(piece))
            for row in self.existing.in_batches(ties, Pupil.school_id, schools):
                self.end_once(Kind.GUARDIANSHIP, row, f"{row.name} · {row.pupil}")

    def end_once(self, kind: Kind, row: Any, label: str) -> None:
        """End a row that no line of the file has touched."""
        if row.id not in self.named[kind]:
            self.named[kind].add(row.id)
            self.end_row(kind.value, row, label)


def other_schools(existing: Existing, named: set[int]) -> int:
    """How many open schools within reach the file does not name."""
    query = select(School.id).where(School.closed_on.is_(None))
    found = {row.id for row in existing.in_batches(query, School.id, existing.school_ids)}
    return len(found - named)
