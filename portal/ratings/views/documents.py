"""The signed record of a decision: its paper for the school and the district, and the public page its QR code leads to."""

import io

from flask import Response, send_file

from portal.access import find, public, requires
from portal.ratings import records, signing
from portal.ratings.policy import DECISION_READ
from portal.ratings.views.blueprint import bp
from portal.ratings.views.stars import latest_entry
from portal.templating import render


@bp.get("/ratings/entries/<public_id>/decision.pdf")
@requires(DECISION_READ)
def decision_pdf(public_id: str) -> Response:
    """The newest signed record as PDF; a school has it from the day the round is published."""
    kept = records.records_of(find(DECISION_READ, public_id).id)
    paper = io.BytesIO(records.paper(kept[-1]))
    return send_file(paper, mimetype="application/pdf", download_name=f"decision-{kept[-1].number}.pdf")


@bp.get("/stars/<public_id>/records")
@public
def school_records(public_id: str) -> str:
    """The fingerprints of the signed records of a school's newest published result, to compare a paper with."""
    entry = latest_entry(public_id)
    return render(
        "ratings/school_records.html",
        entry=entry,
        records=[
            (one, str(records.ACTS.get(one.act, "")), records.is_untouched(one))
            for one in records.records_of(entry.id)
        ],
    )


@bp.get("/stars/key.pem")
@public
def signing_key() -> Response:
    """The public key that signed documents are checked with."""
    return Response(signing.public_pem(), mimetype="application/x-pem-file")
