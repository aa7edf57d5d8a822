"""The TLS context of the MQTT listener."""

import ssl

from fieldline.transports.mqtt.options import MqttTls


def server_context(options: MqttTls) -> ssl.SSLContext:
    """Make the context from the files.

    Raises:
        OSError: a file cannot be read.
        ssl.SSLError: a file holds no usable certificate or key (an OSError too).
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(options.certificate, options.key, options.key_password)
    if options.client_ca is not None:
        context.load_verify_locations(options.client_ca)
        # A device may show its certificate and may also sign on by token. One that is named itself
        # in the file needs no authority above it.
        context.verify_mode = ssl.CERT_OPTIONAL
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    return context
