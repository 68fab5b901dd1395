"""What the API says, in our names and units. None means not observed, never "unset"."""
