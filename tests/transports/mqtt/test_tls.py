import datetime as dt
import ssl
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from fieldline.ingest.authentication import certificate_hash
from fieldline.kit.errors import Invalid
from fieldline.protocols.mqtt.packets import Connect
from fieldline.transports.mqtt.options import MqttTls
from tests.transports.mqtt.client import ConnectionRefused, MqttClient
from tests.transports.mqtt.conftest import Site, Start
from tests.waiting import until


def make_certificate(folder: Path, name: str) -> Path:
    """Make a key and a certificate signed by itself; both in one PEM file."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = folder / f"{name}.pem"
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    return path


def der(path: Path) -> bytes:
    certificate = x509.load_pem_x509_certificate(path.read_bytes())
    return certificate.public_bytes(serialization.Encoding.DER)


async def connect(site: Site, server: Path, client: Path | None, connect: Connect) -> MqttClient:
    context = ssl.create_default_context(cafile=server)
    if client is not None:
        context.load_cert_chain(client)
    assert site.transport.bound_tls_port is not None
    return await MqttClient.open("localhost", site.transport.bound_tls_port, connect, tls=context)


async def test_a_device_signs_on_by_token_over_tls(start: Start, tmp_path: Path) -> None:
    server = make_certificate(tmp_path, "server")
    site = await start(tls=MqttTls(server, port=0))

    client = await connect(site, server, None, Connect("c", 5, username="token"))
    await client.publish("v1/devices/me/telemetry", b'{"a":1}')
    await client.drain()

    assert client.acknowledged == 1


async def test_a_device_signs_on_by_its_certificate(start: Start, tmp_path: Path) -> None:
    server, own = make_certificate(tmp_path, "server"), make_certificate(tmp_path, "meter")
    site = await start(tls=MqttTls(server, port=0, client_ca=own))
    record = site.world.device("by certificate")
    site.world.devices.by_hash[certificate_hash(der(own))] = record

    client = await connect(site, server, own, Connect("c", 5))

    assert client.is_open
    assert site.world.messages[0].originator == record.ref


async def test_a_certificate_of_no_device_is_refused(start: Start, tmp_path: Path) -> None:
    server, own = make_certificate(tmp_path, "server"), make_certificate(tmp_path, "meter")
    site = await start(tls=MqttTls(server, port=0, client_ca=own))

    with pytest.raises(ConnectionRefused) as raised:
        await connect(site, server, own, Connect("c", 5, username="token"))

    assert raised.value.code == 0x87


async def test_a_device_without_certificate_may_still_use_its_token(
    start: Start, tmp_path: Path
) -> None:
    server, other = make_certificate(tmp_path, "server"), make_certificate(tmp_path, "meter")
    site = await start(tls=MqttTls(server, port=0, client_ca=other), port=None)

    client = await connect(site, server, None, Connect("c", 5, username="token"))

    assert client.is_open
    assert site.transport.bound_port is None


async def test_a_missing_certificate_file_is_named(start: Start, tmp_path: Path) -> None:
    with pytest.raises(Invalid, match=r"none\.pem.*No such file"):
        await start(tls=MqttTls(tmp_path / "none.pem", port=0))


async def test_a_file_without_a_certificate_is_named(start: Start, tmp_path: Path) -> None:
    empty = tmp_path / "empty.pem"
    empty.write_text("no certificate")

    with pytest.raises(Invalid, match=r"empty\.pem.*PEM files"):
        await start(tls=MqttTls(empty, empty, port=0))


async def test_a_file_without_authorities_is_named(start: Start, tmp_path: Path) -> None:
    server = make_certificate(tmp_path, "server")
    empty = tmp_path / "empty.pem"
    empty.write_text("no certificate")

    with pytest.raises(Invalid, match=r"empty\.pem.*certificates"):
        await start(tls=MqttTls(server, port=0, client_ca=empty))


async def test_authorities_may_change_while_it_listens(start: Start, tmp_path: Path) -> None:
    server, own = make_certificate(tmp_path, "server"), make_certificate(tmp_path, "meter")
    site = await start(tls=MqttTls(server, port=0))
    record = site.world.device("by certificate")
    site.world.devices.by_hash[certificate_hash(der(own))] = record

    async def state() -> object:
        try:
            client = await connect(site, server, own, Connect("c", 5))
        except ConnectionRefused as error:
            return error.code
        except OSError:
            return "no handshake"
        await client.close()
        return "connected"

    async def trust(*authorities: bytes) -> None:
        context = site.transport._context
        assert context is not None
        before = context.current
        site.world.chains.trust(*authorities)
        await until(lambda: context.current is not before)

    unasked = await state()
    await trust(der(server), b"no certificate")
    untrusted = await state()
    await trust(der(own))
    trusted = await state()
    await trust()

    assert (unasked, untrusted, trusted) == (0x85, "no handshake", "connected")
    assert await state() == 0x85
    assert site.world.chains.asked == []


async def test_authorities_of_the_servers_file_go_before(start: Start, tmp_path: Path) -> None:
    server, own = make_certificate(tmp_path, "server"), make_certificate(tmp_path, "meter")
    (tmp_path / "other").mkdir()
    namesake = make_certificate(tmp_path / "other", "meter")
    site = await start(tls=MqttTls(server, port=0, client_ca=own))
    site.world.devices.by_hash[certificate_hash(der(own))] = site.world.device("by certificate")

    site.world.chains.trust(der(namesake))
    client = await connect(site, server, own, Connect("c", 5))

    assert client.is_open
