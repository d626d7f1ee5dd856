"""The first way in for people who were appointed and have never signed in: a slip on paper, or the same by message.

Who may end somebody's every appointment may give them a slip. Parents join with the class teacher's slip instead, since
an account that opens a child needs the class teacher's word. For heads and for offices that need a second person, the one
who appointed does not hand out the slip as well.
"""

from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import ColumnElement, Select, and_, exists, or_, select

from portal import clock, documents, i18n
from portal.access import Actor, Role
from portal.accounts import passwords
from portal.accounts.models import Appointment, KnownDevice, Passkey, Person
from portal.deliveries.kinds import Kind
from portal.deliveries.models import Delivery
from portal.deliveries.sending import send
from portal.errors import RuleBroken
from portal.extensions import db
from portal.i18n import gettext as _
from portal.i18n import lazy_gettext as _l
from portal.joining import codes, opening
from portal.joining.asking import new_account_name
from portal.joining.printing import printable
from portal.schools.models import Guardianship
from portal.staffing.appointing import NEEDS_SECOND
from portal.staffing.models import AccessSlip
from portal.staffing.policy import APPOINTMENT_END, in_force_or_coming
from portal.trail.models import note

LASTS = timedelta(hours=72)
KEPT_FOR = timedelta(hours=1)
MOST = 40
"""Slips made at once; each costs one password hash."""
FIRST_ACCESS = Kind(
    "account.first_access",
    subject=_l("Your first sign-in"),
    text=_l(
        "First sign-in: number %(number)s, code %(code)s, good once within three days. Enter both on the sign-in page under first sign-in, then choose a password. Tell them to nobody."
    ),
    takes=("number", "code"),
    secret=("code",),
    lasts=LASTS,
    capped=True,
    path="/first-access",
)


def never_in() -> ColumnElement[bool]:
    """People without password and passkey who have never signed in anywhere."""
    return and_(
        Person.password_hash.is_(None),
        ~exists().where(Passkey.person_id == Person.id),
        ~exists().where(KnownDevice.person_id == Person.id),
    )


def newcomers(actor: Actor) -> Select[Person]:
    """People whose every appointment the actor may end, who have never signed in and are nobody's guardian."""
    ends = select(Appointment.id).where(APPOINTMENT_END.within(actor))
    held = select(Appointment.person_id).where(in_force_or_coming(actor))
    vouched = or_(Appointment.appointed_by_id.is_distinct_from(actor.person_id), ~_needs_another())
    return select(Person).where(
        Person.id.in_(held.where(Appointment.id.in_(ends))),
        Person.id.not_in(held.where(or_(Appointment.id.not_in(ends), ~vouched))),
        Person.id != actor.person_id,
        ~exists().where(
            Guardianship.person_id == Person.id,
            or_(Guardianship.ended_on.is_(None), Guardianship.ended_on > actor.on),
        ),
        never_in(),
    )


def _needs_another() -> ColumnElement[bool]:
    """Offices whose slip comes from somebody else than the appointment: heads, and those that take two people."""
    return and_(Appointment.role.in_((*sorted(NEEDS_SECOND), Role.PRINCIPAL)), Appointment.title == "")


def slips_of(people: Sequence[Person]) -> dict[int, AccessSlip]:
    """Person id → the slip that is still open."""
    found = db.session.scalars(
        select(AccessSlip).where(
            AccessSlip.person_id.in_([person.id for person in people]),
            AccessSlip.used_at.is_(None),
            AccessSlip.expires_at > clock.now(),
        )
    )
    return {slip.person_id: slip for slip in found}


