"""YAML files of a playbook as nodes with places, and as data with its templates found."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from hostpool.errors import InventoryError
from hostpool.inventory.model import Place, Vaulted
from hostpool.inventory.yamlreader import Entry, YAMLReader
from hostpool.playbook import vault
from hostpool.playbook.problems import Collector
from hostpool.secrets import Secret
from hostpool.templating import has_template
from hostpool.templating.template import Lazy, Template

_NULL = "tag:yaml.org,2002:null"
LARGEST = 16 << 20


class Document:
    """One file. ``root`` is None when it is empty."""

    def __init__(self, path: str, reader: YAMLReader, root: Node | None, files: Files) -> None:
        self.path = path
        self.root = root
        self.reader = reader
        self._files = files
        self.collector = files.collector

    def place(self, node: Node) -> Place:
        return self.reader.place(node)

    def entries(self, node: MappingNode) -> list[Entry]:
        found = list(self.reader.entries(node))
        self._files.take(self.reader)
        return found

    def static(self, text: str, place: Place, what: str) -> Any:
        """A template that must be known before any host is asked; None where it cannot (that is told)."""
        template = Template(text, place)
        self._files.check(template)
        return self._files.static(template, place, what)

    def plain(self, node: Node) -> Any:
        """The value without any template found in it."""
        value = self.reader.construct(node)
        self._files.take(self.reader)
        return self._decrypted(value)

    def data(self, node: Node) -> Any:
        """The value, its templates as Template, what holds some as Lazy."""
        plain = self.plain(node)
        if not isinstance(node, MappingNode | SequenceNode):
            return self._scalar(node, plain)
        inner = self._inner(node, plain)
        return Lazy(inner) if inner is not plain else plain

    def _inner(self, node: Node, plain: Any) -> Any:
        if isinstance(plain, list) and isinstance(node, SequenceNode) and len(plain) == len(node.value):
            items = [self._inner(each, value) for each, value in zip(node.value, plain, strict=True)]
            return items if any(a is not b for a, b in zip(items, plain, strict=True)) else plain
        if isinstance(plain, dict) and isinstance(node, MappingNode) and node.tag != "!unsafe":
            nodes = {entry.key: entry for entry in self.reader.entries(node) if _hashable(entry.key)}
            pairs = {
                self._scalar(nodes[key].key_node, key): self._inner(nodes[key].value, value)
                for key, value in plain.items()
            }
            same = all(a is plain[b] for a, b in zip(pairs.values(), plain, strict=True))
            return plain if same and all(type(key) is not Template for key in pairs) else pairs
        return self._scalar(node, plain)

    def _scalar(self, node: Node, value: Any) -> Any:
        if type(value) is str and has_template(value):
            template = Template(value, self.place(node))
            self._files.check(template)
            return template
        return value

    def _decrypted(self, value: Any) -> Any:
        if isinstance(value, Vaulted):
            return self._files.reveal(value)
        if isinstance(value, list):
            return [self._decrypted(item) for item in value] if _has_vaulted(value) else value
        if isinstance(value, dict) and _has_vaulted(value):
            return {key: self._decrypted(item) for key, item in value.items()}
        return value


class Files:
    """Reads each file once; what is wrong with it goes to the collector."""

    def __init__(self, collector: Collector, passwords: Sequence[Secret] = ()) -> None:
        self.collector = collector
        self.passwords = tuple(passwords)
        self.names: list[str] = []
        self.secrets: list[str] = []
        self.asked_for: set[str] = set()
        """Variables that some template can do without."""
        self.static: Callable[[Template, Place, str], Any] = lambda template, place, what: None
        self.templates: list[Template] = []
        """All that were found, in whichever file."""
        self._documents: dict[str, Document | None] = {}
        self._taken: dict[int, int] = {}

    def read(self, path: Path | str, at: Place | None = None) -> Document | None:
        """The file as a document; None where it cannot be read (that is a problem then, at ``at``)."""
        name = str(path)
        if name not in self._documents:
            self._documents[name] = self._read(Path(path), name, at)
        return self._documents[name]

    def bytes(self, path: Path, at: Place | None = None) -> bytes | None:
        """The content, decrypted where it is a vault; None where it cannot be read."""
        try:
            if path.stat().st_size > LARGEST:
                self.collector.say(at or Place(str(path)), f"{path} is larger than 16 MiB")
                return None
            data = path.read_bytes()
        except OSError as error:
            self.collector.say(at or Place(str(path)), f"{path} cannot be read: {error.strerror}")
            return None
        if vault.is_vault(data):
            try:
                data = vault.decrypt(data.decode("ascii", "replace"), self.passwords)
            except vault.VaultError as error:
                self.collector.say(
                    Place(str(path), 1), str(error), "--ask-vault-pass or --vault-password-file"
                )
                return None
            self.secrets.append(data.decode("utf-8", "replace"))
        return data

    def _read(self, path: Path, name: str, at: Place | None) -> Document | None:
        data = self.bytes(path, at)
        if data is None:
            return None
        self.names.append(name)
        reader = YAMLReader(data, name)
        try:
            root = reader.root()
        except InventoryError as error:
            self.collector.add(error)
            return None
        return Document(name, reader, root, self)

    def take(self, reader: YAMLReader) -> None:
        """Moves what the reader has found wrong to the collector."""
        for error in reader.problems:
            self.collector.add(error)
        reader.problems.clear()

    def check(self, template: Template) -> None:
        from hostpool.playbook.checking import check

        self.templates.append(template)
        self.asked_for |= check(template, self.collector)

    def reveal(self, value: Vaulted) -> str:
        try:
            plain = vault.decrypt(value.ciphertext, self.passwords).decode("utf-8", "replace")
        except vault.VaultError as error:
            self.collector.say(value.place, str(error), "--ask-vault-pass or --vault-password-file")
            return ""
        if plain not in self.secrets:
            self.secrets.append(plain)
        return plain


def variables_of(document: Document, what: str = "a file of variables") -> dict[str, Any]:
    """A mapping of variables; anything else is a problem, and then empty."""
    root = document.root
    if root is None or is_null(root):
        return {}
    if not isinstance(root, MappingNode):
        document.collector.say(document.place(root), f"{what} is a mapping", "write name: value")
        return {}
    return mapping_of(document, root, what)


def mapping_of(document: Document, node: MappingNode, what: str = "vars") -> dict[str, Any]:
    """Names and values, the values with their templates found."""
    found = {}
    for entry in document.entries(node):
        if isinstance(entry.key, str):
            found[entry.key] = document.data(entry.value)
        else:
            document.collector.say(
                document.place(entry.key_node), f"a name in {what} is text, not {entry.key!r}", "quote it"
            )
    return found


def is_null(node: Node | None) -> bool:
    return node is None or (isinstance(node, ScalarNode) and node.tag == _NULL)


def items(node: Node) -> Iterator[Node]:
    """A list's items; anything else is a list of one."""
    if isinstance(node, SequenceNode):
        yield from node.value
    else:
        yield node


def _hashable(key: Any) -> bool:
    return not isinstance(key, list | dict)


def _has_vaulted(value: Any) -> bool:
    if isinstance(value, Vaulted):
        return True
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return any(_has_vaulted(item) for item in inner)
