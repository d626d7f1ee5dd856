"""From what stands in a cell to what it means: names as typed, phones as E.164, days, yes and no.

Nothing is guessed silently: a value that cannot be read raises `UncleanError` with a sentence; what was mended
says so through `Cell.mended`. Names are compared by `name_key` and stored as typed.
"""

import re
import unicodedata
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal, InvalidOperation

import phonenumbers

from portal import clock
from portal.i18n import no_op
from portal.roster import limits
from portal.schools import identity

Value = str | int | float | bool | date | datetime | None

# Shown as nothing, left behind by copying from chats and web pages: zero-width space and joiner, byte order mark,
# soft hyphen, direction marks and overrides. Joiners U+200C and U+200D and variation selectors carry meaning and stay.
INVISIBLE = re.compile("[\u00ad\u200b\u200e\u200f\u2060\ufeff\u202a-\u202e\u2066-\u2069]")
CONTROL = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f]")
BREAKS = re.compile("[\t\n\x0b\x0c\r\x85\u2028\u2029]+")
# Look-alikes of the interpunct in names such as 买买提·艾合买提.
INTERPUNCTS = str.maketrans(dict.fromkeys("・･•‧∙⋅●.．", "·"))
IGNORED_IN_KEYS = re.compile("[\\s\u200c\u200d\u00ad\ufe00-\ufe0f\U000e0100-\U000e01ef]+")

MOBILE = re.compile(r"1[3-9]\d{9}", re.ASCII)
SCIENTIFIC = re.compile(r"\d(?:\.\d+)?[eE]\+?\d+", re.ASCII)
YES = frozenset({"是", "对", "有", "y", "yes", "true", "1", "√", "✓", "✔"})
NO = frozenset({"否", "不", "无", "無", "n", "no", "false", "0", "×", "✗"})
DAY = re.compile(r"(\d{4})\s*[-/.年]\s*(\d{1,2})\s*[-/.月]\s*(\d{1,2})\s*日?(?:[T\s].*)?")
SERIAL_DAYS = range(18_264, 73_051)  # 1950-01-01 to 2099-12-31 in Excel's 1900 count


class UncleanError(ValueError):
    """A cell that cannot be read: a msgid and what fills its places."""

    def __init__(self, reason: str, **params: object) -> None:
        super().__init__(reason)
        self.reason = reason
        self.params = {name: str(value) for name, value in params.items()}


@dataclass(frozen=True, slots=True)
class Clean:
    """A text as it will be stored, and a notice when it is not exactly what stood in the cell."""

    text: str
    notice: str = ""


def clean_text(value: Value, longest: int = limits.CELL_CHARACTERS) -> Clean:
    """A cell as text without invisible characters and line breaks; refuses control characters and over-long text."""
    text = value if isinstance(value, str) else as_typed(value)
    if text.isprintable():
        # Neither controls nor invisible characters: nearly every cell.
        return Clean(check_length(text.strip(), longest))
    if CONTROL.search(text):
        raise UncleanError(
            no_op("There is a control character in this cell that cannot be seen. Type the text again.")
        )
    shown = INVISIBLE.sub("", text)
    joined = BREAKS.sub(" ", shown).strip()
    check_length(joined, longest)
    if shown != text:
        return Clean(joined, no_op("Invisible characters were left out."))
    if joined != shown.strip():
        return Clean(joined, no_op("A line break in this cell became a space."))
    return Clean(joined)


def check_length(text: str, longest: int) -> str:
    """The text, unless it is too long."""
    if len(text) > longest:
        raise UncleanError(
            no_op("This text has %(count)s characters; at most %(most)s fit."),
            count=len(text),
            most=longest,
        )
    return text


