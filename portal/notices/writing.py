"""What authors do: draft, publish, correct, remind, withdraw."""

from typing import Any

from sqlalchemy import CursorResult, update

from portal import clock
from portal.access import Actor
from portal.errors import RuleBroken
from portal.extensions import db
from portal.i18n import gettext as _
from portal.notices import attaching, counting, money
from portal.notices.answering import insert_once
from portal.notices.audience import Audience, missing_households, sender_of
from portal.notices.models import Notice, NoticeReminder, NoticeSummary, NoticeText, State
from portal.trail.models import note

TEXTS = ("title", "body", "who", "act", "ask", "due_on")


def draft(actor: Actor, audience: Audience, **words: Any) -> Notice:
    """A new draft to an audience, in the current transaction."""
    notice = Notice(author_id=actor.person_id, author_role=actor.role, sender=sender_of(actor), **words)
    _address(notice, audience)
    notice.summary = NoticeSummary()
    db.session.add(notice)
    db.session.flush()
    note("notice.drafted", notice, person_id=actor.person_id, role=actor.role)
    return notice


def rewrite(notice: Notice, actor: Actor, audience: Audience, **words: Any) -> None:
    """Change a draft. Raises RuleBroken once it is published."""
    notice.must_be_draft()
    _address(notice, audience)
    for name, value in words.items():
        setattr(notice, name, value)
    notice.revision += 1
    notice.updated_at = clock.now()
    note("notice.rewritten", notice, person_id=actor.person_id, role=actor.role)


def _address(notice: Notice, audience: Audience) -> None:
    notice.scope_kind = audience.kind
    notice.scope_id = audience.id
    notice.scope_name = audience.name
    notice.district_id = audience.district_id
    notice.school_id = audience.school_id


def asks_for_money(words: Any) -> list[str]:
    """What in a notice, or in the form of one, reads like a request for money."""
    return money.found(*(_text(words, name) for name in ("title", "body", "who", "act", "ask")))


def _text(words: Any, name: str) -> str:
    value = words.get(name) if isinstance(words, dict) else getattr(words, name)
    return value or ""


def publish(notice: Notice, actor: Actor) -> None:
    """Publish a draft to its audience, once. Words that ask for money are kept with it for the district."""
    words = asks_for_money(notice)
    now = clock.now()
    notice.must_be_draft()
    result = db.session.execute(
        update(Notice)
        .where(Notice.id == notice.id, Notice.state == State.DRAFT)
        .values(state=State.PUBLISHED, published_at=now, updated_at=now, money_words="、".join(words)[:400])
    )
    assert isinstance(result, CursorResult)
    if result.rowcount != 1:
        raise RuleBroken(_("This notice is published. Correct it or withdraw it instead."))
    db.session.refresh(notice, ["state", "published_at", "updated_at", "money_words"])
    note("notice.published", notice, person_id=actor.person_id, role=actor.role)
    if words:
        _note_money(notice, actor, words)


def _note_money(notice: Notice, actor: Actor, words: list[str]) -> None:
    note("notice.published_with_money", notice, person_id=actor.person_id, role=actor.role, words=words)


def correct(
    notice: Notice,
    actor: Actor,
    change: str,
    ask_again: bool,
    files: attaching.Changes = attaching.NO_CHANGES,
    /,
    **words: Any,
) -> None:
    """Replace the text of a published notice; the former text, its files and what changed stay visible with the date.

    With ``ask_again`` a new round begins: everyone is asked anew and the numbers start from nothing.
    """
    notice.must_be_published()
    now = clock.now()
    before = {name: getattr(notice, name) for name in TEXTS}
    db.session.add(
        NoticeText(
            notice_id=notice.id,
            revision=notice.revision,
            **before,
            replaced_at=now,
            change=change,
            asked_again=ask_again,
        )
    )
    for name, value in words.items():
        setattr(notice, name, value)
    notice.revision += 1
    attaching.change(notice, actor, files)
    notice.corrected_at = notice.updated_at = now
    asking = asks_for_money(notice)
    notice.money_words = "、".join(asking)[:400]
    note("notice.corrected", notice, person_id=actor.person_id, role=actor.role, asked_again=ask_again)
    if asking:
        _note_money(notice, actor, asking)
    if ask_again:
        notice.round += 1
        notice.reminded_at = None
        counting.start_anew(notice)


def remind(notice: Notice, actor: Actor) -> int:
    """Remind whoever is missing: one row, and the notice rises on their first page. Returns the missing households.

    Raises RuleBroken when nobody is missing, the notice is over, or it reminded today already.
    """
    notice.must_be_published()
    today = clock.today()
    if notice.has_expired(today):
        raise RuleBroken(_("This notice has expired. There is nothing to remind about."))
    missing = missing_households(notice)
    if missing == 0:
        raise RuleBroken(_("Everyone has answered. Nobody needs a reminder."))
    now = clock.now()
    if not insert_once(
        NoticeReminder,
        notice_id=notice.id,
        reminded_on=today,
        reminded_at=now,
        person_id=actor.person_id,
        missing=missing,
    ):
        raise RuleBroken(_("A reminder went out today already. You can remind again tomorrow."))
    notice.reminded_at = now
    note("notice.reminded", notice, person_id=actor.person_id, role=actor.role, missing=missing)
    return missing


def withdraw(notice: Notice, actor: Actor, reason: str) -> None:
    """Withdraw a published notice; it stays visible as withdrawn, with the reason."""
    notice.must_be_published()
    notice.state = State.WITHDRAWN
    notice.withdrawn_at = notice.updated_at = clock.now()
    notice.withdrawal_reason = reason
    note("notice.withdrawn", notice, person_id=actor.person_id, role=actor.role)


def discard(notice: Notice, actor: Actor) -> None:
    """Delete a draft that nobody but its authors has seen."""
    notice.must_be_draft()
    note("notice.discarded", notice, person_id=actor.person_id, role=actor.role)
    attaching.let_all_go(notice, actor)
    db.session.delete(notice)
