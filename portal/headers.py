"""Headers of every answer: what a browser may load, keep and tell others."""

from flask import Flask, Response

from portal import policy_reports
from portal.page import nonce

POLICY = (
    "default-src 'none'; script-src 'self' 'nonce-{nonce}'; style-src 'self'; img-src 'self' data:{files}; font-src 'none'; "
    "connect-src 'self'; manifest-src 'self'; worker-src 'self'; form-action 'self'{answers}; base-uri 'none'; "
    "frame-ancestors 'none'; report-uri {reports}"
)
HTTPS_ONLY = {"Strict-Transport-Security": "max-age=31536000; includeSubDomains"}


def of_transport(app: Flask) -> dict[str, str]:
    """What every answer says about the way it travels; nothing where the operator has not set HTTPS."""
    return HTTPS_ONLY if app.config["SESSION_COOKIE_SECURE"] else {}


def init_app(app: Flask) -> None:
    """Set them after each request."""

    origin = app.config["FILES_ORIGIN"]
    files = f" {origin}" if origin else ""
    transport = of_transport(app)

    @app.after_request
    def set_headers(answer: Response) -> Response:
        headers, answers = answer.headers, app.config["SURVEY_ORIGIN"]
        headers.setdefault(
            "Content-Security-Policy",
            POLICY.format(
                nonce=nonce(),
                files=files,
                answers=f" {answers}" if answers else "",
                reports=policy_reports.PATH,
            ),
        )
        headers.setdefault("X-Content-Type-Options", "nosniff")
        headers.setdefault("Referrer-Policy", "same-origin")
        headers.setdefault("Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=()")
        headers.setdefault("Cross-Origin-Opener-Policy", "same-origin")
        headers.setdefault("Cross-Origin-Resource-Policy", "same-origin")
        headers.setdefault("X-Frame-Options", "DENY")
        headers.setdefault("Cache-Control", "no-store")
        for name, value in transport.items():
            headers.setdefault(name, value)
        return answer
