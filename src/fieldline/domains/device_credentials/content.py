"""What the content of each kind of credentials must be, and the id that follows from it.

The ids are ThingsBoard's: SHA3-256 in lower-case hex.
"""

import base64
import binascii
import re
import secrets
import string
from dataclasses import dataclass
from typing import Any

from cryptography import x509

from fieldline.domains.device_credentials.errors import InvalidCredentials
from fieldline.domains.device_credentials.kinds import CredentialsType
from fieldline.kit.json import dumps_text, loads
from fieldline.security.secrets import sha3_hex

TOKEN_CHARS = 20
"""Length of a generated access token, as ThingsBoard's."""
MAX_ID_CHARS = 4_096
MAX_VALUE_CHARS = 65_536
_ALPHABET = string.ascii_letters + string.digits
_PSK_KEY_CHARS = (32, 64, 128)
_PEM_FRAME = re.compile(r"-----(BEGIN|END) CERTIFICATE-----|\s+")

RESERVED_TOKENS = frozenset(
    {
        "alarms",
        "assetProfiles",
        "assets",
        "auditLogs",
        "auth",
        "customers",
        "dashboards",
        "deviceProfiles",
        "devices",
        "edges",
        "entityViews",
        "gateways",
        "provision",
        "relations",
        "ruleChains",
        "telemetry",
        "tenantProfiles",
        "tenants",
        "usage",
        "users",
    }
)
"""Words that ``/api/v1/<word>/...`` and MQTT's provisioning already mean something by."""


@dataclass(frozen=True, slots=True)
class Content:
    """Checked credentials in clear, with what a login with MQTT_BASIC is compared to."""

    type: CredentialsType
    credentials_id: str
    credentials_value: str | None = None
    client_id: str = ""
    user_name: str = ""
    password: str = ""


def generate_token() -> str:
    """Make an access token that nobody can guess."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(TOKEN_CHARS))


def check_content(kind: str | None, credentials_id: str | None, value: str | None) -> Content:
    """Check given credentials and work out their id.

    Raises:
        InvalidCredentials: they are not what this kind needs.
    """
    if kind is None:
        raise InvalidCredentials("Device credentials type should be specified!")
    try:
        read = _READERS[CredentialsType(kind)]
    except ValueError as error:
        known = ", ".join(CredentialsType)
        msg = f"'{kind[:64]}' is not a type of device credentials; one of {known} is"
        raise InvalidCredentials(msg) from error
    if value is not None and len(value) > MAX_VALUE_CHARS:
        msg = f"Device credentials value may have {MAX_VALUE_CHARS} characters at the most"
        raise InvalidCredentials(msg)
    content = read(credentials_id, value)
    _check_id(content.credentials_id)
    return content


def mqtt_basic_id(client_id: str | None, user_name: str | None) -> str:
    """Return the credentials id that MQTT_BASIC of this client id and user name has."""
    if not client_id:
        return user_name or ""
    return sha3_hex(f"{client_id}|{user_name}") if user_name else sha3_hex(client_id)


def certificate_body(pem: str) -> str:
    """Return the base64 text of a PEM certificate without header, footer and line breaks."""
    return _PEM_FRAME.sub("", pem)


def _check_id(credentials_id: str) -> None:
    if not credentials_id.strip():
        raise InvalidCredentials("Device credentials id should be specified!")
    if len(credentials_id) > MAX_ID_CHARS:
        msg = f"Device credentials id may have {MAX_ID_CHARS} characters at the most"
        raise InvalidCredentials(msg)
    if any(ord(char) < 32 or ord(char) == 127 for char in credentials_id):
        raise InvalidCredentials("Device credentials id must not contain control characters")


def _access_token(credentials_id: str | None, _value: str | None) -> Content:
    token = credentials_id or ""
    if token in RESERVED_TOKENS:
        msg = f"'{token}' cannot be an access token: it is a word of the API's paths; take another"
        raise InvalidCredentials(msg)
    return Content(CredentialsType.ACCESS_TOKEN, token)


def _certificate(_credentials_id: str | None, value: str | None) -> Content:
    body = certificate_body(value or "")
    if not body:
        raise InvalidCredentials("Device credentials value must be the certificate in PEM form")
    _check_certificate(body)
    return Content(CredentialsType.X509_CERTIFICATE, sha3_hex(body), body)


def _check_certificate(body: str) -> None:
    try:
        x509.load_der_x509_certificate(base64.b64decode(body, validate=True))
    except (binascii.Error, ValueError) as error:
        msg = "Device credentials value is not an X.509 certificate in PEM form"
        raise InvalidCredentials(msg) from error


def _mqtt_basic(_credentials_id: str | None, value: str | None) -> Content:
    given = _object(value)
    client_id = _text(given, "clientId")
    user_name = _text(given, "userName")
    password = _text(given, "password")
    if not client_id and not user_name:
        raise InvalidCredentials("Both mqtt client id and user name are empty!")
    if password and not user_name:
        raise InvalidCredentials("Password cannot be specified along with client id")
    stored = {
        "clientId": client_id or None,
        "userName": user_name or None,
        "password": password or None,
    }
    return Content(
        CredentialsType.MQTT_BASIC,
        mqtt_basic_id(client_id, user_name),
        dumps_text(stored),
        client_id,
        user_name,
        password,
    )


def _lwm2m(_credentials_id: str | None, value: str | None) -> Content:
    given = _object(value)
    client = given.get("client")
    if not isinstance(client, dict):
        raise InvalidCredentials("LwM2M credentials need an object 'client'")
    endpoint = _text(client, "endpoint")
    if not endpoint.strip():
        raise InvalidCredentials("LwM2M client endpoint must be specified!")
    mode = _text(client, "securityConfigClientMode")
    if mode not in {"NO_SEC", "PSK", "RPK", "X509"}:
        msg = "LwM2M client security mode must be one of NO_SEC, PSK, RPK, X509"
        raise InvalidCredentials(msg)
    if mode == "PSK":
        credentials_id = _psk_identity(client)
    elif mode == "X509" and _text(client, "cert"):
        body = certificate_body(_text(client, "cert"))
        _check_certificate(body)
        client["cert"] = body
        credentials_id = sha3_hex(body)
    else:
        credentials_id = endpoint
    return Content(CredentialsType.LWM2M_CREDENTIALS, credentials_id, dumps_text(given))


def _psk_identity(client: dict[str, Any]) -> str:
    identity = _text(client, "identity")
    key = _text(client, "key")
    if not identity.strip():
        raise InvalidCredentials("LwM2M client PSK identity must be specified!")
    if len(key) not in _PSK_KEY_CHARS or set(key) - set(string.hexdigits):
        raise InvalidCredentials("LwM2M client PSK key must be 32, 64 or 128 hexadecimal digits")
    return identity


def _object(value: str | None) -> dict[str, Any]:
    try:
        parsed = loads(value or "")
    except ValueError as error:
        raise InvalidCredentials("Device credentials value must be JSON") from error
    if not isinstance(parsed, dict):
        raise InvalidCredentials("Device credentials value must be a JSON object")
    return parsed


def _text(given: dict[str, Any], key: str) -> str:
    found = given.get(key)
    if found is None:
        return ""
    if not isinstance(found, str):
        raise InvalidCredentials(f"'{key}' of the device credentials value must be a string")
    return found


_READERS = {
    CredentialsType.ACCESS_TOKEN: _access_token,
    CredentialsType.X509_CERTIFICATE: _certificate,
    CredentialsType.MQTT_BASIC: _mqtt_basic,
    CredentialsType.LWM2M_CREDENTIALS: _lwm2m,
}
