"""From points to the star or grade, why it is this one, and what the next one still needs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from typing import Any

from portal.ratings.rubric.amounts import exact
from portal.ratings.rubric.conditions import holds, in_words, same_word
from portal.ratings.rubric.inputs import Inputs, Known
from portal.ratings.rubric.model import Rubric, Settings
from portal.ratings.rubric.problems import Message, Title, phrase
from portal.ratings.rubric.results import ItemResult, Standing
from portal.ratings.rubric.vetoing import Struck, active, reason


class Basis:
    """All that decides a standing."""

    def __init__(
        self,
        rubric: Rubric,
        inputs: Inputs,
        items: tuple[ItemResult, ...],
        exact_total: Fraction | None,
        total: Fraction | None,
        struck: Struck,
    ) -> None:
        self.rubric, self.inputs, self.items, self.struck = rubric, inputs, items, struck
        self.exact_total, self.total = exact_total, total
        self.settings: Settings = rubric.settings["result"]
        self.known = Known(rubric, inputs, items, ratings(rubric, inputs, items, struck))


def standing(
    rubric: Rubric,
    inputs: Inputs,
    items: tuple[ItemResult, ...],
    exact_total: Fraction | None,
    total: Fraction | None,
    struck: Struck,
    eligible: bool | None,
) -> Standing:
    """The standing; a school that is not eligible has none, whatever its points."""
    if eligible is False:
        reasons = [reason(veto) for veto in active(rubric, struck, "exclude")]
        return Standing(
            None,
            None,
            tuple(reasons) or (phrase("Not eligible: a condition for taking part does not hold."),),
        )
    basis = Basis(rubric, inputs, items, exact_total, total, struck)
    return STANDINGS[basis.settings["kind"]](basis)


def _no_standing(basis: Basis) -> Standing:
    return Standing(None, None, (phrase("This rubric gives no stars or grades."),))


def _points_to_stars(basis: Basis) -> Standing:
    """The best rank whose conditions all hold, then lowered and capped by vetoes."""
    ranks = basis.settings["ranks"]
    total = basis.total if basis.settings["decide_on"] == "rounded" else basis.exact_total
    if total is None and all({"min_total", "min_share"} & set(rank) for rank in ranks):
        return Standing(None, None, (phrase("There is no total, so there is no star."),))
    unmet = [_unmet(basis, rank, total) for rank in ranks]
    earned = next((number for number, lacking in enumerate(unmet) if not lacking), len(ranks))
    place, reasons = _lowered(basis, ranks, earned)
    next_better = tuple(unmet[earned - 1]) if earned > 0 and place == earned else ()
    if place != earned:
        reasons.insert(0, phrase("By points alone it would be: %(rank)s.", rank=_rank_words(ranks[earned])))
    if place == len(ranks):
        words = basis.settings["below"] or None
        return Standing(None, words, (phrase("Below the lowest rank."), *reasons), next_better)
    rank = ranks[place]
    if place == earned:
        reasons.insert(0, _fulfilled(total))
    return Standing(rank.get("star"), rank.get("grade"), tuple(reasons), next_better)


def _fulfilled(total: Fraction | None) -> Message:
    if total is None:
        return phrase("Every condition of this rank is fulfilled.")
    return phrase("The total %(total)s fulfils every condition of this rank.", total=total)


def _rank_words(rank: Mapping[str, Any]) -> Title | Message:
    return rank["grade"] if "grade" in rank else phrase("%(stars)s stars", stars=rank["star"])


def _total_lacking(rank: Mapping[str, Any], total: Fraction | None, full: Fraction | None) -> list[Message]:
    limits = [exact(rank["min_total"])] if "min_total" in rank else []
    if "min_share" in rank and full:
        limits.append(exact(rank["min_share"]) * full)
    if limits and total is None:
        return [phrase("There is no total, so there is no star.")]
    return [
        phrase("The total is %(total)s; needed is %(needed)s.", total=total, needed=limit)
        for limit in limits
        if total is not None and total < limit
    ]


def _unmet(basis: Basis, rank: Mapping[str, Any], total: Fraction | None) -> list[Message]:
    """What a rank still lacks, in words."""
    lacking = _total_lacking(rank, total, basis.rubric.points)
    least = exact(rank["min_share_each_domain"])
    for item in basis.items:
        lacking.extend(_share_lacking(item, least))
    wanted = {name: exact(share) for name, share in rank["min_shares"].items()}
    for item in (found for top in basis.items for found in top.walk()):
        lacking.extend(_share_lacking(item, wanted.get(item.item.id, Fraction(0))))
    for condition in rank["requires"]:
        if holds(condition, basis.known) is not True:
            lacking.append(phrase("Needed: %(condition)s.", condition=in_words(condition, basis.known)))
    return lacking


def _share_lacking(item: ItemResult, least: Fraction) -> list[Message]:
    """Nothing when the item reaches the share or cannot be measured by one (it does not apply, or has no points)."""
    if least == 0 or item.reach <= 0:
        return []
    share = item.share or Fraction(0)
    if share >= least:
        return []
    return [
        phrase(
            "“%(title)s” reaches %(percent)s %% of its points; needed are %(needed)s %%.",
            title=item.item.title,
            percent=share * 100,
            needed=least * 100,
        )
    ]


def _lowered(basis: Basis, ranks: Sequence[Mapping[str, Any]], place: int) -> tuple[int, list[Message]]:
    """The place among the ranks (0 is best) after vetoes: lowered first, then capped."""
    reasons = []
    for veto in active(basis.rubric, basis.struck, "lower_star"):
        place = min(place + veto["by"], len(ranks))
        reasons.append(reason(veto))
    for veto in active(basis.rubric, basis.struck, "cap_star"):
        allowed = [number for number, rank in enumerate(ranks) if rank.get("star", 0) <= exact(veto["max"])]
        place = max(place, allowed[0] if allowed else len(ranks))
        reasons.append(reason(veto))
    for veto in active(basis.rubric, basis.struck, "cap_grade"):
        named = [
            number for number, rank in enumerate(ranks) if same_word(rank.get("grade", ""), veto["grade"])
        ]
        place = max(place, named[0] if named else len(ranks))
        reasons.append(reason(veto))
    return place, reasons


def ratings(
    rubric: Rubric, inputs: Inputs, items: tuple[ItemResult, ...], struck: Struck
) -> dict[str, int | None]:
    """The star of each rating, given or from its item, within its limits and under vetoes; None: not given."""
    stars_of = {result.item.id: result.star for top in items for result in top.walk()}
    caps: dict[str, Fraction] = {}
    if struck:
        for veto in active(rubric, struck, "cap_rating"):
            caps[veto["rating"]] = min(exact(veto["max"]), caps.get(veto["rating"], exact(veto["max"])))
    found: dict[str, int | None] = {}
    for rating in rubric.settings["result"].get("ratings", ()):
        name = rating["id"]
        stars = (
            stars_of.get(rating["from_item"]) if "from_item" in rating else inputs.part("ratings").get(name)
        )
        if stars is not None:
            stars = max(rating["min"], min(stars, rating["max"]))
            stars = min(stars, int(caps[name])) if name in caps else stars
        found[name] = stars
    return found


def _star_adjust(basis: Basis) -> Standing:
    """The start rating, stars added and taken step by step, then the limits, then vetoes."""
    settings, known = basis.settings, basis.known
    start = known.ratings[settings["start"]]
    if start is None:
        return Standing(
            None, None, (phrase("The rating to start from is not given."),), ratings=known.ratings
        )
    reasons = [reason(veto) for veto in active(basis.rubric, basis.struck, "cap_rating")]
    reasons.append(
        phrase("Starts at %(stars)s stars: “%(title)s”.", stars=start, title=known.named(settings["start"]))
    )
    stars = start
    for step in settings["steps"]:
        if holds(step["when"], known):
            stars += step["add"]
            words = in_words(step["when"], known)
            reasons.append(
                phrase("%(stars)s stars now, because %(condition)s.", stars=stars, condition=words)
            )
    for limit in settings["limits"]:
        if "when" not in limit or holds(limit["when"], known):
            limited = _limited(limit, start, stars)
            if limited != stars:
                reasons.append(phrase("A limit leaves %(stars)s stars.", stars=limited))
            stars = limited
    for veto in active(basis.rubric, basis.struck, "lower_star"):
        stars = max(stars - veto["by"], 0)
        reasons.append(reason(veto))
    for veto in active(basis.rubric, basis.struck, "cap_star"):
        stars = min(stars, int(exact(veto["max"])))
        reasons.append(reason(veto))
    return Standing(stars, None, tuple(reasons), tuple(_steps_missed(basis)), known.ratings)


def star_rules(rubric: Rubric) -> list[Message]:
    """How stars are added and taken, one rule a line in words; nothing where stars come from points."""
    settings = rubric.settings["result"]
    if settings["kind"] != "star_adjust":
        return []
    known = Known(rubric, Inputs({}))
    named = {one["id"]: known.named(one.get("from_item", one["id"])) for one in settings["ratings"]}
    known.titles |= named
    lines = [phrase("Starts at the stars of “%(title)s”.", title=named[settings["start"]])]
    for step in settings["steps"]:
        if step["add"] > 0:
            more = phrase("%(stars)s stars more", stars=step["add"])
        else:
            more = phrase("%(stars)s stars less", stars=-step["add"])
        lines.append(_when(step, more, known))
    for limit in settings["limits"]:
        lines += [
            _when(limit, words(limit[name]), known) for name, words in LIMIT_WORDS.items() if name in limit
        ]
    return lines


def _when(rule: Mapping[str, Any], what: Message, known: Known) -> Message:
    if "when" not in rule:
        return phrase("%(what)s.", what=what)
    return phrase("If %(condition)s: %(what)s.", condition=in_words(rule["when"], known), what=what)


LIMIT_WORDS: dict[str, Callable[[int], Message]] = {
    "max_upgrade": lambda stars: phrase("at most %(stars)s stars more than at the start", stars=stars),
    "max_downgrade": lambda stars: phrase("at most %(stars)s stars less than at the start", stars=stars),
    "max": lambda stars: phrase("at most %(stars)s stars", stars=stars),
    "min": lambda stars: phrase("at least %(stars)s stars", stars=stars),
}


def _limited(limit: Mapping[str, Any], start: int, stars: int) -> int:
    if "max_upgrade" in limit:
        stars = min(stars, start + int(limit["max_upgrade"]))
    if "max_downgrade" in limit:
        stars = max(stars, start - int(limit["max_downgrade"]))
    if "min" in limit:
        stars = max(stars, int(limit["min"]))
    return min(stars, int(limit["max"])) if "max" in limit else stars


def _steps_missed(basis: Basis) -> list[Message]:
    """The steps up that were not taken, in words."""
    return [
        phrase("Needed: %(condition)s.", condition=in_words(step["when"], basis.known))
        for step in basis.settings["steps"]
        if step["add"] > 0 and not holds(step["when"], basis.known)
    ]


STANDINGS: dict[str, Callable[[Basis], Standing]] = {
    "points_to_stars": _points_to_stars,
    "star_adjust": _star_adjust,
    "none": _no_standing,
}
