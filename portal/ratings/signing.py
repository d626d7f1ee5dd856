"""Signed records: a text with a signature of this portal, and paper that carries both.

A record is canonical JSON (one object, with its ``kind``). The signature (Ed25519, RFC 8032) is over its bytes; a second one
is over the fingerprints of paper and record, so that neither is changed or exchanged unnoticed. A PDF carries record and
signatures behind its end, as comments, and stays a PDF that every reader opens. The key comes from the key of the chain;
its public half is printed by ``flask rating public-key``, and ``scripts/verify_signed.py`` checks a file with nothing else.
"""

import base64
import binascii
import hashlib
import hmac
import re
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from portal.trail.hashing import chain_key

TAIL = re.compile(
    rb"\n%gongyu-record ([A-Za-z0-9+/=]+)\n%gongyu-signature ([0-9a-f]{128})\n%gongyu-paper ([0-9a-f]{128})\n"
    rb"startxref\n(\d+)\n%%EOF\n\Z"
)
"""What stands behind the end of a signed PDF: record, its signature, the signature of the paper with it; then once more
where the PDF's own table stands, for readers that look for it at the very end."""
START = re.compile(rb"startxref\s+(\d+)\s+%%EOF\s*\Z")


def signing_key() -> Ed25519PrivateKey:
    """The key that signs records, made from the key of the chain."""
    return Ed25519PrivateKey.from_private_bytes(hmac.digest(chain_key(), b"records", "sha256"))


def public_key() -> Ed25519PublicKey:
    """What anybody checks records with."""
    return signing_key().public_key()


def public_pem() -> str:
    """The public key as text (PEM), as other programs read it."""
    return public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def sign(content: str) -> bytes:
    """The signature of a record, 64 bytes, over its UTF-8 text."""
    return signing_key().sign(content.encode())


def is_genuine(content: str, signature: bytes, key: Ed25519PublicKey | None = None) -> bool:
    """Whether a record is word for word what this portal (or the holder of ``key``) signed."""
    return _fits(key or public_key(), signature, content.encode())


def _fits(key: Ed25519PublicKey, signature: bytes, signed: bytes) -> bool:
    try:
        key.verify(signature, signed)
    except InvalidSignature:
        return False
    return True


def _together(paper: bytes, content: bytes) -> bytes:
    return b"\n".join([b"paper", *(hashlib.sha256(one).hexdigest().encode() for one in (paper, content))])


def stamped(paper: bytes, content: str) -> bytes:
    """A PDF that carries a record and its signatures; ``paper`` is the PDF as it is read by people.

    Raises ValueError when it is not a whole PDF.
    """
    start = START.search(paper[-200:])
    if start is None:
        raise ValueError("this is not a whole PDF")
    record, key = content.encode(), signing_key()
    lines = (
        b"%gongyu-record " + base64.b64encode(record),
        b"%gongyu-signature " + key.sign(record).hex().encode(),
        b"%gongyu-paper " + key.sign(_together(paper, record)).hex().encode(),
        b"startxref\n" + start[1] + b"\n%%EOF\n",
    )
    return paper + b"\n" + b"\n".join(lines)


@dataclass(frozen=True)
class Stamped:
    """What a signed PDF holds: the paper as people read it, the record, both signatures."""

    paper: bytes
    content: str
    signature: bytes
    paper_signature: bytes

    def is_genuine(self, key: Ed25519PublicKey | None = None) -> bool:
        """Whether record and paper are both as they were signed, and belong together."""
        key = key or public_key()
        together = _together(self.paper, self.content.encode())
        return is_genuine(self.content, self.signature, key) and _fits(key, self.paper_signature, together)


def read(file: bytes) -> Stamped:
    """The parts of a signed PDF; ValueError when it carries no record or a broken one. Says nothing of who signed it."""
    found = TAIL.search(file)
    if found is None:
        raise ValueError("the file carries no signed record")
    try:
        content = base64.b64decode(found[1], validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        raise ValueError("the record in the file is broken") from None
    paper = file[: found.start()]
    start = START.search(paper[-200:])
    if start is None or start[1] != found[4]:
        raise ValueError("the end of the file is broken")
    return Stamped(paper, content, bytes.fromhex(found[2].decode()), bytes.fromhex(found[3].decode()))
