"""Carrying bytes between a command's pipes or terminal and its SSH channel."""

from __future__ import annotations

import os
import select
from collections.abc import Callable
from typing import IO

import paramiko

from hostpool.demo.running import Process

# one SSH packet of the usual 32 KiB, less paramiko's allowance for its header
BLOCK = 32768 - 64


def feed(channel: paramiko.Channel, stdin: IO[bytes]) -> None:
    """Write what the client sends until its EOF. What a command no longer reads is thrown away, so
    that the client can always send on."""
    wanted = True
    with stdin:
        while data := channel.recv(65536):
            view = memoryview(data)
            while wanted and view:
                try:
                    view = view[os.write(stdin.fileno(), view) :]
                except OSError:
                    wanted = False


def carry(stream: IO[bytes], send: Callable[[bytes], None]) -> None:
    """Send all of ``stream``. When the client is gone the pipe is closed: the writer gets SIGPIPE."""
    with stream:
        try:
            while data := os.read(stream.fileno(), BLOCK):
                send(data)
        except OSError:
            pass


def type_in(channel: paramiko.Channel, master: int, process: Process) -> None:
    """Type what the client sends on a terminal, until its EOF or the command's end. ``master`` does
    not block: a command that reads nothing must not keep us from ending."""
    poll = select.poll()
    poll.register(master, select.POLLOUT)
    while data := channel.recv(4096):
        view = memoryview(data)
        while view and process.returncode is None:
            poll.poll(50)
            try:
                view = view[os.write(master, view) :]
            except BlockingIOError:
                continue
            except OSError:
                return


def show(master: int, channel: paramiko.Channel, process: Process) -> None:
    """Send what appears on a terminal until the command has ended and all of it is sent."""
    poll = select.poll()
    poll.register(master, select.POLLIN)
    last = False
    while True:
        if poll.poll(0 if last else 50):
            try:
                channel.sendall(os.read(master, BLOCK))
            except OSError:
                return
        elif last:
            return
        else:
            last = process.returncode is not None
