"""Explanations of answers about routes: in words for a terminal, and drawn from above and from the side."""
