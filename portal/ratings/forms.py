"""Forms of rubrics, rounds, self-assessments, sheets and decisions."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Self

from wtforms import (
    BooleanField,
    DateField,
    FileField,
    IntegerField,
    MultipleFileField,
    RadioField,
    SelectField,
    SelectMultipleField,
)
from wtforms.validators import DataRequired, InputRequired, Length, NumberRange, Optional, ValidationError

from portal import clock
from portal.accounts.models import Person
from portal.files.intake import chosen
from portal.forms import LineField, PortalForm, TextField, half_width
from portal.i18n import gettext as _
from portal.i18n import lazy_gettext as _l
from portal.ratings import field_forms
from portal.ratings.drawing import NUMBER, SECRET
from portal.ratings.interests import INTEREST_NAMES
from portal.ratings.metrics import METRICS
from portal.ratings.minutes import Presence
from portal.ratings.models import RubricVersion
from portal.ratings.panels import Minutes
from portal.ratings.programmes import STAR_WORDS, STARS, Programme, choices
from portal.ratings.rubric import Item, Rubric
from portal.ratings.rubric.words import KINDS
from portal.ratings.rubrics import LARGEST_FILE, words
from portal.ratings.teams import Team
from portal.ratings.workbooks import LARGEST_WORKBOOK, is_workbook
from portal.schools.models import School, SchoolYear

LONG = 2000


class RubricForm(PortalForm):
    """A rubric as a file (XLSX or YAML) or as pasted text."""

    file = FileField(_l("File: the office's table (XLSX) or YAML"))
    judge = BooleanField(_l("Indicators without a rule are judged by the inspectors"))
    text = TextField(_l("Or paste the text (YAML)"))

    raw = b""

    def validate_file(self, field: Any) -> None:
        if field.data is not None and getattr(field.data, "filename", None):
            self.raw = field.data.read(LARGEST_WORKBOOK + 1)
            if len(self.raw) > (LARGEST_WORKBOOK if is_workbook(self.raw) else LARGEST_FILE):
                raise ValidationError(_("The file is too large. A workbook has at most 1 MB, a text 128 KB."))

    def validate_text(self, field: Any) -> None:
        if not self.raw and not (field.data or "").strip():
            raise ValidationError(_("Choose a file or paste the text of a rubric."))

    def content(self) -> bytes | str:
        """What was uploaded or, without a file, pasted."""
        return self.raw or self.text.data

    def shown(self) -> str:
        """The text to show again beside the problems; a workbook cannot be shown."""
        return (
            self.raw.decode("utf-8-sig", "replace").replace("\0", "")
            if self.raw and not is_workbook(self.raw)
            else self.text.data
        )


class ItemForm(PortalForm):
    """One indicator of a draft, as offices write it; a group has no rule."""

    number = LineField(
        _l("Number of the indicator"),
        [DataRequired(_l("Give the indicator a number.")), Length(max=80)],
        filters=[half_width],
    )
    title = LineField(_l("Title of the indicator"), [Length(max=600)])
    points = LineField(_l("Points"), [Length(max=40)], filters=[half_width])
    rule = TextField(_l("How it is scored"), [Length(max=8000)])
    standard = TextField(_l("Scoring standard in the office's words"), [Length(max=4000)])
    evidence = LineField(_l("Evidence looked at"), [Length(max=1000)])
    source = SelectField(_l("Where the facts come from"))
    notes = TextField(_l("Notes"), [Length(max=4000)])
    other = TextField(_l("Other settings"), [Length(max=8000)])

    @classmethod
    def offering(cls, present: str, group: bool, data: Mapping[str, Any] | None = None) -> "ItemForm":
        """The form of an item or a group; ``present``: its source of today, kept even if nobody offers it."""
        form = cls() if data is None else cls(formdata=None, data=data)
        form.complete(present, group)
        return form

    def complete(self, present: str, group: bool) -> None:
        """Say where facts may come from; ``present``: the source of today. A group has neither facts nor a rule."""
        known = {
            "": _("The school answers"),
            "manual_with_evidence": _("The school answers and shows proof"),
            "district_sample": _("The inspectors look at a sample"),
            "district_survey": _("Parent questionnaire"),
        }
        known |= {
            f"system:{name}": _("Records: %(what)s", what=found.explanation)
            for name, found in METRICS.items()
        }
        self.source.choices = list(({present: present} | known).items())
        for name in ("rule", "evidence", "source") if group else ():
            if name in self:
                del self[name]


class ItemFieldsForm(ItemForm):
    """One indicator of a draft with a field for each setting; ``with_fields`` adds them."""

    rule = None
    other = None


class NewItemForm(PortalForm):
    """Where a new indicator goes, and how it is scored."""

    under = SelectField(_l("In which group?"))
    kind = RadioField(_l("How is it scored?"), [InputRequired(_l("Choose one."))])

    @classmethod
    def offering(cls, groups: Mapping[str, str], formdata: bool) -> "NewItemForm":
        """The form with the groups of a rubric."""
        form = cls() if formdata else cls(formdata=None)
        form.under.choices = [
            *groups.items(),
            ("", _("A new top indicator")),
            ("bonus", _("Bonus items")),
            ("deductions", _("Deductions")),
        ]
        kinds = [(kind, field_forms.value_word("kind", kind)) for kind in KINDS]
        form.kind.choices = [*kinds, ("group", _("A group of indicators"))]
        return form


class RubricSettingsForm(PortalForm):
    """What holds for the whole rubric."""

    number = LineField(_l("Short name"), [DataRequired(_l("Enter a short name.")), Length(max=80)])
    title = LineField(_l("Title"), [DataRequired(_l("Enter a title.")), Length(max=600)])
    total = LineField(_l("Full total"), [Length(max=400)])
    result = TextField(_l("From points to stars"), [Length(max=8000)])
    vetoes = TextField(_l("Veto items, one a line"), [Length(max=8000)])
    rest = TextField(_l("Other settings"), [Length(max=30000)])


class WholeFieldsForm(RubricSettingsForm):
    """What holds for the whole rubric with a field for each setting; ``with_fields`` adds them."""

    total = None
    result = None
    vetoes = None
    rest = TextField(_l("Sources and worked cases"), [Length(max=30000)])


class RoundForm(PortalForm):
    """Rubric, school year, schools and deadlines of a round."""

    programme = RadioField(_l("Kind of round"), default=STARS)
    rubric = SelectField(_l("Rubric"), [InputRequired(_l("Choose a rubric."))])
    year = SelectField(_l("School year"), [InputRequired(_l("Choose a school year."))])
    name = LineField(_l("Name of the round"), [Length(max=100)])
    schools = SelectMultipleField(_l("Schools that take part"))
    self_assessment_due_on = DateField(
        _l("Self-assessment until"), [InputRequired(_l("Enter the last day for the self-assessment."))]
    )
    scoring_due_on = DateField(
        _l("Scoring until"), [InputRequired(_l("Enter the last day for the scoring."))]
    )

    def offer(
        self, rubrics: Sequence[RubricVersion], years: Sequence[SchoolYear], schools: Sequence[School]
    ) -> None:
        """What can be chosen."""
        self._rubrics = {version.public_id: version for version in rubrics}
        self._years = {str(year.id): year for year in years}
        self._schools = {school.public_id: school for school in schools}
        self.rubric.choices = [
            (version.public_id, _("%(name)s, version %(number)s", name=version.name, number=version.version))
            for version in rubrics
        ]
        self.programme.choices = choices()
        self.programme.data = self.programme.data or STARS
        self.year.choices = [(str(year.id), year.label) for year in years]
        self.schools.choices = [(school.public_id, school.name) for school in schools]

    def validate_schools(self, field: Any) -> None:
        if not field.data:
            raise ValidationError(_("Choose at least one school."))

    def validate_self_assessment_due_on(self, field: Any) -> None:
        if field.data and field.data < clock.today():
            raise ValidationError(_("Choose a day that is still to come."))

    def validate_scoring_due_on(self, field: Any) -> None:
        first = self.self_assessment_due_on.data
        if field.data and first and field.data < first:
            raise ValidationError(_("The scoring ends after the self-assessment."))

    def chosen_rubric(self) -> RubricVersion:
        """The rubric version chosen."""
        return self._rubrics[self.rubric.data]

    def chosen_year(self) -> SchoolYear:
        """The school year chosen."""
        return self._years[self.year.data]

    def chosen_schools(self) -> list[School]:
        """The schools chosen, each once."""
        return [self._schools[public_id] for public_id in dict.fromkeys(self.schools.data)]


class InspectorsForm(PortalForm):
    """The team of a school: two who score apart from each other, further members, and who leads."""

    first = SelectField(_l("First inspector"), [InputRequired(_l("Choose an inspector."))])
    second = SelectField(_l("Second inspector"), [InputRequired(_l("Choose an inspector."))])
    third = SelectField(_l("Third of the team"))
    fourth = SelectField(_l("Fourth of the team"))
    lead = RadioField(_l("Who leads the team?"), validators=[Optional()])
    reason = TextField(_l("Why are they named and not drawn?"), [Length(max=LONG)])

    PLACES = ("first", "second", "third", "fourth")

    def offer(self, people: Sequence[Person], size: int, by_draw: bool) -> None:
        """Who may inspect the school, how many the team has at least, and whether naming them by hand needs a reason."""
        self._by_draw = by_draw
        self._people = {person.public_id: person for person in people}
        self._size = size
        names = [("", _("Choose")), *((person.public_id, person.name) for person in people)]
        for place in self.PLACES:
            self[place].choices = names
        self.lead.choices = [(place, str(self[place].label.text)) for place in self.PLACES]

    def _check_twice(self, field: Any) -> None:
        before = [self[place].data for place in self.PLACES[: self.PLACES.index(field.short_name)]]
        if field.data and field.data in before:
            raise ValidationError(_("Choose two different inspectors."))

    def validate_second(self, field: Any) -> None:
        self._check_twice(field)

    def validate_third(self, field: Any) -> None:
        self._check_twice(field)
        if self._size > 2 and not field.data:
            raise ValidationError(_("A team has at least three people. Choose a third one."))

    def validate_fourth(self, field: Any) -> None:
        self._check_twice(field)

    def validate_reason(self, field: Any) -> None:
        if self._by_draw and not (field.data or "").strip():
            raise ValidationError(
                _("The inspectors of this round are drawn. Draw them, or write why you name them.")
            )

    def validate_lead(self, field: Any) -> None:
        if self._size > 2 and not (field.data and self[field.data].data):
            raise ValidationError(_("Say who of the team leads it."))

    def fill(self, team: Team, people: Sequence[Person]) -> None:
        """Show the team as it is."""
        known = {person.id: person.public_id for person in people}
        for place, person_id in zip(self.PLACES, team.people, strict=False):
            self[place].data = known.get(person_id, "")
            if person_id == team.lead:
                self.lead.data = place

    def team(self) -> Team:
        """The team that was chosen."""
        ids = [self._people[self[place].data].id for place in self.PLACES if self[place].data]
        lead = (
            self._people[self[self.lead.data].data].id
            if self.lead.data and self[self.lead.data].data
            else None
        )
        return Team((ids[0], ids[1]), tuple(ids[2:]), lead)


class ReplacementForm(PortalForm):
    """Somebody new in a team."""

    person = SelectField(_l("Who joins the team?"), [InputRequired(_l("Choose an inspector."))])
    reason = TextField(_l("Why this person and not whose turn it is by the draw?"), [Length(max=LONG)])

    @classmethod
    def offering(
        cls, people: Sequence[Person], turn: Person | None, by_draw: bool, formdata: bool
    ) -> "ReplacementForm":
        """The form with the people who may join; ``turn``: whose turn it is by the draw, without a reason."""
        form = cls(prefix="join-") if formdata else cls(formdata=None, prefix="join-")
        form.people = {one.public_id: one for one in people}
        form.person.choices = [("", _("Choose")), *((one.public_id, one.name) for one in people)]
        form.turn, form.by_draw = turn, by_draw
        return form

    people: Mapping[str, Person] = {}
    turn: Person | None = None
    by_draw = False

    def validate_reason(self, field: Any) -> None:
        """A reason where somebody else than whose turn it is joins a team that is drawn."""
        if self.by_draw and not self.is_drawn() and not (field.data or "").strip():
            raise ValidationError(_("Write the reason; everybody reads it."))

    def is_drawn(self) -> bool:
        """Whether it is the turn of whoever was chosen."""
        return self.turn is not None and self.person.data == self.turn.public_id

    def person_id(self) -> int:
        """The id of whoever was chosen."""
        return self.people[self.person.data].id


class VoidForm(PortalForm):
    """Which sheet is void, and why."""

    sheet = RadioField(_l("Whose sheet is void?"), [InputRequired(_l("Choose one."))])
    reason = TextField(
        _l("Which tie was found, and how"), [DataRequired(_l("Write the reason.")), Length(max=LONG)]
    )

    @classmethod
    def offering(cls, sheets: Mapping[str, str], formdata: bool) -> "VoidForm":
        """The form with the sheets that may be made void; ``sheets``: address → whose it is."""
        form = cls(prefix="void-") if formdata else cls(formdata=None, prefix="void-")
        form.sheet.choices = list(sheets.items())
        return form


class InterestForm(PortalForm):
    """What ties an inspector to a school: nothing, or what and why."""

    tie = RadioField(_l("Does anything tie you to this school?"), [InputRequired(_l("Choose one."))])
    reason = TextField(_l("What it is, in a few words"), [Length(max=LONG)])

    def offer(self, may_deny: bool) -> None:
        """What can be said: once papers are open, only that there is a tie after all."""
        none = [("none", _("No, nothing: I may score it"))] if may_deny else []
        ties = [(kind.value, str(name)) for kind, name in INTEREST_NAMES.items()]
        self.tie.choices = [*none, *ties]

    def validate_reason(self, field: Any) -> None:
        if self.tie.data and self.tie.data != "none" and not (field.data or "").strip():
            raise ValidationError(_("Write what it is; the district office reads it."))


class AnnounceForm(PortalForm):
    """Where the seed of a draw comes from."""

    kind = RadioField(
        _l("Where does the seed come from?"),
        [InputRequired(_l("Choose one."))],
        choices=[
            (NUMBER, _l("A public number that nobody knows yet")),
            (SECRET, _l("A secret: its SHA-256 is published now, the secret when it is drawn")),
        ],
    )
    source = LineField(
        _l("Which number, or the secret"),
        [DataRequired(_l("Write which number, or the secret.")), Length(max=300)],
    )

    def validate_source(self, field: Any) -> None:
        if self.kind.data == SECRET and len(field.data or "") < 16:
            raise ValidationError(_("A secret has at least 16 signs: nobody may find it by trying."))


class SeedForm(PortalForm):
    """The seed of a draw."""

    seed = LineField(_l("The number, or the secret"), [DataRequired(_l("Write the seed.")), Length(max=300)])


class PanelForm(PortalForm):
    """Minutes of a meeting of the panel: who was there, who stepped aside, how many were for the proposal."""

    held_on = DateField(_l("Day of the meeting"), [InputRequired(_l("Enter the day of the meeting."))])
    present = SelectMultipleField(_l("At the meeting"))
    absent = SelectMultipleField(_l("Absent"))
    recused = SelectMultipleField(_l("Stepped aside"))
    why_aside = TextField(_l("Why they stepped aside"), [Length(max=LONG)])
    chair = SelectField(_l("Who chaired the meeting"), [InputRequired(_l("Choose one."))])
    in_favour = IntegerField(
        _l("How many were for the proposal"),
        [InputRequired(_l("Write how many.")), NumberRange(1, 99, _l("Write how many."))],
    )
    text = TextField(
        _l("What was said, and the proposal"), [DataRequired(_l("Write the minutes.")), Length(max=LONG)]
    )

    LISTS = {"present": Presence.PRESENT, "absent": Presence.ABSENT, "recused": Presence.RECUSED}

    def offer(self, people: Sequence[Person]) -> None:
        """Who may sit on the panel."""
        self._people = {one.public_id: one for one in people}
        names = [(one.public_id, one.name) for one in people]
        for name in self.LISTS:
            self[name].choices = names
        self.chair.choices = [("", _("Choose")), *names]

    def validate_held_on(self, field: Any) -> None:
        if field.data and field.data > clock.today():
            raise ValidationError(_("The meeting has been held already."))

    def validate_recused(self, _field: Any) -> None:
        named = [one for name in self.LISTS for one in self[name].data or []]
        if len(named) != len(set(named)):
            raise ValidationError(_("Somebody is in two of the lists."))

    def minutes(self) -> Minutes:
        """What was written down."""
        presence = {
            self._people[one].id: how.value
            for name, how in self.LISTS.items()
            for one in self[name].data or []
        }
        return Minutes(
            self.held_on.data,
            presence,
            self._people[self.chair.data].id,
            self.in_favour.data,
            self.text.data,
            self.why_aside.data or "",
        )


class ExtensionForm(PortalForm):
    """A later last day, and why."""

    last_on = DateField(_l("New last day"), [InputRequired(_l("Enter the new last day."))])
    reason = TextField(
        _l("Why are the days extended?"),
        [DataRequired(_l("Write the reason; the school reads it.")), Length(max=LONG)],
    )


class ReasonForm(PortalForm):
    """Why something goes back."""

    reason = TextField(
        _l("What must the school correct?"),
        [DataRequired(_l("Write what the school must correct.")), Length(max=LONG)],
    )


class SatisfactionForm(PortalForm):
    """Which document asks for more points by questionnaire than is sound; asked only where a rubric has them."""

    why = TextField(
        _l("Which document asks for more by questionnaire?"),
        [DataRequired(_l("Name the document, with its number and what it asks for.")), Length(max=500)],
    )


class VetoForm(PortalForm):
    """Which veto item struck, and why."""

    veto = RadioField(_l("Which veto item?"), [InputRequired(_l("Choose a veto item."))])
    reason = TextField(
        _l("What happened, and how it was established"),
        [DataRequired(_l("Write what happened.")), Length(max=LONG)],
    )

    @classmethod
    def offering(cls, vetoes: Mapping[str, str], formdata: bool) -> "VetoForm":
        """The form with the veto items of a rubric."""
        form = cls(prefix="veto-") if formdata else cls(formdata=None, prefix="veto-")
        form.veto.choices = [(veto_id, f"{veto_id} {title}") for veto_id, title in vetoes.items()]
        return form


class DecisionForm(PortalForm):
    """The district's remark; one question for each gate of the rubric is added."""

    remark = TextField(_l("Remark on the decision"), [Length(max=LONG)])

    def gates(self) -> dict[str, bool]:
        """The answers to the gates."""
        return {
            field.description: field.data == "yes" for field in self if field.short_name.startswith("gate_")
        }


