"""The TLS context of a client, made of certificates that are texts."""

import ssl
import tempfile
from pathlib import Path

from fieldline.domains.integration.configuration import Tls
from fieldline.domains.integration.errors import InvalidIntegration


def client_context(tls: Tls, client_key: str | None) -> ssl.SSLContext:
    """Make the context.

    Args:
        tls: certificates, and whether any broker is good enough.
        client_key: PEM text of the private key of the client certificate.

    Raises:
        InvalidIntegration: a certificate or the key cannot be used.
    """
    try:
        context = ssl.create_default_context(cadata=tls.ca_certificate)
    except (ssl.SSLError, ValueError) as error:
        msg = f"tls.ca_certificate cannot be used ({error}); it must be PEM text of certificates"
        raise InvalidIntegration(msg) from None
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if tls.insecure:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if (tls.client_certificate is None) != (client_key is None):
        msg = "tls.client_certificate and tls.client_key go together: give both, or neither"
        raise InvalidIntegration(msg)
    if tls.client_certificate is not None and client_key is not None:
        _load(context, tls.client_certificate, client_key)
    return context


def _load(context: ssl.SSLContext, certificate: str, key: str) -> None:
    # The library reads only files; this one has mode 0600 and is gone at once.
    with tempfile.NamedTemporaryFile("w", suffix=".pem") as file:
        file.write(f"{key}\n{certificate}\n")
        file.flush()
        try:
            # An encrypted key would be asked for on the terminal.
            context.load_cert_chain(Path(file.name), password=_no_password)
        except (ssl.SSLError, ValueError) as error:
            msg = (
                f"tls.client_certificate and tls.client_key cannot be used ({error}); they must be "
                "PEM texts of a certificate chain and of its private key without a password"
            )
            raise InvalidIntegration(msg) from None


def _no_password() -> str:
    msg = "the key is encrypted"
    raise ValueError(msg)
