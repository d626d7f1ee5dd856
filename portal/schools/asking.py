"""A question to a school about what stands out in its records: asked with a day to answer by, answered, closed by the district.

Nothing follows by itself. The district sees a question, in figures and words, when the school has answered or that day has
passed, and closes it with its own words. Visits and ratings ask; what stands out is theirs to say.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any, ClassVar, Generic, TypeVar

from flask import request, url_for
from sqlalchemy import JSON, CheckConstraint, ColumnElement, ForeignKey, Index, Text, and_, func, or_, select
from sqlalchemy.orm import Mapped, declared_attr, joinedload, mapped_column, relationship
from werkzeug.wrappers import Response
from wtforms.validators import DataRequired, Length

from portal import clock
from portal.access import Actor, Permission, Role, actor, find
from portal.accounts.models import Person
from portal.errors import RuleBroken
from portal.extensions import Base, PublicId, db
from portal.forms import PortalForm, TextField
from portal.i18n import gettext as _
from portal.i18n import lazy_gettext as _l
from portal.once import commit_and_go
from portal.paging import page_of
from portal.row_security import all_rows
from portal.trail.models import note

WORDS_LENGTH = 2_000
Answer = str | tuple[str, int] | Response


class Question(PublicId, Base):
    """What every question to a school has; ``figures`` are numbers, days and ids of what is counted, never names."""

    __abstract__ = True
    NOTED: ClassVar[str]
    """How its acts begin in the log."""

    id: Mapped[int] = mapped_column(primary_key=True)
    rule: Mapped[str]
    figures: Mapped[dict[str, Any]] = mapped_column(JSON)
    asked_at: Mapped[datetime]
    due_on: Mapped[date]
    answer: Mapped[str] = mapped_column(Text, default="", info={"class": "F1"})
    answered_at: Mapped[datetime | None]
    answered_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id", ondelete="SET NULL"))
    closing: Mapped[str] = mapped_column(Text, default="", info={"class": "F1"})
    closed_at: Mapped[datetime | None]
    closed_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id", ondelete="SET NULL"))

    @declared_attr
    @classmethod
    def answered_by(cls) -> Mapped[Person | None]:
        """Who answered for the school."""
        return relationship(lazy="raise_on_sql", foreign_keys=f"{cls.__name__}.answered_by_id")

    @declared_attr
    @classmethod
    def closed_by(cls) -> Mapped[Person | None]:
        """Who closed it for the district."""
        return relationship(lazy="raise_on_sql", foreign_keys=f"{cls.__name__}.closed_by_id")

    @property
    def to_school(self) -> bool:
        """Whether the school is asked and reads how it was left; otherwise it is the district's own."""
        return True

    def say(self, words: str, by: Actor, now: datetime) -> None:
        """The school's answer. It is given once and stays; RuleBroken after that, or when the district has closed."""
        if self.closed_at is not None:
            raise RuleBroken(_("The district has closed this question already."))
        if self.answered_at is not None:
            raise RuleBroken(_("This question has been answered already."))
        self.answer, self.answered_at, self.answered_by_id = words, now, by.person_id
        note(f"{self.NOTED}answered", self, person_id=by.person_id, role=by.role)

    def close(self, words: str, by: Actor, now: datetime) -> None:
        """The district's closing words, after the school has had its say or its time is over."""
        if self.closed_at is not None:
            raise RuleBroken(_("This question is closed already."))
        if self.answered_at is None and clock.local(now).date() <= self.due_on:
            raise RuleBroken(_("The school still has time to answer."))
        self.closing, self.closed_at, self.closed_by_id = words, now, by.person_id
        note(f"{self.NOTED}closed", self, person_id=by.person_id, role=by.role)


def constraints(table: str, rules: Iterable[StrEnum]) -> tuple[CheckConstraint | Index, ...]:
    """What the database holds of a table of questions: known rules, words with their times, the order of due days."""
    known = ", ".join(f"'{rule.value}'" for rule in rules)
    return (
        CheckConstraint(f"rule IN ({known})", name="rule_known"),
        CheckConstraint("(answered_at IS NULL) = (answer = '')", name="answered_in_words"),
        CheckConstraint("(closed_at IS NULL) = (closing = '')", name="closed_in_words"),
        Index(f"ix_{table}_due", "due_on", "id"),
    )


