"""Output whose middle was left out shows no part of a secret that lay across the cut."""

from __future__ import annotations

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from hostpool.secrets import Masker
from hostpool.views import mask_event
from hostpool.worker.capture import HEAD, Kept
from tests.views.support import finished

SECRET = "pä55wörd-1234567890-€uro"


@settings(max_examples=60)
@given(st.integers(0, 40), st.integers(0, 40), st.booleans())
def test_no_cut_shows_a_part_of_a_secret(first: int, second: int, exact: bool) -> None:
    """One secret across the end of the head, one across the beginning of the tail, at every offset."""
    kept = Kept(HEAD + 200)
    filler = b"\xff" if exact else b"."
    text = b"." * (HEAD - first) + SECRET.encode() + filler * 5000
    text += SECRET.encode() + b"." * (200 - second)
    for start in range(0, len(text), 1000):
        kept.feed(text[start : start + 1000])
    assert kept.truncated
    data = kept.bytes()
    result = finished(
        "web1",
        stdout=data.decode("utf-8", "replace"),
        stdout_truncated=True,
        stdout_b64=data if exact else None,
    )
    masked = mask_event(result, Masker([SECRET]))
    assert isinstance(masked, type(result))
    told = [masked.stdout, (masked.stdout_b64 or b"").decode("utf-8", "replace")]
    for each in told:
        shown = each.replace("bytes left out here", "")
        for size in range(len(SECRET) - 2):
            assert SECRET[size : size + 3] not in shown
    assert "[hostpool: " in masked.stdout


def test_what_hides_nothing_stays_as_it_was() -> None:
    kept = Kept(HEAD + 10)
    kept.feed(b"x" * (HEAD + 100))
    result = finished("web1", stdout=kept.bytes().decode(), stdout_truncated=True)
    assert mask_event(result, Masker(["hunter22"])) == msgspec.structs.replace(result)