def decision_form(rubric: Rubric, formdata: bool, gates: Mapping[str, Any] | None = None) -> DecisionForm:
    """The decision form of a rubric, with its gates as questions; ``gates``: what was answered before."""
    asked = [(gate["id"], words(gate["title"])) for gate in rubric.settings["gates"] if "when" not in gate]
    asked += [
        (gate["id"], words(gate["what"])) for item in rubric.walk() for gate in item.settings.get("gates", ())
    ]
    fields: dict[str, Any] = {
        f"gate_{number}": RadioField(
            title,
            [InputRequired(_l("Answer this question."))],
            choices=[("yes", _("Yes")), ("no", _("No"))],
            description=gate_id,
        )
        for number, (gate_id, title) in enumerate(asked, 1)
    }
    kind = type("DecisionForm", (DecisionForm,), fields)
    before = {
        f"gate_{number}": "yes" if gates[gate_id] else "no"
        for number, (gate_id, _title) in enumerate(asked, 1)
        if gates and gate_id in gates
    }
    made: DecisionForm = kind() if formdata else kind(formdata=None, data=before)
    return made


class AnswerForm(PortalForm):
    """What the school says to the first opinion."""

    agrees = RadioField(
        _l("What do you say to it?"),
        [InputRequired(_l("Choose one."))],
        choices=[("yes", _l("The opinion is right")), ("no", _l("We see it otherwise"))],
    )
    text = TextField(_l("What is not right, and what shows it"), [Length(max=4000)])

    def validate_text(self, field: Any) -> None:
        if self.agrees.data == "no" and not field.data:
            raise ValidationError(_("Write what is not right."))


