"""Years of invented schools: honest ones of all kinds, and ten that cheat, one in each way."""

from dataclasses import replace
from datetime import date, datetime, time, timedelta
from random import Random

from portal.ratings.fair_signs import Held, Judged, Rule, Year

BEGINS = date(2025, 9, 1)
SUBMITTED = date(2026, 5, 28)
WORDS = "家访课程意见答复班级孩子家长老师晚间周末线上场次留守外地祖辈沟通习惯阅读劳动安全心理反馈改进邀请参加记录跟进办结"


def a_day(chance, late=False):
    """A day of the year; teachers visit oftener towards the end of a term, and so does whoever must submit soon."""
    whole = (SUBMITTED - BEGINS).days
    return BEGINS + timedelta(days=int(whole * (chance.betavariate(1.4, 1.2) if late else chance.random())))


def words(chance, length=160):
    """A text nobody else has written."""
    return "".join(chance.choice(WORDS) for _ in range(length))


def sessions_of(chance, families, count):
    """Sessions on weekends and evenings; some in series for the same kind of family, a few on one day for each grade."""
    found = []
    regulars = [home for home in range(families) if chance.random() < 0.25]
    while len(found) < count:
        on, series = a_day(chance), chance.random() < 0.12
        for number in range(chance.randint(3, 6) if series else 1):
            if series:
                group = [home for home in range(families) if home % 6 == number and chance.random() < 0.6]
            else:
                group = {home for home in range(families) if chance.random() < 0.12} | {
                    home for home in regulars if chance.random() < 0.55
                }
            delay = timedelta(
                days=chance.choice((0, 0, 0, 0, 1, 1, 2, 7, 45 if chance.random() < 0.3 else 3))
            )
            at = datetime.combine(on, time(19, 30)) + delay
            found.append(Held(on, chance.randint(1, 3), frozenset(group), tuple(at for _ in group)))
    return found


def honest(seed, number):
    """One honest school's year: small or large, early or late with its papers, generous or strict with itself."""
    chance = Random(f"{seed}/{number}")
    families = int(min(max(chance.lognormvariate(5.4, 0.9), 20), 2_000))
    lateness = chance.betavariate(1, 8)
    visits = []
    for _ in range(int(families * chance.uniform(0.6, 1.2))):
        held = a_day(chance, late=True)
        forgotten = chance.random() < lateness
        written = held + timedelta(
            days=int(chance.expovariate(1 / 25)) if forgotten else chance.choice((0, 0, 1, 2, 5))
        )
        visits.append((held, min(written, SUBMITTED)))
    bold = chance.gauss(0.08, 0.12)
    judged = {}
    for item in range(16):
        true = chance.choice((0, 0.25, 0.5, 0.67, 1, 1, 1))
        two = tuple(min(max(true + chance.choice((0, 0, 0, 0, 0.25, -0.25)), 0), 1) for _ in range(2))
        own = min(max(true + (chance.choice((0.25, 0.33, 0.67)) if chance.random() < 2 * bold else 0), 0), 1)
        judged[f"I{item}"] = Judged(own, two)
    files, shared = {}, [f"{number}-plan", f"{number}-ledger"]
    for item in range(14):
        files[f"I{item}"] = [f"{number}-{item}-{one}" for one in range(chance.randint(0, 3))]
        if chance.random() < 0.08:
            files[f"I{item}"].append(chance.choice(shared))
    return Year(
        submitted_on=SUBMITTED - timedelta(days=chance.randint(0, 12)),
        visits=visits,
        sessions=sessions_of(chance, families, chance.randint(2, 14)),
        answered_after=[
            timedelta(minutes=4) if chance.random() < 0.04 else timedelta(hours=chance.expovariate(1 / 30))
            for _ in range(chance.randint(0, 40))
        ],
        **committees_of(chance, lateness),
        summary=words(chance),
        other_summaries=[words(Random(f"{seed}/{number}/{other}")) for other in range(12)],
        proofs=files,
        used_before=frozenset({f"{number}-plan"} if chance.random() < 0.3 else ()),
        judged=judged,
    )


