"""Whether a rubric makes sense: what the schema cannot see. Every finding is a problem in words at its line."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from fractions import Fraction
from typing import Any

from portal.ratings.rubric.amounts import exact
from portal.ratings.rubric.conditions import COMPANIONS, HEADS, NEEDS_MORE, conditions_in, head, parts
from portal.ratings.rubric.model import Item, Rubric, Settings, built, optional
from portal.ratings.rubric.problems import Message, Problem, RubricError, phrase
from portal.ratings.rubric.reading import Document, Path
from portal.ratings.rubric.rulechecking import CHECKS, POINTLESS, Finding, repeated
from portal.ratings.rubric.shape import MOST_PROBLEMS, rubric_faults

ZERO = Fraction(0)
MOST_ITEMS = 2000
# What each effect needs; what it does not need may not be there, so that nobody relies on it.
EFFECT_NEEDS = {
    "exclude": (), "zero_item": ("items",), "multiply": (), "deduct": ("points",), "cap_total": ("max",),
    "cap_star": ("max",), "cap_grade": ("grade",), "lower_star": (), "cap_rating": ("rating", "max"),
}  # fmt: skip
EFFECT_MAY = {"multiply": ("items", "factor"), "deduct": ("each",), "lower_star": ("by",)}
EFFECT_FIELDS = ("items", "max", "grade", "by", "factor", "points", "each", "rating")


def checked(document: Document) -> Rubric:
    """The rubric of a document that was read. Raises RubricError with everything that is wrong, in words, in the order of the file."""
    if not isinstance(document.data, dict):
        raise RubricError(
            [Problem(1, "", phrase("A rubric is a group of named settings, beginning with “schema: 1”."))]
        )
    try:
        faults = rubric_faults(document)
    except RecursionError:
        raise RubricError([Problem(None, "", phrase("The file is nested too deeply."))]) from None
    if faults:
        raise RubricError(faults)
    rubric = built(document.data)
    findings = list(_findings(rubric, document.data))
    if findings:
        faults = [Problem(document.line(path), document.written(path), message) for path, message in findings]
        raise RubricError(sorted(faults, key=lambda fault: fault.line or 0)[:MOST_PROBLEMS])
    return rubric


def _findings(rubric: Rubric, data: Settings) -> Iterator[Finding]:
    places = dict(_places(rubric.items, ("indicators",)))
    if len(places) > MOST_ITEMS:
        yield ("indicators",), phrase("At most %(limit)s can be listed here.", limit=MOST_ITEMS)
        return
    for name, extras in (("bonus", rubric.bonus), ("deductions", rubric.deductions)):
        places |= {(name, "items", number): item for number, item in enumerate(extras)}
    yield from _unique(rubric, places)
    for path, item in places.items():
        yield from _item(rubric, path, item)
    if not rubric.items and rubric.settings["result"]["kind"] != "star_adjust":
        yield (), phrase("A rubric needs indicators.")
    yield from _total(rubric)
    yield from _extras(rubric)
    yield from _vetoes(rubric)
    yield from _conditions(rubric, data)
    yield from RESULT_CHECKS[rubric.settings["result"]["kind"]](rubric)
    yield from _scorers(rubric)


def _places(items: Iterable[Item], path: Path) -> Iterator[tuple[Path, Item]]:
    for number, item in enumerate(items):
        here = (*path, number)
        yield here, item
        yield from _places(item.children, (*here, "children"))


def _unique(rubric: Rubric, places: Mapping[Path, Item]) -> Iterator[Finding]:
    settings = rubric.settings
    yield from repeated(((*path, "id"), item.id) for path, item in places.items())
    gates: list[tuple[Path, str]] = [
        (("gates", number, "id"), gate["id"]) for number, gate in enumerate(settings["gates"])
    ]
    for path, item in places.items():
        gates += [
            ((*path, "gates", number, "id"), gate["id"])
            for number, gate in enumerate(item.settings.get("gates", ()))
        ]
    yield from repeated(gates)
    yield from repeated(
        (("vetoes", number, "id"), veto["id"]) for number, veto in enumerate(settings["vetoes"])
    )
    ratings = settings["result"].get("ratings", ())
    names = [(("result", "ratings", number, "id"), rating["id"]) for number, rating in enumerate(ratings)]
    yield from repeated(names)
    items = {item.id for item in places.values()}
    for at, name in names:
        if name in items:
            yield at, phrase("“%(id)s” is already the id of an item.", id=name)


def _item(rubric: Rubric, path: Path, item: Item) -> Iterator[Finding]:
    if bool(item.children) == bool(item.rule):
        yield path, phrase("An indicator needs either children or a rule.")
        return
    if item.floor is not None and item.points is not None and item.floor > item.points:
        yield (*path, "floor"), phrase("The floor lies above the full points.")
    yield from repeated(
        ((*path, "special", number, "id"), entry["id"])
        for number, entry in enumerate(item.settings.get("special", ()))
    )
    yield from _grades(path, item)
    if "applies_when" in item.settings:
        yield from _only_known_before(path, item.settings["applies_when"])
    if item.rule is None:
        yield from _group(path, item)
        return
    if path[0] == "indicators" and "points" not in item.settings and item.kind not in POINTLESS:
        yield path, phrase("State the points of this item, or “points: null” when they are not known.")
    if item.points == 0 and item.floor == 0:
        yield path, phrase("With 0 points and a floor of 0 this item can never count. Set a lower floor.")
    if item.kind == "relative_cut_points" and not rubric.settings["allow_relative"]:
        yield (
            (*path, "rule"),
            phrase("Comparing schools with each other is off. Set “allow_relative: true” to allow it."),
        )
    for at, message in CHECKS[item.kind](item.rule, item.points):
        yield (*path, "rule", *at), message


def _group(path: Path, item: Item) -> Iterator[Finding]:
    for name in ("special", "evidence_required"):
        if item.settings.get(name):
            yield (*path, name), phrase("This has no effect here.")
    yield from _combination(path, item.settings["combine"], item.points, item.children, item.settings)
    if item.settings["combine"] == "best":
        if "take" not in item.settings:
            yield path, phrase("Missing here: %(keys)s.", keys="take")
        elif item.settings["take"] > len(item.children):
            yield (*path, "take"), phrase("There are only %(count)s children.", count=len(item.children))
    elif "take" in item.settings:
        yield (*path, "take"), phrase("This has no effect here.")


def _combination(
    path: Path, how: str, points: Fraction | None, children: tuple[Item, ...], settings: Settings
) -> Iterator[Finding]:
    """Whether the children's points and weights fit the points of the group."""
    stated = [child.points for child in children if child.points is not None]
    unknown = any(
        child.points is None and (child.children or "points" in child.settings) for child in children
    )
    found = sum(stated, ZERO)
    if points is None and how not in ("sum", "best") and path[-1:] != ("total",):
        yield path, phrase("This way to combine needs the points of the group.")
    if points is not None and how == "sum":
        if (not unknown and found != points) or found > points:
            yield (
                _at_points(path, settings),
                phrase(
                    "The children add up to %(found)s points, not to %(points)s.", found=found, points=points
                ),
            )
    elif points is not None and how == "sum_capped" and not unknown and found < points:
        yield (
            _at_points(path, settings),
            phrase("The children add up to only %(found)s of %(points)s points.", found=found, points=points),
        )
    if how == "weighted":
        yield from _weights(path, children)
    elif any("weight" in child.settings for child in children):
        yield path, phrase("Weights have no effect here: the combination is not “weighted”.")
    if how in ("weighted", "mean", "highest", "lowest") and any(
        not child.points and child.kind not in POINTLESS for child in children
    ):
        yield path, phrase("This way to combine needs the points of every child.")


