"""The authority of a profile whose devices make themselves known by a certificate that it signed.

Source: ``provisioning_ota_claim.md`` section 1.5. The certificate stands where other profiles have
their secret, and its hash is the profile's provision key.
"""

import base64
import ssl
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any
from uuid import UUID

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding

from fieldline.domains.profile.errors import InvalidProfile
from fieldline.kit.errors import Invalid
from fieldline.kit.tame_pattern import tame_pattern
from fieldline.security.secrets import sha3_hex

PATTERN = "certificateRegExPattern"
ALLOW_CREATE = "allowCreateNewDevicesByX509Certificate"
DEFAULT_PATTERN = "(.*)"
MAX_PEM = 65_536


@dataclass(frozen=True, slots=True)
class Authority:
    """The certificate of an authority, and the profile that trusts it.

    ``key`` is found in a chain by ``authority_key``; ``der`` is the certificate.
    """

    profile_id: UUID
    tenant_id: UUID
    key: str
    der: bytes


def authority_key(der: bytes) -> str:
    """Return what a profile is found by: SHA3-256 of the base64 text without breaks."""
    return sha3_hex(base64.b64encode(der).decode())


def check_authority(pem: str | None) -> x509.Certificate:
    """Read the certificate of an authority.

    Raises:
        InvalidProfile: it is none, or one that others trust already.
    """
    if not pem or len(pem) > MAX_PEM:
        msg = "'provisionDeviceSecret' must be the authority's certificate, in PEM form"
        raise InvalidProfile(msg)
    try:
        certificates = x509.load_pem_x509_certificates(pem.encode())
        found = certificates[0]
        constraints = _extension(found, x509.BasicConstraints)
        usage = _extension(found, x509.KeyUsage)
        # Read only when they are looked at: others look, when they save theirs.
        _ = found.subject, found.issuer, found.public_key()
    except (ValueError, UnsupportedAlgorithm, x509.DuplicateExtension) as error:
        msg = f"'provisionDeviceSecret' is not a certificate in PEM form: {error}"
        raise InvalidProfile(msg) from error
    if len(certificates) > 1:
        msg = "'provisionDeviceSecret' must be one certificate: that of the devices' authority"
        raise InvalidProfile(msg)
    if constraints is None or not constraints.ca or (usage is not None and not usage.key_cert_sign):
        msg = (
            "'provisionDeviceSecret' must be the certificate of an authority (basicConstraints "
            "CA:TRUE, and keyCertSign where it has keyUsage); this one may not sign others"
        )
        raise InvalidProfile(msg)
    if found.not_valid_after_utc <= datetime.now(UTC):
        msg = f"The authority's certificate has expired on {found.not_valid_after_utc:%Y-%m-%d}"
        raise InvalidProfile(msg)
    if found.public_bytes(Encoding.DER) in _well_known():
        msg = (
            "The certificate is that of a well-known authority, which signs for everybody; use "
            "that of an authority which signs for these devices only"
        )
        raise InvalidProfile(msg)
    return found


def check_apart(own: x509.Certificate, other: x509.Certificate) -> None:
    """Refuse an authority that comes too near to one of another tenant.

    TLS finds an authority by its name: one of the same name could keep the other's devices out.
    Of an authority and the one that certified it the nearer one to a device counts: whoever has it
    would get the devices of whoever has the other.

    Raises:
        InvalidProfile: it does.
    """
    if own.subject == other.subject:
        msg = "An authority with this subject is there already; give yours another name"
        raise InvalidProfile(msg)
    if _is_issued_by(own, other) or _is_issued_by(other, own):
        msg = (
            "Another tenant has the authority that certified this one, or that this one certified; "
            "devices must have an authority that is yours alone"
        )
        raise InvalidProfile(msg)


def _is_issued_by(certificate: x509.Certificate, authority: x509.Certificate) -> bool:
    try:
        if certificate.issuer != authority.subject:
            return False
        certificate.verify_directly_issued_by(authority)
    except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
        return False
    return True


def check_chain_configuration(given: dict[str, Any]) -> dict[str, Any]:
    """Return what a profile says of names and new devices, completed.

    Raises:
        InvalidProfile: the pattern has no group, is none, or could take too long.
    """
    text = given.get(PATTERN) or DEFAULT_PATTERN
    allows = given.get(ALLOW_CREATE) or False
    if not isinstance(text, str) or not isinstance(allows, bool):
        msg = f"'{PATTERN}' must be a text, '{ALLOW_CREATE}' true or false"
        raise InvalidProfile(msg)
    try:
        pattern = tame_pattern(text)
    except Invalid as error:
        raise InvalidProfile(f"'{PATTERN}': {error.message}") from error
    if pattern.groups < 1:
        msg = f"'{PATTERN}' must have a group that is the device's name, as in '(.*)\\.example'"
        raise InvalidProfile(msg)
    return {**given, PATTERN: text, ALLOW_CREATE: allows}


def _extension(certificate: x509.Certificate, kind: type[Any]) -> Any:  # noqa: ANN401
    try:
        return certificate.extensions.get_extension_for_class(kind).value
    except x509.ExtensionNotFound:
        return None


@lru_cache(1)
def _well_known() -> frozenset[bytes]:
    """Return the authorities that this machine trusts."""
    return frozenset(ssl.create_default_context().get_ca_certs(binary_form=True))