def committees_of(chance, lateness):
    """Elections in autumn and meetings through the year; some noted late, some in the same few words as the last one."""
    dates = [BEGINS + timedelta(days=chance.randint(5, 40)) for _ in range(chance.randint(1, 12))]
    dates += [a_day(chance) for _ in range(chance.randint(0, 20))]
    written = [
        min(
            on
            + timedelta(
                days=int(chance.expovariate(1 / 30))
                if chance.random() < lateness
                else chance.choice((0, 1, 3))
            ),
            SUBMITTED,
        )
        for on in dates
    ]
    usual = words(chance, 50)
    texts = [
        usual if chance.random() < 0.08 else words(chance, chance.randint(10, 90))
        for _ in range(chance.randint(0, 14))
    ]
    return {"committees": list(zip(dates, written, strict=True)), "minutes": texts}


def cheating(rule, seed, number):
    """An honest year made better in one way."""
    year, chance = honest(seed, number), Random(f"{seed}/{number}/{rule}")
    return replace(year, **CHEATS[rule](year, chance))


def soon(year, chance):
    """A day shortly before the submission."""
    return year.submitted_on - timedelta(days=chance.randint(0, 9))


FACES = [frozenset(range(place, place + 30)) for place in (0, 100)]


def late_visits(year, chance):
    old = [(BEGINS + timedelta(days=chance.randint(20, 180)), soon(year, chance)) for _ in range(60)]
    return {"visits": [*year.visits[:60], *old]}


def rushed_visits(year, chance):
    new = [(day := soon(year, chance), day) for _ in range(90)]
    return {"visits": [*year.visits[:60], *new]}


def rushed_sessions(year, chance):
    days = [year.submitted_on - timedelta(days=one) for one in (1, 3, 5, 6, 8, 9)]
    new = [Held(day, 2, frozenset(chance.sample(range(300), 20))) for day in days]
    return {"sessions": [*year.sessions[:2], *new]}


def same_faces(year, chance):
    new = [Held(a_day(chance), 2, FACES[one % 2]) for one in range(8)]
    return {"sessions": [*year.sessions[:4], *new]}


def ticked_late(year, chance):
    return {"sessions": [ticked_at_the_end(one, year.submitted_on) for one in some(year, chance)]}


def long_days(year, _chance):
    days = [BEGINS + timedelta(days=40 * one) for one in range(3)]
    return {
        "sessions": [
            *year.sessions,
            *(Held(day, 3, FACES[0] | {200 + part}) for day in days for part in range(4)),
        ]
    }


def quick_answers(_year, chance):
    return {"answered_after": [timedelta(minutes=chance.randint(1, 9)) for _ in range(14)]}


def summary_alike(year, chance):
    copied = year.summary[:140].replace("家", "我", 1) + words(chance, 20)
    return {"other_summaries": [*year.other_summaries, copied]}


def proof_again(_year, _chance):
    return {
        "proofs": {f"I{one}": [f"old-{one % 6}", f"new-{one}"] for one in range(8)},
        "used_before": frozenset(f"old-{one}" for one in range(6)),
    }


def self_praise(year, _chance):
    high = {name: Judged(1.0, (0.25, 0.33)) for name in list(year.judged)[:10]}
    return {"judged": {**year.judged, **high}}


def late_minutes(year, chance):
    old = [(BEGINS + timedelta(days=chance.randint(10, 180)), soon(year, chance)) for _ in range(40)]
    return {"committees": [*year.committees, *old]}


def same_minutes(year, chance):
    return {"minutes": [*year.minutes[:6], *[words(chance, 80)] * 8]}


CHEATS = {
    Rule(made.__name__): made
    for made in (
        late_visits, rushed_visits, rushed_sessions, same_faces, ticked_late, long_days, quick_answers, summary_alike,
        proof_again, self_praise, late_minutes, same_minutes,
    )
}  # fmt: skip


def some(year, chance):
    """At least six sessions of a year."""
    more = [Held(a_day(chance), 2, frozenset(range(20))) for _ in range(6)]
    return [
        *[replace(one, on=one.on - timedelta(days=60)) for one in year.sessions],
        *[replace(one, on=BEGINS + timedelta(days=25 * place)) for place, one in enumerate(more)],
    ]


def ticked_at_the_end(session, end):
    """The session with everybody marked present the week before the submission."""
    at = datetime.combine(end, time(22)) - timedelta(days=1)
    return replace(session, ticked_at=tuple(at for _ in session.households))