def _at_points(path: Path, settings: Settings) -> Path:
    return (*path, "points") if "points" in settings else path


def _weights(path: Path, children: tuple[Item, ...]) -> Iterator[Finding]:
    weights = [optional(child.settings.get("weight")) for child in children]
    if any(weight is None for weight in weights):
        yield path, phrase("Every child needs a weight here.")
        return
    found = sum((weight for weight in weights if weight is not None), ZERO)
    if found not in (1, 100):
        yield path, phrase("The weights add up to %(found)s, not to 100 (or 1).", found=found)


def _grades(path: Path, item: Item) -> Iterator[Finding]:
    for name in ("min_share", "min_points"):
        before: Fraction | None = None
        for number, band in enumerate(item.settings.get("grades", ())):
            if name in band:
                limit = exact(band[name])
                if before is not None and limit >= before:
                    yield (
                        (*path, "grades", number),
                        phrase("The limits must fall from the best to the lowest."),
                    )
                before = limit
    for number, band in enumerate(item.settings.get("grades", ())):
        if "grade" not in band and "star" not in band:
            yield (*path, "grades", number), phrase("Name a grade or a star here.")


def _only_known_before(path: Path, condition: Mapping[str, Any]) -> Iterator[Finding]:
    for part in parts(condition):
        if head(part) not in ("all", "any", "not", "fact", "school"):
            yield (
                (*path, "applies_when"),
                phrase("Whether an item applies can depend on facts and the school only, not on points."),
            )
            return


