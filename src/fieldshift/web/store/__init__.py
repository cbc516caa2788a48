"""What a desk remembers: tables, and how they are opened and brought up to date."""
