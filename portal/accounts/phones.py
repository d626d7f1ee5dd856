"""Telephone numbers: any way of writing them in, one form stored."""

import unicodedata

import phonenumbers

from portal.keys.sealing import blind_index


def normalised(text: str) -> str | None:
    """A Chinese mobile or fixed number in E.164 (+8613800000000), or None when it is none.

    Spaces, dashes, +86, 0086 and full-width digits are understood.
    """
    plain = unicodedata.normalize("NFKC", text).strip()
    if not plain or len(plain) > 40:
        return None
    try:
        number = phonenumbers.parse(plain, "CN")
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_possible_number(number):
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def masked(number: str) -> str:
    """Enough to recognise a number one knows: +8613812345678 → 138****5678."""
    local = number.removeprefix("+86")
    return f"{local[:3]}****{local[-4:]}" if len(local) >= 8 else "****"


def phone_index(number: str) -> bytes:
    """What to look a person up by: ``Person.phone_index == phone_index(number)``. ``number`` is E.164."""
    return blind_index("person.phone", number)
