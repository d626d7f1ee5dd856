"""Blind signatures (RFC 9474, RSABSSA-SHA384-PSS-Randomized): the portal signs a household's pass without ever seeing it.

The browser makes a random message and blinds it with a random number that never leaves it. The portal, which knows the household,
signs what it is given; the browser takes the blinding away and holds a pass with an ordinary RSA-PSS signature. Whoever hands the
pass in belongs to the school, and that is all it tells: for every household that was signed for there is a blinding that would have
led to this pass, each as likely as the other. So even with every key and every row nobody joins the two (SECURITY 5.6, tier 2).

Each school of a questionnaire has a key of its own, since a pass says nothing but under which key it was signed; there is none for
a class, and so no figures of classes. The other half stands in ``static/js/modules/blind.js``.
"""

import base64
import binascii
import secrets
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA384

BITS, EXPONENT = 2_048, 65_537
SALT = 48
MESSAGE = 64
"""Bytes of a message as it is signed: 32 random ones of the RFC's preparation, 32 random ones that are the pass."""
_SCHEME = padding.PSS(padding.MGF1(SHA384()), SALT)


class NotBlinded(ValueError):
    """What came to be signed is no number below the modulus."""


@dataclass(frozen=True)
class Pass:
    """What a household hands in: the school in the questionnaire it is for, a random message, the signature under its key."""

    school: str
    message: bytes
    signature: bytes


def encoded(data: bytes) -> str:
    """Bytes as they stand in pages and passes: base64 for addresses, without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def decoded(text: str) -> bytes:
    """The bytes again; ValueError when it is no such text."""
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), b"-_", validate=True)
    except binascii.Error as error:
        raise ValueError(str(error)) from None


def new_key() -> tuple[str, str]:
    """A fresh key: the private one as PEM, its modulus as text."""
    key = rsa.generate_private_key(EXPONENT, BITS)
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return pem.decode(), encoded(key.public_key().public_numbers().n.to_bytes(BITS // 8))


def signed(pem: str, blinded: bytes) -> bytes:
    """The signature over a blinded message (BlindSign of the RFC); NotBlinded when it is none.

    The exponentiation is covered by a random number of its own, so that its time tells nothing of the key, and its result is
    checked, so that a fault of the machine gives none away.
    """
    key = serialization.load_pem_private_key(pem.encode(), None, unsafe_skip_rsa_key_validation=True)
    assert isinstance(key, rsa.RSAPrivateKey)
    numbers = key.private_numbers()
    public = numbers.public_numbers
    value, size = int.from_bytes(blinded), key.key_size // 8
    if len(blinded) != size or not 0 < value < public.n:
        raise NotBlinded
    cover = secrets.randbelow(public.n - 2) + 2
    covered = pow(value * pow(cover, public.e, public.n) % public.n, numbers.d, public.n)
    signature = covered * pow(cover, -1, public.n) % public.n
    if pow(signature, public.e, public.n) != value:
        raise ArithmeticError("the signature does not fit")
    return signature.to_bytes(size)


def is_over(modulus: str, signature: bytes, blinded: bytes) -> bool:
    """Whether a signature was made over this blinded message."""
    n = int.from_bytes(decoded(modulus))
    return pow(int.from_bytes(signature), EXPONENT, n) == int.from_bytes(blinded)


def holds(modulus: str, handed_in: Pass) -> bool:
    """Whether the signature of a pass is that of the key with this modulus."""
    key = rsa.RSAPublicNumbers(EXPONENT, int.from_bytes(decoded(modulus))).public_key()
    try:
        key.verify(handed_in.signature, handed_in.message, _SCHEME, SHA384())
    except InvalidSignature:
        return False
    return True


def read(typed: str | None) -> Pass | None:
    """What was handed in as a pass; None when it cannot be one."""
    parts = (typed or "").split(".")
    if len(parts) != 3 or len(typed or "") > 4 * BITS // 8:
        return None
    try:
        message, signature = decoded(parts[1]), decoded(parts[2])
    except ValueError:
        return None
    return Pass(parts[0], message, signature) if len(message) == MESSAGE else None
