"""The closed lists that a device profile chooses from, by the names of both dialects."""

from enum import StrEnum


class TransportType(StrEnum):
    """How devices of the profile talk to the platform; DEFAULT is MQTT or HTTP, with JSON."""

    DEFAULT = "DEFAULT"
    MQTT = "MQTT"
    COAP = "COAP"
    LWM2M = "LWM2M"
    SNMP = "SNMP"


class ProvisionType(StrEnum):
    """Whether and how devices may make themselves known."""

    DISABLED = "DISABLED"
    ALLOW_CREATE_NEW_DEVICES = "ALLOW_CREATE_NEW_DEVICES"
    CHECK_PRE_PROVISIONED_DEVICES = "CHECK_PRE_PROVISIONED_DEVICES"
    X509_CERTIFICATE_CHAIN = "X509_CERTIFICATE_CHAIN"
