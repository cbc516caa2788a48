"""Fieldshift against its peers, in turn, on this machine. See __main__.py."""
