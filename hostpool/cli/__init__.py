"""The command line: words in, one run out, an exit code back."""
