"""What stands in the city: terrain, buildings and the horizon that they leave."""
