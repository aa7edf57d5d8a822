"""Authorities that sign certificates of devices, and of other authorities."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID


@dataclass(frozen=True)
class Certified:
    """A key and its certificate; ``chain`` are those above it, but for the first one of all."""

    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate
    chain: tuple[x509.Certificate, ...] = ()

    @property
    def pem(self) -> str:
        return self.certificate.public_bytes(Encoding.PEM).decode()

    def write(self, path: Path) -> Path:
        """Write key and certificates, as a client or server loads them."""
        shown = (self.certificate, *self.chain)
        path.write_bytes(
            self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
            + b"".join(each.public_bytes(Encoding.PEM) for each in shown)
        )
        return path

    def sign(self, name: str, *, is_authority: bool = False, days: int = 30) -> "Certified":
        """Return somebody whom this authority certified; of negative days, until then."""
        above = (self.certificate, *self.chain) if _is_signed(self.certificate) else ()
        return _make(name, self, above, is_authority=is_authority, days=days)


def make_authority(name: str = "Plant CA", *, days: int = 30) -> Certified:
    """Return an authority that nobody certified."""
    return _make(name, None, (), is_authority=True, days=days)


def _is_signed(certificate: x509.Certificate) -> bool:
    return certificate.issuer != certificate.subject


def _make(
    name: str,
    by: Certified | None,
    above: tuple[x509.Certificate, ...],
    *,
    is_authority: bool,
    days: int,
) -> Certified:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(by.certificate.subject if by else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=60))
        .not_valid_after(now + timedelta(days=days))
        .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )
    if name == "localhost":
        names = x509.SubjectAlternativeName([x509.DNSName(name)])
        builder = builder.add_extension(names, critical=False)
    if by is not None:
        issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(by.key.public_key())
        builder = builder.add_extension(issuer, critical=False)
    return Certified(key, builder.sign(by.key if by else key, hashes.SHA256()), above)
