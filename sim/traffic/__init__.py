"""Aircraft in the city that nobody here flies."""