class ObjectionForm(PortalForm):
    """Which indicators the school objects to, and why."""

    items = SelectMultipleField(_l("Which indicators are not right?"))
    text = TextField(
        _l("What is not right, and what proves it?"),
        [DataRequired(_l("Write what is not right.")), Length(max=4000)],
    )
    files = MultipleFileField(_l("Files that show it"))

    @classmethod
    def offering(
        cls, items: Sequence[Item], formdata: bool, vetoes: Mapping[str, str] | None = None
    ) -> "ObjectionForm":
        """The form with the indicators and the vetoes a decision rests on."""
        form = cls(prefix="objection-") if formdata else cls(formdata=None, prefix="objection-")
        form.items.choices = [
            *((name, _("Veto item %(title)s", title=title)) for name, title in (vetoes or {}).items()),
            *((item.id, f"{item.id} {words(item.title)}") for item in items),
        ]
        return form

    def ask_for_files_again(self) -> None:
        """Tell that a browser does not send chosen files a second time."""
        if chosen(self.files.data or []) and not self.files.errors:
            self.files.errors = [_("Choose the files again, please: a browser forgets them.")]

    def validate_items(self, field: Any) -> None:
        if not field.data:
            raise ValidationError(_("Choose at least one indicator."))


class VetoAsideForm(PortalForm):
    """Why a veto does not hold."""

    reason = TextField(
        _l("The reasons"), [DataRequired(_l("Write the reasons; the school reads them.")), Length(max=LONG)]
    )


