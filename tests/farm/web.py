"""A web server on loopback with the answers that clients have to cope with."""

from __future__ import annotations

import base64
import hashlib
import json
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self

FILE = b"a file of the web\n"
SINCE = "Mon, 04 Mar 2024 05:06:07 GMT"
USER = "someone:secret word"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def log_message(self, format: str, *args: object) -> None:
        pass

    def _answer(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        self._body = self.rfile.read(length)
        self.server.asked.append((self.command, self.path, dict(self.headers), self._body))
        answers: dict[str, Callable[[], None]] = {
            "/file": self._file, "/named": self._named, "/sums": self._sums, "/json": self._json,
            "/echo": self._echo, "/redirect": self._redirect, "/auth": self._auth, "/cookies": self._cookies,
            "/slow": self._slow, "/endless": self._endless, "/created": self._created,
        }  # fmt: skip
        answers.get(self.path.partition("?")[0], self._missing)()

    do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = _answer

    def _send(self, status: int, body: bytes, **headers: str) -> None:
        self.send_response(status)
        headers.setdefault("Content_Type", "text/plain; charset=utf-8")
        for name, value in headers.items():
            self.send_header(name.rstrip("_").replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD" and status != 304:
            self.wfile.write(body)

    def _file(self) -> None:
        if self.headers.get("If-Modified-Since"):
            self._send(304, b"")
        else:
            self._send(200, FILE, Last_Modified=SINCE)

    def _named(self) -> None:
        self._send(200, FILE, Content_Disposition='attachment; filename="../as it says"')

    def _sums(self) -> None:
        self._send(200, f"{'0' * 64}  other\n{hashlib.sha256(FILE).hexdigest()}  file\n".encode())

    def _json(self) -> None:
        self._send(200, b'{"a": [1, "\xc3\xa9"]}', Content_Type="application/json")

    def _created(self) -> None:
        self._send(201, b"made")

    def _echo(self) -> None:
        wanted = ("content-type", "x-own", "user-agent", "cache-control")
        said = {
            "method": self.command, "body": self._body.decode("latin-1"),
            "headers": {k.lower(): v for k, v in self.headers.items() if k.lower() in wanted},
        }  # fmt: skip
        self._send(200, json.dumps(said).encode(), Content_Type="application/json")

    def _redirect(self) -> None:
        self._send(302, b"", Location="/json")

    def _auth(self) -> None:
        if self.headers.get("Authorization") == "Basic " + base64.b64encode(USER.encode()).decode():
            self._send(200, b"come in")
        else:
            self._send(401, b"who?", WWW_Authenticate='Basic realm="here"')

    def _cookies(self) -> None:
        self._send(200, b"", Set_Cookie="a=1; Path=/", Set_Cookie_="b=2")

    def _missing(self) -> None:
        self._send(404, b"no such thing")

    def _slow(self) -> None:
        self.server.ending.wait()

    def _endless(self) -> None:
        self.send_response(200)
        self.send_header("Connection", "close")
        self.end_headers()
        try:
            while not self.server.ending.is_set():
                self.wfile.write(b"x" * (1 << 16))
        except OSError:
            pass


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self) -> None:
        self.ending = threading.Event()
        self.asked: list[tuple[str, str, dict[str, str], bytes]] = []
        super().__init__(("127.0.0.1", 0), _Handler)

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that went away is no error of ours."""


class Web:
    """``url`` is where it is; ``asked`` what came: method, path, headers, body."""

    def __init__(self) -> None:
        self._server = _Server()
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self.asked = self._server.asked
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.ending.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(10)
