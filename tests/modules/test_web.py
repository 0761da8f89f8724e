"""get_url and uri by each program that a host may have, against a real server."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.farm import Web
from tests.farm.web import FILE
from tests.modules.shell import Shell


@pytest.fixture(scope="module")
def web() -> Iterator[Web]:
    with Web() as server:
        yield server


@pytest.fixture(params=["curl", "wget"])
def host(request: pytest.FixtureRequest, tmp_path: Path) -> Host:
    return Host(tmp_path, request.param)


@pytest.fixture
def busybox(tmp_path: Path) -> Host:
    return Host(tmp_path, "busybox")


class Host(Shell):
    """With one web client, that notes what anybody on the host could see of it."""

    def __init__(self, top: Path, client: str) -> None:
        super().__init__(top)
        self.words = top / "words"
        real = shutil.which(client)
        name, inner = ("wget", f"{real} wget") if client == "busybox" else (client, real)
        log = f'printf "%s\\n" "$@" >> {self.words}; env >> {self.words}'
        (self.bin / name).write_text(f'#!{shutil.which("sh")}\n{log}\nexec {inner} "$@"\n')
        (self.bin / name).chmod(0o755)


def test_a_file_is_got_once(host: Host, web: Web) -> None:
    dest = host.place / "file"
    url = f"{web.url}/file"
    got = host.run("get_url", url=url, dest=str(dest), mode="0600", validate_certs=False)
    assert (got["changed"], got["status_code"], dest.read_bytes()) == (True, 200, FILE), got
    assert dest.stat().st_mode & 0o777 == 0o600
    again = host.run("get_url", url=url, dest=str(dest))
    assert (again["changed"], again["mode"]) == (False, "0600"), again
    dest.write_bytes(b"mine")
    forced = host.run("get_url", url=url, dest=str(dest), backup=True, checksum=f"sha256:{web.url}/sums")
    assert forced["changed"] is True, forced
    assert Path(forced["backup_file"]).read_bytes() == b"mine"
    assert dest.read_bytes() == FILE


def test_a_name_of_the_server_leads_nowhere_else(host: Host, web: Web) -> None:
    got = host.run("get_url", url=f"{web.url}/named", dest=str(host.place))
    assert got["dest"] == str(host.place / "as it says"), got


def test_what_is_not_there(host: Host, web: Web) -> None:
    got = host.run("get_url", url=f"{web.url}/nothing", dest=str(host.place / "x"))
    assert (got["failed"], got["status_code"]) == (True, 404), got
    asked = host.run("uri", url=f"{web.url}/nothing")
    assert (asked["failed"], asked["status"]) == (True, 404), asked
    nobody = host.run("uri", url="http://127.0.0.1:1/", timeout=5)
    assert (nobody["failed"], nobody["status"]) == (True, -1), nobody


def test_json_after_a_redirect(host: Host, web: Web) -> None:
    asked = host.run("uri", url=f"{web.url}/redirect")
    assert (asked["status"], asked["json"]) == (200, {"a": [1, "é"]}), asked
    assert asked["redirected"] is True
    assert asked["url"] == f"{web.url}/json"


def test_what_is_sent_is_seen_by_nobody_else(host: Host, web: Web) -> None:
    asked = host.run(
        "uri", url=f"{web.url}/echo", method="PUT", headers={"X-Own": "a $secret 'word'"}, body="b\0dy\n",
        url_username="someone", url_password="hush \"hush\" \\",
    )  # fmt: skip
    said = asked["json"]
    assert (said["method"], said["body"]) == ("PUT", "b\0dy\n"), asked
    assert said["headers"]["x-own"] == "a $secret 'word'"
    seen = host.words.read_text()
    assert not [word for word in ("secret", "hush", "b\0dy", web.url) if word in seen]


def test_a_user_and_a_password(host: Host, web: Web) -> None:
    for at_once in (False, True):
        asked = host.run(
            "uri", url=f"{web.url}/auth", user="someone", password="secret word", force_basic_auth=at_once,
            return_content=True,
        )  # fmt: skip
        assert asked["content"] == "come in", asked


def test_a_server_that_says_nothing_is_given_up(host: Host, web: Web) -> None:
    asked = host.run("uri", url=f"{web.url}/slow", timeout=1)
    assert (asked["failed"], asked["status"]) == (True, -1), asked


def test_an_answer_without_an_end_is_bounded(host: Host, web: Web) -> None:
    asked = host.run("uri", url=f"{web.url}/endless")
    assert asked["failed"] is True, {**asked, "content": None}


def test_a_file_is_sent(host: Host, web: Web) -> None:
    source = host.place / "source"
    source.write_bytes(b"of the host")
    asked = host.run("uri", url=f"{web.url}/echo", method="POST", src=str(source), remote_src=True)
    assert asked["json"]["body"] == "of the host", asked


def test_a_file_by_busybox(busybox: Host, web: Web) -> None:
    dest = busybox.place / "file"
    got = busybox.run("get_url", url=f"{web.url}/file", dest=str(dest))
    assert (got["changed"], got["status_code"], dest.read_bytes()) == (True, 200, FILE), got
    again = busybox.run("get_url", url=f"{web.url}/file", dest=str(dest), force=False)
    assert again["changed"] is False
    missing = busybox.run("get_url", url=f"{web.url}/nothing", dest=str(dest))
    assert (missing["failed"], missing["status_code"]) == (True, 404), missing


def test_busybox_does_not_wait_for_ever(busybox: Host, web: Web) -> None:
    got = busybox.run("get_url", url=f"{web.url}/slow", dest=str(busybox.place / "x"), timeout=1)
    assert (got["failed"], got["status_code"]) == (True, -1), got


def test_what_busybox_would_show_or_cannot_do(busybox: Host, web: Web) -> None:
    for module, more, why in (
        ("get_url", {"headers": {"X": "y"}}, "headers"),
        ("get_url", {"url": "http://a:b@127.0.0.1:1/x"}, "a password in the URL"),
        ("get_url", {"url": "https://127.0.0.1:1/x"}, "validate_certs"),
        ("get_url", {"dest": str(busybox.place)}, "the name the server says"),
        ("uri", {"method": "POST"}, "method POST"),
        ("uri", {}, "the answer's headers"),
    ):
        args: dict[str, Any] = {"url": web.url, "dest": str(busybox.place / "x"), **more}
        got = busybox.run(module, **args)
        assert got["msg"].endswith(f"BusyBox's wget cannot do it ({why}): install curl on the host"), got
    assert not [word for word in ("a:b", "POST", web.url) if word in busybox.words.read_text()]


def test_without_any_client(tmp_path: Path) -> None:
    host = Host(tmp_path, "curl")
    (host.bin / "curl").unlink()
    got = host.run("get_url", url="http://127.0.0.1:1/x", dest=str(host.place / "x"))
    assert got["msg"].endswith("the host has neither curl nor wget")
