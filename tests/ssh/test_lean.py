"""What is left out of paramiko is not missed: workers do not need it, and who asks for it gets it."""

from __future__ import annotations

from pathlib import Path

from tests.test_imports import run_python

PROGRAM = """
import sys
import hostpool.worker.preload
import paramiko
from hostpool.ssh.lean import _LEFT_OUT, _Absent

dear = {"importlib.metadata", "nacl", "subprocess", "tempfile", "platform", "typing_extensions", "email"}
dear |= {f"paramiko.{part}" for part in _LEFT_OUT}
assert not dear & sys.modules.keys(), dear & sys.modules.keys()
parts = [module for name, module in sys.modules.items() if name.split(".")[0] == "paramiko"]
left = [(part, name) for part in parts for name, value in vars(part).items() if type(value) is _Absent]
assert not left, f"paramiko uses what is left out: {left}"

from paramiko import AgentKey, AutoAddPolicy, SSHClient
import paramiko.client
assert SSHClient is paramiko.SSHClient is paramiko.client.SSHClient
for name in ("Agent", "AuthStrategy", "HostKeys", "ProxyCommand", "SFTPHandle", "SFTPServerInterface"):
    assert isinstance(getattr(paramiko, name), type), name
assert not hasattr(paramiko, "nothing_of_it")
assert paramiko.__version__[0].isdigit()

import nacl.exceptions, nacl.signing
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
made = Ed25519PrivateKey.generate()
with open("key", "wb") as file:
    file.write(made.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()))
key = paramiko.Ed25519Key(filename="key")
public = paramiko.Ed25519Key(data=key.asbytes())
for data, right in ((b"that", True), (b"other", False)):
    signature = key.sign_ssh_data(b"that")
    signature.rewind()
    assert public.verify_ssh_sig(data, signature) is right
"""


def test_workers_import_no_part_that_they_do_not_use_and_paramiko_is_whole(tmp_path: Path) -> None:
    run_python(PROGRAM, tmp_path)
