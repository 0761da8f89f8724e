"""Trees of files as data: what is here, what is there, and what has to travel. No I/O."""
