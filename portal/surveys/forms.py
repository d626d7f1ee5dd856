"""Forms of questionnaires: preparing one, its questions, the answer, and what is said about a school's answers."""

from collections.abc import Sequence
from datetime import date
from typing import Any

from wtforms import BooleanField, DateField, RadioField, SelectField, SelectMultipleField
from wtforms.validators import InputRequired, Length, Optional, ValidationError
from wtforms.widgets import CheckboxInput, ListWidget

from portal.accounts.models import NAME_LENGTH
from portal.forms import LineField, PortalForm, TextField, half_width
from portal.i18n import gettext as _
from portal.i18n import lazy_gettext as _l
from portal.surveys import codes
from portal.surveys.answering import (
    PRESSURE_BYTES,
    PRESSURE_LENGTH,
    REMARK_BYTES,
    REMARK_LENGTH,
    Given,
)
from portal.surveys.instrument import FACT, SCALE, TEXT_LENGTH, Question
from portal.surveys.inviting import SchoolGroup
from portal.surveys.models import REASON_LENGTH

OWN_QUESTIONS = 3
WORDS_LENGTH = 2_000


class SurveyForm(PortalForm):
    """A questionnaire: its name, the school year, the schools, the last day."""

    name = LineField(
        _l("Name of the questionnaire"),
        [
            InputRequired(_l("Give it a name.")),
            Length(max=NAME_LENGTH, message=_l("The name is too long.")),
        ],
    )
    year = RadioField(_l("School year"), [InputRequired(_l("Choose the school year."))], coerce=int)
    group = RadioField(_l("To the families of which schools"), [InputRequired(_l("Choose the schools."))])
    schools = SelectMultipleField(
        _l("Chosen schools"),
        coerce=int,
        option_widget=CheckboxInput(),
        widget=ListWidget(prefix_label=False),
    )
    closes_on = DateField(
        _l("Last day to answer"), [InputRequired(_l("Give the last day."))], filters=[lambda value: value]
    )

    apart = RadioField(
        _l("How answers are kept apart from families"),
        [InputRequired(_l("Choose one."))],
        choices=[
            ("sealed", _l("By sealed codes: every way of answering, figures down to grades and classes")),
            (
                "blind",
                _l(
                    "By passes that the portal signs blindly: not even the operator can join them; no figures below the school"
                ),
            ),
        ],
        default="sealed",
    )

    def offer(self, years: Sequence[Any], schools: Sequence[Any], groups: Sequence[SchoolGroup]) -> None:
        """Fill the choices."""
        self.year.choices = [(year.id, year.label) for year in years]
        self.schools.choices = [(school.id, school.name) for school in schools]
        self.group.choices = [
            ("all", _("All schools of the district")),
            *((group.key, group.label) for group in groups),
            ("some", _("Only the schools chosen below")),
        ]

    def validate_schools(self, field: Any) -> None:
        """At least one when schools are chosen one by one."""
        if self.group.data == "some" and not field.data:
            raise ValidationError(_("Choose at least one school."))


class ClosingDayForm(PortalForm):
    """Another last day for a draft."""

    closes_on = DateField(_l("Last day to answer"), [InputRequired(_l("Give the last day."))])


def _text(label: Any, *, needed: bool) -> Any:
    first: list[Any] = [InputRequired(_l("Write the question."))] if needed else [Optional()]
    return LineField(label, [*first, Length(max=TEXT_LENGTH, message=_l("At most 200 characters."))])


def questions_form(questions: Sequence[Question]) -> PortalForm:
    """A form over the questions: keep or leave out, their words; and room for up to three of the district's own."""

    class QuestionsForm(PortalForm):
        """Made for these questions."""

    given: dict[str, Any] = {}
    for number, question in enumerate(questions, start=1):
        setattr(
            QuestionsForm,
            f"keep_{question.id}",
            BooleanField(_("Ask question %(number)s", number=number)),
        )
        setattr(QuestionsForm, f"text_{question.id}", _text(_("Words"), needed=True))
        setattr(QuestionsForm, f"other_{question.id}", _text(_("Words in English"), needed=False))
        given[f"keep_{question.id}"] = True
        given[f"text_{question.id}"] = question.texts["zh-Hans"]
        given[f"other_{question.id}"] = question.texts.get("en", "")
    for place in range(1, OWN_QUESTIONS + 1):
        setattr(QuestionsForm, f"own_{place}", _text(_("Another question"), needed=False))
        setattr(
            QuestionsForm,
            f"kind_{place}",
            SelectField(
                _("How it is answered"),
                choices=[(FACT, _("Yes, no, do not know")), (SCALE, _("Five steps, not sure"))],
                default=FACT,
            ),
        )
    return QuestionsForm(data=given)