class OutcomeForm(PortalForm):
    """How an objection or an appeal is answered."""

    outcome = RadioField(
        _l("What comes of it?"),
        [InputRequired(_l("Choose one."))],
        choices=[("uphold", _l("The result stands")), ("change", _l("The result is changed"))],
    )
    text = TextField(
        _l("The reasons"), [DataRequired(_l("Write the reasons; the school reads them.")), Length(max=4000)]
    )


class ConcernForm(PortalForm):
    """What somebody says against a published result, with files."""

    words = TextField(
        _l("What is not right?"), [DataRequired(_l("Write what is not right.")), Length(max=4000)]
    )
    files = MultipleFileField(_l("Files that show it"))

    def ask_for_files_again(self) -> None:
        """Tell that a browser does not send chosen files a second time."""
        if chosen(self.files.data or []) and not self.files.errors:
            self.files.errors = [_("Choose the files again, please: a browser forgets them.")]


class VerdictForm(PortalForm):
    """What the examiner finds, for the school and for the author."""

    outcome = RadioField(
        _l("What comes of it?"),
        [InputRequired(_l("Choose one."))],
        choices=[
            ("unfounded", _l("Not founded: the result stands")),
            ("founded", _l("Founded: a new rating is proposed")),
        ],
    )
    gist = TextField(
        _l("For the school"), [DataRequired(_l("Write what the school may read.")), Length(max=LONG)]
    )
    reply = TextField(
        _l("For the author"), [DataRequired(_l("Write the answer to the author.")), Length(max=LONG)]
    )


