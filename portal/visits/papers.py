"""Visits on paper: one record, the visit book of a class and term (家访记录册), and the report of a term.

A paper holds what its reader may read on the screen: facts, and the ordinary notes where the story is theirs. Sealed
notes are never on paper. Each record ends in lines for signatures, as school offices file them.
"""

import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import xlsxwriter
from sqlalchemy import select

from portal import clock, documents
from portal.access import Actor
from portal.extensions import db
from portal.i18n import gettext as _
from portal.i18n import listing, long_date, moment, ngettext
from portal.schools.models import School, SchoolClass, Term
from portal.visits import loading
from portal.visits.home_lessons import HomeTeaching
from portal.visits.models import FORM_NAMES, OWNER_NAMES, Form, Outcome, Owner, Visit
from portal.visits.policy import VISIT_PRINT, narrative_scope

MOST_IN_BOOK = 300


def _words() -> dict[str, str]:
    return {
        "met": _("Met"),
        "hopes": _("The child's good sides and the family's hopes"),
        "note": _("What else was talked about"),
        "school_only": _("For the school only"),
        "steps": _("Agreed steps"),
        "remarks": _("Remarks of the family"),
        "teacher_signs": _("Signature of the teacher"),
        "family_signs": _("Signature of the family"),
        "date": _("Date"),
    }


def _met(visit: Visit) -> str:
    people = [_("The child")] if visit.child_met else []
    people += [one.guardianship.relation for one in visit.met]
    return (
        listing(people + ([visit.others_met] if visit.others_met else []))
        if people or visit.others_met
        else "—"
    )


def _step(step: Any) -> str:
    owner = str(OWNER_NAMES[Owner(step.owner)])
    done = (
        _("done on %(day)s", day=long_date(step.done_on))
        if step.done_on
        else _("by %(day)s", day=long_date(step.due_on))
    )
    return _("%(what)s (%(owner)s, %(when)s)", what=step.what, owner=owner, when=done)


def entry(visit: Visit, story: bool, outside: bool) -> dict[str, Any]:
    """One record for paper. ``story``: the notes are the reader's; ``outside``: notes for the school only stay out."""
    parts = visit.parts if story else []
    minutes = ngettext("%(num)s minute", "%(num)s minutes", visit.minutes) if visit.minutes else ""
    return {
        "title": f"{visit.pupil.name} · {visit.school_class.name}",
        "facts": [
            [
                _("When"),
                f"{long_date(visit.held_at)} {moment(visit.held_at).rsplit(' ', 1)[-1]} {minutes}".strip(),
            ],
            [_("Way of meeting"), str(FORM_NAMES[Form(visit.form)]) if visit.form else _("No answer")],
            [
                _("Visited by"),
                listing(list(dict.fromkeys([visit.author.name, *(one.author.name for one in parts)]))),
            ],
            [_("Met"), _met(visit) if story else "—"],
            [
                _("Confirmed by"),
                f"{visit.confirmed_by.name} {long_date(visit.confirmed_at)}"
                if story and visit.confirmed_by and visit.confirmed_at
                else "—",
            ],
        ],
        "parts": [
            {
                "hopes": one.hopes or "",
                "note": "" if one.school_only and outside else one.note or "",
                "school_only": bool(one.school_only and one.note and not outside),
            }
            for one in parts
        ],
        "steps": [_step(one) for one in visit.steps] if story else [],
        "remarks": [one.body for one in visit.remarks] if story else [],
    }


def _paper(title: str, lead: Sequence[str], entries: Iterable[dict[str, Any]], foot: str) -> bytes:
    data = {"title": title, "lead": list(lead), "entries": list(entries), "words": _words(), "foot": foot}
    return documents.pdf("visit_book", data)


def _foot(actor: Actor, name: str) -> str:
    return _("Printed by %(person)s on %(day)s. Keep it locked away.", person=name, day=long_date(actor.on))


def _readable(actor: Actor, visits: Sequence[Visit]) -> set[int]:
    found = select(Visit.id).where(Visit.id.in_([one.id for one in visits]), narrative_scope(actor))
    return set(db.session.scalars(found))


def record_paper(actor: Actor, visit: Visit, printed_by: str) -> bytes:
    """One record as PDF; ``visit`` comes with facts and story."""
    story = visit.id in _readable(actor, [visit])
    one = entry(visit, story, visit.school_id != actor.school_id)
    school = db.session.scalar(select(School.name).where(School.id == visit.school_id)) or ""
    return _paper(_("Record of a home visit"), [school], [one], _foot(actor, printed_by))


def visits_of_book(actor: Actor, school_class: SchoolClass, term: Term) -> Sequence[Visit]:
    """The visits of a class in a term, in order, with all that a book tells of them."""
    return db.session.scalars(
        VISIT_PRINT.rows(actor)
        .where(
            Visit.class_id == school_class.id,
            Visit.outcome == Outcome.MET,
            Visit.held_on.between(term.starts_on, term.ends_on),
        )
        .options(*loading.FACTS, *loading.STORY)
        .order_by(Visit.held_at, Visit.id)
        .limit(MOST_IN_BOOK)
    ).all()


