"""Playbooks: loaded and checked whole, then run by a pure state machine (results in, jobs out)."""
