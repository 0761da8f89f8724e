"""Archives of the control node for a playbook."""

from __future__ import annotations

import io
import tarfile
import zipfile
from pathlib import Path

FILES = {"top/one": (b"one\n", 0o640), "top/sub/two": (b"two\n", 0o755), "top/sub/three é": (b"", 0o600)}
_TIME = 1_700_000_000


def pack(place: Path) -> Path:
    """``packed.tar.gz``, ``packed.zip``, and ``plain``, which is none."""
    place.mkdir()
    with tarfile.open(place / "packed.tar.gz", "w:gz") as tar:
        for name in ("top", "top/sub"):
            tar.addfile(_member(name, tarfile.DIRTYPE, 0o755))
        for name, (data, mode) in FILES.items():
            member = _member(name, tarfile.REGTYPE, mode)
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
        link = _member("top/link", tarfile.SYMTYPE, 0o777)
        link.linkname = "sub/two"
        tar.addfile(link)
    with zipfile.ZipFile(place / "packed.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for name in ("top/", "top/sub/"):
            archive.writestr(zipfile.ZipInfo(name, (2024, 1, 2, 3, 4, 6)), b"")
        for name, (data, mode) in FILES.items():
            info = zipfile.ZipInfo(name, (2024, 1, 2, 3, 4, 6))
            info.external_attr = (0o100000 | mode) << 16
            archive.writestr(info, data)
    (place / "plain").write_text("no archive\n" * 100)
    return place


def _member(name: str, kind: bytes, mode: int) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.type, member.mode, member.mtime = kind, mode, _TIME
    member.uid = member.gid = 0
    return member
