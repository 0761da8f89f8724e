"""The one Transport: paramiko's key exchange and packets, our algorithms, waits and channels.

What differs from paramiko, and why, is in the class docstrings. Private names of paramiko 5.1 that
are relied upon are declared at the top of each class.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from typing import Any, ClassVar

import paramiko
from paramiko.common import (
    MSG_CHANNEL_CLOSE,
    MSG_CHANNEL_DATA,
    MSG_CHANNEL_EOF,
    MSG_CHANNEL_EXTENDED_DATA,
    MSG_CHANNEL_FAILURE,
    MSG_CHANNEL_OPEN_FAILURE,
    MSG_CHANNEL_OPEN_SUCCESS,
    MSG_CHANNEL_REQUEST,
    MSG_CHANNEL_SUCCESS,
    MSG_CHANNEL_WINDOW_ADJUST,
    cMSG_CHANNEL_OPEN,
    cMSG_CHANNEL_OPEN_SUCCESS,
    cMSG_GLOBAL_REQUEST,
)
from paramiko.message import Message
from paramiko.ssh_exception import IncompatiblePeer, SSHException

from hostpool.openssh.certificates import is_certificate, parse_host_certificate, verify_signature
from hostpool.ssh.algorithms import CERTIFICATE, Offer
from hostpool.ssh.attempt import Attempt
from hostpool.ssh.channel import Channel
from hostpool.ssh.kex import Curve25519
from hostpool.ssh.packets import Packets
from hostpool.ssh.wire import Wire

MAX_BANNER_LINES = 1024  # as OpenSSH's kex_exchange_identification
WINDOW = 2 * 1024 * 1024
PACKET_SIZE = 32 * 1024


class Transport(paramiko.Transport):
    """A client's transport over a :class:`Wire`.

    - The reader thread never sends on behalf of a channel and never waits: channels are ours.
    - ``on_end`` callbacks run in the reader thread when it ends, for whatever reason.
    - Nothing polls: an idle session costs no CPU.
    - ``offered`` is what the server would do (RFC 4253 §7.1), once it has said so.
    """

    packetizer: Packets
    _channels: Any
    _handler_table: dict[int, Callable[[Message], None]]
    _next_channel: Callable[[], int]
    _send_user_message: Callable[[Message], None]
    _send_message: Callable[[Message], None]
    _auth_trigger: Callable[[], None]
    _add_K: Callable[[Message], None]
    H: Any
    session_id: bytes
    kex_engine: Any
    _kex_info: ClassVar = {
        **paramiko.Transport._kex_info,  # type: ignore[attr-defined]  # not in the stubs
        "curve25519-sha256": Curve25519,
        "curve25519-sha256@libssh.org": Curve25519,
    }
    _channel_handler_table: ClassVar[dict[int, Callable[[Any, Message], None]]] = {
        MSG_CHANNEL_SUCCESS: lambda channel, m: channel._request_success(m),
        MSG_CHANNEL_FAILURE: lambda channel, m: channel._request_failed(m),
        MSG_CHANNEL_DATA: lambda channel, m: channel._feed(m),
        MSG_CHANNEL_EXTENDED_DATA: lambda channel, m: channel._feed_extended(m),
        MSG_CHANNEL_WINDOW_ADJUST: lambda channel, m: channel._window_adjust(m),
        MSG_CHANNEL_REQUEST: lambda channel, m: channel._handle_request(m),
        MSG_CHANNEL_EOF: lambda channel, m: channel._handle_eof(m),
        MSG_CHANNEL_CLOSE: lambda channel, m: channel._handle_close(m),
    }

    def __init__(self, wire: Wire, offer: Offer) -> None:
        super().__init__(wire, packetizer_class=Packets)  # type: ignore[arg-type]  # paramiko duck-types it
        self.wire = wire
        self.preamble: list[str] = []
        self.disconnect: tuple[int, str] | None = None
        self.host_key_blob = b""
        self.offered: Offer | None = None
        self.ended = threading.Event()
        self._offer = offer
        self._attempt: Attempt | None = None
        self._end_lock = threading.Lock()
        self._end_callbacks: list[Callable[[], None]] = []
        self._news: list[Channel] = []
        wire.before_waiting = self._tell
        self._handler_table[MSG_CHANNEL_OPEN_SUCCESS] = self._channel_opened
        self._handler_table[MSG_CHANNEL_OPEN_FAILURE] = self._channel_refused

    # -- what is offered

    @property
    def preferred_ciphers(self) -> tuple[str, ...]:
        return self._offer.ciphers

    @property
    def preferred_kex(self) -> tuple[str, ...]:
        return self._offer.kex

    @property
    def preferred_macs(self) -> tuple[str, ...]:
        return self._offer.macs

    @property
    def preferred_keys(self) -> tuple[str, ...]:
        return self._offer.host_keys

    @property
    def preferred_compression(self) -> tuple[str, ...]:
        return self._offer.compression

    @classmethod
    def supported(cls) -> Offer:
        """All that paramiko can do, the broken and the sound."""
        info: Any = cls
        return Offer(
            ciphers=tuple(info._cipher_info),
            kex=tuple(info._kex_info),
            macs=tuple(info._mac_info),
            host_keys=(),
            compression=(),
        )

    # -- life and end

    def negotiate(self, attempt: Attempt) -> None:
        """Banner and key exchange. Raises what went wrong, EOFError when the connection ended."""
        done = threading.Event()
        attempt.guard(self.kill)
        self.on_end(done.set)
        self._attempt = attempt
        self.start_client(event=done)
        done.wait()
        if self.saved_exception is not None:
            raise self.saved_exception
        if not self.initial_kex_done or not self.active:
            raise EOFError

    def on_end(self, callback: Callable[[], None]) -> None:
        """Calls back once when the connection is gone; at once if it is."""
        with self._end_lock:
            if not self.ended.is_set():
                self._end_callbacks.append(callback)
                return
        callback()

    def run(self) -> None:
        try:
            super().run()
        finally:
            self._tell()
            self.active = False
            with self._end_lock:
                self.ended.set()
                callbacks, self._end_callbacks = self._end_callbacks, []
            for callback in callbacks:
                callback()

    def kill(self) -> None:
        """Ends the connection from any thread without blocking; the reader thread cleans up."""
        self.wire.abort()

    def stop_thread(self) -> None:
        self.wire.abort()

    def close(self) -> None:
        """Ends the connection and waits a moment for the reader thread. Never raises."""
        self.wire.abort()
        if self.ident is None:
            self.wire.close()
        elif self is not threading.current_thread():
            self.join(1.0)

    def failure(self) -> BaseException | None:
        """What ended the reader, if it was an error."""
        return self.saved_exception

    # -- paramiko's internals, done differently

    def _log(self, level: int, msg: object, *args: object) -> None:
        """To nobody: what went wrong is raised."""

    def _check_banner(self) -> None:
        for _ in range(MAX_BANNER_LINES):
            line = self.packetizer.readline(3600)  # the attempt's deadline ends it
            if line.startswith("SSH-"):
                break
            self.preamble.append(line)
        else:
            raise SSHException("1024 lines came in and no SSH banner among them")
        self.remote_version = line
        if self._attempt is not None:
            self._attempt.stage = "kex"
        version = line.split(" ", 1)[0].split("-", 2)
        if len(version) < 3 or version[1] not in ("2.0", "1.99"):
            raise IncompatiblePeer(f"it speaks {line[:40]!r}, not SSH 2.0")

    def _really_parse_kex_init(self, m: Message, ignore_first_byte: bool = False) -> dict[str, Any]:
        parsed: dict[str, Any] = super()._really_parse_kex_init(m, ignore_first_byte)  # type: ignore[misc]  # not in the stubs
        if self.offered is None:
            extensions = ("ext-info-", "kex-strict-")  # stand among the key exchanges and are none
            self.offered = Offer(
                ciphers=tuple(parsed["client_encrypt_algo_list"]),
                kex=tuple(name for name in parsed["kex_algo_list"] if not name.startswith(extensions)),
                macs=tuple(parsed["client_mac_algo_list"]),
                host_keys=tuple(parsed["server_key_algo_list"]),
                compression=tuple(parsed["client_compress_algo_list"]),
            )
        return parsed

    def _parse_debug(self, m: Message) -> None:
        """Nobody reads them, and sshd sends one with every login."""

    def _parse_disconnect(self, m: Message) -> None:
        self.disconnect = (m.get_int(), m.get_string().decode("utf-8", "replace"))

    def _compute_key(self, id: str, nbytes: int) -> bytes:
        """RFC 4253 §7.2, six times a connection, in the fewest steps."""
        secret = Message()
        self._add_K(secret)
        common = secret.asbytes() + self.H
        hashed = self.kex_engine.hash_algo
        key: bytes = hashed(common + id.encode() + self.session_id).digest()
        while len(key) < nbytes:
            key += hashed(common + key).digest()
        return key[:nbytes]

    def _verify_key(self, host_key: bytes, sig: bytes) -> None:
        """The signature must be of the agreed algorithm (paramiko takes SHA-1 for SHA-2), and the key
        must stay the same when the server rekeys. Whether it is the right key is found out later."""
        agreed = (self.host_key_type or "").removesuffix(CERTIFICATE)
        if Message(sig).get_text() != agreed:
            raise SSHException(f"the host key's signature is not {agreed} as agreed")
        if self.host_key_blob and host_key != self.host_key_blob:
            raise SSHException("the host key changed while the connection was open")
        plain = parse_host_certificate(host_key).plain_blob if is_certificate(host_key) else host_key
        if not verify_signature(plain, sig, self.H or b""):
            raise SSHException("the host's signature of the key exchange is wrong")
        self.host_key_blob = host_key

    # -- channels

    def open(self, kind: str, extra: Callable[[Message], None] | None = None) -> Channel:
        """Asks for a channel and returns it before it is confirmed (:meth:`Channel.wait_open`)."""
        with self.lock:
            number = self._next_channel()
            channel = Channel(self, number, WINDOW)
            self._channels.put(number, channel)
            self.channels_seen[number] = True
        m = Message()
        m.add_byte(cMSG_CHANNEL_OPEN)
        m.add_string(kind)
        m.add_int(number)
        m.add_int(WINDOW)
        m.add_int(PACKET_SIZE)
        if extra is not None:
            extra(m)
        self._send_user_message(m)
        self.wire.hurry()
        if not self.active:
            channel._unlink()
        return channel

    def adopt(self, remote: int, window: int, packet: int) -> Channel:
        """Confirms a channel that the host opens. For the reader thread."""
        with self.lock:
            number = self._next_channel()
            channel = Channel(self, number, WINDOW)
            self._channels.put(number, channel)
            self.channels_seen[number] = True
        channel._set_remote_channel(remote, window, packet)
        m = Message()
        m.add_byte(cMSG_CHANNEL_OPEN_SUCCESS)
        for field in (remote, number, WINDOW, PACKET_SIZE):
            m.add_int(field)
        self._send_message(m)
        return channel

    def has_news(self, channel: Channel) -> None:
        """Whoever waits on it is woken when the reader has taken all that has come: several messages, one
        change of threads. For the reader thread."""
        self._news.append(channel)

    def _tell(self) -> None:
        if self._news:
            news, self._news = self._news, []
            for channel in dict.fromkeys(news):
                channel.wake()

    def stir(self) -> None:
        """Wakes everyone who waits on a channel."""
        for channel in self._channels.values():
            channel.poke()

    def unlink(self, number: int) -> None:
        self._channels.delete(number)

    def _channel_opened(self, m: Message) -> None:
        channel = self._channels.get(m.get_int())
        if channel is not None:
            channel._set_remote_channel(m.get_int(), m.get_int(), m.get_int())

    def _channel_refused(self, m: Message) -> None:
        number, reason = m.get_int(), m.get_int()
        channel = self._channels.get(number)
        if channel is not None:
            self._channels.delete(number)
            channel._refused(reason, m.get_string().decode("utf-8", "replace"))

    # -- is anybody there?

    def ask_alive(self) -> None:
        """A request every server answers, be it with "unknown" (OpenSSH's ServerAlive does the same)."""
        m = Message()
        m.add_byte(cMSG_GLOBAL_REQUEST)
        m.add_string("keepalive@openssh.com")
        m.add_boolean(True)
        self._send_user_message(m)

    def send(self, m: Message) -> None:
        """Sends one message, after a running key exchange. Dropped when the connection is gone."""
        with contextlib.suppress(EOFError):
            self._send_user_message(m)
