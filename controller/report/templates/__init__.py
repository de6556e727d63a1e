"""The page, its styles and its script; a package so that the wheel carries them."""
