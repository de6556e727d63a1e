"""Charts of other systems, read strictly and written back."""
