"""Which keys a host shows, and what known_hosts says about them: asked without logging in."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any, Literal

import msgspec

from hostpool.errors import ErrorInfo
from hostpool.tasks.base import Effect, Outcome, Request

KeyState = Literal["known", "unknown", "changed", "revoked"]


class SeenKey(msgspec.Struct, frozen=True, kw_only=True):
    """One key of a host or of a jump host before it.

    ``host`` is the inventory's name (for a jump host the name it was given), ``address`` where it was
    seen, ``key`` its blob in base64. ``places``: the ``file:line`` that contradict a changed key, revoke
    a revoked one, hold a known one. ``names`` are what ``file`` has to list it under, ``hashed`` how.
    """

    host: str
    address: str
    type: str
    fingerprint: str
    state: KeyState
    key: str
    names: tuple[str, ...]
    file: str | None = None
    hashed: bool = False
    jump: bool = False
    places: tuple[str, ...] = ()


class Sighting(msgspec.Struct, frozen=True):
    """``keys`` of the jump hosts on the way first. ``blocked``: a jump host that nothing vouches for
    yet, so that nobody has looked behind it."""

    keys: tuple[SeenKey, ...]
    blocked: str | None = None


class HostKeys(Request[Sighting], frozen=True, kw_only=True):
    """A key exchange for each kind of key the server has, all within the connect time-out; for a
    server whose key is known one is enough. Raises errors.Unreachable."""

    effect: Effect = Effect.QUERY


class ScanKeys(msgspec.Struct, frozen=True):
    """``{"keys": [SeenKey…]}`` in the result. ok: a key is known, or could be accepted; failed: one has
    changed or is revoked; unreachable: behind a jump host that is not known yet; skipped: no SSH."""

    @property
    def name(self) -> str:
        return "keys scan"

    def steps(self) -> Generator[Request[Any], Any, Outcome]:
        seen = yield from HostKeys()
        result: dict[str, Any] = {"keys": [msgspec.to_builtins(key) for key in seen.keys]}
        if not seen.keys:
            return Outcome(status="skipped", changed=False, result=result)
        error = _objection(seen)
        if error is None:
            return Outcome(status="ok", changed=False, result=result)
        status: Literal["unreachable", "failed"] = (
            "unreachable" if error.kind == "jump_host_key_unknown" else "failed"
        )
        return Outcome(status=status, result=result, error=error)


def keys_of(result: dict[str, Any] | None) -> tuple[SeenKey, ...]:
    """The keys in a result of :class:`ScanKeys`."""
    return msgspec.convert((result or {}).get("keys", []), tuple[SeenKey, ...])


def _objection(seen: Sighting) -> ErrorInfo | None:
    revoked = [key for key in seen.keys if key.state == "revoked"]
    if revoked:
        return ErrorInfo(
            "host_key_revoked",
            f"{_who(revoked[0])} shows a revoked key ({', '.join(revoked[0].places)})",
            "whoever holds it may be an attacker; the host needs a new key",
        )
    changed = [key for key in seen.keys if key.state == "changed"]
    if changed:
        return ErrorInfo(
            "host_key_changed",
            f"the host key of {_who(changed[0])} has CHANGED: {', '.join(changed[0].places)} has another",
            "somebody may be in between. If the host was really set up anew: "
            + " && ".join(removals(changed)),
        )
    if seen.blocked is not None:
        return ErrorInfo(
            "jump_host_key_unknown",
            f"not looked at: the key of its jump host {seen.blocked} is not known",
            "once that is accepted, what lies behind it can be scanned",
        )
    return None


def removals(changed: list[SeenKey]) -> list[str]:
    """The commands that make known_hosts forget the contradicted keys."""
    commands = []
    for key in changed:
        for place in key.places:
            file = place.rpartition(":")[0]
            commands.append(f"ssh-keygen -f '{file}' -R '{key.names[0]}'")
    return list(dict.fromkeys(commands))


def _who(key: SeenKey) -> str:
    return f"the jump host {key.host} ({key.address})" if key.jump else key.address
