"""What fetch, unarchive and uri need of the control node before they are called."""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hostpool.playbook.lookuppaths import find
from hostpool.playbook.sources import BadTask, content_of, refuse_vault, said
from hostpool.tasks.modules.writing import Content
from hostpool.templating.scope import Scope

Args = dict[str, Any]
_MULTIPART = ("filename", "content", "mime_type", "multipart_encoding")


def fetch(args: Args, scope: Scope) -> Args:
    """Where the files go, as an absolute path, and the host's name as the name of a directory."""
    dest = str(args.get("dest") or "")
    place = Path(str(scope.get("playbook_dir") or "."), Path(dest).expanduser()).absolute()
    if dest and said(args, "flat", False) and not dest.endswith("/") and place.is_dir():
        raise BadTask(
            "dest is an existing directory, use a trailing slash if you want to fetch src into that directory"
        )
    name = re.sub(r"[/\0]", "_", str(scope.get("inventory_hostname")))
    host = f"_{name}" if name in (".", "..") else name
    return {**args, "_place": os.path.normpath(place), "_host": host}


def unarchive(args: Args, scope: Scope) -> Args:
    if args.get("copy") is not None and args.get("remote_src") is not None:
        raise BadTask("parameters are mutually exclusive: ('copy', 'remote_src')")
    remote = said(args, "remote_src", not said(args, "copy", True))
    source = str(args.get("src") or "")
    if remote or not source:
        return {**args, "remote_src": remote}
    if "://" in source:
        raise BadTask("an URL as src is only supported when remote_src is yes")
    return {**args, **_file(source, scope, said(args, "decrypt", True))}


def uri(args: Args, scope: Scope) -> Args:
    if args.get("body_format") == "form-multipart":
        kind, body = _multipart(args.get("body"), scope)
        return {**args, "body": None, "_content": Content.of(body), "_type": kind}
    if args.get("src") is None or said(args, "remote_src", False):
        return args
    return {**args, **_file(str(args["src"]), scope, decrypt=True)}


def _file(source: str, scope: Scope, decrypt: bool) -> Args:
    try:
        path = Path(find(source, scope))
        if path.is_dir():
            raise BadTask(f"'{path}' is a directory")
        return {"src": str(path), "_content": content_of(path, decrypt)}
    except OSError as error:
        raise BadTask(f"Could not find or access '{source}': {error}") from error


def _multipart(fields: Any, scope: Scope) -> tuple[str, bytes]:
    """The content type and the body (RFC 7578)."""
    if not isinstance(fields, Mapping):
        raise BadTask("failed to parse body as form-multipart: it is a mapping of fields")
    boundary = secrets.token_hex(16)
    parts = []
    for name, value in fields.items():
        kind, data, file = _part(str(name), value, scope)
        where = f'form-data; name="{_quoted(str(name))}"'
        if file is not None:
            where += f'; filename="{_quoted(file)}"'
        head = f"--{boundary}\r\nContent-Disposition: {where}\r\nContent-Type: {kind}\r\n\r\n"
        parts.append(head.encode() + data + b"\r\n")
    return f"multipart/form-data; boundary={boundary}", b"".join(parts) + f"--{boundary}--\r\n".encode()


def _part(name: str, value: Any, scope: Scope) -> tuple[str, bytes, str | None]:
    """Its content type, its content, the name of its file."""
    if not isinstance(value, Mapping):
        return "text/plain", str(value).encode(), None
    unknown = set(value) - set(_MULTIPART)
    if unknown:
        raise BadTask(f"the field {name!r} of body has {', '.join(sorted(map(str, unknown)))}")
    if value.get("multipart_encoding") == "base64":
        raise BadTask(f"the field {name!r} of body: base64 is no encoding that RFC 7578 allows")
    file, content = value.get("filename"), value.get("content")
    if content is not None:
        data = str(content).encode()
    elif file is not None:
        data = _read(str(file), scope)
    else:
        raise BadTask(f"the field {name!r} of body needs content or filename")
    short = None if file is None else Path(str(file)).name
    import mimetypes  # few send forms

    guessed = mimetypes.guess_type(short or "")[0] or "application/octet-stream"
    kind = str(value.get("mime_type") or (guessed if short else "text/plain"))
    if not re.fullmatch(r"[\w.+/;= -]+", kind, re.ASCII):
        raise BadTask(f"the field {name!r} of body: {kind!r} is no mime_type")
    return kind, data, short


def _read(file: str, scope: Scope) -> bytes:
    try:
        path = Path(find(file, scope))
        refuse_vault(path)
        return path.read_bytes()
    except OSError as error:
        raise BadTask(f"Could not find or access '{file}': {error}") from error


def _quoted(text: str) -> str:
    """As browsers write names into a header (RFC 7578, 4.2)."""
    return text.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")
