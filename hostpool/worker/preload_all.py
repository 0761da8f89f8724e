"""What else the fork server imports where tasks move files, or also run on this machine."""

import gc

import hostpool.local
import hostpool.tasks.fetch
import hostpool.tasks.mirror.steps
import hostpool.worker.transfers

DONE = (hostpool.local, hostpool.tasks.fetch, hostpool.tasks.mirror.steps, hostpool.worker.transfers)

gc.freeze()
