"""Which families a district wants visited, how often and how: rules as data, read and judged without a database.

A document of rules and quotas is the value of the setting ``visits.coverage``. What districts and schools ask for in
their published plans (one action a term, new and old classes, visit month, two in each group, calls to those not met)
stands in ``PATTERNS``; each has its worked test.
"""

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from datetime import date, timedelta
from fractions import Fraction
from functools import reduce
from typing import Any

from portal.access import ROLE_NAMES, Role
from portal.i18n import gettext as _
from portal.i18n import lazy_gettext as _l
from portal.i18n import listing, ngettext
from portal.visits.models import FORM_NAMES, PRIORITY_NAMES, Form

IN_PERSON = (Form.IN_HOME, Form.AT_SCHOOL, Form.PUBLIC_PLACE)
AT_A_DISTANCE = (Form.PHONE, Form.VIDEO)
WHO_NAMES = {
    "all": _l("All pupils"),
    "priority": _l("Pupils who need special care"),
    "starting_grades": _l("Pupils of the starting grades"),
    "new_classes": _l("Classes with a new class teacher"),
    "other_classes": _l("Classes that keep their class teacher"),
    "new_pupils": _l("Pupils new to the school"),
}
EVERY_NAMES = {
    "term": _l("Every term"),
    "year": _l("Every school year"),
    "month": _l("Every month"),
    "window": _l("Between set days"),
}
UNIT_NAMES = {"pupils": _l("Different pupils"), "visits": _l("Visits")}
QUOTA_ROLES = (Role.CLASS_TEACHER, Role.SUBJECT_TEACHER, Role.PRINCIPAL, Role.SCHOOL_OFFICE)
MOST_RULES, NAME_MOST, NUMBER_MOST, SIZE_MOST, WINDOWS_MOST = 20, 60, 200, 200, 4
TEACHERS_MOST = 5
"""A head, two class teachers and two subject teachers: the largest team that a district asks for."""
ARRIVES_BEFORE = timedelta(days=62)
"""Who is entered in July or August before a school year is new in it."""
_WINDOW = re.compile(r"(\d\d)-(\d\d)/(\d\d)-(\d\d)")
_FRACTION = re.compile(r"(\d{1,3})(?:/(\d{1,3})|\s*%)?")
_KEY = re.compile(r"[a-z0-9_]{1,24}")


class Flaw(ValueError):
    """A document of rules that does not hold; ``place`` is the name of the field, ``args[0]`` the reason in words."""

    def __init__(self, place: str, reason: str) -> None:
        super().__init__(reason)
        self.place = place


@dataclass(frozen=True)
class Rule:
    """Of each class, a share of some pupils is visited in each period in one of the ways that count.

    ``share`` is of the pupils concerned; ``first_share``: what is enough in the first term of a yearly rule. ``least``
    and ``most``: for classes of that many pupils only. ``teachers``: how many go together for a visit to count.
    ``calls``: whoever is not met that way is at least called.
    """

    key: str
    name: str
    who: str = "all"
    groups: tuple[str, ...] = ()
    least: int | None = None
    most: int | None = None
    every: str = "term"
    windows: tuple[str, ...] = ()
    share: Fraction = Fraction(1)
    first_share: Fraction | None = None
    forms: tuple[str, ...] = tuple(Form)
    teachers: int = 1
    calls: bool = False


@dataclass(frozen=True)
class Quota:
    """How many pupils or visits are expected of each holder of a role in each period."""

    key: str
    name: str
    role: str
    number: int
    unit: str = "pupils"
    every: str = "term"
    windows: tuple[str, ...] = ()
    forms: tuple[str, ...] = tuple(Form)


@dataclass(frozen=True)
class Rules:
    """All that a district asks for."""

    rules: tuple[Rule, ...] = ()
    quotas: tuple[Quota, ...] = ()


# Reading and writing a document.


