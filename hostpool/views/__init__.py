"""Views: what a run looks like, to a person or a program.

Every view is a Sink: it gets each event once, in order, from one thread, and touches nothing but its two
output streams. The order is Masked (no secret passes) → Accounted (each host exactly once) → the view.
"""

from __future__ import annotations

from hostpool.views.accounting import Accounted
from hostpool.views.masking import Masked, mask_event
from hostpool.views.options import Kind, View, ViewOptions, default_kind, wants_color

__all__ = [
    "Kind",
    "View",
    "ViewOptions",
    "default_kind",
    "make_outdir",
    "make_view",
    "mask_event",
    "needs_output",
    "wants_color",
]


def make_view(kind: Kind, options: ViewOptions) -> View:
    """The view for ``-o kind``; live becomes plain where no cursor can be moved."""
    view: View = Accounted(_bare(kind, options))
    return Masked(view, options.masker) if options.masker else view


def make_outdir(directory: str, options: ViewOptions) -> View:
    """The sink for ``--outdir``; the runner must ask for all of the output."""
    from hostpool.views.outdir import OutdirView

    view: View = Accounted(OutdirView(directory))
    return Masked(view, options.masker) if options.masker else view


def needs_output(kind: Kind, options: ViewOptions) -> bool:
    """Whether the view wants every piece of output as it comes; otherwise the newest line is enough."""
    return kind == "jsonl" or (options.stream and kind in ("live", "plain"))


def _bare(kind: Kind, options: ViewOptions) -> View:
    # Each is imported when it is wanted: start-up counts, and only one of them is used.
    if kind == "live" and default_kind(options.stdout, options.environ) == "live":
        from hostpool.views.live import LiveView

        return LiveView(options)
    if kind in ("live", "plain"):
        from hostpool.views.plain import PlainView

        return PlainView(options)
    if kind == "jsonl":
        from hostpool.views.jsonl import JsonlView

        return JsonlView(options)
    if kind == "json":
        from hostpool.views.document import DocumentView

        return DocumentView(options)
    from hostpool.views.junit import JunitView

    return JunitView(options)
