"""A real OpenID provider (idpyoidc) on loopback, in a process of its own, that can be told to misbehave.

``POST /control`` with JSON sets who signs in, what the provider says of them, and which lie it tells.
"""

import base64
import hashlib
import hmac
import json
import sys
import time
import warnings
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptojwt.jws.jws import JWS
from cryptojwt.key_jar import init_key_jar
from idpyoidc.server import Server
from idpyoidc.server.configure import OPConfiguration

CLIENT, SECRET = "gongyu", "a long secret of the client, 48 letters at least."
SECRETS = [{"type": "OCT", "use": ["enc"], "kid": "password"}, {"type": "OCT", "use": ["enc"], "kid": "salt"}]
KEYS = [{"type": "RSA", "use": ["sig"]}, {"type": "EC", "crv": "P-256", "use": ["sig"]}]


def configuration(issuer: str) -> dict[str, Any]:
    """The provider: code flow with PKCE, RS256, everybody let in as the person that control named."""
    endpoint = "idpyoidc.server.oidc"
    return {
        "issuer": issuer,
        "httpc_params": {"verify": False, "timeout": 2},
        "preference": {
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "scopes_supported": ["openid", "profile", "phone"],
            "claims_supported": ["sub", "phone_number", "phone_number_verified", "preferred_username"],
            "id_token_signing_alg_values_supported": ["RS256", "ES256"],
        },
        "key_conf": {"key_defs": KEYS},
        "token_handler_args": {
            "code": {"lifetime": 120, "kwargs": {"crypt_conf": {"kwargs": {"keys": {"key_defs": SECRETS}}}}},
            "token": {"class": "idpyoidc.server.token.jwt_token.JWTToken", "kwargs": {"lifetime": 600}},
            "id_token": {"class": "idpyoidc.server.token.id_token.IDToken", "kwargs": {"base_claims": {
                "phone_number": None, "phone_number_verified": None, "preferred_username": None}}},
        },
        "endpoint": {
            "provider_config": {
                "path": ".well-known/openid-configuration",
                "class": f"{endpoint}.provider_config.ProviderConfiguration",
                "kwargs": {"client_authn_method": None},
            },
            "authorization": {
                "path": "authorization",
                "class": f"{endpoint}.authorization.Authorization",
                "kwargs": {"client_authn_method": None, "response_types_supported": ["code"]},
            },
            "token": {
                "path": "token",
                "class": f"{endpoint}.token.Token",
                "kwargs": {"client_authn_method": ["client_secret_basic", "client_secret_post"]},
            },
            "session": {"path": "session", "class": f"{endpoint}.session.Session", "kwargs": {}},
        },
        "add_ons": {
            "pkce": {
                "function": "idpyoidc.server.oauth2.add_on.pkce.add_support",
                "kwargs": {"essential": True, "code_challenge_methods": {"S256": "S256"}},
            }
        },
        "authentication": {
            "anon": {
                "acr": "urn:test:password",
                "class": "idpyoidc.server.user_authn.user.NoAuthn",
                "kwargs": {"user": "nobody"},
            }
        },
        "userinfo": {"class": "idpyoidc.server.user_info.UserInfo", "kwargs": {"db": {}}},
        "template_dir": "templates",
        "claims_interface": {"class": "idpyoidc.server.session.claims.ClaimsInterface", "kwargs": {}},
        "session_params": {
            "sub_func": {"public": {"class": "idpyoidc.server.session.manager.RawID"}},
            "encrypter": {"kwargs": {"keys": {"key_defs": SECRETS}}},
        },
    }  # fmt: skip


class Provider:
    """The idpyoidc server and what control has told it."""

    def __init__(self, issuer: str) -> None:
        warnings.simplefilter("ignore")
        self.issuer = issuer
        self.server = Server(OPConfiguration(configuration(issuer)))
        self.context = self.server.context
        self.told: dict[str, Any] = {}
        self.asked: list[str] = []

    def register(self, redirect_uri: str) -> None:
        """Know the portal as a client."""
        self.context.cdb[CLIENT] = {
            "client_id": CLIENT,
            "client_secret": SECRET,
            "redirect_uris": [(redirect_uri, {})],
            "client_salt": "salted",
            "token_endpoint_auth_method": "client_secret_basic",
            "response_types_supported": ["code"],
            "allowed_scopes": ["openid", "profile", "phone"],
            "id_token_signed_response_alg": "RS256",
        }
        self.context.keyjar.add_symmetric(CLIENT, SECRET)

    def rotate(self) -> None:
        """New signing keys under new names; the old ones are gone."""
        fresh = init_key_jar(key_defs=KEYS, issuer_id=self.issuer)
        for owner in ("", self.issuer):
            self.context.keyjar.set(owner, fresh.return_issuer(self.issuer))