def fraction(typed: Any, place: str = "share") -> Fraction:
    """2/3, 50% or 1 as a part of one; Flaw for what is none or lies outside of 0 to 1."""
    found = _FRACTION.fullmatch(str(typed).strip())
    if found is None:
        raise Flaw(place, _("Write a share as 2/3 or 50%."))
    over = int(found[2]) if found[2] else 100 if str(typed).strip().endswith("%") else 1
    value = Fraction(int(found[1]), over) if over else Fraction(2)
    if not 0 < value <= 1:
        raise Flaw(place, _("A share is more than nothing and at most all."))
    return value


def _window(text: Any) -> str:
    found = _WINDOW.fullmatch(str(text))
    try:
        if found is None:
            raise ValueError
        # 2000 is a leap year, so that 29 February may be a day of the window.
        first, last = date(2000, int(found[1]), int(found[2])), date(2000, int(found[3]), int(found[4]))
    except ValueError as error:
        raise Flaw("windows", _("Write days as 09-01/10-15.")) from error
    if _days_into_year(first) > _days_into_year(last):
        raise Flaw("windows", _("A window begins and ends within one school year."))
    return str(text)


def _days_into_year(day: date) -> tuple[int, int]:
    return (day.month - 9) % 12, day.day


def _known(data: dict[str, Any], kind: type[Rule | Quota]) -> None:
    unknown = set(data) - {one.name for one in fields(kind)}
    if unknown:
        raise Flaw("", _("There is no such field: %(names)s.", names=", ".join(sorted(map(str, unknown)))))


def _one_of(data: dict[str, Any], place: str, options: Iterable[str], default: str) -> str:
    value = data.get(place, default)
    if value not in set(options):
        raise Flaw(place, _("Choose one."))
    return str(value)


def _some_of(
    data: dict[str, Any], place: str, options: Sequence[str], default: Sequence[str]
) -> tuple[str, ...]:
    value = data.get(place, list(default))
    if not isinstance(value, list) or any(one not in options for one in value):
        raise Flaw(place, _("Choose from the list."))
    return tuple(str(one) for one in options if one in value)


def _number(data: dict[str, Any], place: str, least: int, most: int) -> int | None:
    value = data.get(place)
    if value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        raise Flaw(place, _("Enter a whole number from %(least)s to %(most)s.", least=least, most=most))
    return value


def _when(data: dict[str, Any]) -> dict[str, Any]:
    every = _one_of(data, "every", EVERY_NAMES, "term")
    windows = data.get("windows") or []
    if not isinstance(windows, list) or len(windows) > WINDOWS_MOST:
        raise Flaw("windows", _("Use at most %(most)s windows.", most=WINDOWS_MOST))
    if (every == "window") != bool(windows):
        raise Flaw("windows", _("Say between which days, or choose another period."))
    return {"every": every, "windows": tuple(_window(one) for one in windows)}


def _head(data: Any) -> dict[str, Any]:
    if not isinstance(data, dict):
        raise Flaw("", _("This is no list of rules."))
    name = data.get("name")
    if not isinstance(name, str) or not name.strip() or len(name) > NAME_MOST or "\n" in name:
        raise Flaw("name", _("Give it a name of at most %(most)s characters.", most=NAME_MOST))
    if not isinstance(data.get("key"), str) or not _KEY.fullmatch(data["key"]):
        raise Flaw("key", _("This is no list of rules."))
    forms = _some_of(data, "forms", list(Form), list(Form))
    if not forms:
        raise Flaw("forms", _("Choose at least one way that counts."))
    return {"key": data["key"], "name": name, "forms": forms, **_when(data)}