def book_paper(
    actor: Actor, school_class: SchoolClass, term: Term, visits: Sequence[Visit], printed_by: str
) -> bytes:
    """The visit book of a class and term as PDF."""
    readable = _readable(actor, visits)
    school = db.session.scalar(select(School.name).where(School.id == school_class.school_id)) or ""
    home = sum(one.form == Form.IN_HOME for one in visits)
    lead = [
        f"{school} {school_class.name}",
        term.name,
        _("%(count)s visits, %(home)s of them in the home", count=len(visits), home=home),
    ]
    entries = [entry(one, one.id in readable, one.school_id != actor.school_id) for one in visits]
    return _paper(_("Book of home visits"), lead, entries, _foot(actor, printed_by))


def teaching_paper(log: HomeTeaching, school: str, printed_by: str) -> bytes:
    """A log of teaching at home as PDF, oldest lesson first; ``log`` comes with pupil, lessons and who taught."""
    lead = [
        school,
        _("School year %(year)s", year=f"{log.year_on.year}–{log.year_on.year + 1}"),
        _("%(given)s of %(required)s lessons", given=log.given, required=log.required),
    ]
    bare: dict[str, list[str]] = {"steps": [], "remarks": []}
    plan = {"title": log.pupil.name, "facts": [[_("Plan"), log.plan]], "parts": [], **bare}
    lessons = [
        {
            "title": long_date(one.held_on),
            "facts": [
                [
                    _("Lessons"),
                    f"{one.lessons} · " + ngettext("%(num)s minute", "%(num)s minutes", one.minutes),
                ],
                [_("Taught by"), one.teachers],
                [
                    _("Confirmed by"),
                    f"{one.confirmed_by.name} {long_date(one.confirmed_at)}"
                    if one.confirmed_by and one.confirmed_at
                    else "—",
                ],
                [_("What was done"), one.content],
            ],
            "parts": [],
            **bare,
        }
        for one in reversed(log.lessons)
    ]
    foot = _(
        "Printed by %(person)s on %(day)s. Keep it locked away.",
        person=printed_by,
        day=long_date(clock.today()),
    )
    return _paper(_("Log of teaching at home"), lead, [plan, *lessons], foot)


@dataclass(frozen=True)
class Report:
    """The report of a term: headings, rows and their sum, the same on the page, on paper and in a workbook."""

    title: str
    lead: str
    headings: list[str]
    rows: list[list[str | int]]
    total: list[str | int]
    grades: list[list[str | int]]
    """The numbers of the school year by grade."""
    of_year: int
    """So many of the headings, the name with them, are of the school year; the others are of the term."""
    rules: list[tuple[str, str, int, int]]
    """(name, in words, met, to be met) of each coverage rule."""

    @property
    def grade_headings(self) -> list[str]:
        """The headings of the numbers by grade."""
        return [_("Grade"), *self.headings[1 : self.of_year]]


def report_paper(report: Report) -> bytes:
    """A report as PDF."""
    return documents.pdf(
        "visit_report",
        {
            "title": report.title,
            "lead": report.lead,
            "headings": report.headings,
            "rows": [[str(cell) for cell in row] for row in [*report.rows, report.total]],
            "rules": [[name, words, f"{met} / {needed}"] for name, words, met, needed in report.rules],
            "by_grade": _("Grade by grade"),
            "grades": [report.grade_headings, *([str(cell) for cell in row] for row in report.grades)],
            "asked": _("What is asked for"),
            "made": long_date(clock.today()),
        },
    )


def _write(page: Any, lines: list[list[str | int]]) -> None:
    for number, row in enumerate(lines, start=2):
        for column, cell in enumerate(row):
            page.write(number, column, cell)


def report_workbook(report: Report) -> bytes:
    """A report as XLSX; no cell is a formula."""
    target = io.BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    with xlsxwriter.Workbook(target, options) as book:
        page = book.add_worksheet(_("Visits"))
        page.set_column(0, 0, 28)
        page.set_column(1, len(report.headings), 14)
        page.write_string(0, 0, f"{report.title} {report.lead}")
        lines: list[list[str | int]] = [[*report.headings], *report.rows, report.total]
        _write(page, lines)
        first = len(report.rows) + 6
        for number, (name, words, met, needed) in enumerate(report.rules, start=first):
            page.write_string(number, 0, name)
            page.write_number(number, 1, met)
            page.write_number(number, 2, needed)
            page.write_string(number, 3, words)
        if report.grades:
            other = book.add_worksheet(_("Grade by grade"))
            other.set_column(0, 4, 14)
            other.write_string(0, 0, f"{report.title} {report.lead}")
            _write(other, [[*report.grade_headings], *report.grades])
    return target.getvalue()
