"""Checking an ID token (OpenID Connect Core 1.0, 3.1.3.7) with Authlib and joserfc."""

from typing import Any

from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import InvalidKeyIdError, JoseError
from joserfc.jwk import KeySet
from joserfc.jws import JWSRegistry

from portal import clock
from portal.signon import asking
from portal.signon.models import SignOnProvider

ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"]
"""Signatures by a private key only: neither "none", nor those by a shared secret, for which a public key might be taken."""
LEEWAY = 60
LONGEST = 20_000


class Untrue(Exception):
    """A token that must not be believed; says why in one word, for the log."""


def checked(provider: SignOnProvider, tokens: dict[str, Any], nonce: str) -> dict[str, Any]:
    """The claims of a true ID token for this client and this sign-in. Raises ``Untrue`` or ``asking.Unreachable``.

    Keys are fetched anew once when the token names one that is not known (the provider has changed its keys). Clocks may
    differ by a minute.
    """
    raw = tokens["id_token"]
    if len(raw) > LONGEST:
        raise Untrue("too long")
    try:
        try:
            token = _decoded(provider, raw, fresh=False)
        except (InvalidKeyIdError, ValueError):
            token = _decoded(provider, raw, fresh=True)
        params = {"nonce": nonce, "client_id": provider.client_id}
        if isinstance(tokens.get("access_token"), str):
            params["access_token"] = tokens["access_token"]
        claims = CodeIDToken(
            token.claims,
            token.header,
            {
                "iss": {"essential": True, "value": provider.issuer},
                "aud": {"essential": True, "value": provider.client_id},
                "nonce": {"essential": True, "value": nonce},
            },
            params,
        )
        claims.validate(now=int(clock.now().timestamp()), leeway=LEEWAY)
    except (JoseError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise Untrue(type(error).__name__) from error
    except Exception as error:
        if type(error).__module__.startswith(("authlib", "joserfc")):
            raise Untrue(type(error).__name__) from error
        raise
    return dict(claims)


def _decoded(provider: SignOnProvider, raw: str, *, fresh: bool) -> Any:
    keys = KeySet.import_key_set({"keys": asking.keys(provider.issuer, fresh=fresh)})
    return jwt.decode(raw, keys, registry=JWSRegistry(algorithms=ALGORITHMS, strict_check_header=False))


def is_second(provider: SignOnProvider, claims: dict[str, Any]) -> bool:
    """Whether the answer says that two factors were used, in words the district has said it trusts."""
    if not provider.trusts_second:
        return False
    amr = claims.get("amr")
    words = [claims.get("acr"), *(amr if isinstance(amr, list) else [])]
    return any(isinstance(word, str) and word in provider.second_words for word in words)