def make(actor: Actor, people: Sequence[Person], *, by_message: bool) -> list[AccessSlip]:
    """A fresh slip for each person, in the current transaction; an earlier one stops working.

    By message the code goes to the person's own number and is kept nowhere. RuleBroken when there are too many, or when
    one of them has no number to send it to.
    """
    if not people or len(people) > MOST:
        raise RuleBroken(_("Choose between one and %(most)s people.", most=MOST), 422)
    if by_message and (unreached := [person.name for person in people if not (person.phone or person.email)]):
        raise RuleBroken(
            _("There is no number for %(names)s. Print the slip.", names=i18n.listing(unreached)), 422
        )
    now = clock.now()
    fresh = [(person, codes.new_number(), codes.new_code()) for person in people]
    hashes = [passwords.hashed(code) for _person, _number, code in fresh]
    earlier = {
        slip.person_id: slip
        for slip in db.session.scalars(
            select(AccessSlip).where(AccessSlip.person_id.in_([person.id for person in people]))
        )
    }
    made = []
    for (person, number, code), code_hash in zip(fresh, hashes, strict=True):
        slip = earlier.get(person.id) or AccessSlip(person_id=person.id)
        db.session.add(slip)
        if person.phone is None and person.account_name is None:
            person.account_name = new_account_name()
        slip.number, slip.code_hash, slip.tries, slip.used_at = number, code_hash, 0, None
        slip.made_by_id, slip.made_at, slip.expires_at = actor.person_id, now, now + LASTS
        slip.code, slip.code_kept_until = None if by_message else code, now + KEPT_FOR
        db.session.flush()
        if by_message:
            _send(person, number, code)
        note(
            "access.slip_made",
            slip,
            person_id=actor.person_id,
            role=actor.role,
            subject_id=person.id,
            by="message" if by_message else "paper",
        )
        made.append(slip)
    return made


def account_of(person: Person) -> str:
    """What the person signs in with from then on."""
    return person.account_name or _("your mobile number")


def _send(person: Person, number: str, code: str) -> Delivery:
    values = {"number": codes.shown(number), "code": codes.shown(code)}
    return send(person, FIRST_ACCESS.name, values, key=number)


def kept(actor: Actor) -> Select[AccessSlip]:
    """The slips that the actor made within the hour and can still print."""
    return select(AccessSlip).where(
        AccessSlip.made_by_id == actor.person_id,
        AccessSlip.code_sealed.is_not(None),
        AccessSlip.used_at.is_(None),
        AccessSlip.code_kept_until > clock.now(),
    )


def paper(slips: Sequence[AccessSlip], address: str) -> bytes:
    """The slips as PDF, one to a page of A5, with the address of the page that takes them."""
    words = {
        "title": _("Your first sign-in"),
        "number": _("Slip number"),
        "code": _("First-access code"),
        "steps": [
            _("Open %(address)s", address=address),
            _("Enter the slip number and the first-access code."),
            _("Choose a password."),
        ],
        "keep": _("Whoever holds this sheet can open the account. Tear it up afterwards."),
    }
    sheets = [
        {
            "for": _("For %(name)s", name=printable(slip.person.name)),
            "account": _("From then on you sign in with: %(account)s", account=account_of(slip.person)),
            "until": _("Good once, until %(when)s", when=i18n.moment(slip.expires_at)),
            "shown_number": codes.shown(slip.number),
            "shown_code": codes.shown(slip.code or ""),
        }
        for slip in slips
    ]
    return documents.pdf("first_access", {**words, "sheets": sheets})


def take(number: str, code: str) -> Person | None:
    """Whom this number and code let in for the first time; the slip is used up in the current transaction. Else None.

    Commits the try. Nobody is let in who has signed in meanwhile, or whose appointments are all over.
    """
    slip = opening.taken(AccessSlip, number, code)
    if slip is None:
        return None
    today = clock.today()
    holds = exists().where(
        Appointment.person_id == Person.id,
        or_(Appointment.ended_on.is_(None), Appointment.ended_on > today),
    )
    person = db.session.scalar(select(Person).where(Person.id == slip.person_id, never_in(), holds))
    note(
        "access.slip_used",
        slip,
        person_id=slip.person_id,
        subject_id=slip.person_id,
        let_in=person is not None,
    )
    return person


def forget_codes() -> None:
    """Codes kept for printing go after an hour, slips a month after their time. Commits."""
    now = clock.now()
    for slip in db.session.scalars(
        select(AccessSlip).where(AccessSlip.code_sealed.is_not(None), AccessSlip.code_kept_until <= now)
    ):
        slip.code = None
    for slip in db.session.scalars(
        select(AccessSlip).where(AccessSlip.expires_at < now - timedelta(days=30))
    ):
        db.session.delete(slip)
    db.session.commit()
