"""uri: a request to a web service, which the host makes.

Parameters:
    url: where to
    method: GET, POST, …
    body: what is sent
    body_format: how it is written: json and form-urlencoded make it of a data structure, form-multipart of
        fields: texts, or {content, filename, mime_type}
    src: a file that is sent
    remote_src: src is a file of the host
    headers: headers of the request
    status_code: the answers that are good
    return_content: return the answer's content, not only JSON
    dest: a file the content goes into; a directory for one with the URL's name
    creates: do nothing if this is there
    removes: do nothing if this is not there
    follow_redirects: all, none, or safe: those of GET and HEAD
    force: ask for no cached copy
    timeout: seconds without a connection or a byte
    url_username: user
    url_password: password
    force_basic_auth: send them at once, not only when asked for them
    validate_certs: the server's certificate has to be good
    ca_path: file with certificates of authorities
    client_cert: file with our certificate
    client_key: file with its key
    unix_socket: connect to this socket; needs curl
    use_proxy: through the proxy the host's environment names
    use_netrc: user and password may come from ~/.netrc
    http_agent: the name we go by
    decompress: an answer that is compressed on its way is unpacked
    ciphers: of TLS; needs curl
    mode: permissions of dest
    owner: its user
    group: its group
    unsafe_writes: write in place where dest cannot be replaced (a mount point)
Returns: ``status``, ``msg``, ``url``, ``redirected``, ``json``, ``content``, ``cookies``, ``cookies_string``,
    ``elapsed``, ``path``; the headers, in lower case with _ for -: ``content_type``, …
Needs: curl, or wget of GNU
Differs: changed says whether dest changed; in check mode GET and HEAD are done, but for dest; content is at
    most 16 MiB without dest; a multipart_encoding of base64 is refused
Source: ansible.builtin.uri of ansible-core 2.19, curl(1), wget's manual
"""

from __future__ import annotations

import json
import re
import secrets
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode, urljoin

from hostpool.tasks.base import Effect, FileSource, Outcome, Run
from hostpool.tasks.modules.base import Mode, Module, ModuleFailed, Result, Steps, Whole, require, text
from hostpool.tasks.modules.editing import FILE, LABELS, LARGEST
from hostpool.tasks.modules.paths import END, INFO, SET, take, wanted
from hostpool.tasks.modules.spec import Param, Spec
from hostpool.tasks.modules.uri_program import ASK
from hostpool.tasks.modules.web import PARAMS, REFUSED, Wish, headers_of
from hostpool.tasks.modules.web_answer import Answer, charset_of, masked, take_answer
from hostpool.tasks.modules.writing import Content

_SET = INFO + SET + 'hp_set "$1" "$2" "$3" "$4" && hp_info "$1" -L ""\n'
_FORMS = {"json": "application/json", "form-urlencoded": "application/x-www-form-urlencoded"}


def uri(args: Mapping[str, Any], mode: Mode) -> Steps:
    method = args["method"].upper()
    if not re.fullmatch(r"[A-Z]+", method):
        raise ModuleFailed("Parameter 'method' needs to be a single word in uppercase, like GET or POST.")
    args = {**args, "timeout": args["timeout"] or 30}
    good = [int(code) for code in args["status_code"] or (200,)]
    wish = _wish(args, method)
    words, stdin = _words(args, wish, good), wish.stdin()
    began = time.monotonic()
    harmless = method in ("GET", "HEAD", "OPTIONS") and not args["dest"]
    foretold = {"changed": False, "skipped": True, "would_run": True, "msg": "check mode does not send it"}
    reply = yield from _ask(words, stdin, None if harmless else foretold)
    about = {"url": masked(args["url"]), "elapsed": int(time.monotonic() - began)}
    output = require(reply, f"{about['url']} could not be asked", **about).stdout
    skipped, _, rest = output.partition(END)
    if skipped:
        return {"changed": False, "stdout": text(skipped).rstrip("\n")}
    answer, rest = take_answer(rest, args["url"])
    about["elapsed"] = int(time.monotonic() - began)
    line, _, rest = rest.partition(END)
    changed, _, path = line.decode("utf-8", "surrogateescape").rstrip("\n").partition("|")
    info, content = take(rest)
    result = _result(args, answer, good, content, about)
    if not path:
        return result
    result.update(path=path, changed=bool(changed))
    attributes = wanted(args, info) if info.exists and answer.status in good else None
    if not attributes:
        return {**info.keys(path), **result}
    told = {**result, "changed": True}
    done = yield from _change(_SET, (path, attributes.mode, attributes.owner, attributes.group), told)
    after, _ = take(require(done, f"{path}: mode and owner could not be set", path=path).stdout)
    return {**after.keys(path), **told}


def _ask(words: tuple[str, ...], stdin: bytes | FileSource, foretells: Result | None) -> Run:
    """``foretells`` None: the request changes nothing."""
    outcome = None if foretells is None else Outcome(status="changed", result=foretells)
    effect = Effect.QUERY if foretells is None else Effect.CHANGE
    return Run(
        effect=effect, foretells=outcome, program=ASK, args=words, stdin=stdin, live=False,
        into=Whole(LARGEST),
    )  # fmt: skip


