"""How well a place is reached by radio."""
