"""The one address from which files are served."""

import unicodedata
from typing import Any
from urllib.parse import quote, urlsplit

from flask import Blueprint, Response, abort, current_app, redirect, request, url_for
from itsdangerous import BadData, URLSafeSerializer
from sqlalchemy import select
from werkzeug.wrappers import Response as BaseResponse

from portal import clock
from portal.access import Role, actor, find, public, requires
from portal.accounts import stepping
from portal.database import writing
from portal.errors import RuleBroken
from portal.extensions import db
from portal.files.chunks import ChunkBroken
from portal.files.models import File, Kind
from portal.files.owners import FILE_READ, OWNERS, pupil_of
from portal.files.storage import ObjectMissing, StorageDown
from portal.files.storing import open_file
from portal.i18n import gettext as _
from portal.trail.models import append, draft
from portal.trail.reads import READ, Category, opened

bp = Blueprint("files", __name__, url_prefix="/files")
LINK_SECONDS = 60
POLICY = "sandbox; default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
SENSITIVE: dict[str, Category] = {"F3": "F3", "F4": "F4", "F4S": "F4S"}
"""Classes whose files no browser keeps and whose every reading is an entry of the trail."""


@bp.get("/<public_id>")
@requires(FILE_READ)
def show(public_id: str) -> BaseResponse:
    """A file, to whom its owner row is open. Its name stands in the answer, in no address: addresses lie in logs of proxies."""
    file = find(FILE_READ, public_id)
    file.must_be_served()
    if OWNERS[file.owner_kind].needs_proof and not stepping.is_fresh():
        return current_app.make_response(stepping.ask())
    if current_app.config["FILES_ORIGIN"]:
        return redirect(current_app.config["FILES_ORIGIN"] + url_for("files.signed", token=_token(file)), 303)
    if file.holds in SENSITIVE and request.method == "GET":
        opened(SENSITIVE[file.holds], file, pupil_id=pupil_of(file))
    return answer(file)


@bp.get("/signed/<token>")
@public
def signed(token: str) -> BaseResponse:
    """A file on its own origin, by a link that the portal signed a moment ago for somebody who may see it."""
    origin = current_app.config["FILES_ORIGIN"]
    if not origin or request.host != urlsplit(origin).netloc:
        abort(404)
    try:
        public_id, until, person_id, role = _signer().loads(token)
    except (BadData, ValueError, TypeError):
        abort(404)
    if clock.now().timestamp() > until:
        abort(410)
    file = db.session.scalar(select(File).where(File.public_id == public_id))
    if file is None:
        abort(404)
    file.must_be_served()
    made = answer(file)
    if file.holds in SENSITIVE and request.method == "GET" and role != Role.GUARDIAN:
        log_reading(file, person_id, role)
    return made


def log_reading(file: File, person_id: int, role: str) -> None:
    """Write down who is shown a sensitive file, before it goes out; nobody is signed in on the origin of files."""
    pupil_id, category = pupil_of(file), SENSITIVE[file.holds]
    entry = draft(READ, file, person_id=person_id, role=role, pupil_id=pupil_id, category=category, facts={})
    db.session.rollback()
    with writing() as connection:
        append(connection, [entry])


def _signer() -> URLSafeSerializer:
    return URLSafeSerializer(current_app.config["SECRET_KEY"], salt="files")


def _token(file: File) -> str:
    until = int(clock.now().timestamp()) + LINK_SECONDS
    return str(_signer().dumps((file.public_id, until, actor().person_id, actor().role)))


def answer(file: File) -> Response:
    """The file or the part that was asked for, with the headers that keep it from being anything but a file."""
    etag = f'"{file.sha256[:32]}"'
    if file.holds not in SENSITIVE and request.if_none_match.contains_raw(etag):
        return _with_headers(Response(status=304), file, etag)
    span = _span(file, etag)
    if span is None:
        refused = Response(status=416)
        refused.headers["Content-Range"] = f"bytes */{file.size}"
        return _with_headers(refused, file, etag)
    start, stop = span
    body = b"" if request.method == "HEAD" else _body(file, start, stop)
    made = Response(body, mimetype=None, content_type=file.media_type)
    made.headers["Content-Length"] = str(stop - start)
    if stop - start < file.size:
        made.status_code = 206
        made.headers["Content-Range"] = f"bytes {start}-{stop - 1}/{file.size}"
    return _with_headers(made, file, etag)


def _span(file: File, etag: str) -> tuple[int, int] | None:
    """The bytes asked for; the whole file when several parts or parts of another version are; None beyond its end."""
    asked = request.range
    if asked is None or asked.units != "bytes" or len(asked.ranges) != 1:
        return 0, file.size
    if "If-Range" in request.headers and request.headers["If-Range"] != etag:
        return 0, file.size
    return asked.range_for_length(file.size)


def _body(file: File, start: int, stop: int) -> bytes:
    try:
        return open_file(file, start, stop)
    except StorageDown as error:
        current_app.logger.error("files: %s", error)
        raise RuleBroken(_("Files cannot be read at the moment. Try again in a few minutes."), 503) from None
    except (ObjectMissing, ChunkBroken) as error:
        current_app.logger.error("files: %s: %s", file.public_id, error)
        raise RuleBroken(_("This file cannot be read. Tell the school office, please."), 503) from None


def _with_headers(made: Response, file: File, etag: str) -> Response:
    headers: dict[str, Any] = {
        "Content-Security-Policy": POLICY,
        "Content-Disposition": disposition(file.name, file.kind == Kind.IMAGE),
        "Accept-Ranges": "bytes",
        "ETag": etag,
        "Cache-Control": "no-store" if file.holds in SENSITIVE else "private, no-cache",
        "Cross-Origin-Resource-Policy": "same-site" if current_app.config["FILES_ORIGIN"] else "same-origin",
    }
    for name, value in headers.items():
        made.headers[name] = value
    return made


def disposition(name: str, inline: bool) -> str:
    """Content-Disposition with the name for old and for present browsers (RFC 6266, RFC 8187)."""
    stem, dot, suffix = name.rpartition(".")
    letters = unicodedata.normalize("NFKD", stem).encode("ascii", "ignore").decode()
    plain = "".join(letter if letter.isalnum() or letter in " -_." else "_" for letter in letters).strip(" .")
    kind = "inline" if inline else "attachment"
    return f"{kind}; filename=\"{plain or 'file'}{dot}{suffix}\"; filename*=UTF-8''{quote(name, safe='')}"