class Handler(BaseHTTPRequestHandler):
    """The HTTP side of a provider."""

    provider: Provider

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        self.provider.asked.append(parts.path)
        if not self.misbehaves(parts.path):
            self.behave(parts.path, {name: values[0] for name, values in parse_qs(parts.query).items()})

    def misbehaves(self, path: str) -> bool:
        """Whether it was told to do something else at this address, and did it."""
        told = self.provider.told
        if told.get("slow") == path:
            time.sleep(float(told.get("seconds", 8)))
        if told.get("down") == path:
            self.answer(503, b"down")
        elif told.get("moved") == path:
            self.answer(307, b"", Location=told["elsewhere"])
        elif told.get("huge") == path:
            self.answer(200, b" " * 5_000_000)
        elif told.get("garbled") == path:
            self.answer(200, b"<html>")
        else:
            return False
        return True

    def behave(self, path: str, query: dict[str, str]) -> None:
        if path == "/.well-known/openid-configuration":
            self.json(metadata(self.provider))
        elif path == "/jwks":
            self.json(self.provider.context.keyjar.export_jwks(issuer_id=self.provider.issuer))
        elif path == "/authorization":
            self.authorize(query)
        elif path == "/asked":
            self.json(self.provider.asked)
        else:
            self.answer(404, b"")

    def authorize(self, query: dict[str, str]) -> None:
        endpoint = self.provider.server.get_endpoint("authorization")
        if self.provider.told.get("error"):
            back = f"{query['redirect_uri']}?error={self.provider.told['error']}&state={query['state']}"
            return self.answer(302, b"", Location=back)
        self.provider.context.authn_broker["anon"]["method"].user = self.provider.told.get("user", "nobody")
        self.provider.context.userinfo.db = {
            self.provider.told.get("user", "nobody"): self.provider.told.get("claims", {})
        }
        parsed = endpoint.parse_request(query)
        if "error" in parsed:
            return self.json(parsed.to_dict(), 400)
        made = endpoint.process_request(parsed)
        if "error" in made:
            return self.json({"error": str(made)}, 400)
        answer = endpoint.do_response(request=parsed, **made)
        return self.answer(302, b"", Location=answer["response"])

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        path = urlsplit(self.path).path
        self.provider.asked.append(path)
        if path == "/control":
            self.control(json.loads(body))
        elif not self.misbehaves(path):
            if path == "/token":
                self.exchange(body)
            else:
                self.answer(404, b"")

    def control(self, told: dict[str, Any]) -> None:
        if told.pop("rotate", False):
            self.provider.rotate()
        if "redirect_uri" in told:
            self.provider.register(told.pop("redirect_uri"))
        self.provider.told = told
        self.json({})

    def exchange(self, body: bytes) -> None:
        endpoint = self.provider.server.get_endpoint("token")
        query = {name: values[0] for name, values in parse_qs(body.decode()).items()}
        parsed = endpoint.parse_request(
            query, http_info={"headers": {"authorization": self.headers.get("Authorization", "")}}
        )
        if "error" in parsed:
            return self.json(parsed.to_dict(), 400)
        made = endpoint.process_request(parsed)
        if "error" in made:
            return self.json({"error": made["error"]}, 400)
        answer = made["response_args"]
        answer = answer.to_dict() if hasattr(answer, "to_dict") else dict(answer)
        answer["id_token"] = lied(self.provider, answer["id_token"])
        return self.json({name: value for name, value in answer.items() if value is not None})

    def json(self, value: Any, status: int = 200) -> None:
        self.answer(status, json.dumps(value, default=str).encode(), **{"Content-Type": "application/json"})

    def answer(self, status: int, body: bytes, **headers: str) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *_arguments: Any) -> None:
        """Quiet."""


def metadata(provider: Provider) -> dict[str, Any]:
    """What the provider publishes about itself, with the lies told to tell."""
    endpoint = provider.server.get_endpoint("provider_config")
    found = dict(endpoint.process_request()["response_args"])
    found["jwks_uri"] = f"{provider.issuer}/jwks"
    found["end_session_endpoint"] = f"{provider.issuer}/session"
    return {**found, **provider.told.get("metadata", {})}


def part(value: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


def lied(provider: Provider, token: str) -> str:
    """The ID token as issued, or with claims changed and signed again, or signed in a way nobody may accept."""
    _head, payload, _signature = token.split(".")
    claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    claims.update(provider.told.get("changed", {}))
    for name in provider.told.get("left_out", ()):
        claims.pop(name, None)
    way = provider.told.get("signed", "")
    keys = provider.context.keyjar.get_signing_key("RSA", "")
    if way == "none":
        return f"{part({'alg': 'none'})}.{part(claims)}."
    if way == "public key as secret":
        jwk = json.dumps(keys[0].serialize(), sort_keys=True).encode()
        pem = keys[0].public_key().public_bytes(*_pem())
        signed = f"{part({'alg': 'HS256', 'kid': keys[0].kid})}.{part(claims)}"
        secret = {"pem": pem, "jwk": jwk}[provider.told.get("secret", "pem")]
        return (
            signed
            + "."
            + base64.urlsafe_b64encode(hmac.new(secret, signed.encode(), hashlib.sha256).digest())
            .decode()
            .rstrip("=")
        )
    if way == "client secret":
        signed = f"{part({'alg': 'HS256'})}.{part(claims)}"
        return (
            signed
            + "."
            + base64.urlsafe_b64encode(hmac.new(SECRET.encode(), signed.encode(), hashlib.sha256).digest())
            .decode()
            .rstrip("=")
        )
    if way == "broken":
        return token[:-8] + "AAAAAAAA"
    if way == "other key":
        keys = init_key_jar(key_defs=KEYS[:1]).get_signing_key("RSA", "")
        keys[0].kid = provider.context.keyjar.get_signing_key("RSA", "")[0].kid
    if provider.told.get("changed") or provider.told.get("left_out") or way == "other key":
        return str(JWS(json.dumps(claims), alg="RS256").sign_compact(keys[:1]))
    return token


def _pem() -> tuple[Any, Any]:
    return Encoding.PEM, PublicFormat.SubjectPublicKeyInfo


def main() -> None:
    server = ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler)
    provider = Provider(f"http://127.0.0.1:{server.server_port}")
    Handler.provider = provider
    server.RequestHandlerClass = Handler
    sys.stdout.write(f"{provider.issuer}\n")
    sys.stdout.flush()
    server.serve_forever()


if __name__ == "__main__":
    main()
