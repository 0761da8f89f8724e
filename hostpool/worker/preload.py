"""What the fork server imports once, so that workers are forked with it: what every task needs."""

import gc

gc.disable()  # nothing of what is imported ever becomes garbage

from hostpool.lean import import_leanly  # noqa: E402

import_leanly()

import hostpool.ssh  # noqa: E402
import hostpool.tasks.commands  # noqa: E402
import hostpool.worker.service  # noqa: E402

DONE = (hostpool.ssh, hostpool.tasks.commands, hostpool.worker.service)

gc.freeze()  # no worker looks through it again, and so its memory stays shared
gc.enable()
