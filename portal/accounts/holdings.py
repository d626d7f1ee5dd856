"""What accounts hold about people."""

from typing import Any

from portal.accounts.codes import CodeRequest
from portal.accounts.models import (
    Appointment,
    Authenticator,
    AuthSession,
    HalfSession,
    KnownDevice,
    Passkey,
    Person,
    RecoveryCode,
)
from portal.holdings import Act, Subject, held
from portal.i18n import lazy_gettext as _l
from portal.once import OnceKey


def _asked_for(subject: Subject) -> Any:
    return CodeRequest.recipient_index.in_(subject.indexes)


held(Person, Act.EMPTY, person="id", why=_l("An empty shell, so that the log still holds."))
held(Appointment, Act.KEEP, why=_l("Who held which office when, without a name; the log needs it."))
for _owned in (AuthSession, HalfSession, KnownDevice, Authenticator, RecoveryCode, Passkey, OnceKey):
    held(_owned, Act.ERASE, person="person_id")
held(CodeRequest, Act.ERASE, person=("person_id", _asked_for))
