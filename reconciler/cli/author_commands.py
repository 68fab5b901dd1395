"""The commands that write files: each with its flags, an example and its exit codes."""

from __future__ import annotations

from typing import Final

import click

from reconciler.cli.command_help import OUTPUT, RUNNING, flag
from reconciler.cli.declaring import READ, declare
from reconciler.cli.options import account_options, base_option, files_options

_tenant: Final = click.argument("tenant", metavar="TENANT")
_writing: Final = (
    files_options,
    account_options,
    base_option,
    flag(RUNNING, "--dry-run", is_flag=True, help="Show what would be written, and its plan. Write nothing."),
    flag(RUNNING, "--no-plan", is_flag=True, help="Only write the file. Needs no key."),
)

NEW: Final = declare(
    "new",
    """Write the file of a new tenant, and show its plan. Creates no project.

    The file is placed where tiers.yaml reads it: tenants/TENANT.yaml, or a line of an NDJSON file. Nothing is
    written that `validate` would refuse. Without keys, shows what the files ask for.
    """,
    "reconciler new acme --tier free --label team=eu",
    READ,
    _tenant,
    flag(RUNNING, "--tier", required=True, metavar="TIER", help="One of the tiers of tiers.yaml."),
    flag(RUNNING, "--label", "labels", multiple=True, metavar="KEY=VALUE", help="A label of the tenant."),
    flag(RUNNING, "--set", "sets", multiple=True, metavar="KEY=VALUE", help="Another key, as `set` takes it."),
    flag(OUTPUT, "--to", metavar="FILE", help="The file, below the folder: tenants/trials/acme.yaml."),
    *_writing,
    module="author",
)

SET: Final = declare(
    "set",
    """Change keys of a tenant's file in place, and show the plan of the tenant. Changes no project.

    A key is that of the file, with or without `overrides`: tier=pro, quota.data_transfer=80GiB, labels.team=eu;
    LIST+=ITEM appends to a list. Comments and all other lines stay. A tenant on a JSON line is changed there,
    unless a YAML document overrides the line. Nothing is written that `validate` would refuse.
    """,
    "reconciler set acme quota.data_transfer=80GiB",
    READ,
    _tenant,
    click.argument("assignments", nargs=-1, metavar="KEY=VALUE..."),
    flag(RUNNING, "--unset", multiple=True, metavar="KEY", help="Remove this key."),
    *_writing,
    module="author:set_values",
)

AUTHOR_COMMANDS: Final = {command.name: command for command in (NEW, SET)}
