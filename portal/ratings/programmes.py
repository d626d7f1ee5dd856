"""Kinds of rounds as data: the star rating, and shorter procedures of the same engine with words instead of stars.

A short procedure has the same application, evidence, two blind sheets and consensus, but no first opinion: the district decides
from the agreed scores, and the objection after publication is the hearing. Who does what is the table of ``states.py``; what a result
is called, how long it holds and whether the school is heard before the decision stands here.
"""

from dataclasses import dataclass
from typing import Any

from portal.i18n import gettext as _
from portal.i18n import lazy_gettext as _l

STARS = "stars"


@dataclass(frozen=True)
class Programme:
    """A kind of round. ``results``: what each star of its rubric is called, from none upwards; empty: stars themselves.

    ``titles``: what a school is named; ``heard``: whether a first opinion comes before the decision; ``years``: how long a
    title holds where neither rubric nor district say otherwise; ``team``: how many inspectors a school has at least;
    ``panel``: whether a panel proposes the result.
    """

    name: str
    label: Any
    what: Any
    results: tuple[Any, ...] = ()
    titles: tuple[Any, ...] = ()
    heard: bool = True
    years: int | None = None
    team: int = 2
    panel: bool = False

    def word(self, star: int) -> str:
        """What a result is called."""
        words = self.results or STAR_WORDS
        return str(words[min(star, len(words) - 1)])

    def title(self, star: int) -> str:
        """What a school is named with it."""
        words = self.titles or TITLES
        return str(words[min(star, len(words) - 1)])


STAR_WORDS = (
    _l("No star"), _l("One star"), _l("Two stars"), _l("Three stars"), _l("Four stars"), _l("Five stars"),
)  # fmt: skip
TITLES = (
    _l("No star"), _l("One-star school of home-school co-education"),
    _l("Two-star school of home-school co-education"), _l("Three-star school of home-school co-education"),
    _l("Four-star school of home-school co-education"), _l("Five-star school of home-school co-education"),
)  # fmt: skip
PROGRAMMES = {
    one.name: one
    for one in (
        Programme(
            STARS,
            _l("Star rating of schools"),
            _l("Every school, with a first opinion before the decision."),
            team=3,
            panel=True,
        ),
        Programme(
            "base",
            _l("Base schools"),
            _l("Schools that apply to be a base school of home-school co-education."),
            (_l("No title given"), _l("Base school")),
            (_l("No title given"), _l("Base school of home-school co-education")),
            heard=False,
            years=3,
        ),
        Programme(
            "innovation",
            _l("Innovation schools"),
            _l("Schools that apply with a practice of their own that others can learn from."),
            (_l("No title given"), _l("Innovation school")),
            (_l("No title given"), _l("Innovation school of home-school co-education")),
            heard=False,
            years=2,
        ),
        Programme(
            "parent_school",
            _l("Assessment of parent schools"),
            _l("The parent school of each school, once a year."),
            (_l("To be improved"), _l("Passed"), _l("Excellent")),
            (_l("To be improved"), _l("Parent school that passed"), _l("Excellent parent school")),
            heard=False,
            years=1,
        ),
    )
}


def of(name: str) -> Programme:
    """A kind of round by its name."""
    return PROGRAMMES[name]


def choices() -> list[tuple[str, str]]:
    """For the form of a new round."""
    return [
        (one.name, _("%(name)s: %(what)s", name=str(one.label), what=str(one.what)))
        for one in PROGRAMMES.values()
    ]
