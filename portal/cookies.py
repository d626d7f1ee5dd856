"""Cookies beside the session's: never for scripts, never sent along from other sites, over HTTPS with a prefix that keeps
other hosts and plain pages from setting them (RFC 6265bis)."""

from flask import current_app, request
from werkzeug.wrappers import Response


def are_not_read() -> bool:
    """Whether the view of this request is nameless (``portal/access.py``): it reads no cookie, and sets none."""
    return getattr(current_app.view_functions.get(request.endpoint or ""), "nameless", False)


def full_name(name: str, path: str = "/") -> str:
    """The name a browser knows the cookie by: over HTTPS `__Host-…`, for a part of the portal `__Secure-…`."""
    if not current_app.config["SESSION_COOKIE_SECURE"]:
        return name
    return f"__Host-{name}" if path == "/" else f"__Secure-{name}"


def kept(name: str, path: str = "/") -> str:
    """What this browser keeps under the name; empty when nothing."""
    return request.cookies.get(full_name(name, path), "")


def keep(answer: Response, name: str, value: str, seconds: int | None = None, path: str = "/") -> None:
    """Let the browser keep a value: for so many seconds, or until it is closed."""
    answer.set_cookie(
        full_name(name, path),
        value,
        max_age=seconds,
        path=path,
        httponly=True,
        samesite="Lax",
        secure=bool(current_app.config["SESSION_COOKIE_SECURE"]),
    )


def drop(answer: Response, name: str) -> None:
    """Let the browser forget a value."""
    secure = bool(current_app.config["SESSION_COOKIE_SECURE"])
    answer.delete_cookie(full_name(name), httponly=True, samesite="Lax", secure=secure)
