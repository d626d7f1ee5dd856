"""Rubrics of a district: kept in versions, read once, and what each indicator asks of whom."""

from collections.abc import Iterator
from copy import deepcopy
from enum import StrEnum
from functools import lru_cache
from typing import Any

from sqlalchemy import func, select, update

from portal import clock, i18n
from portal.errors import RuleBroken
from portal.extensions import db
from portal.i18n import gettext as _
from portal.ratings.canonical import canonical, digest
from portal.ratings.files import read_file
from portal.ratings.metrics import METRICS, fits
from portal.ratings.models import RubricState, RubricVersion
from portal.ratings.rubric import (
    Item,
    Message,
    Rubric,
    RubricError,
    failed_cases,
    read_yaml,
    title_text,
)
from portal.ratings.rubric.checking import checked
from portal.ratings.rubric.conditions import parts
from portal.ratings.rubric.problems import Title
from portal.ratings.rubric.reading import Document
from portal.schools.models import District
from portal.trail.models import note

LARGEST_FILE = 128 * 1024


class AskedOf(StrEnum):
    """Who brings the facts of an indicator."""

    RECORDS = "records"
    SCHOOL = "school"
    INSPECTORS = "inspectors"
    SURVEY = "survey"


def metric_of(item: Item) -> str:
    """The metric an indicator is computed by, from its ``source: "system:name"``; empty when there is none."""
    kind, _colon, name = str(item.settings.get("source", "")).partition(":")
    return name.strip() if kind.strip() == "system" else ""


def asked_of(item: Item) -> AskedOf:
    """Records for what is computed, the inspectors for samples and deductions, a questionnaire, otherwise the school."""
    source = str(item.settings.get("source", ""))
    if source == "district_survey" or item.kind == "survey_mean":
        return AskedOf.SURVEY
    if metric_of(item):
        return AskedOf.RECORDS
    if source == "district_sample" or item.kind == "sample_check":
        return AskedOf.INSPECTORS
    return AskedOf.SCHOOL


def words(title: Title) -> str:
    """A title in the language of this request."""
    return title_text(title, i18n.current().tag)


@lru_cache(maxsize=64)
def _document(_sha256: str, yaml: str) -> Document:
    return read_yaml(yaml)


@lru_cache(maxsize=64)
def _read(sha256: str, yaml: str) -> Rubric:
    return checked(_document(sha256, yaml))


def rubric_of(version: RubricVersion) -> Rubric:
    """The checked rubric of a version; read once per process."""
    return _read(version.sha256, version.yaml)


def items_of(rubric: Rubric) -> dict[str, Item]:
    """Every item with a rule, by its id, in the order of the rubric; bonus and deductions last."""
    return {item.id: item for item in rubric.rated()}


def domains_of(rubric: Rubric) -> Iterator[tuple[str, str, list[Item]]]:
    """(id, title, items with a rule) of each top indicator, then of bonus and deductions."""
    for top in rubric.items:
        yield top.id, words(top.title), [item for item in top.walk() if item.rule]
    if rubric.bonus:
        yield "bonus", _("Bonus items"), list(rubric.bonus)
    if rubric.deductions:
        yield "deductions", _("Deductions"), list(rubric.deductions)


def school_answers(rubric: Rubric) -> list[Item]:
    """The items a school answers itself: neither computed nor the inspectors' own, and no deductions."""
    own_work = {item.id for item in rubric.deductions}
    return [item for item in rubric.rated() if asked_of(item) is AskedOf.SCHOOL and item.id not in own_work]


def inspectors_answer(rubric: Rubric) -> list[Item]:
    """The items an inspector scores: all that are not computed and not asked by questionnaire."""
    return [item for item in rubric.rated() if asked_of(item) in (AskedOf.SCHOOL, AskedOf.INSPECTORS)]


def computed(rubric: Rubric) -> list[Item]:
    """The items computed from records."""
    return [item for item in rubric.rated() if asked_of(item) is AskedOf.RECORDS]


def bonus_ids(rubric: Rubric) -> set[str]:
    """Ids of what nobody must claim: bonus and deductions."""
    return {item.id for item in (*rubric.bonus, *rubric.deductions)}


