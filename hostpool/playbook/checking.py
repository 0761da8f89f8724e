"""What can be seen of a template without rendering it: its syntax, unknown filters, tests and lookups."""

from __future__ import annotations

from hostpool.inventory.model import Place
from hostpool.playbook.lookups import LOOKUPS, NOT_SUPPORTED_LOOKUPS
from hostpool.playbook.problems import Collector
from hostpool.playbook.undefined import asked_for
from hostpool.templating.environment import environment, nodes
from hostpool.templating.filters import NOT_SUPPORTED
from hostpool.templating.template import RenderError, Template

_BUILTIN = "ansible.builtin."


def check(template: Template, collector: Collector) -> frozenset[str]:
    """Reports what no run can make good. Returns the names whose absence the template reckons with."""
    place = template.place if isinstance(template.place, Place) else Place("a template")
    try:
        tree = template.parse()
    except RenderError as error:
        collector.add(error)
        return frozenset()
    for node in tree.find_all((nodes.Filter, nodes.Test, nodes.Call)):
        if isinstance(node, nodes.Filter):
            _filter(node, place, collector)
        elif isinstance(node, nodes.Test):
            if node.name not in environment().tests:
                collector.unknown(place, "test", node.name, environment().tests)
        elif isinstance(node, nodes.Call):
            _lookup(node, place, collector)
    return frozenset(asked_for(tree))


def _filter(node: nodes.Filter, place: Place, collector: Collector) -> None:
    name = node.name
    if name in environment().filters:
        return
    short = name.rpartition(".")[2]
    if short in NOT_SUPPORTED:
        collector.refuse(place, f"the filter {name!r}", NOT_SUPPORTED[short])
    elif "." in name:
        collector.refuse(place, f"the filter {name!r}")
    else:
        collector.unknown(place, "filter", name, environment().filters)


def _lookup(node: nodes.Call, place: Place, collector: Collector) -> None:
    if not isinstance(node.node, nodes.Name) or node.node.name not in ("lookup", "query", "q"):
        return
    if not node.args or not isinstance(node.args[0], nodes.Const):
        return
    name = str(node.args[0].value).removeprefix(_BUILTIN)
    if name in LOOKUPS:
        return
    if name in NOT_SUPPORTED_LOOKUPS or "." in name:
        collector.refuse(place, f"the lookup {name!r}")
    else:
        collector.unknown(place, "lookup", name, LOOKUPS)
