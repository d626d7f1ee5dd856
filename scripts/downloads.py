"""Getting files from a package index or a registry: checked by hash, written whole or not at all."""

import base64
import hashlib
import hmac
import os
import ssl
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

from words import StopError, stop

ATTEMPTS = 3
SECONDS_TO_WAIT = 60


def get(address: str, headers: dict[str, str] | None = None) -> bytes:
    """The bytes at an address (https, http or file), tried three times; StopError with one line if it cannot be had.

    A proxy is taken from the usual variables, extra certificates from SSL_CERT_FILE or PIP_CERT,
    a name and password from the address itself.
    """
    address, authorization = _without_credentials(address)
    request = urllib.request.Request(address, headers={"User-Agent": "gongyu-setup", **(headers or {})})
    if authorization:
        request.add_header("Authorization", authorization)
    certificates = os.environ.get("SSL_CERT_FILE") or os.environ.get("PIP_CERT") or None
    context = ssl.create_default_context(
        cafile=certificates if certificates and Path(certificates).is_file() else None
    )
    reason = ""
    for attempt in range(ATTEMPTS):
        if attempt:
            time.sleep(attempt)
        try:
            with urllib.request.urlopen(request, timeout=SECONDS_TO_WAIT, context=context) as answer:
                body: bytes = answer.read()
                return body
        except urllib.error.HTTPError as error:
            reason = f"HTTP {error.code}"
            if error.code in (401, 403, 404, 410):
                break
        except (OSError, ValueError) as error:
            reason = str(getattr(error, "reason", error))
    raise stop(
        f"下载不到 {address}（{reason}），请检查网络后重试。",
        f"Cannot download {address} ({reason}); check the network and try again.",
    )


def _without_credentials(address: str) -> tuple[str, str]:
    parts = urllib.parse.urlsplit(address)
    if not parts.username:
        return address, ""
    name = urllib.parse.unquote(parts.username)
    password = urllib.parse.unquote(parts.password or "")
    bare = parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
    return bare, "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()


def sha256(content: bytes) -> str:
    """The SHA-256 of some bytes, in hexadecimal."""
    return hashlib.sha256(content).hexdigest()


def check_sha256(content: bytes, expected: str, what: str) -> None:
    """Raise StopError unless the bytes have the expected SHA-256 (hexadecimal)."""
    if not hmac.compare_digest(sha256(content), expected):
        raise _does_not_match(what)


def check_integrity(content: bytes, expected: str, what: str) -> None:
    """Raise StopError unless the bytes match an npm integrity string (`sha512-` and base64)."""
    algorithm, _, wanted = expected.partition("-")
    if algorithm != "sha512" or not hmac.compare_digest(integrity(content), f"sha512-{wanted}"):
        raise _does_not_match(what)


def integrity(content: bytes) -> str:
    """The npm integrity string of some bytes."""
    return "sha512-" + base64.b64encode(hashlib.sha512(content).digest()).decode()


def _does_not_match(what: str) -> StopError:
    return stop(
        f"{what} 的校验值与登记的不符，没有使用。请换一个软件源后重试。",
        f"{what} does not match the recorded hash and was not used; try another index.",
    )


def write_whole(path: Path, content: bytes, mode: int = 0o644) -> None:
    """Write a file so that it is there entirely or not at all; folders are made as needed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        Path(name).chmod(mode)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