def read_rule(data: Any) -> Rule:
    """A rule from plain data; Flaw at the first field that does not hold."""
    head = _head(data)
    _known(data, Rule)
    who = _one_of(data, "who", WHO_NAMES, "all")
    groups = _some_of(data, "groups", list(PRIORITY_NAMES), ())
    if groups and who != "priority":
        raise Flaw("groups", _("Groups are chosen for pupils who need special care only."))
    least, most = _number(data, "least", 1, SIZE_MOST), _number(data, "most", 1, SIZE_MOST)
    if least and most and least > most:
        raise Flaw("most", _("The larger number comes second."))
    first = data.get("first_share")
    if first is not None and head["every"] != "year":
        raise Flaw("first_share", _("A share of the first term belongs to a rule of the school year."))
    share, first_share = fraction(data.get("share", "1")), fraction(first, "first_share") if first else None
    if first_share is not None and first_share > share:
        raise Flaw("first_share", _("The first term asks for no more than the whole year."))
    teachers = _number(data, "teachers", 1, TEACHERS_MOST) or 1
    calls = data.get("calls", False)
    if not isinstance(calls, bool):
        raise Flaw("calls", _("Choose one."))
    return Rule(
        who=who,
        groups=groups,
        least=least,
        most=most,
        share=share,
        first_share=first_share,
        teachers=teachers,
        calls=calls,
        **head,
    )


def read_quota(data: Any) -> Quota:
    """A quota from plain data; Flaw at the first field that does not hold."""
    head = _head(data)
    _known(data, Quota)
    number = _number(data, "number", 1, NUMBER_MOST)
    if number is None:
        raise Flaw("number", _("Enter a number."))
    return Quota(
        role=_one_of(data, "role", QUOTA_ROLES, ""),
        number=number,
        unit=_one_of(data, "unit", UNIT_NAMES, "pupils"),
        **head,
    )


def read(document: Any) -> Rules:
    """The rules of a stored document; Flaw when it does not hold."""
    if not isinstance(document, dict) or set(document) - {"rules", "quotas"}:
        raise Flaw("", _("This is no list of rules."))
    rules, quotas = document.get("rules", []), document.get("quotas", [])
    if not isinstance(rules, list) or not isinstance(quotas, list):
        raise Flaw("", _("This is no list of rules."))
    if max(len(rules), len(quotas)) > MOST_RULES:
        raise Flaw("", _("Use at most %(most)s rules.", most=MOST_RULES))
    found = Rules(tuple(map(read_rule, rules)), tuple(map(read_quota, quotas)))
    keys = [one.key for one in found.rules] + [one.key for one in found.quotas]
    if len(set(keys)) != len(keys):
        raise Flaw("key", _("This is no list of rules."))
    return found


def _plain_value(value: Any) -> Any:
    if isinstance(value, tuple):
        return [str(one) for one in value]
    return str(value) if isinstance(value, Fraction | Form | Role) else value


def _plain(one: Rule | Quota) -> dict[str, Any]:
    pairs = [(declared, getattr(one, declared.name)) for declared in fields(one)]
    return {declared.name: _plain_value(value) for declared, value in pairs if value != declared.default}


def written(rules: Rules) -> dict[str, Any]:
    """Rules as the plain document that ``read`` reads again."""
    return {"rules": [_plain(one) for one in rules.rules], "quotas": [_plain(one) for one in rules.quotas]}


# Periods.


@dataclass(frozen=True)
class Span:
    """The days from ``first`` to ``last``, both included."""

    first: date
    last: date

    def holds(self, day: date) -> bool:
        """Whether a day lies within."""
        return self.first <= day <= self.last


@dataclass(frozen=True)
class Year:
    """A school year with its two terms, as the district set them."""

    starts_on: date
    terms: tuple[Span, ...]

    @property
    def span(self) -> Span:
        """1 September to 31 August."""
        return Span(self.starts_on, date(self.starts_on.year + 1, 8, 31))

    def term_at(self, day: date) -> int:
        """The index of the term of a day; between terms the one that ended last, before the first the first."""
        begun = [index for index, term in enumerate(self.terms) if term.first <= day]
        return begun[-1] if begun else 0


