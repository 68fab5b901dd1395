from pathlib import Path

Path("{{CANARY}}").write_text(__name__)
