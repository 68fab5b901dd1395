"""Coverage-guided fuzzing of what is read from outside: files, saved plans, answers of the API (``make fuzz``)."""
