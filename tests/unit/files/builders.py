"""Small fleets in a folder, for tests to break one thing at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.files.load import Loaded, OnInvalid, load

if TYPE_CHECKING:
    from pathlib import Path

TIERS = """\
version: 1
fleet: prod
naming: {project: "myapp-{tenant}"}
organizations:
  free:
    id: ${FREE_ID}
    api_key: ${FREE_KEY}
    limits:
      branches: 4
      snapshots: 1
      compute: {min_cu: 0.25, max_cu: 2}
      restore_window: 1d
      min_suspend_timeout: 5m
  paid: {id: org-paid-1, api_key: "${PAID_KEY}"}
tiers:
  free:
    organization: free
    quota: {active_time: 9h, compute_time: 9h, written_data: unlimited, data_transfer: 5GiB, logical_size: 1GB}
    compute: {min_cu: 0.25, max_cu: 2}
    restore_window: 1d
    dev_branches: {max: 2}
  pro:
    organization: paid
    compute: {min_cu: 0.25}
"""


def write(root: Path, files: dict[str, str | bytes], *, tiers: str | bytes = TIERS) -> Path:
    """A fleet's folder: tiers.yaml and more files by their paths."""
    for path, text in {"tiers.yaml": tiers, **files}.items():
        file = root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(text.encode() if isinstance(text, str) else text)
    return root


def load_files(
    root: Path,
    files: dict[str, str | bytes],
    *,
    tiers: str | bytes = TIERS,
    on_invalid: OnInvalid = OnInvalid.FAIL,
) -> Loaded:
    """What loading a folder with these files gives."""
    return load(write(root, files, tiers=tiers), on_invalid=on_invalid)


def said(loaded: Loaded, root: Path) -> list[str]:
    """The problems as lines, with paths relative to the fleet's folder."""
    return [str(problem).removeprefix(f"{root}/") for problem in loaded.problems]