def _total(rubric: Rubric) -> Iterator[Finding]:
    total = rubric.settings["total"]
    yield from _combination(("total",), total["combine"], rubric.points, rubric.items, total)
    if rubric.points is None and total["combine"] not in ("sum",):
        yield ("total",), phrase("This way to combine needs the points of the group.")
    floor, ceiling = optional(total.get("floor")), optional(total.get("ceiling"))
    if ceiling is not None and rubric.points is not None and ceiling < rubric.points:
        yield ("total", "ceiling"), phrase("The ceiling lies below the full total.")
    if floor is not None and rubric.points is not None and floor > rubric.points:
        yield ("total", "floor"), phrase("The floor lies above the full points.")


def _extras(rubric: Rubric) -> Iterator[Finding]:
    for name, items in (("bonus", rubric.bonus), ("deductions", rubric.deductions)):
        cap = rubric.settings.get(name, {}).get("cap")
        for number, item in enumerate(items):
            if item.points is None and cap is None:
                yield (
                    (name, "items", number),
                    phrase("Nothing limits these points: give the item points or set a cap."),
                )
            if item.kind in POINTLESS:
                yield (name, "items", number, "rule"), phrase("A rule of this kind gives no points.")


def _vetoes(rubric: Rubric) -> Iterator[Finding]:
    items = {item.id for item in rubric.walk()}
    ratings = {rating["id"] for rating in rubric.settings["result"].get("ratings", ())}
    ranks = rubric.settings["result"].get("ranks", ())
    for number, veto in enumerate(rubric.settings["vetoes"]):
        path: Path = ("vetoes", number)
        effect = veto["effect"]
        yield from _effect_fields(path, veto)
        for place, name in enumerate(veto.get("items", ())):
            if name not in items:
                yield (*path, "items", place), phrase("There is no item “%(id)s”.", id=name)
        if effect == "cap_rating" and veto.get("rating") not in ratings:
            yield path, phrase("There is no rating “%(id)s”.", id=veto.get("rating", ""))
        stars = bool(ratings) or any("star" in rank for rank in ranks)
        if (effect == "cap_star" and not stars) or (effect == "lower_star" and not (stars or ranks)):
            yield path, phrase("This rubric gives no stars that this effect could lower.")
        if effect in ("cap_star", "cap_rating") and "max" in veto and exact(veto["max"]).denominator != 1:
            yield (*path, "max"), phrase("Stars are whole numbers.")
        if effect == "cap_grade" and not any(rank.get("grade") == veto.get("grade") for rank in ranks):
            yield path, phrase("There is no grade “%(id)s”.", id=veto.get("grade", ""))


def _effect_fields(path: Path, veto: Mapping[str, Any]) -> Iterator[Finding]:
    needs = EFFECT_NEEDS[veto["effect"]]
    for name in needs:
        if name not in veto:
            yield path, phrase("Missing here: %(keys)s.", keys=name)
    standard = {"by": 1, "factor": "1/2", "each": False}
    for name in EFFECT_FIELDS:
        known = name in needs or name in EFFECT_MAY.get(veto["effect"], ())
        if name in veto and not known and veto[name] != standard.get(name):
            yield (*path, name), phrase("This has no effect here.")


def _conditions(rubric: Rubric, data: Settings) -> Iterator[Finding]:
    names = {item.id for item in rubric.walk()}
    ratings = {rating["id"] for rating in rubric.settings["result"].get("ratings", ())}
    for path, condition in conditions_in(data):
        for part in parts(condition):
            yield from ((path, message) for message in _condition(part, names, ratings))


def _condition(part: Mapping[str, Any], items: set[str], ratings: set[str]) -> Iterator[Message]:
    form = head(part)
    if not form:
        yield phrase("A condition needs exactly one of: %(known)s.", known=", ".join(HEADS))
        return
    extra = set(part) - {form}
    strange = sorted(extra - COMPANIONS.get(form, set()))
    if strange:
        yield phrase(
            "Not known here: %(keys)s. Possible: %(known)s.",
            keys=", ".join(strange),
            known=", ".join(sorted(COMPANIONS.get(form, set()))),
        )
    if form in NEEDS_MORE and not extra - {"measure", "among"}:
        yield phrase(
            "This condition compares with nothing. Possible: %(known)s.",
            known=", ".join(sorted(COMPANIONS[form] - {"measure", "among"})),
        )
    wanted = (
        [(part[form], items)]
        if form in ("met", "grade")
        else [(part["of"], items | ratings)]
        if form == "of"
        else []
    )
    wanted += [
        (value["of"], items | ratings)
        for value in part.values()
        if isinstance(value, Mapping) and "of" in value and form == "of"
    ]
    wanted += [(name, items) for name in part.get("among", ())]
    for name, known in wanted:
        if name not in known:
            yield phrase("There is no item “%(id)s”.", id=name)


