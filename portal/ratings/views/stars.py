"""The public star pages: anyone may read them, and there is no ranking."""

from flask import abort, request
from flask_login import current_user
from sqlalchemy import Select, func, or_, select
from sqlalchemy.orm import joinedload

from portal import clock, names
from portal.access import public
from portal.extensions import db
from portal.ratings import concerns, deciding, improving, naming, objecting, programmes, remedies, standing
from portal.ratings.models import Entry, Round, RoundState
from portal.ratings.reading import case_view, public_summary, reading_of
from portal.ratings.rubrics import items_of, rubric_of, words
from portal.ratings.standing import Naming
from portal.ratings.views.blueprint import bp
from portal.schools.models import School
from portal.templating import render

PER_PAGE = 30


def asked_kind() -> str:
    """The kind of round that is asked for; stars for anything unknown."""
    wanted = request.args.get("kind", programmes.STARS)
    return wanted if wanted in programmes.PROGRAMMES else programmes.STARS


def _latest(kind: str = programmes.STARS) -> Select[int]:
    """Ids of the newest published entry of each school in a kind of round."""
    return (
        select(func.max(Entry.id))
        .join(Round, Round.id == Entry.round_id)
        .where(Round.state == RoundState.PUBLISHED, Round.programme == kind)
        .group_by(Entry.school_id)
    )


@bp.get("/stars/")
@public
def stars() -> str:
    """Schools with a published result, by the sound of their names; never by points."""
    kind = asked_kind()
    query = (request.args.get("q") or "").strip()[:60]
    after = (request.args.get("after") or "")[:800]
    wanted = (
        select(Entry)
        .join(School, School.id == Entry.school_id)
        .where(Entry.id.in_(_latest(kind)))
        .options(joinedload(Entry.school), joinedload(Entry.round))
        .order_by(School.name_pinyin, School.id)
        .limit(PER_PAGE + 1)
    )
    if query:
        wanted = wanted.where(names.matching(School, query))
    if after:
        pinyin, _colon, number = after.rpartition(":")
        if number.isdecimal() and len(number) < 12:
            wanted = wanted.where(
                or_(School.name_pinyin > pinyin, (School.name_pinyin == pinyin) & (School.id > int(number)))
            )
    entries = db.session.scalars(wanted).all()
    shown, more = entries[:PER_PAGE], len(entries) > PER_PAGE
    last = shown[-1].school if more else None
    return render(
        "ratings/stars.html",
        entries=shown,
        kind=programmes.of(kind),
        kinds=[one for one in programmes.PROGRAMMES.values() if one.name != kind],
        query=query,
        after=f"{last.name_pinyin}:{last.id}" if last else None,
    )


def newest_of(public_id: str, kind: str = programmes.STARS) -> Select[Entry]:
    """A query for the newest published entry of a school in a kind of round."""
    return (
        select(Entry)
        .join(School, School.id == Entry.school_id)
        .where(School.public_id == public_id, Entry.id.in_(_latest(kind)))
    )


def latest_entry(public_id: str) -> Entry:
    """The newest published entry of a school, by the school's public id; 404 when there is none."""
    entry = db.session.scalar(
        newest_of(public_id, asked_kind()).options(
            joinedload(Entry.school).joinedload(School.district),
            joinedload(Entry.round).joinedload(Round.rubric_version),
            joinedload(Entry.round).joinedload(Round.school_year),
        )
    )
    if entry is None:
        abort(404)
    return entry


@bp.get("/stars/<public_id>")
@public
def school_stars(public_id: str) -> str:
    """One school's stars with their reasons."""
    entry = latest_entry(public_id)
    today = clock.today()
    assert entry.round.publicity_ends_on is not None
    assert entry.round.valid_until_on is not None
    rubric = rubric_of(entry.round.rubric_version)
    result = deciding.stored_result(entry)
    cases = remedies.cases_of(entry)
    namings = standing.namings_of(entry)
    now = namings[-1] if namings else None
    return render(
        "ratings/school_stars.html",
        entry=entry,
        reading=reading_of(rubric, result),
        summary=public_summary(result),
        said=current_user.is_authenticated and bool(concerns.own(entry, current_user.person_id)),
        kind=request.args.get("kind"),
        notice_running=entry.round.publicity_ends_on >= today,
        changed=[case_view(rubric, entry, case) for case in objecting.changed_cases(cases)],
        is_final=remedies.is_final(entry, cases, today),
        is_valid=entry.round.valid_until_on >= today,
        now=now,
        state=naming.state_of(now, today) if now else "",
        namings=namings,
        title=programmes.of(entry.round.programme).title,
        titles={name: f"{name} {words(item.title)}" for name, item in items_of(rubric).items()},
        improvements=improving.improvements_of(entry),
        years=improving.years_of(entry),
        peers=improving.peers_of(entry, {top.id: words(top.title) for top in rubric.items}),
        others=[(one, naming.title_of(one)) for one in _other_titles(entry)],
        kind_names=standing.NAMING_NAMES,
        checks=[one for one in standing.checks_of(entry) if one.finding],
        check_names=standing.CHECK_NAMES,
        examined_until=standing.examined_until(entry),
        again=any(
            one.kind == standing.MeasureKind.RE_RATING and one.state == standing.MeasureState.SETTLED
            for one in standing.measures_of(entry)
        ),
    )


def _other_titles(entry: Entry) -> list[Naming]:
    """What a school holds from other kinds of rounds, each with its round."""
    found: dict[str, Naming] = {}
    for one in standing.history_of(entry.school_id):
        kind = one.entry.round.programme
        if kind != entry.round.programme:
            found.setdefault(kind, one)
    return [one for one in found.values() if one.star and one.valid_until_on >= clock.today()]
