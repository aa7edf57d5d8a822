from pathlib import Path

import pytest

from fieldline.security.secrets import ROOT_KEY_FILE, Vault, WrongRootKey, load_or_create_root_key


def test_the_root_key_is_made_once_and_only_its_owner_may_read_it(tmp_path: Path) -> None:
    first = load_or_create_root_key(tmp_path)

    assert load_or_create_root_key(tmp_path) == first
    assert len(first) == 64
    assert [path.name for path in tmp_path.iterdir()] == [ROOT_KEY_FILE]
    assert (tmp_path / ROOT_KEY_FILE).stat().st_mode & 0o777 == 0o600


def test_a_file_system_without_hard_links_keeps_the_key_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_paths: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr("os.link", refuse)
    first = load_or_create_root_key(tmp_path)

    assert load_or_create_root_key(tmp_path) == first
    assert [path.name for path in tmp_path.iterdir()] == [ROOT_KEY_FILE]


@pytest.mark.parametrize("text", ["", "\n", "half a key"])
def test_a_torn_root_key_is_refused_instead_of_used(tmp_path: Path, text: str) -> None:
    (tmp_path / ROOT_KEY_FILE).write_text(text)

    with pytest.raises(WrongRootKey, match="whole key"):
        load_or_create_root_key(tmp_path)


def test_a_secret_is_read_under_its_own_root_key_only() -> None:
    stored = Vault("a root key").encrypt("secret")

    assert "secret" not in stored
    assert stored != Vault("a root key").encrypt("secret")
    assert Vault("a root key").decrypt(stored) == "secret"
    with pytest.raises(WrongRootKey, match="SECRET_KEY"):
        Vault("another root key").decrypt(stored)
    with pytest.raises(WrongRootKey):
        Vault("a root key").decrypt(stored[:-8] + "AAAAAAA=")
