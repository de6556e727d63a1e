"""Days: whole city days as values, made from a seed, lived through under watch, explored and shrunk."""
