"""``-o live``: a table that follows the run and never grows past the screen; then the report stays."""

from hostpool.views.live.view import LiveView

__all__ = ["LiveView"]
