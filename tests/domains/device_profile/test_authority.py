"""Profiles whose devices make themselves known by certificates."""

import hashlib
import ssl
from base64 import b64encode
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from fieldline.domains.device_profile import authority
from tests.api.support import Platform, created
from tests.app.authorities import Certified, make_authority
from tests.app.test_chains import body_of
from tests.domains.device.certificates import make_certificate

CA = make_authority()
P_256 = bytes.fromhex("06082a8648ce3d030107")
"""The curve's name in a certificate."""


def altered(authority: Certified, old: bytes, new: bytes) -> str:
    """Return a certificate whose parts can be read only as far as nobody looks at them."""
    der = authority.certificate.public_bytes(Encoding.DER)
    assert old in der
    return ssl.DER_cert_to_PEM_cert(der.replace(old, new))


async def refusal(platform: Platform, body: dict[str, Any]) -> str:
    answer = await (await platform.tenant()).admin.post("/api/deviceProfile", json=body)
    assert answer.status_code == 400, answer.text
    message: str = answer.json()["message"]
    return message


async def test_the_key_is_the_hash_of_the_certificate(platform: Platform) -> None:
    admin = (await platform.tenant()).admin
    body = {**body_of(CA), "provisionDeviceKey": "of no use"}
    del body["profileData"]["provisionConfiguration"]["certificateRegExPattern"]

    made = await created(admin, "/api/deviceProfile", body)
    again = await created(admin, "/api/deviceProfile", {**made, "description": "x"})

    sha3 = hashlib.sha3_256(b64encode(ssl.PEM_cert_to_DER_cert(CA.pem))).hexdigest()
    provision = made["profileData"]["provisionConfiguration"]
    assert made["provisionDeviceKey"] == again["provisionDeviceKey"] == sha3
    assert provision["provisionDeviceSecret"] == CA.pem
    assert provision["certificateRegExPattern"] == "(.*)"
    assert provision["allowCreateNewDevicesByX509Certificate"] is True


@pytest.mark.parametrize(
    ("secret", "reason"),
    [
        (None, "must be the authority's certificate, in PEM form"),
        ("secret", "is not a certificate in PEM form"),
        (make_certificate("a device"), "may not sign others"),
        (CA.sign("a device").pem, "may not sign others"),
        (CA.pem + make_authority().pem, "must be one certificate"),
        (make_authority(days=-1).pem, "has expired on"),
        (altered(CA, b"Plant CA", b"\xff\xfeant CA"), "is not a certificate in PEM form"),
        (altered(CA, P_256, P_256[:-1] + b"\x7f"), "is not a certificate in PEM form"),
    ],
)
async def test_what_is_no_authority_is_refused(
    platform: Platform, secret: str | None, reason: str
) -> None:
    message = await refusal(platform, body_of(CA, provisionDeviceSecret=secret))

    assert reason in message


async def test_well_known_authorities_are_refused(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = frozenset({ssl.PEM_cert_to_DER_cert(CA.pem)})
    monkeypatch.setattr(authority, "_well_known", lambda: known)

    assert "well-known authority" in await refusal(platform, body_of(CA))


@pytest.mark.parametrize(
    ("pattern", "reason"),
    [
        ("(a+)+$", "could take too long"),
        ("(", "is not a regular expression"),
        (".*", "must have a group that is the device's name"),
        (7, "must be a text"),
    ],
)
async def test_patterns_that_are_refused(platform: Platform, pattern: Any, reason: str) -> None:
    assert reason in await refusal(platform, body_of(CA, certificateRegExPattern=pattern))


async def test_an_authority_belongs_to_one_profile(platform: Platform) -> None:
    admin = (await platform.tenant()).admin
    await created(admin, "/api/deviceProfile", body_of(CA))

    for client in (admin, (await platform.tenant()).admin):
        again = await client.post("/api/deviceProfile", json=body_of(CA, "another"))

        assert again.status_code == 400
        assert "has this authority's certificate already" in again.json()["message"]


async def test_a_tenant_may_have_an_old_and_a_new_authority_of_one_name(
    platform: Platform,
) -> None:
    admin = (await platform.tenant()).admin
    await created(admin, "/api/deviceProfile", body_of(CA))

    await created(admin, "/api/deviceProfile", body_of(make_authority(), "new"))
