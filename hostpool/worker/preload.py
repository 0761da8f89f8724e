"""What the fork server imports once, so that workers are forked with it."""

import hostpool.local
import hostpool.ssh
import hostpool.tasks.commands
import hostpool.tasks.fetch
import hostpool.tasks.mirror.steps
import hostpool.worker.service

DONE = (
    hostpool.local,
    hostpool.ssh,
    hostpool.tasks.commands,
    hostpool.tasks.fetch,
    hostpool.tasks.mirror.steps,
    hostpool.worker.service,
)
