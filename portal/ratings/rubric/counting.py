"""Rules that rest on counts, ratios and means."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from math import ceil
from typing import Any

from portal.ratings.rubric.amounts import exact, rounded, whole_units
from portal.ratings.rubric.conditions import COMPARE
from portal.ratings.rubric.outcomes import Case, NotGivenError, Outcome, TooFewError, UnusableError
from portal.ratings.rubric.problems import Message, Title, phrase

ZERO = Fraction(0)


def period_count(case: Case, value: Any, name: str) -> Fraction:
    """One count, or counts of several periods made one as the rule says."""
    if not isinstance(value, Mapping):
        return exact(value)
    counts = [exact(count) for count in value.values()]
    if not counts:
        raise NotGivenError(name)
    how = case.rule.get("several_periods", "lowest")
    if how == "sum":
        return sum(counts, ZERO)
    if how == "mean":
        return sum(counts, ZERO) / len(counts)
    return min(counts) if how == "lowest" else max(counts)


def count_of(case: Case) -> Fraction:
    """The count among the facts: ``count``, or ``counts`` by period; giving both is UnusableError."""
    if "count" in case.facts and "counts" in case.facts:
        raise UnusableError("count", phrase("Give one count or counts by period, not both."))
    if "counts" in case.facts:
        return period_count(case, case.facts["counts"], "counts")
    return case.number("count")


def count_threshold(case: Case) -> Outcome:
    """Full points from the smallest count on, or points by steps; with ``all`` every count must be reached."""
    if case.rule["all"]:
        return _all_metrics(case)
    count = count_of(case)
    target, stage = case.target()
    if not case.rule["steps"]:
        if target is None:
            raise NotGivenError("min")
        met = count >= target
        return case.all_or_nothing(
            met, _count_words(count, target), count=count, target=target, shortfall=max(target - count, ZERO)
        )
    figures: dict[str, Fraction | str] = {"count": count}
    if target is not None:
        figures["target"] = target
    if stage:
        figures["stage"] = stage
    best = max((_step(step, count, target) for step in case.rule["steps"]), key=lambda pair: pair[0])
    points, band = best
    reason = phrase("Counted: %(count)s.", count=count) if target is None else _count_words(count, target)
    return Outcome(points, (reason,), band=band or None, met=points == case.full, figures=figures)


def _step(step: Mapping[str, Any], count: Fraction, target: Fraction | None) -> tuple[Fraction, str]:
    if "ge" in step:
        reached, band = count >= exact(step["ge"]), f"≥ {step['ge']}"
    else:
        reached, band = (
            target is not None and count >= exact(step["share"]) * target,
            f"≥ {step['share']} × {target}",
        )
    return (exact(step["points"]), band) if reached else (ZERO, "")


def _count_words(count: Fraction, target: Fraction) -> Message:
    if count >= target:
        return phrase("Counted: %(count)s; needed: %(target)s. Reached.", count=count, target=target)
    return phrase("Counted: %(count)s; needed: %(target)s. Not reached.", count=count, target=target)


def _all_metrics(case: Case) -> Outcome:
    given = case.given("metrics")
    wanted = [(f"{entry['metric']}.{entry['period']}", entry) for entry in case.rule["all"]]
    known = {key for key, _ in wanted} | {entry["metric"] for _, entry in wanted}
    for name in given:
        if name not in known:
            raise UnusableError(
                f"metrics.{name}",
                phrase(
                    "“%(id)s” is not known here. Known: %(known)s.", id=name, known=", ".join(sorted(known))
                ),
            )
    reasons, met, figures = [], True, {}
    for key, entry in wanted:
        value = given.get(key, given.get(entry["metric"]))
        if value is None:
            raise NotGivenError(f"metrics.{key}")
        count, target = period_count(case, value, f"metrics.{key}"), exact(entry["min"])
        met = met and count >= target
        figures[f"{key}.shortfall"] = max(target - count, ZERO)
        reasons.append(
            phrase("%(what)s: %(count)s", what=entry.get("what", key), count=_count_words(count, target))
        )
    outcome = case.all_or_nothing(met, reasons[0])
    return Outcome(outcome.points, tuple(reasons), met=met, figures=figures)


def prorata(case: Case) -> Outcome:
    """Points rise in a straight line from ``zero_at`` to the target, where they are full; none below ``nothing_below``."""
    target, _ = case.target()
    if target is None:
        raise NotGivenError("target")
    amount = ratio_of(case) if case.rule["of"] == "ratio" else count_of(case)
    counted = whole_units(amount, case.rule["part_units"])
    start, least = exact(case.rule["zero_at"]), case.rule["nothing_below"]
    share = min(max((counted - start) / (target - start), ZERO), Fraction(1))
    reason = phrase("%(count)s of %(target)s: in proportion.", count=counted, target=target)
    if least is not None and counted < exact(least):
        share = ZERO
        reason = phrase("%(count)s: below %(least)s there are no points.", count=counted, least=exact(least))
    figures = {"count": counted, "target": target}
    return Outcome(share * case.full, (reason,), met=share == 1, ratio=share, figures=figures)


def points_per_unit(case: Case) -> Outcome:
    """Points for each unit above the start, up to the full points."""
    count = count_of(case)
    above = max(count - exact(case.rule["above"]), ZERO)
    units = whole_units(above / exact(case.rule["unit_size"]), case.rule["part_units"])
    points = units * exact(case.rule["per"])
    reason = phrase("%(units)s units with %(per)s points each.", units=units, per=exact(case.rule["per"]))
    return Outcome(points, (reason,), figures={"count": count, "units": units})


def ratio_of(case: Case) -> Fraction:
    """The ratio among the facts, worked out from numerator and denominator where they are given."""
    return _ratio(case, "", bool(case.rule.get("may_exceed_one", True)))


def _ratio(case: Case, prefix: str, may_exceed: bool) -> Fraction:
    names = (f"{prefix}numerator", f"{prefix}denominator", f"{prefix}ratio")
    numerator, denominator, stated = (case.facts.get(name) for name in names)
    if numerator is None and denominator is None:
        ratio = case.number(names[2])
    else:
        top, bottom = case.number(names[0]), case.number(names[1])
        if bottom == 0:
            raise TooFewError(
                case.rule.get("if_empty", "not_applicable"),
                phrase("There is nothing to count: the denominator is 0."),
            )
        ratio = top / bottom
        if stated is not None and abs(exact(stated) - ratio) > Fraction(1, 1000):
            message = phrase(
                "The ratio given is %(stated)s, but %(top)s of %(bottom)s is %(ratio)s.",
                stated=exact(stated),
                top=top,
                bottom=bottom,
                ratio=ratio,
            )
            raise UnusableError(names[2], message)
    if ratio > 1 and not may_exceed:
        raise UnusableError(
            names[2] if numerator is None else names[0], phrase("The part is larger than the whole.")
        )
    return ratio


def ratio_bands(case: Case) -> Outcome:
    """The points of the first band the ratio falls into."""
    rule = case.rule
    denominator = case.facts.get("denominator")
    if rule["minimum_n"] is not None and denominator is not None and denominator < rule["minimum_n"]:
        treatment = (
            rule["if_empty"]
            if denominator == 0 and rule["if_empty"] != "not_applicable"
            else rule["if_below"]
        )
        raise TooFewError(
            treatment,
            phrase(
                "Only %(n)s, at least %(least)s are needed to judge.", n=denominator, least=rule["minimum_n"]
            ),
        )
    ratio = _ratio(case, "", rule["may_exceed_one"] or rule["against"])
    if rule["against"]:
        base = _ratio(case, "base_", True)
        if base == 0:
            raise TooFewError(
                rule["if_empty"], phrase("There is nothing to compare with: the other ratio is 0.")
            )
        ratio /= base
    if rule["ratio_decimals"] is not None:
        ratio = rounded(ratio, rule["ratio_decimals"], "half_up")
    return in_band(case, ratio, rule["bands"], _ratio_words(case, ratio))


def _ratio_words(case: Case, ratio: Fraction) -> Message:
    if "numerator" in case.facts and "denominator" in case.facts:
        top, bottom = case.number("numerator"), case.number("denominator")
        return phrase("%(top)s of %(bottom)s: %(percent)s %%.", top=top, bottom=bottom, percent=ratio * 100)
    return phrase("%(percent)s %%.", percent=ratio * 100)


def in_band(case: Case, value: Fraction, bands: list[Mapping[str, Any]], reason: Message) -> Outcome:
    """The outcome of the first band a value falls into; none fits: no points."""
    for band in bands:
        if band.get("else") or all(
            compare(value, exact(band[name])) for name, compare in COMPARE.items() if name in band
        ):
            points = (
                exact(band["points"])
                if "points" in band
                else exact(band.get("share_of_points", 0)) * case.full
            )
            words = band_words(band)
            if words == "else":
                fits = phrase("It falls below the other bands.")
            else:
                fits = phrase("Band: %(band)s.", band=words)
            return Outcome(
                points,
                (reason, fits),
                band=words,
                met=points == case.full,
                ratio=value,
                figures={"value": value},
            )
    return Outcome(
        ZERO, (reason, phrase("No band fits: 0 points.")), met=False, ratio=value, figures={"value": value}
    )


SIGNS = {"gt": ">", "ge": "≥", "lt": "<", "le": "≤", "eq": "="}


def band_words(band: Mapping[str, Any]) -> Title:
    """The title of a band, or its limits as written, such as ``≥ 0.8``."""
    if "title" in band:
        title: Title = band["title"]
        return title
    return (
        "else"
        if band.get("else")
        else ", ".join(f"{SIGNS[name]} {band[name]}" for name in COMPARE if name in band)
    )


def sample_check(case: Case) -> Outcome:
    """The share of sampled records in order, looked up in bands; too small a sample is not an answer."""
    population = case.number("population")
    if population == 0:
        raise TooFewError(case.rule["if_empty"], phrase("There are no records to look at."))
    sample = case.rule["sample"]
    needed = min(
        population, max(Fraction(sample["at_least"]), Fraction(ceil(exact(sample["share"]) * population)))
    )
    checked, passed = case.number("checked"), case.number("passed")
    if checked > population:
        raise UnusableError("checked", phrase("More records were looked at than there are."))
    if passed > checked:
        raise UnusableError("passed", phrase("The part is larger than the whole."))
    if checked < needed:
        raise UnusableError(
            "checked",
            phrase(
                "The sample is too small: %(checked)s records, %(needed)s are needed.",
                checked=checked,
                needed=needed,
            ),
        )
    reason = phrase(
        "%(passed)s of %(checked)s sampled records are in order: %(percent)s %%.",
        passed=passed,
        checked=checked,
        percent=passed / checked * 100,
    )
    outcome = in_band(case, passed / checked, case.rule["bands"], reason)
    return Outcome(
        outcome.points,
        outcome.reasons,
        band=outcome.band,
        met=outcome.met,
        ratio=outcome.ratio,
        figures={**outcome.figures, "needed": needed},
    )


def survey_mean(case: Case) -> Outcome:
    """The mean of a questionnaire, drawn towards the district's mean when few answered; too few: the rule's treatment.

    shrunk = (n × mean + k × district mean) / (n + k)
    """
    rule = case.rule
    n, invited = case.number("n"), case.number("invited")
    if n > invited:
        raise UnusableError("n", phrase("There are more answers than families asked."))
    _enough_answers(case, n, invited)
    mean, k = _mean(case, "mean"), exact(rule["shrink_k"])
    shrunk = mean if k == 0 else (n * mean + k * _mean(case, "district_mean")) / (n + k)
    reason = phrase("%(n)s answers, mean %(mean)s, counted as %(shrunk)s.", n=n, mean=mean, shrunk=shrunk)
    figures = {"n": n, "rate": n / invited, "mean": mean, "shrunk": shrunk}
    if rule["bands"]:
        outcome = in_band(case, shrunk, rule["bands"], reason)
        return Outcome(outcome.points, outcome.reasons, band=outcome.band, met=outcome.met, figures=figures)
    low, high = exact(rule["zero_at"]), exact(rule["full_at"])
    share = min(max((shrunk - low) / (high - low), ZERO), Fraction(1))
    return Outcome(share * case.full, (reason,), met=share == 1, figures=figures)


def _enough_answers(case: Case, n: Fraction, invited: Fraction) -> None:
    limits, small = case.rule["gate"], case.rule["small_school"]
    if small and invited < small["families_below"]:
        limits = small
    if n < limits["minimum_n"] or n == 0 or n / invited < exact(limits["minimum_rate"]):
        message = phrase(
            "Too few answers: %(n)s of %(invited)s; needed are %(least)s answers and %(rate)s %%.",
            n=n, invited=invited, least=limits["minimum_n"], rate=exact(limits["minimum_rate"]) * 100,
        )  # fmt: skip
        raise TooFewError(case.rule["if_gate_fails"], message)


def _mean(case: Case, name: str) -> Fraction:
    value = case.number(name)
    low, high = (exact(limit) for limit in case.rule["scale"])
    if not low <= value <= high:
        raise UnusableError(name, phrase("A mean lies between %(low)s and %(high)s.", low=low, high=high))
    return value


def relative_cut_points(case: Case) -> Outcome:
    """Points or a star by the place among peers (1 is best): the first cut whose share of the group holds the place."""
    place, group = case.number("place"), case.number("group")
    if place > group:
        raise UnusableError("place", phrase("The part is larger than the whole."))
    if group < case.rule["minimum_group"]:
        raise TooFewError(
            "not_applicable",
            phrase(
                "Only %(n)s, at least %(least)s are needed to judge.",
                n=group,
                least=case.rule["minimum_group"],
            ),
        )
    reason = phrase("Place %(place)s of %(group)s.", place=place, group=group)
    for cut in case.rule["cuts"]:
        if place / group <= exact(cut["top_share"]):
            points = exact(cut["points"]) if "points" in cut else None
            return Outcome(
                points, (reason,), band=f"≤ {cut['top_share']}", star=cut.get("star"), ratio=place / group
            )
    return Outcome(ZERO, (reason, phrase("No band fits: 0 points.")), ratio=place / group)
