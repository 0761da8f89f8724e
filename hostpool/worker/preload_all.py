"""What else the fork server imports where tasks move files."""

import gc

import hostpool.tasks.mirror.steps
import hostpool.worker.transfers

DONE = (hostpool.tasks.mirror.steps, hostpool.worker.transfers)

gc.freeze()
