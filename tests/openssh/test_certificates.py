"""Host certificates signed by ssh-keygen: read, verified, refused for what is wrong with them."""

from __future__ import annotations

import base64
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hostpool.openssh.certificates import FOREVER, HOST, USER, is_certificate, parse_host_certificate
from hostpool.openssh.known_hosts import KnownHosts, Status
from hostpool.openssh.wire import Malformed

from .keygen import blob_of, keygen, make_key, needs_keygen

pytestmark = needs_keygen
CA_KINDS = {"ed25519": (), "ecdsa": ("-b", "521"), "rsa": ("-b", "1024")}
KEY_KINDS = {"ed25519": (), "ecdsa": ("-b", "384"), "rsa": ("-b", "1024")}


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("keys")
    for kind, options in CA_KINDS.items():
        make_key(directory / f"ca_{kind}", kind, *options)
    for kind, options in KEY_KINDS.items():
        make_key(directory / f"host_{kind}", kind, *options)
    return directory


def certificate(
    keys: Path, *options: str, ca: str = "ed25519", key: str = "ed25519", names: str = "web1,*.x"
) -> bytes:
    principals = ("-n", names) if names else ()
    arguments = options or ("-h",)
    keygen(
        "-q",
        "-s",
        keys / f"ca_{ca}",
        "-I",
        "the id",
        "-z",
        "77",
        *principals,
        *arguments,
        keys / f"host_{key}.pub",
    )
    return blob_of(keys / f"host_{key}-cert.pub")


def trusting(keys: Path, tmp_path: Path, *more: str, ca: str = "ed25519", hosts: str = "*") -> KnownHosts:
    file = tmp_path / "known_hosts"
    authority = " ".join((keys / f"ca_{ca}.pub").read_text().split()[:2])
    file.write_text("\n".join((f"@cert-authority {hosts} {authority}", *more)) + "\n")
    return KnownHosts.load([str(file)])


@pytest.mark.parametrize("ca", CA_KINDS)
@pytest.mark.parametrize("key", KEY_KINDS)
def test_valid_in_every_type(ca: str, key: str, keys: Path, tmp_path: Path) -> None:
    blob = certificate(keys, ca=ca, key=key)
    found = parse_host_certificate(blob)
    assert (found.key_id, found.serial, found.kind, found.principals) == ("the id", 77, HOST, ("web1", "*.x"))
    assert (found.valid_after, found.valid_before) == (0, FOREVER)
    assert found.plain_blob == blob_of(keys / f"host_{key}.pub")
    assert found.authority == blob_of(keys / f"ca_{ca}.pub")
    assert is_certificate(blob)
    assert not is_certificate(found.plain_blob)
    verdict = trusting(keys, tmp_path, ca=ca).verify_certificate(["web1"], blob, "WEB1")
    assert verdict.valid, verdict.problem


def problem(keys: Path, tmp_path: Path, blob: bytes, host: str = "web1", now: float | None = None) -> str:
    verdict = trusting(keys, tmp_path).verify_certificate([host], blob, host, now)
    assert verdict.status is Status.KNOWN
    return verdict.problem or ""


def test_what_is_wrong_is_said(keys: Path, tmp_path: Path) -> None:
    assert "not for web9" in problem(keys, tmp_path, certificate(keys), "web9")
    assert problem(keys, tmp_path, certificate(keys), "a.x") == ""
    assert problem(keys, tmp_path, certificate(keys, names=""), "anything") == ""
    assert "for a user" in problem(keys, tmp_path, certificate(keys, "-O", "clear"))
    window = certificate(keys, "-h", "-V", "20300101:20310101")
    assert "not valid before 20" in problem(keys, tmp_path, window, now=time.time())
    assert "expired" in problem(keys, tmp_path, window, now=2_000_000_000)
    assert problem(keys, tmp_path, window, now=1_910_000_000) == ""
    critical = certificate(keys, "-O", "force-command=x")
    assert parse_host_certificate(critical).kind == USER
    assert parse_host_certificate(critical).critical_options[0][0] == "force-command"


def test_a_forged_certificate(keys: Path, tmp_path: Path) -> None:
    blob = certificate(keys)
    forged = blob.replace(b"web1", b"web2")
    assert "signature" in problem(keys, tmp_path, forged, "web2")
    broken = blob[:-1] + bytes([blob[-1] ^ 1])
    assert "signature" in problem(keys, tmp_path, broken)


def test_an_rsa_signature_with_sha1_does_not_hold(keys: Path, tmp_path: Path) -> None:
    blob = certificate(keys, "-h", "-t", "ssh-rsa", ca="rsa")
    verdict = trusting(keys, tmp_path, ca="rsa").verify_certificate(["web1"], blob, "web1")
    assert parse_host_certificate(blob).signature_algorithm == "ssh-rsa"
    assert "signature" in (verdict.problem or "")


def test_an_unknown_authority_and_another_hosts(keys: Path, tmp_path: Path) -> None:
    blob = certificate(keys, ca="ecdsa")
    assert trusting(keys, tmp_path).verify_certificate(["web1"], blob, "web1").status is Status.UNKNOWN
    blob = certificate(keys)
    known = trusting(keys, tmp_path, hosts="*.other")
    assert known.verify_certificate(["web1"], blob, "web1").status is Status.UNKNOWN


@pytest.mark.parametrize("revoked", ["ca_ed25519", "host_ed25519"])
def test_revoked_key_or_authority(revoked: str, keys: Path, tmp_path: Path) -> None:
    key = " ".join((keys / f"{revoked}.pub").read_text().split()[:2])
    known = trusting(keys, tmp_path, f"@revoked * {key}")
    assert known.verify_certificate(["web1"], certificate(keys), "web1").status is Status.REVOKED


def test_a_plain_key_is_no_certificate(keys: Path) -> None:
    with pytest.raises(Malformed, match="not a certificate"):
        parse_host_certificate(blob_of(keys / "host_rsa.pub"))


@settings(max_examples=100, deadline=None)
@given(data=st.data())
def test_damaged_certificates_never_pass(data: st.DataObject, keys: Path) -> None:
    file = keys / "host_ed25519-cert.pub"
    if not file.exists():
        certificate(keys)
    blob = base64.b64decode(file.read_text().split()[1])
    at = data.draw(st.integers(0, len(blob) - 1))
    damaged = (
        blob[:at]
        + data.draw(st.sampled_from([b"", bytes([blob[at] ^ 1]), blob[at : at + 1] * 2]))
        + blob[at + 1 :]
    )
    if damaged == blob:
        return
    try:
        assert not parse_host_certificate(damaged).signature_holds()
    except Malformed:
        pass
