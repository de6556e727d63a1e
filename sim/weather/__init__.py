"""The air over the city: turbulence, rain, visibility, temperature and daylight."""
