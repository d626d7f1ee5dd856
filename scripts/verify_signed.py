"""Check a signed document of the portal without the portal: ``python scripts/verify_signed.py FILE KEY.pem``.

Needs Python and the package ``cryptography`` only. KEY.pem is the public key that the district hands out. Prints what the
record says and exits 0; exits 1 when file or record are not word for word what was signed, 2 when there is nothing to check.
"""

import base64
import hashlib
import json
import re
import sys
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

TAIL = re.compile(
    rb"\n%gongyu-record ([A-Za-z0-9+/=]+)\n%gongyu-signature ([0-9a-f]{128})\n%gongyu-paper ([0-9a-f]{128})\n"
    rb"startxref\n(\d+)\n%%EOF\n\Z"
)


def main(file: str, key_file: str) -> int:
    """Check one file with one key."""
    data, key = Path(file).read_bytes(), load_pem_public_key(Path(key_file).read_bytes())
    assert isinstance(key, Ed25519PublicKey), "KEY.pem is not an Ed25519 key"
    found = TAIL.search(data)
    if found is None or not data[: found.start()].rstrip().endswith(b"startxref\n" + found[4] + b"\n%%EOF"):
        print("文件中没有可以核对的签名记录，可能已被改动。")
        return 2
    try:
        record = base64.b64decode(found[1], validate=True)
        prints = [hashlib.sha256(part).hexdigest().encode() for part in (data[: found.start()], record)]
        key.verify(bytes.fromhex(found[2].decode()), record)
        key.verify(bytes.fromhex(found[3].decode()), b"\n".join([b"paper", *prints]))
        said = json.loads(record)
    except (InvalidSignature, ValueError):
        print("签名不符：文件在签发之后被改动过，或不是由这把密钥签发的。")
        return 1
    print("签名属实，文件与签发时完全一致。")
    print(json.dumps(said, ensure_ascii=False, indent=2))
    return 0


if __name__ == "__main__":
    if len(sys.argv) != 3:
        print(__doc__)
        sys.exit(2)
    sys.exit(main(sys.argv[1], sys.argv[2]))
