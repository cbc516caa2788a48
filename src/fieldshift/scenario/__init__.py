"""What a planner writes: the data dictionary, reading, writing, formulas and values."""
