"""One run: simulate, and what it is made of."""
