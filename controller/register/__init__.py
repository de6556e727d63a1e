"""The register: all airspace of a city in one SQLite file that several processes read and change at once."""
