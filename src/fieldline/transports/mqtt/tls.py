"""The TLS context of the MQTT listener, and whom it trusts, which may change while it listens."""

import logging
import ssl
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from cryptography import x509

from fieldline.kit.errors import Invalid
from fieldline.transports.mqtt.options import MqttTls

logger = logging.getLogger(__name__)


class ListenerContext(ssl.SSLContext):
    """What a listener is given, whose connections are made by the context of the moment.

    No authority can be taken out of a context, so another one takes its place. Sessions that could
    be resumed without showing a certificate are those of one context, and end with it.
    """

    current: ssl.SSLContext

    def wrap_bio(self, *args: Any, **kwargs: Any) -> ssl.SSLObject:  # noqa: ANN401 - ssl's own
        return self.current.wrap_bio(*args, **kwargs)


def listener_context(options: MqttTls, authorities: Sequence[bytes]) -> ListenerContext:
    """Make the context of a listener.

    Raises:
        Invalid: a file cannot be read, or holds no usable certificate or key.
    """
    context = ListenerContext(ssl.PROTOCOL_TLS_SERVER)
    context.current = server_context(options, authorities)
    return context


def server_context(options: MqttTls, authorities: Sequence[bytes] = ()) -> ssl.SSLContext:
    """Make a context from the files.

    Args:
        options: the files.
        authorities: further certificates (DER) by which clients may prove who they are.

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
        _trust_file(context, options.client_ca)
    _trust(context, authorities)
    if context.cert_store_stats()["x509"]:
        # A device may show its certificate and may also sign on by token. One that is named itself
        # in the file needs no authority above it.
        context.verify_mode = ssl.CERT_OPTIONAL
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    return context


def verified_chain(tls: ssl.SSLObject) -> Sequence[bytes]:
    """Return a client's certificate (DER) and those that it was verified by; () without one.

    Of a session that was resumed only the first is known.
    """
    leaf = tls.getpeercert(binary_form=True)
    if leaf is None:
        return ()
    if hasattr(tls, "get_verified_chain"):  # since Python 3.13
        chain: Sequence[bytes] = tls.get_verified_chain()
        return chain or (leaf,)
    # Since 3.10, without its public name.
    found = tls._sslobj.get_verified_chain()  # type: ignore[attr-defined]  # noqa: SLF001
    return [ssl.PEM_cert_to_DER_cert(each.public_bytes()) for each in found or ()] or (leaf,)


def _trust_file(context: ssl.SSLContext, authorities: Path) -> None:
    try:
        context.load_verify_locations(authorities)
    except OSError as error:
        msg = f"{authorities} cannot be used ({error}); it must be a PEM file of certificates"
        raise Invalid(msg) from error


def _trust(context: ssl.SSLContext, authorities: Sequence[bytes]) -> None:
    """Trust authorities of profiles, but none by the name of one of the server's file.

    OpenSSL finds an authority by its name, so that a second one could keep the devices of the
    first one out.
    """
    names = {_subject(der) for der in context.get_ca_certs(binary_form=True)}
    for der in authorities:
        try:
            if _subject(der) in names:
                logger.warning("a device profile's authority has the name of one of the server's")
                continue
            context.load_verify_locations(cadata=der)
        except (ValueError, ssl.SSLError) as error:
            logger.warning("a device profile's authority cannot be used: %s", error)


def _subject(der: bytes) -> bytes:
    return x509.load_der_x509_certificate(der).subject.public_bytes()
