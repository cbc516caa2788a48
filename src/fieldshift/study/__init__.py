"""Many runs, or many months of a history, that answer one question."""