class ReopenForm(PortalForm):
    """Which items both inspectors look at again, and why."""

    items = SelectMultipleField(_l("Which indicators?"))
    reason = TextField(
        _l("What the school says and what has to be looked at"),
        [DataRequired(_l("Write the reason.")), Length(max=LONG)],
    )

    @classmethod
    def offering(cls, items: Sequence[Item], formdata: bool) -> "ReopenForm":
        """The form with the items that inspectors scored."""
        form = cls(prefix="again-") if formdata else cls(formdata=None, prefix="again-")
        form.items.choices = [(item.id, f"{item.id} {words(item.title)}") for item in items]
        return form

    def validate_items(self, field: Any) -> None:
        if not field.data:
            raise ValidationError(_("Choose at least one indicator."))


class ClaimForm(PortalForm):
    """The star a school applies for, and its year in a few sentences."""

    star = RadioField(_l("Which star does the school apply for?"), [InputRequired(_l("Choose a star."))])
    text = TextField(_l("The year in a few sentences"), [Length(max=LONG)])

    @classmethod
    def offering(cls, stars: Sequence[int], formdata: bool, programme: Programme) -> "ClaimForm":
        """The form with the results of a rubric, as its programme calls them."""
        form = cls() if formdata else cls(formdata=None)
        most = len(programme.results or STAR_WORDS)
        form.star.choices = [(str(star), programme.word(star)) for star in stars if 0 <= star < most]
        if programme.results:
            form.star.label.text = _("What does the school apply for?")
        return form