def span_of(every: str, windows: Sequence[str], year: Year, day: date) -> Span:
    """The period of a rule in which a day falls, or the one that was last; before the first the first to come."""
    if every == "month":
        following = date(day.year + day.month // 12, day.month % 12 + 1, 1)
        return Span(day.replace(day=1), following - timedelta(days=1))
    if every == "term" and year.terms:
        return year.terms[year.term_at(day)]
    if every == "window":
        spans = sorted((_dated(one, year) for one in windows), key=lambda span: span.first)
        begun = [span for span in spans if span.first <= day]
        return begun[-1] if begun else spans[0]
    return year.span


def _dated(window: str, year: Year) -> Span:
    ends = []
    for text in window.split("/"):
        month, day = (int(part) for part in text.split("-"))
        of = year.starts_on.year + (month < 9)
        leap = of % 4 == 0 and (of % 100 != 0 or of % 400 == 0)
        ends.append(date(of, month, 28 if (month, day) == (2, 29) and not leap else day))
    return Span(*ends)


# Judging.


@dataclass(frozen=True)
class Child:
    """What the rules ask about a pupil; ``priority`` is the group's word, or empty."""

    id: int
    priority: str
    arrived_on: date


@dataclass(frozen=True)
class Held:
    """A visit that was held: about whom, when, how, and the people who wrote a part of it."""

    pupil_id: int
    on: date
    form: str
    authors: frozenset[int]


@dataclass(frozen=True)
class Group:
    """A class with its visits of the school year; ``teacher_since``: from when its class teacher has it, None unknown."""

    level: int
    pupils: Sequence[Child]
    visits: Sequence[Held] = ()
    teacher_since: date | None = None


@dataclass(frozen=True)
class Outcome:
    """Where a class stands with a rule. Sets hold pupil ids; ``needed`` of ``concerned`` have to be in ``met``."""

    rule: Rule
    span: Span
    concerned: frozenset[int] = frozenset()
    met: frozenset[int] = frozenset()
    in_home: frozenset[int] = frozenset()
    reached: frozenset[int] = frozenset()
    needed: int = 0

    @property
    def is_kept(self) -> bool:
        """Whether the rule is kept: enough met, and where calls are asked for, everybody reached."""
        return len(self.met) >= self.needed and (not self.rule.calls or self.reached == self.concerned)

    @property
    def open(self) -> frozenset[int]:
        """Pupils whose visit would still count."""
        if len(self.met) >= self.needed:
            return frozenset()
        return self.concerned - self.met

    @property
    def to_call(self) -> frozenset[int]:
        """Pupils who are neither met nor called, where the rule asks for calls."""
        return self.concerned - self.reached if self.rule.calls else frozenset()


def _concerns_class(rule: Rule, group: Group, year: Year) -> bool:
    size = len(group.pupils)
    if size < (rule.least or 0) or size > (rule.most or size):
        return False
    since = group.teacher_since
    is_new = since is not None and since >= year.starts_on - ARRIVES_BEFORE
    return {
        "starting_grades": group.level == 1,
        "new_classes": is_new,
        "other_classes": not is_new,
    }.get(rule.who, True)


def _concerns(rule: Rule, child: Child, year: Year) -> bool:
    if rule.who == "priority":
        return bool(child.priority) and (not rule.groups or child.priority in rule.groups)
    if rule.who == "new_pupils":
        return child.arrived_on >= year.starts_on - ARRIVES_BEFORE
    return True


def judge(rule: Rule, group: Group, year: Year, day: date) -> Outcome:
    """Where a class stands with a rule on a day. Shares are rounded up: half of 51 pupils is 26."""
    span = span_of(rule.every, rule.windows, year, day)
    if not _concerns_class(rule, group, year):
        return Outcome(rule, span)
    concerned = frozenset(child.id for child in group.pupils if _concerns(rule, child, year))
    within = [one for one in group.visits if span.holds(one.on) and one.pupil_id in concerned]
    counted = [one for one in within if one.form in rule.forms and len(one.authors) >= rule.teachers]
    met = frozenset(one.pupil_id for one in counted)
    called = frozenset(one.pupil_id for one in within if one.form in AT_A_DISTANCE)
    share = rule.share
    if rule.first_share is not None and year.term_at(day) == 0:
        share = rule.first_share
    return Outcome(
        rule=rule,
        span=span,
        concerned=concerned,
        met=met,
        in_home=frozenset(one.pupil_id for one in counted if one.form == Form.IN_HOME),
        reached=met | called,
        needed=math.ceil(share * len(concerned)),
    )


@dataclass(frozen=True)
class Progress:
    """How far one person is with a quota."""

    quota: Quota
    span: Span
    done: int

    @property
    def is_kept(self) -> bool:
        """Whether the quota is filled."""
        return self.done >= self.quota.number


def progress(quota: Quota, person_id: int, visits: Iterable[Held], year: Year, day: date) -> Progress:
    """How far a person is with a quota on a day: visits of which they wrote a part."""
    span = span_of(quota.every, quota.windows, year, day)
    own = [
        one for one in visits if person_id in one.authors and span.holds(one.on) and one.form in quota.forms
    ]
    done = len({one.pupil_id for one in own}) if quota.unit == "pupils" else len(own)
    return Progress(quota, span, done)


# In words.


def share_in_words(share: Fraction) -> str:
    """全部, 一半 or 2/3."""
    if share == 1:
        return _("all of them")
    return _("at least half") if share == Fraction(1, 2) else _("at least %(share)s", share=share)


def forms_in_words(forms: Sequence[str]) -> str:
    """入户、到校 …; all of them as one word."""
    if set(forms) == set(Form):
        return _("in any way")
    if set(forms) == set(IN_PERSON):
        return _("in person")
    return listing([str(FORM_NAMES[Form(one)]) for one in forms])


def when_in_words(every: str, windows: Sequence[str]) -> str:
    """每学期, or the days between which."""
    if every != "window":
        return str(EVERY_NAMES[every])
    days = [
        [_("%(month)s/%(day)s", month=int(end[:2]), day=int(end[3:])) for end in one.split("/")]
        for one in windows
    ]
    return listing([_("from %(first)s to %(last)s", first=first, last=last) for first, last in days])


def _whom(rule: Rule) -> str:
    who = str(WHO_NAMES[rule.who])
    if rule.groups:
        who = listing([str(PRIORITY_NAMES[one]) for one in rule.groups])
    if rule.least and rule.most:
        return _("%(who)s, in classes of %(least)s to %(most)s", who=who, least=rule.least, most=rule.most)
    if rule.most:
        return _("%(who)s, in classes of up to %(most)s", who=who, most=rule.most)
    if rule.least:
        return _("%(who)s, in classes of %(least)s or more", who=who, least=rule.least)
    return who


def rule_in_words(rule: Rule) -> str:
    """A rule as people say it."""
    lines = [
        _(
            "%(who)s · %(when)s: %(share)s, %(forms)s.",
            who=_whom(rule),
            when=when_in_words(rule.every, rule.windows),
            share=share_in_words(rule.share),
            forms=forms_in_words(rule.forms),
        )
    ]
    if rule.first_share is not None:
        lines.append(_("In the first term: %(share)s.", share=share_in_words(rule.first_share)))
    if rule.teachers > 1:
        lines.append(_("%(count)s teachers go together.", count=rule.teachers))
    if rule.calls:
        lines.append(_("Whoever is not met is called."))
    return reduce(lambda said, more: _("%(said)s %(more)s", said=said, more=more), lines)


def quota_in_words(quota: Quota) -> str:
    """A quota as people say it."""
    number = (
        ngettext("%(num)s pupil", "%(num)s pupils", quota.number)
        if quota.unit == "pupils"
        else ngettext("%(num)s visit", "%(num)s visits", quota.number)
    )
    return _(
        "Each %(role)s · %(when)s: %(number)s, %(forms)s.",
        role=ROLE_NAMES[Role(quota.role)],
        when=when_in_words(quota.every, quota.windows),
        number=number,
        forms=forms_in_words(quota.forms),
    )


@dataclass(frozen=True)
class Document:
    """The kind of the setting: a document of rules."""

    def fits(self, value: Any) -> bool:
        """Whether a document holds."""
        try:
            read(value)
        except Flaw:
            return False
        return True

    def words(self, value: Any) -> str:
        """The rules and quotas by their names; their sentences stand on the page that changes them."""
        rules = read(value)
        named = [one.name for one in rules.rules] + [one.name for one in rules.quotas]
        return listing(named) if named else _("None")
