"""What to say of a host with which we have no algorithm in common: what each side allows, and who has to
give way."""

from __future__ import annotations

from typing import NamedTuple

from hostpool.errors import excerpt
from hostpool.messages import Target
from hostpool.ssh.algorithms import CIPHERS, HOST_KEYS, KEX, MACS, Offer


class _Kind(NamedTuple):
    """``offer`` and ``target``: the fields of Offer and Target that hold them; ``supported``: all that we
    can do, None for what Offer says."""

    what: str
    option: str
    offer: str
    target: str
    sound: tuple[str, ...]
    supported: tuple[str, ...] | None = None


# by paramiko's words for it
_KINDS = {
    "kex algorithm": _Kind("kex algorithm", "KexAlgorithms", "kex", "kex", KEX),
    "host key": _Kind(
        "host key algorithm", "HostKeyAlgorithms", "host_keys", "host_key_algorithms", HOST_KEYS, HOST_KEYS
    ),
    "ciphers": _Kind("cipher", "Ciphers", "ciphers", "ciphers", CIPHERS),
    "macs": _Kind("MAC", "MACs", "macs", "macs", MACS),
}


def disagreement(reason: str, target: Target, offered: Offer | None, supported: Offer) -> tuple[str, str]:
    """Message (which goes on from the host's place) and hint. ``reason`` are paramiko's words."""
    words = reason.rpartition("(")[2].rstrip(")").removeprefix("no acceptable ")
    kind = _KINDS.get(words)
    if kind is None or offered is None:
        return f"and we have nothing in common: {reason}", "ssh -vv shows what it offers"
    theirs: tuple[str, ...] = getattr(offered, kind.offer)
    ours: tuple[str, ...] = getattr(supported, kind.offer) if kind.supported is None else kind.supported
    wanted: tuple[str, ...] = getattr(target, kind.target)
    message = f"and we have no {kind.what} in common: it offers {_list(theirs)}"
    if wanted and wanted[0][:1] not in ("+", "^"):
        where = dict(target.algorithms_set).get(kind.option, "set for this host")
        message += f", and {kind.option} {_list(wanted)} ({where}) allows none of that"
        sound = next((name for name in theirs if name in kind.sound and name in ours), None)
        if sound is not None:
            return message, f"add {sound} to that {kind.option}, or take the setting away"
    broken = next((name for name in theirs if name in ours), None)
    if broken is None:
        hint = f"hostpool can do none of that: {kind.option} in the host's sshd_config may allow more"
    else:
        hint = (
            f"an old host: it offers only what is considered broken; --ssh-option {kind.option}=+{broken} "
            "lets it in for hosts that cannot be updated"
        )
    return message, hint


def _list(names: tuple[str, ...]) -> str:
    return excerpt(", ".join(names)) or "none"