def had_its_say(model: type[Question], on: date) -> ColumnElement[bool]:
    """The school has answered, or its time is over: then the district may look."""
    return or_(model.answered_at.is_not(None), model.due_on < on)


class QuestionForm(PortalForm):
    """A school's answer to a question, or the closing words of the district."""

    words = TextField(
        _l("In your words"),
        [
            DataRequired(_l("Write a line first.")),
            Length(max=WORDS_LENGTH, message=_l("Keep it under %(max)d characters.")),
        ],
    )


Asked = TypeVar("Asked", bound=Question)


@dataclass(frozen=True)
class Asking(Generic[Asked]):
    """What one feature asks schools: who reads, answers and closes it, what to load, and its words by rule.

    ``of_district``: all questions to schools of the actor's district. The pages are ``layouts/questions.html`` and
    ``layouts/question.html``; the feature's addresses end in ``fair_play``, ``fair_play_question``, ``answer_fair_play``
    and ``close_fair_play``.
    """

    model: type[Asked]
    read: Permission[Any]
    answers: Permission[Any]
    closes: Permission[Any]
    of_district: Callable[[Actor], ColumnElement[bool]]
    load: tuple[Any, ...]
    names: Mapping[str, Any]
    asks: Mapping[str, Any]
    in_words: Callable[[Asked], str]
    about: Callable[[Asked], tuple[str, str]]
    """The names of the school asked and of the term or round, both in ``load``."""

    def listed(self) -> dict[str, Any]:
        """The questions of one's school, or those of the district's schools that had their say; ``?state=closed``."""
        acting, model = actor(), self.model
        closed = request.args.get("state") == "closed"
        wanted = self.read.rows(acting).options(*self.load)
        if closed:
            wanted = wanted.where(model.closed_at.is_not(None))
            order: list[tuple[Any, bool]] = [(model.id, True)]
        else:
            wanted = wanted.where(model.closed_at.is_(None))
            order = [(model.due_on, False), (model.id, False)]
        return {
            "listing": page_of(wanted, order),
            "closed": closed,
            "names": self.names,
            "in_words": self.in_words,
            "about": self.about,
            "with_schools": self._with_schools(acting) if acting.role == Role.DISTRICT_STAFF else 0,
            "today": acting.on,
        }

    def _with_schools(self, acting: Actor) -> int:
        """How many questions lie with the district's schools, whom the district may not look at yet."""
        waits = and_(self.model.closed_at.is_(None), ~had_its_say(self.model, acting.on))
        with all_rows():
            counted = select(func.count(self.model.id)).where(self.of_district(acting), waits)
            return db.session.scalar(counted) or 0

    def shown(self, public_id: str, form: QuestionForm) -> dict[str, Any]:
        """One question with its figures, answer and closing words."""
        people = (joinedload(self.model.answered_by), joinedload(self.model.closed_by))
        question = find(self.read, public_id, *self.load, *people)
        role = actor().role
        return {
            "question": question,
            "name": self.names[question.rule],
            "asks": self.asks[question.rule],
            "figures": self.in_words(question),
            "about": self.about(question),
            "may_answer": role == Role.PRINCIPAL and not question.answered_at and not question.closed_at,
            "may_close": role == Role.DISTRICT_STAFF and not question.closed_at,
            "form": form,
        }

    def answer(self, public_id: str, page: Callable[[str, QuestionForm], str]) -> Answer:
        """The principal says how it was; ``page`` is shown again with what does not hold."""
        question, form = find(self.answers, public_id), QuestionForm()
        if not form.validate():
            return page(public_id, form), 422
        question.say(form.words.data or "", actor(), clock.now())
        to = url_for(".fair_play_question", public_id=public_id)
        return commit_and_go(to, _("The district reads your answer."))

    def close(self, public_id: str, page: Callable[[str, QuestionForm], str]) -> Answer:
        """The district says how it leaves it; the school reads these words."""
        question, form = find(self.closes, public_id), QuestionForm()
        if not form.validate():
            return page(public_id, form), 422
        question.close(form.words.data or "", actor(), clock.now())
        to = url_for(".fair_play_question", public_id=public_id)
        said = (
            _("The school reads your words.") if question.to_school else _("Noted. The question is closed.")
        )
        return commit_and_go(to, said)
