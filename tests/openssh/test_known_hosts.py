"""known_hosts: reading, matching and verdicts, with ssh-keygen as the measure."""

from __future__ import annotations

import base64
import pickle
import threading
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hostpool.errors import SSHConfigError
from hostpool.openssh.known_hosts import (
    KnownHosts,
    Marker,
    Status,
    append_line,
    fingerprint,
    host_name,
    key_type,
    names_for,
)
from hostpool.openssh.wire import Malformed, string

from .keygen import blob_of, keygen, make_key, needs_keygen


def blob(number: int, kind: str = "ssh-ed25519") -> bytes:
    return string(kind.encode()) + string(number.to_bytes(32, "big"))


def line(names: str, number: int, kind: str = "ssh-ed25519") -> str:
    return f"{names} {kind} {base64.b64encode(blob(number, kind)).decode()}"


def load(tmp_path: Path, *lines: str) -> KnownHosts:
    file = tmp_path / "known_hosts"
    file.write_text("\n".join(lines) + "\n", newline="")
    return KnownHosts.load([str(file)])


def test_plain_names_ports_and_case(tmp_path: Path) -> None:
    known = load(tmp_path, line("Web1,10.0.0.1", 1), line("[web1]:2222", 2), line("web2", 3))
    assert known.verify(["web1"], blob(1)) == (Status.KNOWN, (known.entries[0],))
    assert known.verify(["10.0.0.1"], blob(1)).status is Status.KNOWN
    assert known.verify(["[WEB1]:2222"], blob(2)).status is Status.KNOWN
    assert known.verify(["[web1]:22"], blob(1)).status is Status.UNKNOWN
    assert known.verify(["web"], blob(1)).status is Status.UNKNOWN
    assert known.entries[1].line == 2


def test_wildcards_and_negation(tmp_path: Path) -> None:
    known = load(tmp_path, line("*.example.com,!bad.example.com", 1), line("[n?]:*", 2), line("!x", 3))
    assert known.verify(["a.example.com"], blob(1)).status is Status.KNOWN
    assert known.verify(["bad.example.com"], blob(1)).status is Status.UNKNOWN
    assert known.verify(["[n1]:2200"], blob(2)).status is Status.KNOWN
    assert known.lookup(["x"]) == known.lookup(["y"]) == []


def test_a_changed_key_is_changed_whatever_its_type(tmp_path: Path) -> None:
    known = load(tmp_path, line("a", 1), line("a", 2, "ssh-rsa"))
    verdict = known.verify(["a"], blob(9))
    assert verdict.status is Status.CHANGED
    assert verdict.entries == tuple(known.entries)
    assert known.verify(["a"], blob(9, "ecdsa-sha2-nistp256")).status is Status.CHANGED
    assert known.key_types(["a"]) == ("ssh-ed25519", "ssh-rsa")
    assert known.key_types(["b"]) == ()


def test_revoked_counts_more_than_known(tmp_path: Path) -> None:
    known = load(tmp_path, line("a", 1), line("@revoked *", 1), line("a", 2))
    assert known.verify(["a"], blob(1)) == (Status.REVOKED, (known.entries[1],))
    assert known.verify(["a"], blob(2)).status is Status.KNOWN
    assert known.verify(["b"], blob(2)).status is Status.UNKNOWN


def test_an_authority_is_no_plain_key(tmp_path: Path) -> None:
    known = load(tmp_path, line("@cert-authority *.x", 1))
    assert known.verify(["a.x"], blob(1)).status is Status.UNKNOWN
    assert known.entries[0].marker is Marker.CA
    assert known.key_types(["a.x"]) == ("*-cert-v01@openssh.com",)


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        ("a ssh-ed25519", "a line is"),
        ("a ssh-ed25519 ???", "not base64"),
        ("a ssh-ed25519 AAAA", "too early"),
        ("a ssh-rsa " + base64.b64encode(blob(1)).decode(), "the line says ssh-rsa"),
        (line("@nonsense a", 1), "unknown marker"),
        (line("|1|xx|yy", 1), "hashed name"),
        (line("|2|xx|yy", 1), "hashed name"),
    ],
)
def test_bad_lines_are_named_and_skipped(bad: str, reason: str, tmp_path: Path) -> None:
    known = load(tmp_path, "# comment", "", bad, line("a", 7) + "\r")
    assert len(known.entries) == 1
    (warning,) = known.warnings
    assert f"{tmp_path}/known_hosts:3: " in warning
    assert reason in warning
    assert known.verify(["a"], blob(7)).status is Status.KNOWN


