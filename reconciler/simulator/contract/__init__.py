"""The official description of the API as a judge of exchanges; needs the extra ``contract``."""
