"""Where on Earth: plate motion, projected zones and the geoid."""
