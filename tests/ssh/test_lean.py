"""What is left out of paramiko is not missed: workers do not need it, and who asks for it gets it."""

from __future__ import annotations

from pathlib import Path

from tests.test_imports import run_python

PROGRAM = """
import sys
import hostpool.worker.preload
import paramiko
from hostpool.lean import LaterName
from hostpool.ssh.lean import _LEFT_OUT, _Absent

dear = {"importlib.metadata", "nacl", "subprocess", "tempfile", "platform", "typing_extensions", "email"}
dear |= {"inspect", "logging", "traceback", "tokenize", "bcrypt", "encodings.idna", "getpass"}
dear |= {"decimal", "ipaddress", "textwrap", "urllib", "uuid"}
dear |= {f"paramiko.{part}" for part in _LEFT_OUT}
assert not dear & sys.modules.keys(), dear & sys.modules.keys()
parts = [module for name, module in sys.modules.items() if name.split(".")[0] == "paramiko"]
left = {name for part in parts for name, value in vars(part).items() if type(value) in (_Absent, LaterName)}
assert left == {"SSHConfig", "SFTPClient"}, f"paramiko uses what is left out: {left}"

with open("config", "w") as file:
    file.write("Host a\\n  User b\\n")
with open("config") as file:
    assert paramiko.util.parse_ssh_config(file).lookup("a")["user"] == "b"
assert paramiko.transport.SFTPClient.from_transport.__self__ is paramiko.SFTPClient
assert paramiko.util.get_logger("paramiko").log(40, "%s", "nobody hears it") is None
import logging
assert logging.getLogger("other").getEffectiveLevel() == logging.WARNING

from paramiko import AgentKey, AutoAddPolicy, SSHClient
import paramiko.client
assert SSHClient is paramiko.SSHClient is paramiko.client.SSHClient
for name in ("Agent", "AuthStrategy", "HostKeys", "ProxyCommand", "SFTPHandle", "SFTPServerInterface"):
    assert isinstance(getattr(paramiko, name), type), name
assert not hasattr(paramiko, "nothing_of_it")
assert paramiko.__version__[0].isdigit()

import nacl.exceptions, nacl.signing
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, NoEncryption
from cryptography.hazmat.primitives.serialization import PrivateFormat, load_ssh_private_key
made = Ed25519PrivateKey.generate()
with open("key", "wb") as file:
    file.write(made.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()))
key = paramiko.Ed25519Key(filename="key")
public = paramiko.Ed25519Key(data=key.asbytes())
sealed = made.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, BestAvailableEncryption(b"word"))
with open("sealed", "wb") as file:
    file.write(sealed)
assert paramiko.Ed25519Key(filename="sealed", password="word") == key
assert load_ssh_private_key(sealed, b"word").public_key() == made.public_key()
for data, right in ((b"that", True), (b"other", False)):
    signature = key.sign_ssh_data(b"that")
    signature.rewind()
    assert public.verify_ssh_sig(data, signature) is right
"""


def test_workers_import_no_part_that_they_do_not_use_and_paramiko_is_whole(tmp_path: Path) -> None:
    run_python(PROGRAM, tmp_path)
