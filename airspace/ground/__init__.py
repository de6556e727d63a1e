"""What stands under a flight: terrain, buildings, masts and lines."""
