"""How bodies fly: the equations of motion, for one body or for many at once, and the pulse that moves them all."""
