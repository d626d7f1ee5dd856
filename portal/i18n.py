"""Three languages: which one a request speaks, look-up of sentences, dates as people write them.

Sentences are English in the code and looked up in ``translations/<locale>/LC_MESSAGES/messages.mo``.
Babel does plural rules, numbers and dates; Flask-Babel's look-up per call is dearer than the rest of a page.
"""

import os
import tempfile
from collections.abc import Callable
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from babel import Locale
from babel.dates import format_date
from babel.lists import format_list
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.numbers import format_decimal, format_percent
from babel.support import LazyProxy, NullTranslations, Translations
from flask import has_request_context, request

from portal import clock, cookies
from portal.config import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

FOLDER = ROOT / "translations"
COOKIE = "language"


@dataclass(frozen=True)
class Language:
    """A language of the portal: its BCP 47 tag, its catalogue's folder, its own name and direction."""

    tag: str
    locale: str
    name: str
    short: str
    direction: str = "ltr"

    @property
    def babel(self) -> Locale:
        return Locale.parse(self.locale)


LANGUAGES = {
    language.tag: language
    for language in (
        Language("zh-Hans", "zh_Hans", "简体中文", "简"),
        Language("zh-Hant", "zh_Hant", "繁體中文", "繁"),
        Language("en", "en", "English", "EN"),
    )
}
DEFAULT = LANGUAGES["zh-Hans"]
_SPEAKS = {
    "zh": "zh-Hans",
    "zh-hans": "zh-Hans",
    "zh-cn": "zh-Hans",
    "zh-sg": "zh-Hans",
    "zh-hant": "zh-Hant",
    "zh-tw": "zh-Hant",
    "zh-hk": "zh-Hant",
    "zh-mo": "zh-Hant",
    "en": "en",
}
_current: ContextVar[Language] = ContextVar("language", default=DEFAULT)


def current() -> Language:
    """The language in force here and now."""
    return _current.get()


def speak(language: Language) -> None:
    """Set the language of what follows in this request or job."""
    _current.set(language)


@contextmanager
def speaking(tag: str) -> "Iterator[None]":
    """Within, sentences come in the language ``tag`` (used by jobs and exports)."""
    token = _current.set(LANGUAGES.get(tag, DEFAULT))
    try:
        yield
    finally:
        _current.reset(token)


def negotiate(header: str | None) -> Language:
    """The first language of an Accept-Language header that the portal speaks; simplified Chinese otherwise.

    Regions are mapped by hand: zh-TW, zh-HK and zh-MO read traditional script, zh, zh-CN and zh-SG simplified.
    """
    weighted: list[tuple[float, int, str]] = []
    for order, part in enumerate((header or "")[:1000].split(",")):
        name, _, parameters = part.strip().partition(";")
        quality = 1.0
        if parameters.strip().startswith("q="):
            try:
                quality = float(parameters.strip()[2:])
            except ValueError:
                quality = 0.0
        weighted.append((-quality, order, name.strip().lower().replace("_", "-")))
    for negative_quality, _order, name in sorted(weighted):
        if negative_quality == 0:
            continue
        while name:
            if name in _SPEAKS:
                return LANGUAGES[_SPEAKS[name]]
            name = name.rpartition("-")[0]
    return DEFAULT


def of_request() -> Language:
    """The language of a person who has not signed in: their choice kept in a cookie (where nobody is anybody: said by the address),
    else what the browser asks."""
    chosen = request.args.get("language", "") if cookies.are_not_read() else cookies.kept(COOKIE)
    return LANGUAGES[chosen] if chosen in LANGUAGES else negotiate(request.headers.get("Accept-Language"))


def compile_catalogues() -> list[str]:
    """Write each catalogue's .mo where it is missing or older than its .po; returns the locales written."""
    written = []
    for po in sorted(FOLDER.glob("*/LC_MESSAGES/messages.po")):
        mo = po.with_suffix(".mo")
        if mo.exists() and mo.stat().st_mtime >= po.stat().st_mtime:
            continue
        with po.open("rb") as source:
            catalogue = read_po(source, locale=po.parent.parent.name)
        handle, name = tempfile.mkstemp(dir=po.parent, suffix=".mo.new")
        with os.fdopen(handle, "wb") as target:
            write_mo(target, catalogue)
        Path(name).replace(mo)
        written.append(po.parent.parent.name)
    return written


@cache
def catalogue(language: Language) -> NullTranslations:
    """The catalogue of a language; English is the language of the code itself.

    Raises ``FileNotFoundError`` where none is there: to fall back on English in silence, and remember it,
    would turn the whole portal English for as long as the process lives.
    """
    if language.tag == "en":
        return NullTranslations()
    compile_catalogues()
    with (FOLDER / language.locale / "LC_MESSAGES" / "messages.mo").open("rb") as compiled:
        return Translations(compiled)


def gettext(message: str, **values: Any) -> str:
    """The sentence in the current language, with named values filled in."""
    found = catalogue(_current.get()).ugettext(message)
    return found % values if values else found


def ngettext(singular: str, plural: str, number: int, **values: Any) -> str:
    """The sentence for a number of things; ``%(num)s`` stands for the number."""
    found = catalogue(_current.get()).ungettext(singular, plural, number)
    return found % {"num": number, **values}


def lazy_gettext(message: str, **values: Any) -> Any:
    """A sentence looked up when it is shown, for labels written at import time."""
    return LazyProxy(gettext, message, enable_cache=False, **values)


def no_op(message: str) -> str:
    """Marks a sentence for the catalogue that is looked up later from a stored msgid."""
    return message


# Dates


@lru_cache(maxsize=2_000)
def _written(shown: date, pattern: str, language: Language) -> str:
    # A list shows the same few days over and over, and Babel takes twenty times as long as this look-up.
    return format_date(shown, pattern, locale=language.babel)


def day(value: date | datetime) -> str:
    """A day as people say it: 11月21日 周六 / Sat 21 Nov."""
    shown = clock.local(value).date() if isinstance(value, datetime) else value
    language = _current.get()
    return _written(shown, "EEE d MMM" if language.tag == "en" else "M月d日 EEE", language)


def time_of_day(value: datetime) -> str:
    """The clock time in China, 15:10."""
    return clock.local(value).strftime("%H:%M")


def moment(value: datetime) -> str:
    """Day and clock time in China: 11月21日 周六 15:10."""
    return f"{day(value)} {time_of_day(value)}"


def long_date(value: date | datetime) -> str:
    """A date with its year: 2026年11月21日 / 21 November 2026."""
    shown = clock.local(value).date() if isinstance(value, datetime) else value
    language = _current.get()
    return _written(shown, "d MMMM y" if language.tag == "en" else "y年M月d日", language)


def number(value: Any) -> str:
    """A number with the language's grouping."""
    return format_decimal(value, locale=_current.get().babel)


def percent(value: Any) -> str:
    """A share of one as a percentage with at most one decimal: 68.4%."""
    return format_percent(value, format="#,##0.#%", locale=_current.get().babel)


def listing(items: "Sequence[str]") -> str:
    """甲、乙和丙."""
    return format_list([str(item) for item in items], locale=_current.get().babel)


FILTERS: dict[str, Callable[..., str]] = {
    "day": day,
    "moment": moment,
    "clock": time_of_day,
    "date_long": long_date,
    "number": number,
    "percent": percent,
    "listing": listing,
}


def language_for_person(tag: str | None) -> Language:
    """A signed-in person's own choice, or that of the request."""
    if tag in LANGUAGES:
        return LANGUAGES[tag]
    return of_request() if has_request_context() else DEFAULT
