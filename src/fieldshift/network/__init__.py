"""What an engine reads, and how a scenario is lowered to it."""
