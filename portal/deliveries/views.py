"""Messages from the portal, so that everybody can check whether one that arrived is real."""

from flask import Blueprint
from flask_login import current_user
from sqlalchemy import select

from portal.access import signed_in
from portal.deliveries.kinds import KINDS
from portal.deliveries.models import CHANNEL_NAMES, STATE_NAMES, Delivery, masked
from portal.paging import page_of
from portal.templating import render

bp = Blueprint("deliveries", __name__, url_prefix="/messages")


@bp.get("/")
@signed_in
def index() -> str:
    """What the portal sent me in the last thirty days: when, on which way, to which number, about what."""
    mine = select(Delivery).where(Delivery.person_id == current_user.person_id)
    return render(
        "deliveries/index.html",
        listing=page_of(mine, [(Delivery.id, True)]),
        kinds=KINDS,
        states=STATE_NAMES,
        channels=CHANNEL_NAMES,
        masked=masked,
    )
