"""The door to one's own data rights, and the rules that anyone may read."""

from portal import clock
from portal.access import Role, actor, public, signed_in
from portal.privacy import charge
from portal.privacy.policy import (
    AUDIT_WRITE,
    CONSENT_COUNT,
    ERASURE_LIST,
    EXPORT_LOG,
    EXPORT_OWN,
    READER_NAME,
    RETENTION_SEE,
)
from portal.privacy.purposes import PURPOSES
from portal.privacy.views.blueprint import bp
from portal.templating import render


@bp.get("/")
@signed_in
def index() -> str:
    """What one can see and decide about one's own data."""
    role = actor().role
    return render(
        "privacy/index.html",
        is_family=role == Role.GUARDIAN,
        sees_consents=CONSENT_COUNT.admits(role),
        answers_families=READER_NAME.admits(role),
        decides_requests=ERASURE_LIST.admits(role),
        sees_periods=RETENTION_SEE.admits(role),
        inspects_exports=EXPORT_LOG.admits(role),
        exports_data=EXPORT_OWN.admits(role),
        writes_audit=AUDIT_WRITE.admits(role),
    )


@bp.get("/rules")
@public
def rules() -> str:
    """How children's data are dealt with, in plain words."""
    return render("privacy/rules.html", purposes=PURPOSES, in_charge=charge.known(clock.today()))
