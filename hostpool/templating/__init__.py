"""Templates of Jinja2, sandboxed and strict. The only room that imports jinja2, on first use."""

from hostpool.templating.render import has_template, render

__all__ = ["has_template", "render"]
