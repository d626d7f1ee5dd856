"""Rules that rest on what a person saw: met or not, parts, levels, judged points, awards, criteria, days."""

from __future__ import annotations

from datetime import date
from fractions import Fraction

from portal.ratings.rubric.amounts import exact, plain
from portal.ratings.rubric.outcomes import Case, NotGivenError, Outcome, UnusableError, flags, named
from portal.ratings.rubric.problems import Message, phrase


def binary(case: Case) -> Outcome:
    """Met: all points, else none."""
    met = bool(case.given("met"))
    return case.all_or_nothing(met, phrase("Met.") if met else phrase("Not met."))


def gate(case: Case) -> Outcome:
    """Must hold; otherwise the school is not eligible. Gives no points."""
    met = bool(case.given("met"))
    reason = (
        phrase("The condition holds.")
        if met
        else phrase("The condition does not hold: the school is not eligible.")
    )
    return Outcome(None, (reason,), met=met, eligible=met)


def all_of(case: Case) -> Outcome:
    """All conditions must hold. With points on the item: all or nothing."""
    words = named(case.rule["conditions"])
    answers = flags(case, "met", list(words))
    failed = [words[key] for key, answer in answers.items() if answer is False]
    unknown = [key for key, answer in answers.items() if answer is None]
    if not failed and unknown:
        raise NotGivenError(f"met.{unknown[0]}")
    met = not failed
    reasons = tuple(phrase("Does not hold: %(what)s.", what=what) for what in failed) or (
        phrase("All conditions hold."),
    )
    outcome = case.all_or_nothing(met, reasons[0])
    return Outcome(outcome.points, reasons, met=met, eligible=met or not case.rule["gate"])


def checklist(case: Case) -> Outcome:
    """The sum of the parts that are present; parts without points are judged together or share equally."""
    parts = named(case.rule["components"])
    stated = dict(zip(parts, (entry["points"] for entry in case.rule["components"]), strict=True))
    present = flags(case, "present", list(parts))
    unknown = tuple(f"present.{key}" for key, answer in present.items() if answer is None)
    if len(unknown) == len(parts):
        raise NotGivenError("present")
    points = sum(
        (exact(stated[key]) for key in parts if present[key] and stated[key] is not None), Fraction(0)
    )
    reasons = [_part(parts[key], stated[key], present[key]) for key in parts]
    unsplit = [key for key in parts if stated[key] is None]
    if unsplit:
        rest = case.full - sum((exact(value) for value in stated.values() if value is not None), Fraction(0))
        seen = [key for key in unsplit if present[key]]
        if case.rule["unstated_split"] == "equal":
            points += rest * len(seen) / len(unsplit)
        else:
            points += _judged_parts(case, rest, bool(seen))
            reasons.append(phrase("The points of the parts were judged together."))
    return Outcome(points, tuple(reasons), met=not unknown and all(present.values()), partly=unknown)


def _part(what: object, points: object, present: bool | None) -> Message:
    if present is None:
        return phrase("%(what)s: not given.", what=what)
    if points is None:
        return phrase("%(what)s: present.", what=what) if present else phrase("%(what)s: missing.", what=what)
    if present:
        return phrase("%(what)s: present, %(points)s points.", what=what, points=points)
    return phrase("%(what)s: missing, 0 of %(points)s points.", what=what, points=points)


def _judged_parts(case: Case, rest: Fraction, any_present: bool) -> Fraction:
    points = case.number("points")
    if points > rest and case.item.points is not None:
        raise UnusableError(
            "points",
            phrase("At most %(most)s points are possible here, not %(points)s.", most=rest, points=points),
        )
    if points and not any_present:
        raise UnusableError("points", phrase("No part is present, so there can be no points."))
    return points


def judged(case: Case) -> Outcome:
    """A reviewer's points between 0 and the full points, in the steps or at the anchors the rubric allows."""
    points = case.number("points")
    if case.item.points is not None and points > case.item.points:
        message = phrase(
            "At most %(most)s points are possible here, not %(points)s.", most=case.item.points, points=points
        )
        raise UnusableError("points", message)
    anchors = {
        exact(entry["points"] if isinstance(entry, dict) else entry): entry for entry in case.rule["anchors"]
    }
    if case.rule["only_anchors"] and points not in anchors:
        allowed = ", ".join(plain(anchor) for anchor in sorted(anchors))
        raise UnusableError(
            "points", phrase("Only these points are possible here: %(points)s.", points=allowed)
        )
    step = case.rule["step"]
    if step is not None and (points / exact(step)).denominator != 1:
        raise UnusableError(
            "points",
            phrase(
                "Points go in steps of %(step)s here; %(points)s is not one of them.",
                step=exact(step),
                points=points,
            ),
        )
    anchor = anchors.get(points)
    words = anchor.get("what") if isinstance(anchor, dict) else None
    reasons = [phrase("Judged by the reviewer: %(points)s points.", points=points)]
    if words:
        reasons.append(phrase("That stands for: %(what)s.", what=words))
    return Outcome(points, tuple(reasons), band=words)