def as_typed(value: Value) -> str:
    """A cell as the person sees it: 3 for 3.0, 13800001111 for 1.3800001111e10, 2026-09-01 for a date cell."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
    if isinstance(value, datetime):
        return value.date().isoformat() if value.time() == datetime.min.time() else value.isoformat(" ")
    if isinstance(value, date):
        return value.isoformat()
    return str(value)


def plain(text: str) -> str:
    """Full-width letters and digits as half-width; for codes, numbers, days and yes/no, never for names."""
    return text.strip() if text.isascii() else unicodedata.normalize("NFKC", text).strip()


def name_key(name: str) -> str:
    """What two spellings of one name share: width, interpunct, spaces, case and look-alike code points folded."""
    folded = unicodedata.normalize("NFKC", INVISIBLE.sub("", name)).translate(INTERPUNCTS)
    return IGNORED_IN_KEYS.sub("", folded).casefold()


def clean_name(value: Value) -> Clean:
    """A name of a person, class or school, as typed, up to 160 characters."""
    return clean_text(value, limits.NAME_CHARACTERS)


def clean_code(value: Value) -> Clean:
    """A code or number given by an office: half-width, no spaces inside a number, never in scientific notation."""
    text = plain(clean_text(value).text)
    if SCIENTIFIC.fullmatch(text):
        text = whole_number(text)
    if len(text) > limits.CODE_CHARACTERS:
        raise UncleanError(
            no_op("This text has %(count)s characters; at most %(most)s fit."),
            count=len(text),
            most=limits.CODE_CHARACTERS,
        )
    return Clean(text)


def whole_number(text: str) -> str:
    """1.3800001111E+10 as 13800001111, if no digit is lost."""
    try:
        number = Decimal(text)
    except InvalidOperation:
        raise UncleanError(no_op("“%(text)s” is not a number."), text=text) from None
    digits = len(number.as_tuple().digits)
    if number != number.to_integral_value() or number.adjusted() + 1 > digits:
        raise UncleanError(
            no_op(
                "The spreadsheet shortened this number to %(text)s. Set the column to text and type it again."
            ),
            text=text,
        )
    return str(int(number))


def clean_phone(value: Value) -> str | None:
    """A phone number as E.164 (+8613800001111), read as a mainland number unless it says otherwise; None if empty."""
    if isinstance(value, float) and not value.is_integer():
        raise UncleanError(no_op("“%(text)s” is not a phone number."), text=value)
    text = plain(clean_text(value).text)
    if not text:
        return None
    if MOBILE.fullmatch(text):
        return f"+86{text}"
    if SCIENTIFIC.fullmatch(text):
        text = whole_number(text)
    digits = re.sub(r"\D", "", text)
    if re.fullmatch(r"1[\d\s-]*", text) and len(digits) != 11:
        raise UncleanError(no_op("A mobile number has 11 digits; this one has %(count)s."), count=len(digits))
    try:
        number = phonenumbers.parse(text, "CN")
    except phonenumbers.NumberParseException:
        raise UncleanError(no_op("“%(text)s” is not a phone number."), text=text) from None
    if not phonenumbers.is_possible_number(number) or re.search(r"[^\d\s+()\-转ext.,;#]", text):
        raise UncleanError(no_op("“%(text)s” is not a phone number."), text=text)
    if not phonenumbers.is_valid_number(number) and not is_mainland_mobile(number):
        raise UncleanError(no_op("“%(text)s” is not a phone number in use. Check the digits."), text=text)
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def clean_identity(value: Value) -> str | None:
    """An identity number as 18 characters; None if empty. A number that the spreadsheet rounded is refused as such."""
    text = plain(clean_text(value).text)
    if not text:
        return None
    if SCIENTIFIC.fullmatch(text) or (isinstance(value, int | float) and len(text) > 15):
        raise UncleanError(
            no_op("The spreadsheet shortened this number. Set the column to text and type it again.")
        )
    try:
        return identity.checked(text, clock.today())
    except identity.BadIdentityError as bad:
        raise UncleanError(bad.reason, **bad.params) from None


def is_mainland_mobile(number: phonenumbers.PhoneNumber) -> bool:
    """Eleven digits from 13 to 19: new ranges are opened faster than the number tables learn of them."""
    national = number.national_number or 0
    return number.country_code == 86 and 13_000_000_000 <= national < 20_000_000_000


def clean_day(value: Value, is_1904: bool = False) -> date | None:
    """A day from a date cell, a serial number or text (2026-09-01, 2026/9/1, 2026年9月1日, with a time behind it)."""
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, date):
        return value
    text = plain(clean_text(value).text)
    if not text:
        return None
    if re.fullmatch(r"\d{5}(?:\.\d+)?", text):
        return day_of_serial(int(float(text)), is_1904)
    if re.fullmatch(r"(?:19|20)\d{6}", text):
        text = f"{text[:4]}-{text[4:6]}-{text[6:]}"
    found = DAY.fullmatch(text)
    if not found:
        raise UncleanError(no_op("“%(text)s” is not a date. Write it like 2026-09-01."), text=text[:40])
    try:
        return date(int(found[1]), int(found[2]), int(found[3]))
    except ValueError:
        raise UncleanError(no_op("There is no such day as %(text)s."), text=text[:40]) from None


def day_of_serial(serial: int, is_1904: bool) -> date:
    """The day a spreadsheet counts as `serial`, in its 1900 or 1904 epoch."""
    if is_1904:
        serial += 1462
    if serial not in SERIAL_DAYS:
        raise UncleanError(no_op("“%(text)s” is not a date. Write it like 2026-09-01."), text=serial)
    # The 1900 count has a 29 February 1900 that never was, so it is anchored two days early.
    return date(1899, 12, 30) + timedelta(days=serial)


def clean_flag(value: Value) -> bool | None:
    """Yes or no; None if empty."""
    text = plain(clean_text(value).text).lower()
    if not text:
        return None
    if text in YES:
        return True
    if text in NO:
        return False
    raise UncleanError(no_op("Write 是 or 否 here, not “%(text)s”."), text=text[:40])


def full_name(family: str, given: str, middle: str = "") -> str:
    """One name from its parts: Han names family first and without a space, others in the order given, family."""
    parts = [part for part in (given, middle, family) if part]
    if parts and all(
        re.fullmatch("[\u2e80-\u9fff\uf900-\ufaff\U00020000-\U0003ffff·]+", part) for part in parts
    ):
        return family + middle + given
    return " ".join(parts)
