"""A pole client of another maker, written from docs/poles-protocol.md alone."""