def level_scale(case: Case) -> Outcome:
    """The points of the level that was chosen."""
    chosen = case.given("level")
    levels = {str(entry.get("id", number)): entry for number, entry in enumerate(case.rule["levels"], 1)}
    if chosen not in levels:
        known = ", ".join(levels)
        raise UnusableError(
            "level", phrase("“%(id)s” is not known here. Known: %(known)s.", id=chosen, known=known)
        )
    level = levels[chosen]
    points = exact(level["points"]) if "points" in level else exact(level["share_of_points"]) * case.full
    reason = phrase("Level: %(what)s, %(points)s points.", what=level["what"], points=points)
    return Outcome(points, (reason,), band=level["what"])


def award_tiers(case: Case) -> Outcome:
    """Points by the level of awards: the highest only, or their sum."""
    tiers = {entry["id"]: entry for entry in case.rule["tiers"]}
    given = case.given("awards")
    for key in given:
        if key not in tiers:
            known = ", ".join(tiers)
            raise UnusableError(
                f"awards.{key}", phrase("“%(id)s” is not known here. Known: %(known)s.", id=key, known=known)
            )
    counted = [
        (tier, _counted(tier["most"], given.get(key, 0))) for key, tier in tiers.items() if given.get(key, 0)
    ]
    if not counted:
        return Outcome(Fraction(0), (phrase("No award."),))
    best = max(counted, key=lambda pair: exact(pair[0]["points"]))[0]
    if case.rule["combine"] == "max":
        reason = phrase("The highest award counts: %(what)s.", what=best.get("what", best["id"]))
        return Outcome(exact(best["points"]), (reason,), band=best.get("what", best["id"]))
    points = sum((exact(tier["points"]) * count for tier, count in counted), Fraction(0))
    reasons = tuple(
        phrase(
            "%(what)s: %(count)s times %(points)s points.",
            what=tier.get("what", tier["id"]),
            count=count,
            points=tier["points"],
        )
        for tier, count in counted
    )
    return Outcome(points, reasons, band=best.get("what", best["id"]))


def _counted(most: int | None, count: int) -> int:
    return count if most is None else min(count, most)


def block_abc(case: Case) -> Outcome:
    """All A criteria: A. Any C criterion: C, and C wins. Otherwise B."""
    good, bad = named(case.rule["A"]), named(case.rule["C"])
    met = flags(case, "A", list(good))
    hit = flags(case, "C", list(bad)) if bad else {}
    found = [bad[key] for key, answer in hit.items() if answer]
    failed = [good[key] for key, answer in met.items() if answer is False]
    if not found:
        for name, answers in (("C", hit), ("A", met)):
            unknown = [key for key, answer in answers.items() if answer is None]
            if unknown and not (name == "A" and failed):
                raise NotGivenError(f"{name}.{unknown[0]}")
    grade = "C" if found else "B" if failed else "A"
    if found:
        reasons = tuple(phrase("This alone makes C: %(what)s.", what=what) for what in found)
    elif failed:
        reasons = tuple(phrase("Missing for A: %(what)s.", what=what) for what in failed)
    else:
        reasons = (phrase("All criteria of A are met and none of C applies."),)
    points = case.rule["grade_points"]
    return Outcome(
        exact(points[grade]) if points else None, reasons, grade=grade, met=grade == "A", band=grade
    )


def deadline(case: Case) -> Outcome:
    """In time: full points; late: the points of the delay; never: what the rubric says."""
    day = case.given("on")
    if day is None:
        return Outcome(exact(case.rule["never"]), (phrase("It never came."),), met=False)
    due = _day("due_on", case.rule["due_on"] or case.given("due_on"))
    if case.rule["due_on"] and case.facts.get("due_on") not in (None, case.rule["due_on"]):
        raise UnusableError(
            "due_on", phrase("The rubric sets the day itself: %(day)s.", day=case.rule["due_on"])
        )
    late = (_day("on", day) - due).days
    figures = {"days_late": Fraction(max(late, 0))}
    if late <= 0:
        reason = phrase("In time: %(day)s, due on %(due)s.", day=day, due=due.isoformat())
        return Outcome(case.item.points, (reason,), met=True, figures=figures)
    reason = phrase(
        "Late by %(days)s days: %(day)s, due on %(due)s.", days=late, day=day, due=due.isoformat()
    )
    for step in sorted(case.rule["late"], key=lambda entry: int(entry["days"])):
        if late <= step["days"]:
            return Outcome(exact(step["points"]), (reason,), met=False, figures=figures)
    return Outcome(exact(case.rule["later"]), (reason,), met=False, figures=figures)


def _day(name: str, text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise UnusableError(name, phrase("“%(value)s” is not a day of the calendar.", value=text)) from None
