"""Speaking with a provider: only hosts the operator allows, never after a redirect, never for long, never for much."""

import threading
from typing import Any
from urllib.parse import urlsplit

import requests
from authlib.common.errors import AuthlibBaseError
from authlib.integrations.requests_client import OAuth2Session
from flask import current_app

from portal import clock
from portal.signon.models import SignOnProvider

SECONDS = (3, 5)
LARGEST = 200_000
KEPT_SECONDS = 600
LEAST_SECONDS = 5
"""How soon keys may be fetched anew for a name that is not known: a forged token is no way to keep us fetching."""
NEEDED = ("authorization_endpoint", "token_endpoint", "jwks_uri")
LOOPBACK = ("127.0.0.1", "localhost")
_kept: dict[tuple[str, str], tuple[float, Any]] = {}
_lock = threading.Lock()


class Unreachable(Exception):
    """The provider does not answer, or not with what it should; says what, for the log."""


def is_allowed(url: str) -> bool:
    """Whether the portal may speak with this address: HTTPS (or this machine), a host the operator named, no user in it."""
    try:
        parts = urlsplit(url)
        host, _port = parts.hostname or "", parts.port
    except ValueError:
        return False
    if "@" in parts.netloc or "\\" in url or any(ord(sign) <= 32 for sign in url):
        return False
    if parts.scheme != "https" and not (parts.scheme == "http" and host in LOOPBACK):
        return False
    return parts.netloc.lower() in current_app.config["SIGN_ON_HOSTS"]


def _within_limits(answer: requests.Response, *_arguments: Any, **_named: Any) -> requests.Response:
    """Read at most so much of an answer, and none that leads elsewhere."""
    if 300 <= answer.status_code < 400:
        answer.close()
        raise Unreachable(f"redirects with {answer.status_code}")
    body = answer.raw.read(LARGEST + 1, decode_content=True)
    if len(body) > LARGEST:
        answer.close()
        raise Unreachable("answers without end")
    answer._content = body
    return answer


LIMITS: dict[str, Any] = {
    "timeout": SECONDS,
    "allow_redirects": False,
    "stream": True,
    "hooks": {"response": _within_limits},
}


def fetch(url: str) -> dict[str, Any]:
    """A JSON object from an allowed address. Raises ``Unreachable``."""
    if not is_allowed(url):
        raise Unreachable("this host is not allowed")
    try:
        answer = requests.get(url, headers={"Accept": "application/json"}, **LIMITS)
        answer.raise_for_status()
        found: Any = answer.json()
    except (requests.RequestException, ValueError, OSError) as error:
        raise Unreachable(type(error).__name__) from error
    if not isinstance(found, dict):
        raise Unreachable("answers with something else")
    return found


def _remembered(kind: str, url: str, *, newer_than: float = KEPT_SECONDS) -> dict[str, Any]:
    now = clock.now().timestamp()
    with _lock:
        kept = _kept.get((kind, url))
    if kept is not None and 0 <= now - kept[0] < newer_than:
        found: dict[str, Any] = kept[1]
        return found
    found = fetch(url)
    with _lock:
        _kept[(kind, url)] = (now, found)
    return found


def metadata(issuer: str) -> dict[str, Any]:
    """What the provider publishes about itself (OpenID Connect Discovery 1.0), kept for ten minutes. Raises ``Unreachable``.

    It must name itself exactly as the district did, and only addresses on allowed hosts.
    """
    found = _remembered("metadata", f"{issuer.rstrip('/')}/.well-known/openid-configuration")
    if found.get("issuer") != issuer:
        raise Unreachable("calls itself otherwise")
    for name in NEEDED:
        if not isinstance(found.get(name), str) or not is_allowed(found[name]):
            raise Unreachable(f"names no allowed {name}")
    return found


def keys(issuer: str, *, fresh: bool = False) -> list[dict[str, Any]]:
    """The provider's public signing keys; ``fresh``: fetched just now, because a key was not among them."""
    url = metadata(issuer)["jwks_uri"]
    found = _remembered("keys", url, newer_than=LEAST_SECONDS if fresh else KEPT_SECONDS).get("keys")
    if not isinstance(found, list):
        raise Unreachable("publishes no keys")
    return [key for key in found if isinstance(key, dict) and key.get("kty") in ("RSA", "EC", "OKP")]


def session_with(provider: SignOnProvider, redirect_uri: str) -> OAuth2Session:
    """Authlib's client for a provider: authorization code with PKCE (RFC 7636, S256)."""
    return OAuth2Session(
        provider.client_id,
        provider.client_secret or "",
        scope="openid profile" + (" phone" if provider.phone_claim else ""),
        redirect_uri=redirect_uri,
        code_challenge_method="S256",
        token_endpoint_auth_method=_client_authentication(provider),
    )


def _client_authentication(provider: SignOnProvider) -> str:
    """How the client shows its secret: in the header unless the provider takes it in the body only; none without one."""
    if not provider.client_secret:
        return "none"
    known = metadata(provider.issuer).get("token_endpoint_auth_methods_supported") or ["client_secret_basic"]
    return "client_secret_basic" if "client_secret_basic" in known else "client_secret_post"


class Refused(Exception):
    """The provider does not accept the code; says its word for it."""


def exchanged(provider: SignOnProvider, code: str, verifier: str, redirect_uri: str) -> dict[str, Any]:
    """The tokens for a code. Raises ``Refused`` when the provider says no, ``Unreachable`` when it says nothing."""
    client = session_with(provider, redirect_uri)
    try:
        found: Any = client.fetch_token(
            metadata(provider.issuer)["token_endpoint"],
            grant_type="authorization_code",
            code=code,
            code_verifier=verifier,
            **LIMITS,
        )
    except AuthlibBaseError as error:
        raise Refused(str(error.error)[:60]) from error
    except (requests.RequestException, ValueError, OSError) as error:
        raise Unreachable(type(error).__name__) from error
    finally:
        client.close()
    if not isinstance(found, dict) or not isinstance(found.get("id_token"), str):
        raise Refused("no ID token")
    return dict(found)
