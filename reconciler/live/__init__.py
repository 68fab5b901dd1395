"""Live state: what the API returns, in this program's names and units. None means not observed, never "unset"."""
