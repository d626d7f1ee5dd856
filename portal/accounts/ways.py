"""Other ways to sign in that later features add to the sign-in page."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Way:
    """A way as the sign-in page shows it: its name, and where it begins."""

    label: str
    url: str


Offer = Callable[[str], Sequence[Way]]
_OFFERS: list[Offer] = []


def other_way(offer: Offer) -> Offer:
    """Register a function that says, for the page one wants to reach, which ways there are now."""
    _OFFERS.append(offer)
    return offer


def offered(to: str) -> list[Way]:
    """Every way there is now."""
    return [way for offer in _OFFERS for way in offer(to)]