def _change(program: str, words: tuple[str, ...], told: Result) -> Run:
    outcome = Outcome(status="changed", result=told)
    return Run(effect=Effect.CHANGE, foretells=outcome, program=program, args=words, live=False)


def _wish(args: Mapping[str, Any], method: str) -> Wish:
    headers = headers_of(args["headers"], args["force"])
    body: Content | None = args["_content"]
    kind = args["_type"] or _FORMS.get(args["body_format"])
    if body is None and args["body"] is not None:
        body = Content.of(_written(args["body"], args["body_format"]).encode("utf-8", "surrogateescape"))
    if body is None and args["src"] and args["remote_src"]:
        body = Content.of(b"")  # the host puts it there
    if args["_type"]:
        headers = tuple(pair for pair in headers if pair[0].lower() != "content-type")
    if kind and "content-type" not in (name.lower() for name, _ in headers):
        headers = (*headers, ("Content-Type", kind))
    follow = args["follow_redirects"] in ("all", "yes", "urllib2") or (
        args["follow_redirects"] == "safe" and method in ("GET", "HEAD")
    )
    return Wish(
        args, method, headers, body, follow, socket=args["unix_socket"] or "",
        authorities=args["ca_path"] or "", heads=True,
    )  # fmt: skip


def _words(args: Mapping[str, Any], wish: Wish, good: list[int]) -> tuple[str, ...]:
    octal = args["mode"] if args["mode"] is not None and args["mode"].isdigit() else ""
    return (
        *wish.words(), args["creates"] or "", args["removes"] or "", args["dest"] or "",
        " ".join(map(str, good)), octal, args["owner"] or "", args["group"] or "",
        "unsafe" if args["unsafe_writes"] else "", secrets.token_hex(8),
        args["src"] if args["src"] and args["remote_src"] else "",
    )  # fmt: skip


def _written(body: Any, form: str) -> str:
    if isinstance(body, str):
        return body
    if form == "json":
        return json.dumps(body)
    if form != "form-urlencoded":
        return str(body)
    pairs = body.items() if isinstance(body, Mapping) else body
    try:
        found = [(key, values if isinstance(values, list | tuple) else [values]) for key, values in pairs]
    except (TypeError, ValueError) as error:
        raise ModuleFailed(f"failed to parse body as form_urlencoded: {error}") from error
    return urlencode(
        [(str(key), str(value)) for key, values in found for value in values if value is not None]
    )


def _result(
    args: Mapping[str, Any], answer: Answer, good: list[int], content: bytes, about: Result
) -> Result:
    """Raises ModuleFailed for an answer that is not good."""
    result: Result = {name.replace("-", "_"): value for name, value in answer.headers.items()}
    if "location" in result:
        result["location"] = urljoin(args["url"], result["location"])
    if "set_cookie" in result:
        result["set_cookie"] = result["set_cookie"].replace("\n", ", ")
    cookies = dict(answer.cookies)
    result.update(
        changed=False, status=answer.status or -1, url=answer.url, redirected=answer.redirected,
        msg=answer.message, elapsed=about["elapsed"], cookies=cookies,
        cookies_string="; ".join(f"{name}={value}" for name, value in cookies.items()),
    )  # fmt: skip
    kind, charset = charset_of(answer.headers)
    try:
        words = content.decode(charset, "replace")
    except LookupError:
        words = text(content)
    if re.search(r"[/+](json|javascript)$", kind):
        try:
            result["json"] = json.loads(words)
        except ValueError:
            pass
    if args["return_content"]:
        result["content"] = words
    if answer.status in good and len(content) > LARGEST and not args["dest"]:
        raise ModuleFailed("the answer is larger than 16 MiB: give dest", url=answer.url)
    if answer.status not in good:
        message = f"Status code was {answer.status or -1} and not {good}: {answer.message}"
        raise ModuleFailed(message, **{key: value for key, value in result.items() if key != "msg"})
    return result


MODULES = {
    "uri": Module(
        Spec(
            "uri",
            {
                **PARAMS, "method": Param(default="GET"), "body": Param("raw", secret=True),
                "body_format": Param(default="raw",
                                     choices=("form-urlencoded", "json", "raw", "form-multipart")),
                "src": Param("path"), "remote_src": Param("bool", False), "status_code": Param("list"),
                "return_content": Param("bool", False), "dest": Param("path"), "creates": Param("path"),
                "removes": Param("path"),
                "follow_redirects": Param(default="safe",
                                          choices=("all", "no", "none", "safe", "urllib2", "yes")),
                "ca_path": Param("path"), "unix_socket": Param("path"), **FILE,
                "url_username": Param(aliases=("user",)),
                "url_password": Param(secret=True, aliases=("password",)),
                "_content": Param("raw"), "_type": Param("raw"),
            },
            refused={**LABELS, **REFUSED},
            exclusive=(("body", "src"),),
        ),
        uri,
    )
}  # fmt: skip
