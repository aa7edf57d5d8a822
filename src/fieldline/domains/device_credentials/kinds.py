"""Ways of a device to prove its identity."""

from enum import StrEnum


class CredentialsType(StrEnum):
    """Kinds of credentials, by the names of both dialects."""

    ACCESS_TOKEN = "ACCESS_TOKEN"  # noqa: S105 - the name of a kind
    X509_CERTIFICATE = "X509_CERTIFICATE"
    MQTT_BASIC = "MQTT_BASIC"
    LWM2M_CREDENTIALS = "LWM2M_CREDENTIALS"
