"""The TLS context of the MQTT listener."""

import ssl
from pathlib import Path

from fieldline.kit.errors import Invalid
from fieldline.transports.mqtt.options import MqttTls


def server_context(options: MqttTls) -> ssl.SSLContext:
    """Make the context from the files.

    Raises:
        Invalid: a file cannot be read, or holds no usable certificate or key.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(options.certificate, options.key, options.key_password)
    except OSError as error:  # ssl.SSLError is one
        msg = (
            f"certificate {options.certificate} and key {options.key} cannot be used ({error}); "
            "they must be PEM files of a certificate chain and of its private key"
        )
        raise Invalid(msg) from error
    if options.client_ca is not None:
        _ask_for_certificates(context, options.client_ca)
    return context


def _ask_for_certificates(context: ssl.SSLContext, authorities: Path) -> None:
    try:
        context.load_verify_locations(authorities)
    except OSError as error:
        msg = f"{authorities} cannot be used ({error}); it must be a PEM file of certificates"
        raise Invalid(msg) from error
    # A device may show its certificate and may also sign on by token. One that is named itself
    # in the file needs no authority above it.
    context.verify_mode = ssl.CERT_OPTIONAL
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
