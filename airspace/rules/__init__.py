"""What the law of a place asks of a flight."""
