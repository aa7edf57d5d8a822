"""What a device sends to be provisioned, and what it is answered.

Source: ThingsBoard's provisioning API (``provisioning_ota_claim.md`` sections 1.1 and 1.2).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from fieldline.domains.device_credentials.content import Content, check_content
from fieldline.domains.device_credentials.kinds import CredentialsType
from fieldline.domains.device_credentials.service import Credentials
from fieldline.kit.errors import Invalid
from fieldline.kit.json import dumps_text, loads
from fieldline.kit.redaction import without_secrets


class MalformedProvisionRequest(Invalid):
    """JSON that is no request; ThingsBoard ends an MQTT connection then."""


class Status(StrEnum):
    """How a request ended."""

    SUCCESS = "SUCCESS"
    NOT_FOUND = "NOT_FOUND"
    FAILURE = "FAILURE"


_REFUSALS = {
    Status.NOT_FOUND: "Provision data was not found!",
    Status.FAILURE: "Failed to provision device!",
}
_TEXTS = ("deviceName", "token", "clientId", "username", "password", "hash")


@dataclass(frozen=True, slots=True)
class ProvisionRequest:
    """A request; ``texts`` are its optional fields by their names on the wire."""

    key: str
    secret: str
    credentials_type: CredentialsType
    texts: Mapping[str, str]
    is_gateway: bool

    @classmethod
    def parse(cls, payload: bytes) -> "ProvisionRequest":
        """Read a request. A null is as good as nothing.

        Raises:
            MalformedProvisionRequest: it is no object, or a field is missing or of a wrong type.
            Invalid: it is no JSON.
        """
        try:
            document = loads(payload)
        except ValueError as error:
            msg = f"The provisioning request is not JSON: {error}"
            raise Invalid(msg) from None
        return cls.of(document)

    @classmethod
    def of(cls, document: Any) -> "ProvisionRequest":  # noqa: ANN401 - JSON is any of its types
        """Do as :meth:`parse` with what is decoded already."""
        if not isinstance(document, dict):
            raise MalformedProvisionRequest("A provisioning request is a JSON object")
        given = {name: value for name, value in document.items() if value is not None}
        key, secret = (
            _text(given, name) for name in ("provisionDeviceKey", "provisionDeviceSecret")
        )
        if key is None or secret is None:
            msg = "A provisioning request needs 'provisionDeviceKey' and 'provisionDeviceSecret'"
            raise MalformedProvisionRequest(msg)
        is_gateway = given.get("gateway", False)
        if not isinstance(is_gateway, bool):
            raise MalformedProvisionRequest("'gateway' must be true or false")
        found = {name: _text(given, name) for name in _TEXTS}
        texts = {name: text for name, text in found.items() if text}
        return cls(key, secret, _credentials_type(given), texts, is_gateway)

    @property
    def device_name(self) -> str | None:
        """The wanted name without blanks around it; "" when it is only blanks, None without one."""
        name = self.texts.get("deviceName")
        return None if name is None else name.strip()

    def credentials(self) -> Content | None:
        """Return the credentials that the device wants; None: it wants what it is given.

        Raises:
            InvalidCredentials: they are not what their type needs.
        """
        texts, kind = self.texts, self.credentials_type
        if not texts.keys() - {"deviceName"}:
            return None
        if kind is CredentialsType.MQTT_BASIC:
            value = {
                "clientId": texts.get("clientId"),
                "userName": texts.get("username"),
                "password": texts.get("password"),
            }
            return check_content(kind, None, dumps_text(value))
        return check_content(kind, texts.get("token"), texts.get("hash"))

    def shown(self) -> dict[str, Any]:
        """Return the request as rules and records may see it: without secrets."""
        given: dict[str, Any] = {
            "provisionDeviceKey": self.key,
            "provisionDeviceSecret": self.secret,
            "credentialsType": self.credentials_type.value,
            **self.texts,
        }
        if self.is_gateway:
            given["gateway"] = True
        found: dict[str, Any] = without_secrets(given)
        return found


@dataclass(frozen=True, slots=True)
class ProvisionAnswer:
    """How a request ended; ``credentials`` are those of the device that was provisioned."""

    status: Status
    credentials: Credentials | None = None

    def document(self) -> dict[str, Any]:
        """Return the answer as the device gets it."""
        if self.credentials is None:
            return {"errorMsg": _REFUSALS[self.status], "status": self.status.value}
        kind = self.credentials.credentials_type
        found: dict[str, Any] = {"credentialsType": kind.value, "status": self.status.value}
        if kind is CredentialsType.ACCESS_TOKEN:
            found["credentialsValue"] = self.credentials.credentials_id
        elif kind is CredentialsType.MQTT_BASIC:
            found["credentialsValue"] = loads(self.credentials.credentials_value or "{}")
        elif kind is CredentialsType.X509_CERTIFICATE:
            found["credentialsValue"] = self.credentials.credentials_value
        return found


def _text(given: Mapping[str, Any], name: str) -> str | None:
    value = given.get(name)
    if value is not None and not isinstance(value, str):
        msg = f"'{name}' of a provisioning request must be a text"
        raise MalformedProvisionRequest(msg)
    return value


def _credentials_type(given: Mapping[str, Any]) -> CredentialsType:
    text = _text(given, "credentialsType") or CredentialsType.ACCESS_TOKEN
    try:
        return CredentialsType(text)
    except ValueError:
        known = ", ".join(CredentialsType)
        msg = f"'credentialsType' must be one of {known}; it is '{text[:64]}'"
        raise MalformedProvisionRequest(msg) from None
