"""What the fork server imports once, so that workers are forked with it."""

import hostpool.local
import hostpool.ssh
import hostpool.worker.service

DONE = (hostpool.local, hostpool.ssh, hostpool.worker.service)
