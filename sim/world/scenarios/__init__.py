"""Scenarios: a city, missions, bad luck and what is expected of them, from a file; played and judged."""