def questions_sent(form: PortalForm, questions: Sequence[Question]) -> list[Question]:
    """The questions as the form leaves them. Changed words drop the other script, which they no longer say."""
    found = []
    for question in questions:
        if not form[f"keep_{question.id}"].data:
            continue
        text = form[f"text_{question.id}"].data
        texts = dict(question.texts) if text == question.texts["zh-Hans"] else {"zh-Hans": text}
        texts["en"] = form[f"other_{question.id}"].data or ""
        found.append(
            Question(
                question.id,
                question.kind,
                {tag: words for tag, words in texts.items() if words},
                question.scored,
                question.about,
            )
        )
    taken = {question.id for question in questions}
    names = iter(f"o{number}" for number in range(1, 100) if f"o{number}" not in taken)
    for place in range(1, OWN_QUESTIONS + 1):
        words = form[f"own_{place}"].data
        if words:
            found.append(Question(next(names), form[f"kind_{place}"].data, {"zh-Hans": words}))
    return found


def _fits(bytes_at_most: int) -> Any:
    def check(_form: Any, field: Any) -> None:
        if field.data and len(field.data.encode("utf-8", "surrogatepass")) > bytes_at_most:
            raise ValidationError(_("This is a little too long. Please shorten it."))

    return check


def answer_form(questions: Sequence[Question]) -> PortalForm:
    """The questionnaire itself: every question may be left out."""

    class AnswerForm(PortalForm):
        """Made for these questions."""

        remark = TextField(
            _l("What else would you like to tell the education office"),
            [
                Length(max=REMARK_LENGTH, message=_l("Use at most 300 characters.")),
                _fits(REMARK_BYTES),
            ],
        )
        pressed = BooleanField(_l("Somebody told me, or hinted, what to choose"))
        told = TextField(
            _l("Who, and how"),
            [
                Length(max=PRESSURE_LENGTH, message=_l("Use at most 100 characters.")),
                _fits(PRESSURE_BYTES),
            ],
        )

    for question in questions:
        choices = [(value, str(label)) for value, label in question.choices.items()]
        field = RadioField(question.text, [Optional()], choices=choices)
        setattr(AnswerForm, question.id, field)
    return AnswerForm()


def given(form: PortalForm, questions: Sequence[Question]) -> Given:
    """What the form says; a report with words counts as one, ticked or not."""
    choices = {question.id: form[question.id].data for question in questions if form[question.id].data}
    told = form["told"].data or ""
    return Given(choices, form["remark"].data or "", bool(form["pressed"].data or told), told)


class CodeForm(PortalForm):
    """The code of a printed slip or a message."""

    code = LineField(
        _l("Code of the questionnaire"),
        [InputRequired(_l("Type the code."))],
        filters=[half_width],
    )

    def validate_code(self, field: Any) -> None:
        """Sixteen letters and digits."""
        if codes.read(field.data) is None:
            raise ValidationError(_("A code has 16 letters and digits. Look at the slip again."))


class ReasonForm(PortalForm):
    """Why the answers of a school should not count."""

    reason = TextField(
        _l("Why these answers should not count"),
        [
            InputRequired(_l("Say why.")),
            Length(max=REASON_LENGTH, message=_l("Use at most 300 characters.")),
        ],
    )


class WordsForm(PortalForm):
    """The school's answer to a question, or the district's words about it."""

    words = TextField(
        _l("Words"),
        [
            InputRequired(_l("Write what you found.")),
            Length(max=WORDS_LENGTH, message=_l("Use at most 2,000 characters.")),
        ],
    )


def last_day_problem(closes_on: date, today: date, least: int, most: int) -> str | None:
    """What is wrong with a last day, in words."""
    if least <= (closes_on - today).days <= most:
        return None
    return _("Choose a day %(least)s to %(most)s days from today.", least=least, most=most)
