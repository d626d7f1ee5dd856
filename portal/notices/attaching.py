"""Files of a notice: added to a draft or with a correction; what a former text had stays with it."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sqlalchemy import delete, func, select

from portal.access import Actor
from portal.errors import RuleBroken
from portal.extensions import db
from portal.files.intake import Taken
from portal.files.models import File
from portal.files.owners import Owner, owned
from portal.files.storing import keep, let_go
from portal.i18n import gettext as _
from portal.i18n import ngettext
from portal.notices.models import Notice, NoticeFile
from portal.notices.policy import NOTICE_READ, NOTICE_REPORT

MOST = 5
SLOT = "attachment"
owned(Owner("notice", Notice, (NOTICE_READ, NOTICE_REPORT)))


@dataclass(frozen=True)
class Changes:
    """What a correction does to the files of a notice: which come, and which (public ids) go with the former text."""

    added: Sequence[Taken] = ()
    dropped: Collection[str] = ()


NO_CHANGES = Changes()


class Attachments:
    """The files a notice has now, and those of its former texts."""

    def __init__(self, pairs: Sequence[tuple[NoticeFile, File]]) -> None:
        self._pairs = pairs
        self.now = [file for link, file in pairs if link.until_revision is None]

    def at(self, revision: int) -> list[File]:
        """The files it had at a revision of its text."""
        return [file for link, file in self._pairs if link.holds_at(revision)]

    def gone(self, revision: int) -> list[File]:
        """Files of a former text that the present text no longer has."""
        kept = {file.id for file in self.now}
        return [file for file in self.at(revision) if file.id not in kept]


def attachments(notice: Notice) -> Attachments:
    """All files of a notice, by one statement."""
    wanted = (
        select(NoticeFile, File)
        .join(File, File.id == NoticeFile.file_id)
        .where(NoticeFile.notice_id == notice.id)
        .order_by(NoticeFile.position, File.id)
    )
    return Attachments([(link, file) for link, file in db.session.execute(wanted)])


def too_many(there: int) -> str:
    """What to say about more files than a family can look through."""
    return ngettext(
        "A notice has at most %(most)s files; there is %(num)s already.",
        "A notice has at most %(most)s files; there are %(num)s already.",
        there,
        most=MOST,
    )


def _hold(notice: Notice) -> Attachments:
    """The files of a notice that nobody else changes until the transaction ends."""
    db.session.execute(select(Notice.id).where(Notice.id == notice.id).with_for_update())
    return attachments(notice)


def attach(notice: Notice, actor: Actor, taken: Sequence[Taken]) -> int:
    """Add files to a notice; how many are new to it. Raises RuleBroken beyond five."""
    present = _hold(notice)
    there = {file.id for file in present.now}
    kept = {file.id: file for file in (keep(one, notice, actor, slot=SLOT) for one in taken)}
    new = [file for key, file in kept.items() if key not in there]
    if len(there) + len(new) > MOST:
        raise RuleBroken(too_many(len(there)))
    wanted = select(func.max(NoticeFile.position)).where(NoticeFile.notice_id == notice.id)
    last = db.session.scalar(wanted) or 0
    for place, file in enumerate(new, last + 1):
        db.session.add(
            NoticeFile(notice_id=notice.id, file_id=file.id, from_revision=notice.revision, position=place)
        )
    db.session.flush()
    return len(new)


def detach(notice: Notice, actor: Actor, public_id: str) -> None:
    """Take a file out of a draft: nobody but its authors has seen it, so it is deleted."""
    notice.must_be_draft()
    file = next((file for file in _hold(notice).now if file.public_id == public_id), None)
    if file is None:
        raise RuleBroken(_("This file is not there any more."))
    db.session.execute(delete(NoticeFile).where(NoticeFile.file_id == file.id))
    let_go([file], actor)


def change(notice: Notice, actor: Actor, changes: Changes) -> None:
    """Take files out of a published notice and add others, from its present revision on. Raises RuleBroken beyond five.

    What is taken out stays with the former text.
    """
    if not changes.added and not changes.dropped:
        return
    wanted = (
        select(NoticeFile)
        .join(File, File.id == NoticeFile.file_id)
        .where(
            NoticeFile.notice_id == notice.id,
            NoticeFile.until_revision.is_(None),
            File.public_id.in_(changes.dropped),
        )
    )
    for link in db.session.scalars(wanted):
        link.until_revision = notice.revision
    db.session.flush()
    attach(notice, actor, changes.added)


def let_all_go(notice: Notice, actor: Actor) -> None:
    """Delete the files of a draft that is discarded."""
    let_go(attachments(notice).now, actor)
