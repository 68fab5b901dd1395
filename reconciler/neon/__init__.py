"""The client of Neon's API: the only code that sends HTTP requests. It returns types of ``live``."""
