"""Views as one HTML file that needs nothing else: no script and no request; light, dark and printable."""
