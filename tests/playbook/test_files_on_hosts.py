"""Modules about files on real hosts: what is too large to be kept as output, and what is of this machine."""

from __future__ import annotations

import os
import tarfile
from pathlib import Path

import pytest

from tests.farm import Web
from tests.playbook.conftest import Play

LARGE = b"".join(b"line %d\n" % number for number in range(100_000))
"""Beyond what is kept of a command's output."""
UNPACKED = LARGE * 4
"""Beyond what is kept in memory of a file."""

SITE = """
- hosts: h001
  gather_facts: false
  vars: {place: "%s"}
  tasks:
    - name: a line of a large file
      lineinfile: {path: "{{ place }}/large", line: the last}
    - name: a block of it
      blockinfile: {path: "{{ place }}/large", block: inside, insertbefore: BOF}
    - name: read
      slurp: {src: "{{ place }}/large"}
      register: read
    - assert: {that: read.content | b64decode | length == %d}
    - name: brought here
      fetch: {src: "{{ place }}/large", dest: brought}
      register: brought
    - name: brought here flat
      fetch: {src: "{{ place }}/large", dest: brought/as, flat: true}
    - name: names that are no text
      find: {paths: "{{ place }}/names", file_type: any}
      register: names
    - assert: {that: names.matched == 2}
    - name: a link to such a name
      stat: {path: "{{ place }}/names/link"}
    - name: a tree
      copy: {src: tree, dest: "{{ place }}/followed"}
    - name: a tree with its links
      copy: {src: tree/, dest: "{{ place }}/links", local_follow: false}
    - name: a file of the host
      copy: {src: "{{ place }}/large", dest: "{{ place }}/copied", remote_src: true, mode: preserve}
    - name: a time
      file: {path: "{{ place }}/copied", modification_time: "202401020304.05", access_time: preserve}
    - name: a large archive
      unarchive: {src: large.tar, dest: "{{ place }}/links"}
    - name: a form with a file
      uri:
        url: "{{ web }}/echo"
        method: POST
        body_format: form-multipart
        body: {a: x, b: {filename: small, mime_type: text/x-own}}
      register: form
    - assert:
        that:
          - form.json.body is search('name="a"')
          - form.json.body is search('filename="small"')
          - form.json.body is search("of this machine")
    - name: a file that is sent
      uri: {url: "{{ web }}/echo", method: PUT, src: small}
      register: sent
    - assert: {that: sent.json.body == "of this machine"}
"""


@pytest.mark.timeout(300)
def test_files_of_all_kinds(play: Play, tmp_path: Path) -> None:
    place, files = tmp_path / "host", tmp_path / "files"
    (place / "names").mkdir(parents=True)
    (place / "large").write_bytes(LARGE)
    (place / "large").chmod(0o640)
    strange = os.fsencode(place / "names") + b"/no \xff text"
    with open(strange, "w"):
        pass
    os.symlink(strange, os.fsencode(place / "names/link"))  # noqa: PTH211 -- bytes
    (files / "tree/inner").mkdir(parents=True)
    (files / "tree/inner/f").write_text("f")
    (files / "tree/link").symlink_to("inner")
    (files / "small").write_text("of this machine")
    with tarfile.open(files / "large.tar", "w") as archive:
        (files / "large").write_bytes(UNPACKED)
        archive.add(files / "large", "unpacked")
    added = b"the last\n", b"# BEGIN ANSIBLE MANAGED BLOCK\ninside\n# END ANSIBLE MANAGED BLOCK\n"
    length = len(LARGE) + sum(map(len, added))
    site = tmp_path / "site.yml"
    site.write_text(SITE % (place, length))
    with Web() as web:
        words = ["-e", f"web={web.url}", site]
        first = play(*words, timeout=250)
        assert first.code == 0, first.err + first.out[-3000:]
        second = play(*words, timeout=250)
    assert second.code == 0, second.out[-3000:]
    assert second.changed("h001") == 0, second.out[-3000:]
    assert (place / "large").read_bytes() == added[1] + LARGE + added[0]
    brought = tmp_path / f"brought/h001{place}/large"
    assert brought.read_bytes() == (place / "large").read_bytes()
    assert brought.stat().st_mode & 0o777 == 0o640
    assert (tmp_path / "brought/as").read_bytes() == brought.read_bytes()
    assert (place / "followed/tree/link/f").read_text() == "f"
    assert not (place / "followed/tree/link").is_symlink()
    assert (place / "links/link").readlink() == Path("inner")
    assert (place / "copied").stat().st_mode & 0o777 == 0o640
    assert (place / "links/unpacked").read_bytes() == UNPACKED


AS_NOBODY = """
- hosts: h001
  gather_facts: false
  become: true
  become_user: nobody
  tasks:
    - fetch: {src: /usr/lib/os-release, dest: brought, flat: true}
    - fetch: {src: /etc/shadow, dest: secret, flat: true}
      register: fetched
      ignore_errors: true
    - slurp: {src: /etc/shadow}
      register: read
      ignore_errors: true
    - assert: {that: [fetched is failed, fetched.msg is search("not readable"), read is failed]}
"""


@pytest.mark.needs_root
def test_as_another_user(play: Play, tmp_path: Path) -> None:
    site = tmp_path / "site.yml"
    site.write_text(AS_NOBODY)
    ended = play(site, timeout=200)
    assert ended.code == 0, ended.out[-3000:]
    assert (tmp_path / "brought").read_bytes() == Path("/usr/lib/os-release").read_bytes()
    assert not (tmp_path / "secret").exists()