def needs_a_file(_form: Any, field: Any) -> None:
    """At least one must be chosen; what it is, is found out by opening it."""
    if not chosen(field.data or []):
        raise ValidationError(_("Choose a file first."))


needs_a_file.field_flags = {"required": True}  # type: ignore[attr-defined]


class EvidenceForm(PortalForm):
    """Files for an indicator, what they show, and that nobody can be made out in them."""

    files = MultipleFileField(_l("Files"), [needs_a_file])
    shows = TextField(
        _l("What do they show?"), [DataRequired(_l("Write what the files show.")), Length(max=500)]
    )
    masked = BooleanField(
        _l("Names, numbers and faces of children and parents are covered in the files."),
        [InputRequired(_l("Cover names, numbers and faces first, then confirm it here."))],
    )
    not_named = BooleanField(_l("These words are not names of children or parents."))

    asks_again = False

    def ask_for_files_again(self) -> None:
        """Tell that a browser does not send chosen files a second time."""
        if chosen(self.files.data or []) and not self.files.errors:
            self.files.errors = [_("Choose the files again, please: a browser forgets them.")]


class AgainForm(PortalForm):
    """Why the same file stands for something else as well."""

    file = LineField(_l("File"), [Length(max=40)])
    reason = TextField(
        _l("Why does the same file stand for this as well?"),
        [DataRequired(_l("Write why the same file is used again.")), Length(max=500)],
    )


