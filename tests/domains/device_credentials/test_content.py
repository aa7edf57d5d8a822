"""What credentials must be, and the id that follows from them."""

import base64

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import given
from hypothesis import strategies as st

from fieldline.domains.device_credentials.content import (
    Content,
    certificate_body,
    check_content,
    generate_token,
)
from fieldline.domains.device_credentials.errors import InvalidCredentials
from fieldline.kit.json import dumps_text, loads
from fieldline.security.secrets import sha3_hex
from tests.domains.device.certificates import make_certificate

PSK = {"securityConfigClientMode": "PSK", "endpoint": "urn:1", "identity": "id", "key": "aB" * 16}


def mqtt_basic(**value: object) -> Content:
    return check_content("MQTT_BASIC", "ignored", dumps_text(value))


def lwm2m(**client: object) -> Content:
    return check_content("LWM2M_CREDENTIALS", None, dumps_text({"client": client}))


def test_a_generated_token_has_twenty_letters_and_digits() -> None:
    tokens = {generate_token() for _ in range(100)}

    assert len(tokens) == 100
    assert all(len(token) == 20 and token.isalnum() and token.isascii() for token in tokens)


def test_an_access_token_has_no_value() -> None:
    content = check_content("ACCESS_TOKEN", "token", "something")

    assert (content.credentials_id, content.credentials_value) == ("token", None)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"userName": "u"}, "u"),
        ({"userName": "u", "password": "p"}, "u"),
        ({"clientId": "c"}, sha3_hex("c")),
        ({"clientId": "c", "userName": "u"}, sha3_hex("c|u")),
        ({"clientId": "c", "userName": "", "password": None}, sha3_hex("c")),
    ],
)
def test_the_id_of_mqtt_basic_follows_from_its_parts(
    given: dict[str, object], expected: str
) -> None:
    content = mqtt_basic(**given)

    assert content.credentials_id == expected
    assert loads(content.credentials_value or "") == {
        "clientId": given.get("clientId") or None,
        "userName": given.get("userName") or None,
        "password": given.get("password") or None,
    }


@given(st.text(), st.text(), st.text())
def test_mqtt_basic_takes_any_text_or_says_why_not(client: str, user: str, password: str) -> None:
    try:
        content = mqtt_basic(clientId=client, userName=user, password=password)
    except InvalidCredentials:
        return

    assert (content.client_id, content.user_name, content.password) == (client, user, password)


@pytest.mark.parametrize("line_break", ["\n", "\r\n", "", " "])
def test_a_certificate_is_known_by_its_body_however_it_is_broken(line_break: str) -> None:
    pem = make_certificate("sensor")
    der = x509.load_pem_x509_certificate(pem.encode()).public_bytes(Encoding.DER)
    body = base64.b64encode(der).decode()

    content = check_content("X509_CERTIFICATE", None, pem.replace("\n", line_break))

    assert content.credentials_value == certificate_body(pem) == body
    assert content.credentials_id == sha3_hex(body)


def test_the_id_of_lwm2m_follows_from_its_mode() -> None:
    certificate = make_certificate("sensor")

    open_ = lwm2m(securityConfigClientMode="NO_SEC", endpoint="urn:1")
    key = lwm2m(securityConfigClientMode="RPK", endpoint="urn:1", key="x")
    psk = lwm2m(**PSK)
    x509_ = lwm2m(securityConfigClientMode="X509", endpoint="urn:1", cert=certificate)
    trusted = lwm2m(securityConfigClientMode="X509", endpoint="urn:1")

    assert open_.credentials_id == key.credentials_id == trusted.credentials_id == "urn:1"
    assert psk.credentials_id == "id"
    assert x509_.credentials_id == sha3_hex(certificate_body(certificate))


@pytest.mark.parametrize(
    "client",
    [
        {**PSK, "identity": ""},
        {**PSK, "key": "abc"},
        {**PSK, "key": "xy" * 16},
        {**PSK, "endpoint": " "},
        {**PSK, "securityConfigClientMode": "ROT13"},
        {"securityConfigClientMode": "X509", "endpoint": "urn:1", "cert": "nonsense"},
    ],
)
def test_bad_lwm2m_clients_are_refused(client: dict[str, object]) -> None:
    with pytest.raises(InvalidCredentials):
        lwm2m(**client)


@pytest.mark.parametrize("token", ["", "  ", "x" * 5_000, "a\nb", "a\x7fb", "assets"])
def test_bad_access_tokens_are_refused(token: str) -> None:
    with pytest.raises(InvalidCredentials):
        check_content("ACCESS_TOKEN", token, None)


def test_a_value_has_a_limit() -> None:
    with pytest.raises(InvalidCredentials):
        mqtt_basic(userName="u", password="p" * 70_000)
