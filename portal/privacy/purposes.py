"""The purposes that need consent, each with its versions and what a family reads before it answers.

A text that changed in what it allows is a new version with a new day: every guardian is asked again. The wording of a
version that has been in use never changes; ``tests/privacy/test_consents.py`` holds its fingerprint.
"""

from dataclasses import dataclass
from datetime import date
from typing import Any

from portal.consent import Purpose
from portal.i18n import lazy_gettext as _l


@dataclass(frozen=True)
class Version:
    """One wording: what is done, what for, who sees it, how long it is kept; asked from a day on."""

    number: int
    from_on: date
    what: Any
    why: Any
    who: Any
    kept: Any


@dataclass(frozen=True)
class Declared:
    """A purpose with its short name and its versions, oldest first."""

    name: Any
    versions: tuple[Version, ...]

    def on(self, day: date) -> Version:
        """The version asked on a day; before the first one, the first."""
        begun = [version for version in self.versions if version.from_on <= day]
        return begun[-1] if begun else self.versions[0]

    def numbered(self, number: int) -> Version:
        """The version with a number; LookupError when there is none."""
        found = next((version for version in self.versions if version.number == number), None)
        if found is None:
            raise LookupError(number)
        return found


FIRST = date(2026, 9, 1)

PURPOSES: dict[Purpose, Declared] = {
    Purpose.SCHOOL_PHOTO: Declared(
        _l("Photos of the child in what the school publishes"),
        (
            Version(
                1,
                FIRST,
                what=_l("Photos and short films in which the child can be recognised."),
                why=_l("Pictures of school life on the school's board, website, account and in its reports."),
                who=_l(
                    "Anyone who reads what the school publishes. Names are not printed beside the picture."
                ),
                kept=_l(
                    "Until the end of the school year. When you withdraw, the school takes them down within a day."
                ),
            ),
        ),
    ),
    Purpose.VISIT_PHOTO: Declared(
        _l("A photo at a home visit"),
        (
            Version(
                1,
                FIRST,
                what=_l("A photo that the teacher takes during a visit, never of bedrooms."),
                why=_l(
                    "To remember what was shown, such as a place for homework. A visit counts without any photo."
                ),
                who=_l("The class teacher and the principal. It is not published."),
                kept=_l("12 months, then it is deleted."),
            ),
        ),
    ),
    Purpose.READING_AUDIO: Declared(
        _l("Recordings of the child reading aloud"),
        (
            Version(
                1,
                FIRST,
                what=_l("Sound recordings in which the child reads or tells a story."),
                why=_l("Reading together at home and in class."),
                who=_l("The child's teachers and your family. It is not published."),
                kept=_l("Until the end of the school year, then it is deleted."),
            ),
        ),
    ),
    Purpose.PARTNER_REFERRAL: Declared(
        _l("Passing on to a partner that helps"),
        (
            Version(
                1,
                FIRST,
                what=_l(
                    "The child's name, class, and the parts of a visit that you and the teacher choose together."
                ),
                why=_l("So that a psychologist, social worker or the street office can help the family."),
                who=_l("The partner that is named to you before anything is sent, and nobody else there."),
                kept=_l("With the partner until the help ends. You can call it back at any time."),
            ),
        ),
    ),
    Purpose.CASE_PUBLICATION: Declared(
        _l("Publishing the child's story as an example"),
        (
            Version(
                1,
                FIRST,
                what=_l("What happened on visits, told without names, school and class."),
                why=_l("So that other teachers and parents learn from it."),
                who=_l(
                    "Anyone who reads the collection of the school or the district. You read the text first."
                ),
                kept=_l(
                    "For as long as the collection is published. When you withdraw, it is left out from then on."
                ),
            ),
        ),
    ),
}
