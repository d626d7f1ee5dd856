"""A change asked for twice happens once.

Every form carries a fresh key. The key is stored with the answer in the same transaction as the effect, under a
unique constraint; a replay (double tap, retry after a lost answer, two tabs) gets the stored answer and changes nothing.
"""

import hmac
import secrets
from datetime import datetime, timedelta

from flask import Flask, Response, current_app, flash, redirect, request
from flask_login import current_user
from markupsafe import Markup
from sqlalchemy import String, UniqueConstraint, delete, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, mapped_column
from werkzeug.wrappers import Response as BaseResponse

from portal import clock
from portal.errors import RuleBroken
from portal.extensions import Base, db
from portal.i18n import gettext as _

FIELD = "once"
KEPT_FOR = timedelta(days=30)


class OnceKey(Base):
    """The answer given to one form of one person; 0 stands for a visitor who is not signed in."""

    __tablename__ = "once_key"
    __table_args__ = (UniqueConstraint("person_id", "key"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int]
    key: Mapped[str] = mapped_column(String(64))
    fingerprint: Mapped[str] = mapped_column(String(64))
    location: Mapped[str] = mapped_column(String(2000))
    message: Mapped[str] = mapped_column(String(500), default="")
    answered_at: Mapped[datetime] = mapped_column(index=True)


def field() -> Markup:
    """The hidden input with a fresh key."""
    return Markup(f'<input type="hidden" name="{FIELD}" value="{secrets.token_hex(16)}">')


def _person_id() -> int:
    return current_user.person_id if current_user.is_authenticated else 0


def _fingerprint() -> str:
    """What was asked, without the tokens that differ from one rendering to the next.

    Keyed, so that a number or a short sentence cannot be found by trying.
    """
    digest = hmac.new(str(current_app.secret_key).encode(), request.path.encode(), "sha256")
    for name in sorted(request.form):
        if name not in ("csrf_token",):
            digest.update(repr((name, request.form.getlist(name))).encode("utf-8", "surrogatepass"))
    if request.is_json:
        digest.update(request.get_data())
    return digest.hexdigest()


def answered(key: str) -> OnceKey | None:
    """The answer kept for this request under this key. RuleBroken (422) when other contents were sent under it."""
    row = db.session.scalar(select(OnceKey).where(OnceKey.person_id == _person_id(), OnceKey.key == key))
    if row is not None and row.fingerprint != _fingerprint():
        raise RuleBroken(_("This form was sent before with other contents. Open the page again."), status=422)
    return row


def keep_answer(key: str, location: str, message: str) -> None:
    """Keep the answer to this request in the current transaction. ``location``: an address; ``message``: up to 500."""
    db.session.add(
        OnceKey(
            person_id=_person_id(),
            key=key,
            fingerprint=_fingerprint(),
            location=location,
            message=message,
            answered_at=clock.now(),
        )
    )


def _stored(key: str) -> BaseResponse | None:
    row = answered(key)
    if row is None:
        return None
    if row.message:
        flash(row.message, "good")
    return redirect(row.location, 303)


def replay() -> BaseResponse | None:
    """Before a change: the stored answer if this form was answered already."""
    key = request.form.get(FIELD, "") if request.method == "POST" else ""
    return _stored(key) if 0 < len(key) <= 64 else None


def commit_and_go(location: str, message: str = "", kind: str = "good") -> BaseResponse:
    """Commit the change together with its answer, and send the person on with a message.

    ``location`` is an address of the portal. If the same form was committed by another request meanwhile,
    this one is undone and the first answer is given.
    """
    key = request.form.get(FIELD, "")
    if 0 < len(key) <= 64:
        keep_answer(key, location, message if kind == "good" else "")
    try:
        db.session.commit()
    except IntegrityError:
        db.session.rollback()
        first = replay()
        if first is None:
            raise
        return first
    if message:
        flash(message, kind)
    return redirect(location, 303)


def forget_old() -> int:
    """Delete answers older than thirty days; returns how many."""
    result = db.session.execute(delete(OnceKey).where(OnceKey.answered_at < clock.now() - KEPT_FOR))
    db.session.commit()
    return int(result.rowcount)  # type: ignore[attr-defined]


def init_app(app: Flask) -> None:
    """Answer replays before any view runs."""

    @app.before_request
    def answer_replays() -> BaseResponse | Response | None:
        return replay()