def _points_to_stars(rubric: Rubric) -> Iterator[Finding]:
    ranks = rubric.settings["result"]["ranks"]
    items = {item.id for item in rubric.walk()}
    most = optional(rubric.settings["total"].get("ceiling")) or rubric.points
    for name in ("star", "min_total", "min_share", "min_share_each_domain"):
        yield from _falling(name, ranks, strictly=name != "min_share_each_domain")
    for number, rank in enumerate(ranks):
        path: Path = ("result", "ranks", number)
        if "star" not in rank and "grade" not in rank:
            yield path, phrase("Name a grade or a star here.")
        if not ({"min_total", "min_share"} & set(rank) or rank["requires"] or rank["min_shares"]):
            yield path, phrase("Missing here: %(keys)s.", keys="min_total")
        if "min_total" in rank and most is not None and exact(rank["min_total"]) > most:
            yield (
                (*path, "min_total"),
                phrase(
                    "Nobody can reach %(needed)s: the highest total is %(most)s.",
                    needed=exact(rank["min_total"]),
                    most=most,
                ),
            )
        if "min_share" in rank and rubric.points is None:
            yield (*path, "min_share"), phrase("A share needs a full total, and this rubric states none.")
        for name in rank["min_shares"]:
            if name not in items:
                yield (*path, "min_shares", name), phrase("There is no item “%(id)s”.", id=name)


def _falling(name: str, ranks: list[Mapping[str, Any]], strictly: bool) -> Iterator[Finding]:
    before: Fraction | None = None
    for number, rank in enumerate(ranks):
        if name not in rank:
            continue
        value = exact(rank[name])
        if before is not None and (value > before or (strictly and value == before)):
            yield (
                ("result", "ranks", number, name),
                phrase("The limits must fall from the best to the lowest."),
            )
        before = value


def _star_adjust(rubric: Rubric) -> Iterator[Finding]:
    settings = rubric.settings["result"]
    names = {rating["id"] for rating in settings["ratings"]}
    starred = {item.id for item in rubric.walk() if _gives_stars(item)}
    if settings["start"] not in names:
        yield ("result", "start"), phrase("There is no rating “%(id)s”.", id=settings["start"])
    for number, rating in enumerate(settings["ratings"]):
        path: Path = ("result", "ratings", number)
        if rating["min"] > rating["max"]:
            yield path, phrase("The smallest lies above the largest.")
        if "from_item" in rating and rating["from_item"] not in starred:
            yield (
                (*path, "from_item"),
                phrase("There is no item “%(id)s” that gives stars.", id=rating["from_item"]),
            )
    for number, limit in enumerate(settings["limits"]):
        if not set(limit) - {"when"}:
            yield ("result", "limits", number), phrase("This has no effect here.")
        elif "min" in limit and "max" in limit and limit["min"] > limit["max"]:
            yield ("result", "limits", number), phrase("The smallest lies above the largest.")


def _gives_stars(item: Item) -> bool:
    cuts = item.rule.get("cuts", ()) if item.rule else ()
    return any("star" in band for band in (*item.settings.get("grades", ()), *cuts))


def _nothing(rubric: Rubric) -> Iterator[Finding]:
    return iter(())


RESULT_CHECKS = {"points_to_stars": _points_to_stars, "star_adjust": _star_adjust, "none": _nothing}


def _scorers(rubric: Rubric) -> Iterator[Finding]:
    scorers = rubric.settings["scorers"]
    yield from repeated(
        (("scorers", "columns", number, "id"), column["id"])
        for number, column in enumerate(scorers["columns"])
    )
    counting = [column for column in scorers["columns"] if column["counts"]]
    if scorers["columns"] and not counting:
        yield ("scorers", "columns"), phrase("No column counts.")
    if scorers["combine"] == "weighted" and (
        not counting or any("weight" not in column for column in counting)
    ):
        yield ("scorers",), phrase("Every column that counts needs a weight here.")