class DeclarationForm(PortalForm):
    """The principal stands for the self-assessment."""

    true = BooleanField(
        _l("The answers are true, and the proof can be shown."),
        [InputRequired(_l("Confirm that the answers are true."))],
    )


class QuestionForm(PortalForm):
    """An inspector's question about a computed number; empty takes it back."""

    reason = TextField(_l("What seems wrong with this number?"), [Optional(), Length(max=LONG)])


class ChecksForm(PortalForm):
    """What a light check looks at, and until when the schools report."""

    items = SelectMultipleField(_l("Which indicators?"))
    due_on = DateField(_l("Report until"), [InputRequired(_l("Enter the last day for the report."))])

    @classmethod
    def offering(cls, items: Sequence[Item], formdata: bool) -> "ChecksForm":
        """The form with the indicators of a rubric."""
        form = cls() if formdata else cls(formdata=None)
        form.items.choices = [(item.id, f"{item.id} {words(item.title)}") for item in items]
        return form

    def validate_items(self, field: Any) -> None:
        if not field.data:
            raise ValidationError(_("Choose at least one indicator."))
        if len(field.data) > MOST_CHECKED:
            raise ValidationError(_("A light check is short: choose at most %(most)s.", most=MOST_CHECKED))

    def validate_due_on(self, field: Any) -> None:
        if field.data and field.data < clock.today():
            raise ValidationError(_("Choose a day that is still to come."))


MOST_CHECKED = 8


def check_report_form(
    lines: Sequence[tuple[str, str, str]], formdata: bool, clean: bool | None = None
) -> PortalForm:
    """The form of a school's short report: a few sentences on each indicator, and whether a veto item happened.

    ``lines``: id, title and present text of each indicator.
    """
    fields: dict[str, Any] = {
        f"said_{number}": TextField(
            f"{item_id} {title}",
            [DataRequired(_l("Write a few sentences.")), Length(max=1000)],
            description=item_id,
        )
        for number, (item_id, title, _said) in enumerate(lines, 1)
    }
    fields["clean"] = RadioField(
        _l("Did anything happen this year that is a veto item?"),
        [InputRequired(_l("Answer this question."))],
        choices=[("yes", _("Nothing happened")), ("no", _("Something happened; it is described above"))],
    )
    kind = type("CheckReportForm", (PortalForm,), fields)
    if formdata:
        sent: PortalForm = kind()
        return sent
    data = {f"said_{number}": said for number, (_id, _title, said) in enumerate(lines, 1)}
    if clean is not None:
        data["clean"] = "yes" if clean else "no"
    made: PortalForm = kind(formdata=None, data=data)
    return made