def test_missing_files_are_fine_and_several_are_joined(tmp_path: Path) -> None:
    files = [tmp_path / "one", tmp_path / "none", tmp_path / "two"]
    files[0].write_text(line("a", 1))
    files[2].write_text(line("a", 2) + "\r\n")
    known = KnownHosts.load(map(str, files))
    assert [Path(entry.file).name for entry in known.lookup(["a"])] == ["one", "two"]
    assert known.warnings == []


def test_a_directory_is_warned_about(tmp_path: Path) -> None:
    (warning,) = KnownHosts.load([str(tmp_path)]).warnings
    assert "skipped" in warning


def test_it_pickles(tmp_path: Path) -> None:
    known = load(tmp_path, line("a", 1), line("b*", 2))
    again = pickle.loads(pickle.dumps(known))
    assert again.verify(["b1"], blob(2)).status is Status.KNOWN


def test_a_list_of_revoked_keys(tmp_path: Path) -> None:
    revoked = tmp_path / "revoked"
    revoked.write_text("# stolen\n" + line("", 1).strip() + " comment\n")
    known = KnownHosts.load([], revoked=str(revoked))
    assert known.verify(["any"], blob(1)).status is Status.REVOKED
    for data in (b"SSHKRL\n\0...", b"nonsense\n", b"ssh-ed25519 ???\n"):
        revoked.write_bytes(data)
        with pytest.raises(SSHConfigError, match="RevokedHostKeys"):
            KnownHosts.load([], revoked=str(revoked))
    with pytest.raises(SSHConfigError, match="No such file"):
        KnownHosts.load([], revoked=str(tmp_path / "missing"))


def test_names() -> None:
    assert host_name("Web1") == "web1"
    assert host_name("::1", 2222) == "[::1]:2222"
    assert names_for("web1", 2222) == ("[web1]:2222",)
    assert names_for("web1", 2222, "Alias") == ("alias",)


def test_it_is_fast(tmp_path: Path) -> None:
    file = tmp_path / "known_hosts"
    append = [line(f"h{n}.example.com,10.0.{n // 250}.{n % 250}", n) for n in range(200)]
    append += [line(f"|1|{'A' * 27}=|{'B' * 27}=", n) for n in range(500)]
    file.write_text("\n".join(append))
    began = time.process_time()
    known = KnownHosts.load([str(file)])
    for n in range(100):
        known.lookup([f"h{n}.example.com"])
    assert len(known.entries) == 700
    assert time.process_time() - began < 5, "a fraction of a second on any machine"


@given(st.binary(max_size=300))
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_garbage_never_raises(tmp_path: Path, data: bytes) -> None:
    file = tmp_path / "known_hosts"
    file.write_bytes(data + b"\n" + line("a", 1).encode())
    known = KnownHosts.load([str(file)])
    known.verify(["a"], blob(1))


@given(st.binary(max_size=80))
def test_key_type_of_garbage(data: bytes) -> None:
    try:
        key_type(data)
    except Malformed:
        pass


