"""Where roles are found: beside the playbook, in the roles path, in collections that are installed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from hostpool.inventory.model import Place
from hostpool.inventory.suggest import nearest
from hostpool.playbook.model import Role

if TYPE_CHECKING:
    from hostpool.playbook.load import Loader

_ROLES = "~/.ansible/roles:/usr/share/ansible/roles:/etc/ansible/roles"
_COLLECTIONS = "~/.ansible/collections:/usr/share/ansible/collections"
_ROOT = "ansible_collections"


def find_role(loader: Loader, name: str, user: Role | None) -> Path | None:
    """The directory of a role; ``user`` is the role that uses it."""
    if Path(name).is_absolute():
        return Path(name) if Path(name).is_dir() else None
    candidates = [base / name for base in _directories(loader, user)]
    if name.count(".") == 2:
        candidates = [*_in_collection(loader, user, name.rpartition(".")[0], name), *candidates]
    elif "." not in name:
        for collection in _searched(loader, user):
            candidates += _in_collection(loader, user, collection, name)
    return next((path for path in candidates if path.is_dir()), None)


def missing(loader: Loader, name: str, place: Place) -> None:
    """Tells that there is none, once for each name."""
    if name in loader.missing_roles:
        return
    loader.missing_roles.add(name)
    bases = [base for base in _directories(loader, None) if base.name == "roles" and base.is_dir()]
    near = nearest(name, {entry.name for base in bases for entry in base.iterdir()})
    if near:
        hint = f"did you mean {near}?"
    elif name.count(".") == 2:
        hint = f"`ansible-galaxy collection install -p collections {name.rpartition('.')[0]}` fetches it"
    elif "." in name:
        hint = f"`ansible-galaxy role install -p roles {name}` fetches it"
    else:
        hint = "roles stand in roles/ beside the playbook"
    loader.collector.say(place, f"there is no role {name!r}", hint)


def _directories(loader: Loader, user: Role | None) -> list[Path]:
    named = loader.environ.get("ANSIBLE_ROLES_PATH", _ROLES)
    return [
        loader.directory / "roles",
        *([Path(user.path).parent] if user is not None else []),
        *(Path(each).expanduser() for each in named.split(":") if each),
        loader.directory,
    ]


def _searched(loader: Loader, user: Role | None) -> list[str]:
    """The collections in which a bare name is looked for: those named, and the one it stands in."""
    found = list(loader.play_collections)
    for role in user.chain() if user is not None else []:
        found += role.collections
    found += [own for path in _here(loader, user) if (own := _own(path)) is not None]
    return list(dict.fromkeys(found))


def _here(loader: Loader, user: Role | None) -> Iterator[Path]:
    if user is not None:
        yield Path(user.path)
    yield loader.directory


def _own(path: Path) -> str | None:
    """The collection that a path lies in."""
    parts = path.parts
    if _ROOT not in parts[:-2]:
        return None
    at = parts.index(_ROOT)
    return ".".join(parts[at + 1 : at + 3])


def _in_collection(loader: Loader, user: Role | None, collection: str, name: str) -> list[Path]:
    below = Path(*collection.split("."), "roles", name.rpartition(".")[2])
    named = loader.environ.get("ANSIBLE_COLLECTIONS_PATH", _COLLECTIONS)
    around = (path.parts for path in _here(loader, user) if _ROOT in path.parts)
    installed = (Path(each).expanduser() for each in named.split(":"))
    roots = [
        loader.directory / "collections" / _ROOT,
        *(Path(*parts[: parts.index(_ROOT) + 1]) for parts in around),
        *(base if base.name == _ROOT else base / _ROOT for base in installed),
    ]
    return [root / below for root in roots]