class FindingForm(PortalForm):
    """The district's finding on a light check."""

    outcome = RadioField(_l("What do you find?"), [InputRequired(_l("Choose one."))])
    text = TextField(
        _l("The reasons"), [DataRequired(_l("Write the reasons; the school reads them.")), Length(max=LONG)]
    )

    @classmethod
    def offering(cls, reported: bool, may_ask: bool, formdata: bool) -> "FindingForm":
        """The form with what is possible now."""
        form = cls(prefix="finding-") if formdata else cls(formdata=None, prefix="finding-")
        found = [("keep", _("The standing is kept"))] if reported else []
        found += [("ask", _("Ask the school once more"))] if reported and may_ask else []
        form.outcome.choices = [*found, ("doubt", _("Rate the school again"))]
        return form


class MeasureForm(PortalForm):
    """A measure against a standing."""

    kind = RadioField(_l("What do you propose?"), [InputRequired(_l("Choose one."))])
    to_star = SelectField(_l("Which star instead?"), [Optional()])
    reason = TextField(
        _l("What happened, and how it was established"),
        [DataRequired(_l("Write what happened.")), Length(max=LONG)],
    )

    @classmethod
    def offering(cls, star: int, formdata: bool, word: Callable[[int], str]) -> "MeasureForm":
        """The form for a school that holds a star; 0: no title, so only a new rating is possible."""
        form = cls(prefix="measure-") if formdata else cls(formdata=None, prefix="measure-")
        found = [("re_rating", _("Rate again"))]
        found += [("downgrade", _("Lower the star"))] if star > 1 else []
        found += [("removal", _("Take the title away"))] if star else []
        form.kind.choices = found
        lower = [(str(one), word(one)) for one in range(star - 1, 0, -1)]
        form.to_star.choices = [("", _("Choose")), *lower]
        return form

    def validate_to_star(self, field: Any) -> None:
        if self.kind.data == "downgrade" and not field.data:
            raise ValidationError(_("Choose a star below the present one."))


class RespondForm(PortalForm):
    """What a school says to a proposed measure."""

    text = TextField(
        _l("What our school says to it"), [DataRequired(_l("Write what the school says.")), Length(max=4000)]
    )


class SettleForm(PortalForm):
    """How a second person settles a measure."""

    outcome = RadioField(
        _l("What do you decide?"),
        [InputRequired(_l("Choose one."))],
        choices=[("settle", _l("The measure is taken")), ("drop", _l("It is not pursued"))],
    )
    text = TextField(
        _l("The reasons"), [DataRequired(_l("Write the reasons; the school reads them.")), Length(max=LONG)]
    )


class AppealForm(PortalForm):
    """What a school says against a settled measure."""

    text = TextField(
        _l("What is not right, and what proves it?"),
        [DataRequired(_l("Write what is not right.")), Length(max=4000)],
    )


class AppealOutcomeForm(PortalForm):
    """How an appeal against a measure is answered."""

    outcome = RadioField(
        _l("What comes of it?"),
        [InputRequired(_l("Choose one."))],
        choices=[("uphold", _l("The measure stands")), ("annul", _l("The measure is annulled"))],
    )
    text = TextField(
        _l("The reasons"), [DataRequired(_l("Write the reasons; the school reads them.")), Length(max=4000)]
    )


class ImprovementForm(PortalForm):
    """Something the school means to do."""

    item = SelectField(_l("For which indicator?"), [Optional()])
    text = TextField(
        _l("What does the school do?"), [DataRequired(_l("Write what the school does.")), Length(max=1000)]
    )
    due_on = DateField(_l("Until when?"), [InputRequired(_l("Enter the day."))])

    @classmethod
    def offering(cls, titles: Mapping[str, str], formdata: bool) -> Self:
        """The form with the indicators of a rubric."""
        form = cls() if formdata else cls(formdata=None)
        form["item"].choices = [("", _("For all of it")), *titles.items()]
        return form

    def validate_due_on(self, field: Any) -> None:
        if field.data and field.data < clock.today():
            raise ValidationError(_("Choose a day that is still to come."))


class RaiseForm(ImprovementForm):
    """What the district found and asks a school to mend."""

    text = TextField(
        _l("What is to be mended?"), [DataRequired(_l("Write what is to be mended.")), Length(max=1000)]
    )
    due_on = DateField(_l("Mended by when?"), [InputRequired(_l("Enter the day."))])


class DoneForm(PortalForm):
    """What came of something the school meant to do."""

    which = LineField(_l("Plan"), [Length(max=40)])
    text = TextField(_l("What came of it?"), [DataRequired(_l("Write what came of it.")), Length(max=1000)])