def stars_of(rubric: Rubric) -> list[int]:
    """The stars this rubric gives, best first; empty when it gives none."""
    result = rubric.settings["result"]
    if result["kind"] == "star_adjust":
        start = next(one for one in result["ratings"] if one["id"] == result["start"])
        return list(range(start["max"], start["min"] - 1, -1))
    return sorted({int(rank["star"]) for rank in result.get("ranks", ()) if "star" in rank}, reverse=True)


def _star_hindrance(rubric: Rubric) -> str | None:
    """What a round cannot know: stars and facts that only a file of inputs gives."""
    result = rubric.settings["result"]
    if not stars_of(rubric):
        return _("A round needs a rubric that turns points into stars.")
    if any("from_item" not in rating for rating in result.get("ratings", ())):
        return _(
            "In a round each star to start from comes from an indicator. Name the indicator (“from_item”)."
        )
    conditions = [
        one["when"] for name in ("steps", "limits") for one in result.get(name, ()) if "when" in one
    ]
    if any("fact" in part for one in conditions for part in parts(one)):
        return _("A round has no facts beside its indicators. Make a veto of what limits the stars.")
    return None


def unsupported(version: RubricVersion) -> str | None:
    """Why a round cannot be rated by this rubric yet, in words; None when it can."""
    rubric = rubric_of(version)
    if hindrance := _star_hindrance(rubric):
        return hindrance
    strange = [
        metric_of(item)
        for item in computed(rubric)
        if metric_of(item) not in METRICS or not fits(item, METRICS[metric_of(item)])
    ]
    if strange:
        return _("The portal cannot compute: %(names)s.", names="、".join(strange))
    return None


def wrong_with(version: RubricVersion) -> str | None:
    """The first thing that is wrong with a draft, in words; None when it is right and its worked cases hold."""
    try:
        problems = failed_cases(rubric_of(version))
    except RubricError as error:
        problems = list(error.problems)
    return problems[0].text(_) if problems else None


def store(
    raw: bytes | str, district: District, person_id: int | None, judge_without_rule: bool = False
) -> tuple[RubricVersion, bool, list[Message]]:
    """Check a rubric file of any form and keep it as the district's next version, in the current transaction.

    Returns the version, whether it is new (the same values again give the version that is there already), and what of the
    file was not taken over as it stands. Raises RubricError with everything that is wrong, each with its line or cell.
    """
    found = read_file(raw, judge_without_rule)
    rubric, text = found.rubric, found.text
    values = canonical(read_yaml(text).data)
    same = db.session.scalar(
        select(RubricVersion).where(
            RubricVersion.district_id == district.id,
            RubricVersion.rubric_id == rubric.id,
            RubricVersion.sha256 == digest(values),
        )
    )
    if same is not None:
        return same, False, found.remarks
    last = db.session.scalar(
        select(func.max(RubricVersion.version)).where(
            RubricVersion.district_id == district.id, RubricVersion.rubric_id == rubric.id
        )
    )
    version = RubricVersion(
        district_id=district.id,
        rubric_id=rubric.id,
        name=title_text(rubric.title),
        version=(last or 0) + 1,
        yaml=text,
        canonical=values,
        sha256=digest(values),
        stored_by_id=person_id,
        stored_at=clock.now(),
    )
    db.session.add(version)
    db.session.flush()
    note("rubric.stored", version, person_id=person_id, sha256=version.sha256, version=version.version)
    return version, True, found.remarks


def values_of(version: RubricVersion) -> dict[str, Any]:
    """The values of a version as they stand in its file; read once per process, a copy for each who asks."""
    data = _document(version.sha256, version.yaml).data
    assert isinstance(data, dict)
    return deepcopy(data)


def publish(version: RubricVersion, person_id: int | None) -> None:
    """Make a version final: from now on nobody can change it. Raises RuleBroken when it is final already."""
    if version.state == RubricState.PUBLISHED:
        raise RuleBroken(_("This rubric is published already."))
    why = wrong_with(version)
    if why:
        raise RuleBroken(why)
    changed = db.session.execute(
        update(RubricVersion)
        .where(RubricVersion.id == version.id, RubricVersion.state == RubricState.DRAFT)
        .values(state=RubricState.PUBLISHED, published_at=clock.now(), published_by_id=person_id)
    )
    if changed.rowcount != 1:  # type: ignore[attr-defined]
        raise RuleBroken(_("This rubric is published already."))
    db.session.refresh(version)
    note("rubric.published", version, person_id=person_id, sha256=version.sha256)