class TestAgainstKeygen:
    pytestmark = needs_keygen

    @pytest.mark.parametrize("kind", [("ed25519",), ("ecdsa",), ("rsa", "-b", "2048")])
    def test_fingerprints(self, kind: tuple[str, ...], tmp_path: Path) -> None:
        public = make_key(tmp_path / "key", *kind).with_suffix(".pub")
        said = keygen("-l", "-f", public).stdout.split()
        assert fingerprint(blob_of(public)) == said[1]

    def test_hashed_by_keygen(self, tmp_path: Path) -> None:
        file = tmp_path / "known_hosts"
        file.write_text("\n".join([line("web1,web2", 1), line("[web1]:2222", 2), line("*.x", 3)]) + "\n")
        keygen("-H", "-f", file)
        known = KnownHosts.load([str(file)])
        assert sum(entry.names.startswith("|1|") for entry in known.entries) == 3
        assert known.verify(["WEB2"], blob(1)).status is Status.KNOWN
        assert known.verify(["[web1]:2222"], blob(2)).status is Status.KNOWN
        assert known.verify(["a.x"], blob(3)).status is Status.KNOWN
        assert known.verify(["web3"], blob(1)).status is Status.UNKNOWN

    @pytest.mark.parametrize("hashed", [False, True])
    def test_keygen_finds_what_we_append(self, hashed: bool, tmp_path: Path) -> None:
        file = tmp_path / "known_hosts"
        append_line(str(file), ["web1", "[web1]:2222"], blob(1), hashed=hashed)
        append_line(str(file), ["web2"], blob(2), hashed=hashed)
        for name, number in {"web1": 1, "[web1]:2222": 1, "web2": 2}.items():
            found = keygen("-F", name, "-f", file).stdout
            assert base64.b64encode(blob(number)).decode() in found
            assert KnownHosts.load([str(file)]).verify([name], blob(number)).status is Status.KNOWN
        assert ("web1" in file.read_text()) is not hashed

    @settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(
        names=st.lists(
            st.lists(
                st.sampled_from(
                    ["web1", "web2", "w*", "*1", "!web1", "![web1]:22", "[web1]:22", "W?b2", "[w*]:2*"]
                ),
                min_size=1,
                max_size=3,
            ).map(",".join),
            min_size=1,
            max_size=4,
        ),
        name=st.sampled_from(["web1", "web2", "WEB1", "[web1]:22", "[web2]:23"]),
    )
    def test_lookup(self, names: list[str], name: str, tmp_path: Path) -> None:
        known = load(tmp_path, *(line(field, number) for number, field in enumerate(names)))
        found = keygen("-F", name, "-f", tmp_path / "known_hosts", check=False).stdout
        lines = [int(text.split()[-1]) for text in found.splitlines() if text.startswith("# Host")]
        assert [entry.line for entry in known.lookup([name])] == lines


class TestAppending:
    def test_creates_file_and_directory_for_the_user_alone(self, tmp_path: Path) -> None:
        file = tmp_path / ".ssh" / "known_hosts"
        append_line(str(file), ["a"], blob(1))
        assert file.stat().st_mode & 0o777 == 0o600
        assert file.parent.stat().st_mode & 0o777 == 0o700

    def test_keeps_every_byte_and_mends_a_missing_newline(self, tmp_path: Path) -> None:
        file = tmp_path / "known_hosts"
        file.write_bytes(b"# mine \xff\n\nbroken line")
        append_line(str(file), ["A"], blob(1))
        assert file.read_bytes() == b"# mine \xff\n\nbroken line\n" + line("a", 1).encode() + b"\n"

    def test_many_writers(self, tmp_path: Path) -> None:
        file = str(tmp_path / "known_hosts")
        writers = [threading.Thread(target=append_line, args=(file, [f"h{n}"], blob(n))) for n in range(20)]
        for writer in writers:
            writer.start()
        for writer in writers:
            writer.join()
        known = KnownHosts.load([file])
        assert len(known.entries) == 20
        assert known.warnings == []

    @pytest.mark.parametrize("name", ["", "a b", "a,b", "#a", "a\nb"])
    def test_names_that_would_break_the_line(self, name: str, tmp_path: Path) -> None:
        with pytest.raises(ValueError, match="not names"):
            append_line(str(tmp_path / "known_hosts"), [name], blob(1))
        assert not (tmp_path / "known_hosts").exists()
