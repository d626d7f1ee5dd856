"""The coverage rules of a district: what holds, a rule changed with its effect looked at first, patterns to begin with."""

from dataclasses import replace
from datetime import date
from typing import Any

from flask import abort, after_this_request, request, url_for
from sqlalchemy import case, func, select
from werkzeug.wrappers import Response

from portal import clock
from portal.access import actor, requires
from portal.extensions import db
from portal.i18n import gettext as _
from portal.jobs.queue import ring
from portal.once import commit_and_go
from portal.schools.models import School, SchoolClass
from portal.schools.policy import DISTRICT_SET, schools_of_district
from portal.settings.changing import change
from portal.settings.declaring import held
from portal.templating import render
from portal.visits import covering
from portal.visits.coverage import Quota, Rule, Rules, judge, quota_in_words, read, rule_in_words, written
from portal.visits.models import ClassCoverage
from portal.visits.patterns import PATTERNS, RULES
from portal.visits.rule_forms import QUOTA, RULE, QuotaForm, RuleForm, new_key, shown
from portal.visits.views.blueprint import Answer, bp

LOOKED_AT = 10
"""Schools on whose present numbers a rule is tried before it is set."""


def _rules(day: date) -> Rules:
    return covering.rules_on(day, district_id=actor().district_id)


def _sums() -> dict[str, tuple[int, int, int]]:
    """Rule's key → (pupils to be met, of these met, classes that have not kept it yet), in the whole district."""
    due = func.sum(ClassCoverage.needed)
    enough = case((ClassCoverage.met < ClassCoverage.needed, ClassCoverage.met), else_=ClassCoverage.needed)
    done = func.sum(enough)
    behind = func.count().filter(ClassCoverage.met < ClassCoverage.needed)
    rows = db.session.execute(
        select(ClassCoverage.rule, due, done, behind)
        .where(ClassCoverage.school_id.in_(schools_of_district(actor())))
        .group_by(ClassCoverage.rule)
    )
    return {key: (int(needed), int(met), int(open_classes)) for key, needed, met, open_classes in rows}


@bp.get("/rules")
@requires(DISTRICT_SET)
def rules() -> str:
    """What the district asks for, in words, with where its schools stand."""
    found = _rules(actor().on)
    present = RULES.row(held(actor().district_id, None), actor().on)
    return render(
        "visits/rules.html",
        rules=[(one, rule_in_words(one)) for one in found.rules],
        quotas=[(one, quota_in_words(one)) for one in found.quotas],
        sums=_sums(),
        patterns=[(key, label, words_of(document)) for key, (label, document) in PATTERNS.items()],
        since=present,
    )


def words_of(document: dict[str, Any]) -> list[str]:
    """The sentences of a document."""
    found = read(document)
    return [*map(rule_in_words, found.rules), *map(quota_in_words, found.quotas)]


def _chosen(found: Rules) -> tuple[str, str, Rule | Quota | None]:
    """(kind, key, the rule there is) of the address; 404 for a key that nothing has."""
    kind, key = request.args.get("kind", RULE), request.args.get("key", "")
    if kind not in (RULE, QUOTA):
        abort(404)
    among: tuple[Rule | Quota, ...] = found.rules if kind == RULE else found.quotas
    one = next((one for one in among if one.key == key), None)
    if key and one is None:
        abort(404)
    return kind, key or new_key(), one


@bp.route("/rules/one", methods=["GET", "POST"])
@requires(DISTRICT_SET)
def rule() -> Answer:
    """One rule or quota: typed, looked at in words and on the present numbers, then set from a day."""
    kind, key, present = _chosen(_rules(actor().on))
    form = (RuleForm if kind == RULE else QuotaForm)(data=shown(present, kind))
    page: dict[str, Any] = {"form": form, "kind": kind, "present": present, "words": "", "effect": None}
    page["key"] = present.key if present else ""
    if request.method != "POST":
        return render("visits/rule.html", **page)
    made = form.made(key)
    if made is None:
        return render("visits/rule.html", **page), 422
    if request.form.get("act") != "set":
        words = rule_in_words(made) if isinstance(made, Rule) else quota_in_words(made)
        return render("visits/rule.html", **page | {"words": words, "effect": _effect(made)})
    _set(form.from_on.data, form.document.data, _with(_rules(form.from_on.data), made))
    return commit_and_go(url_for(".rules"), _("The rule is set."))


def _effect(made: Rule | Quota) -> list[tuple[str, int, int, int]] | None:
    """What a rule would ask of the first schools today: (school, pupils concerned, to be met, met already)."""
    if isinstance(made, Quota):
        return None
    schools = db.session.execute(
        select(School.id, School.name)
        .where(School.id.in_(schools_of_district(actor())))
        .order_by(School.name_pinyin, School.id)
        .limit(LOOKED_AT)
    ).all()
    day = actor().on
    own_schools = SchoolClass.school_id.in_([school_id for school_id, _name in schools])
    found = covering.places(day, own_schools, groups=bool(made.groups))
    years = covering.years_on({place.district_id for place in found.values()}, day)
    lines = []
    for school_id, name in schools:
        own = [
            judge(made, place.group, years[place.district_id], day)
            for place in found.values()
            if place.school_id == school_id
        ]
        lines.append(
            (
                name,
                sum(len(one.concerned) for one in own),
                sum(one.needed for one in own),
                sum(min(len(one.met), one.needed) for one in own),
            )
        )
    return lines


def _with(found: Rules, made: Rule | Quota) -> Rules:
    if isinstance(made, Rule):
        return replace(found, rules=_put(found.rules, made))
    return replace(found, quotas=_put(found.quotas, made))


def _put(among: tuple[Any, ...], made: Rule | Quota) -> tuple[Any, ...]:
    if any(one.key == made.key for one in among):
        return tuple(made if one.key == made.key else one for one in among)
    return (*among, made)


def _set(from_on: date, document: str | None, found: Rules) -> None:
    change(
        RULES,
        written(found),
        from_on,
        document or "",
        person_id=actor().person_id,
        role=actor().role,
        district_id=actor().district_id,
    )
    if from_on <= clock.today():
        _recount_after_commit()


def _recount_after_commit() -> None:
    @after_this_request
    def bell(answer: Any) -> Any:
        if answer.status_code < 400:
            ring(covering.recount)
        return answer


@bp.post("/rules/removal")
@requires(DISTRICT_SET)
def drop_rule() -> Response:
    """Leave one rule or quota out from today."""
    found, key = _rules(actor().on), request.form.get("key", "")
    kept = Rules(
        tuple(one for one in found.rules if one.key != key),
        tuple(one for one in found.quotas if one.key != key),
    )
    if kept == found:
        abort(404)
    _set(clock.today(), "", kept)
    return commit_and_go(url_for(".rules"), _("The rule is left out."))


@bp.post("/rules/pattern")
@requires(DISTRICT_SET)
def take_pattern() -> Response:
    """Take a pattern over in place of all that holds; it can be changed rule by rule afterwards."""
    pattern = PATTERNS.get(request.form.get("pattern", ""))
    if pattern is None:
        abort(404)
    _set(clock.today(), str(_(pattern[0])), read(pattern[1]))
    return commit_and_go(
        url_for(".rules"), _("The pattern holds now. Change it rule by rule as you need it.")
    )
