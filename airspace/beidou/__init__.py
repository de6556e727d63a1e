"""BeiDou grid location codes, GB/T 39409-2020."""
