"""What a subscriber does not want does not wake it."""

from __future__ import annotations

from hostpool.events import HostEvent, HostStarted, Warning
from hostpool.pool.subscription import Subscription


def test_only_what_is_wanted_comes() -> None:
    told: list[HostEvent] = []

    def wanted(event: HostEvent) -> bool:
        return not isinstance(event, HostStarted) or event not in told

    first = HostStarted(ts=1.0, host="web1")
    subscription = Subscription(wanted)
    subscription.put(first)
    told += subscription.take(0.0)
    subscription.put(first)
    assert subscription.take(0.0) == [] and told == [first]
    subscription.put(first)
    subscription.put(Warning(ts=1.0, message="m"))
    assert subscription.take(0.0) == [Warning(ts=1.0, message="m")]
    everything = Subscription()
    everything.put(first)
    everything.put(first)
    assert len(everything.take(0.0)) == 2
