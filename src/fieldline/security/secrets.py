"""The root key, and secrets encrypted under it.

The root key is ``SECRET_KEY`` or a generated file of mode 0600 in the data folder: never in the
database that holds what it encrypts. From it come one key to encrypt (AES-256-GCM) and one to hash
look-up ids (HMAC-SHA-256), so that a credential is found by an index and never stored in clear.
"""

import base64
import hashlib
import hmac
import os
import secrets as _secrets
import tempfile
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from fieldline.kit.errors import FieldlineError

_NONCE_BYTES = 12
_PREFIX = "v1:"
_KEY_BYTES = 48
_LEAST_CHARACTERS = 32
"""Of a key in the file, which may have been put there by hand."""
ROOT_KEY_FILE = "secret.key"


class WrongRootKey(FieldlineError):
    """A stored secret was encrypted under another root key."""


class Vault:
    """Encrypts secrets for storage and hashes look-up ids, under one root key."""

    def __init__(self, root_key: str) -> None:
        material = root_key.encode()
        self._aead = AESGCM(_derive(material, b"fieldline encryption"))
        self._lookup_key = _derive(material, b"fieldline lookup")

    def encrypt(self, text: str) -> str:
        """Encrypt text; the same text gives another result each time."""
        nonce = os.urandom(_NONCE_BYTES)
        sealed = self._aead.encrypt(nonce, text.encode(), None)
        return _PREFIX + base64.urlsafe_b64encode(nonce + sealed).decode()

    def decrypt(self, stored: str) -> str:
        """Return the text of :meth:`encrypt`.

        Raises:
            WrongRootKey: it was made under another key, or was changed.
        """
        raw = base64.urlsafe_b64decode(stored.removeprefix(_PREFIX))
        try:
            return self._aead.decrypt(raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], None).decode()
        except InvalidTag as error:
            msg = (
                "A stored secret cannot be decrypted: SECRET_KEY (or the file secret.key in the "
                "data folder) is not the one that this database was created with"
            )
            raise WrongRootKey(msg) from error

    def lookup_hash(self, text: str) -> bytes:
        """Return the keyed hash (32 bytes) by which a secret text is found."""
        return hmac.digest(self._lookup_key, text.encode(), "sha256")


def load_or_create_root_key(data_dir: Path) -> str:
    """Return the root key of the data folder; the first call makes one, readable by its owner.

    The file appears with the whole key in it or not at all, whenever the process is killed.

    Raises:
        WrongRootKey: the file holds less than a key.
    """
    path = data_dir / ROOT_KEY_FILE
    if not path.exists():
        _write_new_key(path)
    key = path.read_text().strip()
    if len(key) < _LEAST_CHARACTERS:
        msg = f"{path} does not hold a whole key: restore it, it decrypts what the database holds"
        raise WrongRootKey(msg)
    return key


def _write_new_key(path: Path) -> None:
    """Make the file; one that another process makes meanwhile stays."""
    descriptor, name = tempfile.mkstemp(prefix=path.name, dir=path.parent)  # mode 0600
    new = Path(name)
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(_secrets.token_urlsafe(_KEY_BYTES) + "\n")
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(new, path)
        except FileExistsError:
            pass
        except OSError:  # a file system without hard links
            new.rename(path)
    finally:
        new.unlink(missing_ok=True)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _derive(material: bytes, purpose: bytes) -> bytes:
    return HKDF(hashes.SHA256(), length=32, salt=None, info=purpose).derive(material)


def sha3_hex(text: str) -> str:
    """Return SHA3-256 of UTF-8 text as lower-case hex, as ThingsBoard's credentials ids use it."""
    return hashlib.sha3_256(text.encode()).hexdigest()
