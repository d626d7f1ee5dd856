"""What every channel is to the outbox: it takes a message and says what became of it."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from flask import current_app


class Fate(StrEnum):
    """What a channel knows after trying. ``DOUBTFUL``: the provider may have taken it, no answer came."""

    TAKEN = "taken"
    REFUSED = "refused"
    LATER = "later"
    DOUBTFUL = "doubtful"


@dataclass(frozen=True)
class Answer:
    """A fate, the provider's own number of the message, and one word about a problem (never contents)."""

    fate: Fate
    provider_id: str = ""
    problem: str = ""


@dataclass(frozen=True)
class Message:
    """What is handed to a channel. ``key`` is the same at every attempt for one delivery."""

    key: str
    recipient: str
    subject: str
    text: str


class Channel(Protocol):
    """A way out. ``repeatable``: the provider answers the same key once only, so asking again is safe."""

    carries_links: bool
    repeatable: bool

    def deliver(self, message: Message) -> Answer:
        """Hand the message over; never raises for what a provider does."""

    def taken(self, key: str) -> bool | None:
        """Whether the provider has a message of this key; None when it cannot be asked."""


class Dry:
    """Sends nothing: the message stays in the database, where the operator reads it (``flask deliveries show``)."""

    carries_links = True
    repeatable = True

    def deliver(self, message: Message) -> Answer:
        """Keep it."""
        return Answer(Fate.TAKEN, "dry")

    def taken(self, key: str) -> bool | None:
        """Nothing was taken anywhere."""
        return False


def channel_named(name: str) -> Channel:
    """The channel of this portal under a name; the dry one for what is not configured."""
    channels: dict[str, Channel] = current_app.extensions["portal.channels"]
    return channels.get(name) or channels["dry"]


def configured() -> tuple[str, ...]:
    """Names of the channels that really send, as the operator has set them."""
    return tuple(name for name in current_app.extensions["portal.channels"] if name != "dry")
