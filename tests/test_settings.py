"""What the environment may say."""

import pytest

from fieldline.kit.errors import Invalid
from fieldline.settings import load_settings


@pytest.mark.parametrize("name", ["device_login_exempt_addresses", "outbound_denied_networks"])
def test_networks(name: str) -> None:
    settings = load_settings(**{name: " 10.0.0.0/8,, ::1 ,192.168.1.7/16"})
    found = {
        "device_login_exempt_addresses": settings.exempt_networks,
        "outbound_denied_networks": settings.denied_networks,
    }

    assert [str(each) for each in found[name]] == ["10.0.0.0/8", "::1/128", "192.168.0.0/16"]


@pytest.mark.parametrize("name", ["device_login_exempt_addresses", "outbound_denied_networks"])
@pytest.mark.parametrize("text", ["10.0.0.0/33", "broker.example.com", "10.0.0.0-10.0.0.9"])
def test_what_is_no_network_is_named(name: str, text: str) -> None:
    with pytest.raises(Invalid, match=f"{name.upper()} is not right: .*{text}"):
        load_settings(**{name: text})


def test_what_clouds_tell_their_machines_is_denied() -> None:
    denied = [str(each) for each in load_settings().denied_networks]

    assert {"169.254.0.0/16", "fe80::/10", "fd00:ec2::254/128"} <= set(denied)
