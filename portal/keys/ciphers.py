"""The two ciphers: AES-256-GCM, and SM4-GCM (GB/T 32907, RFC 8998) for those who must use the national one."""

import hmac
from collections.abc import Callable
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

AES_256_GCM = 1
SM4_GCM = 2
CIPHERS = {"aes-256-gcm": AES_256_GCM, "sm4-gcm": SM4_GCM}
KEY_BYTES = {AES_256_GCM: 32, SM4_GCM: 16}
NONCE_BYTES = 12
TAG_BYTES = 16


def derived(secret: bytes, purpose: bytes, length: int) -> bytes:
    """A key for one purpose out of a random secret: one block of HKDF-Expand with SHA-256 (RFC 5869), 32 bytes at most."""
    return hmac.digest(secret, purpose + b"\x01", "sha256")[:length]


def aes_lock(key: AESGCM, nonce: bytes, text: bytes, place: bytes) -> bytes:
    """``text`` under AES-256-GCM, followed by its 16-byte tag."""
    return key.encrypt(nonce, text, place)


def aes_unlock(key: AESGCM, nonce: bytes, locked: bytes, place: bytes) -> bytes:
    """Undo ``aes_lock``; InvalidTag when anything differs."""
    return key.decrypt(nonce, locked, place)


def sm4_lock(key: bytes, nonce: bytes, text: bytes, place: bytes) -> bytes:
    """``text`` under SM4-GCM, followed by its 16-byte tag."""
    turn = Cipher(algorithms.SM4(key), modes.GCM(nonce)).encryptor()
    turn.authenticate_additional_data(place)
    return turn.update(text) + turn.finalize() + turn.tag


def sm4_unlock(key: bytes, nonce: bytes, locked: bytes, place: bytes) -> bytes:
    """Undo ``sm4_lock``; InvalidTag when anything differs."""
    if len(locked) < TAG_BYTES:
        raise InvalidTag
    turn = Cipher(algorithms.SM4(key), modes.GCM(nonce, locked[-TAG_BYTES:])).decryptor()
    turn.authenticate_additional_data(place)
    return turn.update(locked[:-TAG_BYTES]) + turn.finalize()


LOCKS: dict[int, tuple[Callable[..., bytes], Callable[..., bytes]]] = {
    AES_256_GCM: (aes_lock, aes_unlock),
    SM4_GCM: (sm4_lock, sm4_unlock),
}


def ready(algorithm: int, secret: bytes) -> Any:
    """The key of one algorithm, made from a 32-byte secret, in the form its functions take."""
    key = derived(secret, f"gongyu {algorithm}".encode(), KEY_BYTES[algorithm])
    return AESGCM(key) if algorithm == AES_256_GCM else key
