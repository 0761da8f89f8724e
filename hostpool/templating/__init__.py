"""Templates of Jinja2, sandboxed and strict. The only room that imports jinja2, on first use.

``render`` is for connection variables (cheap until there is a template). What playbooks need stands in
``template`` (Template, resolve), ``scope`` (Scope) and ``environment``; importing those imports jinja2.
"""

from hostpool.templating.render import has_template, render

__all__ = ["has_template", "render"]
