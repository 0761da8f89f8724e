"""Key files in every format that ssh-keygen writes, made at run time."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hostpool.errors import ConfigError
from hostpool.openssh.key_container import plain_text
from hostpool.openssh.keys import (
    DEFAULT_IDENTITIES,
    certificate_beside,
    decrypt_key,
    inspect_key,
    load_certificate,
    permissions_problem,
    public_part,
)
from hostpool.openssh.wire import string

from .keygen import blob_of, keygen, make_key, needs_keygen

pytestmark = needs_keygen

KINDS = {
    "ed25519": ("ed25519", ()),
    "ecdsa256": ("ecdsa", ("-b", "256")),
    "ecdsa384": ("ecdsa", ("-b", "384")),
    "ecdsa521": ("ecdsa", ("-b", "521")),
    "rsa": ("rsa", ("-b", "2048")),
}
FORMATS = {"openssh": (), "pem": ("-m", "PEM"), "pkcs8": ("-m", "PKCS8")}
CIPHERS = (
    "aes256-ctr",
    "aes256-gcm@openssh.com",
    "aes128-gcm@openssh.com",
    "aes256-cbc",
    "aes128-ctr",
    "3des-cbc",
    "chacha20-poly1305@openssh.com",
)
PASSPHRASE = "correct horse — 🐎"


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("keys")


def made(keys: Path, kind: str, style: str, passphrase: str = "", *more: str) -> Path:
    """One key per kind is made; its copies are written in the other formats by ssh-keygen too."""
    original = keys / kind
    if not original.exists():
        name, options = KINDS[kind]
        make_key(original, name, *options)
    path = keys / "-".join(filter(None, (kind, style, "locked" if passphrase else "", *more)))
    if not path.exists():
        path.write_bytes(original.read_bytes())
        path.chmod(0o600)
        Path(f"{path}.pub").write_bytes(Path(f"{original}.pub").read_bytes())
        keygen("-q", "-p", *FORMATS[style], *more, "-P", "", "-N", passphrase, "-f", path)
    return path


def check_plain(text: bytes, path: Path) -> None:
    """``text`` is the same key, unencrypted, for others too."""
    public = blob_of(Path(f"{path}.pub"))
    assert public_part(text) == public
    loaded = serialization.load_ssh_private_key(text, None)
    openssh = serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH
    assert base64.b64decode(loaded.public_key().public_bytes(*openssh).split()[1]) == public


@pytest.mark.parametrize("style", FORMATS)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("passphrase", ["", PASSPHRASE])
def test_every_format(kind: str, style: str, passphrase: str, keys: Path) -> None:
    path = made(keys, kind, style, passphrase, *(("-a", "2") if passphrase else ()))
    public = Path(f"{path}.pub")
    found = inspect_key(str(path))
    assert found.encrypted is bool(passphrase)
    assert found.public_blob == blob_of(public)
    assert found.type == public.read_text().split()[0]
    assert found.comment == f"{kind} comment"
    check_plain(decrypt_key(path.read_bytes(), passphrase or None), path)
    if passphrase:
        for wrong, reason in (
            (None, "passphrase_needed"),
            ("nonsense", "passphrase_wrong"),
            ("", "passphrase_wrong"),
        ):
            with pytest.raises(ConfigError) as caught:
                decrypt_key(path.read_bytes(), wrong)
            assert caught.value.kind == reason
    else:
        check_plain(decrypt_key(path.read_bytes(), "not needed"), path)


@pytest.mark.parametrize("cipher", CIPHERS)
def test_every_cipher(cipher: str, keys: Path) -> None:
    path = made(keys, "ed25519", "openssh", PASSPHRASE, "-Z", cipher, "-a", "3")
    check_plain(decrypt_key(path.read_bytes(), PASSPHRASE), path)
    with pytest.raises(ConfigError, match="passphrase is wrong"):
        decrypt_key(path.read_bytes(), "other")


def test_the_public_part_without_a_pub_file(keys: Path, tmp_path: Path) -> None:
    for style in FORMATS:
        path = made(keys, "ecdsa256", style)
        alone = tmp_path / style
        alone.write_bytes(path.read_bytes())
        found = inspect_key(str(alone))
        assert found.public_blob == (blob_of(Path(f"{path}.pub")) if style == "openssh" else None)
    rsa = tmp_path / "rsa"
    rsa.write_bytes(made(keys, "rsa", "pem").read_bytes())
    assert inspect_key(str(rsa)).type == "ssh-rsa"


@pytest.mark.parametrize(
    ("content", "message", "hint"),
    [
        (b"", "not a private key", None),
        (b"\x00\xff" * 9, "not a private key", None),
        (b"PuTTY-User-Key-File-3: ssh-ed25519", "PuTTY", "puttygen"),
        (
            b"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----",
            "a public key",
            "name the private key",
        ),
        (b"-----BEGIN CERTIFICATE-----\nAAAA\n", "not a private key", None),
        (b"-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n", "damaged", None),
        (b"-----BEGIN OPENSSH PRIVATE KEY-----\n????\n-----END OPENSSH PRIVATE KEY-----", "damaged", None),
        (b"x" * (1 << 20) + b"xx", "too large", None),
    ],
)
def test_other_files_are_named(content: bytes, message: str, hint: str | None, tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(content)
    with pytest.raises(ConfigError, match=message) as caught:
        inspect_key(str(path))
    assert (hint or "") in (caught.value.hint or "")
    assert caught.value.file == str(path)


def test_a_public_key_given_for_the_private_one(keys: Path) -> None:
    path = made(keys, "ed25519", "openssh")
    with pytest.raises(ConfigError, match="a public key") as caught:
        inspect_key(f"{path}.pub")
    assert caught.value.hint == f"name the private key: {path}"


@pytest.mark.parametrize("kind", ["ssh-dss", "sk-ssh-ed25519@openssh.com"])
def test_types_that_are_not_supported(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "key"
    path.write_bytes(plain_text(string(kind.encode()), bytes(8) + string(kind.encode())))
    with pytest.raises(ConfigError, match=kind) as caught:
        decrypt_key(path.read_bytes(), None)
    assert caught.value.kind == "unsupported_key"
    assert ("ssh-add" in (caught.value.hint or "")) is kind.startswith("sk-")


def test_permissions(keys: Path, tmp_path: Path) -> None:
    path = tmp_path / "key"
    path.write_bytes(b"")
    for mode in (0o600, 0o400, 0o700):
        path.chmod(mode)
        assert permissions_problem(str(path)) is None
    for mode in (0o640, 0o644, 0o604, 0o620):
        path.chmod(mode)
        assert f"{mode:04o}" in (permissions_problem(str(path)) or "")


def test_certificates(keys: Path) -> None:
    path, authority = made(keys, "ecdsa384", "openssh"), made(keys, "ed25519", "openssh")
    assert certificate_beside(str(path)) is None
    keygen("-q", "-s", authority, "-I", "id", "-n", "me", Path(f"{path}.pub"))
    beside = certificate_beside(str(path))
    assert beside == f"{path}-cert.pub"
    assert load_certificate(beside) == blob_of(Path(beside))
    with pytest.raises(ConfigError, match="not a certificate"):
        load_certificate(f"{path}.pub")
    with pytest.raises(ConfigError, match="not a certificate"):
        load_certificate(str(path))


def test_the_default_names_are_in_the_order_of_ssh() -> None:
    assert DEFAULT_IDENTITIES[0] == "id_rsa"
    assert len(set(DEFAULT_IDENTITIES)) == 5


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_damaged_keys_are_refused_in_our_words(data: st.DataObject, keys: Path) -> None:
    style = data.draw(st.sampled_from(list(FORMATS)))
    text = bytearray(made(keys, "ed25519" if style == "openssh" else "ecdsa256", style).read_bytes())
    at = data.draw(st.integers(0, len(text) - 1))
    text[at : at + data.draw(st.integers(0, 4))] = data.draw(st.binary(max_size=3))
    try:
        decrypt_key(bytes(text), None)
    except ConfigError as error:
        assert error.message
