"""The commands that write and check files: each with its flags, an example and its exit codes."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import click

from reconciler.cli.adopt_flags import adopt_options
from reconciler.cli.command_help import LOCAL, LOOK_AT, OUTPUT, RUNNING, flag
from reconciler.cli.declaring import READ, by_name, declare, declare_group
from reconciler.cli.options import (
    account_options,
    base_option,
    directory_option,
    files_options,
    more_journals_option,
)
from reconciler.cli.output_options import output_options
from reconciler.errors import ExitCode

_tenant: Final = click.argument("tenant", metavar="TENANT")
_writing: Final = (
    files_options,
    account_options,
    base_option,
    flag(RUNNING, "--dry-run", is_flag=True, help="Show what would be written, and its plan. Write nothing."),
    flag(RUNNING, "--no-plan", is_flag=True, help="Only write the file. Needs no key."),
    output_options("DiffView"),
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
    click.argument("assignments", nargs=-1, metavar="[KEY=VALUE]..."),
    flag(RUNNING, "--unset", multiple=True, metavar="KEY", help="Remove this key."),
    *_writing,
    module="author:set_values",
)

EXPLAIN: Final = declare(
    "explain",
    """Show each value of a tenant and where it comes from: tier, override, boost, file or defaults, with its line.

    A value that another layer states too is shown with what it replaces. --live shows the live values beside them.
    """,
    "reconciler explain acme --live",
    READ,
    _tenant,
    files_options,
    account_options,
    base_option,
    flag(LOOK_AT, "--live", is_flag=True, help="Read the tenant's project, and show its values. Needs keys."),
    output_options("ExplainedView"),
)

FMT: Final = declare(
    "fmt",
    """Write the files in one form: keys in the order of the format, sizes and durations in their usual units.

    Comments stay with their keys. NDJSON files get one tenant a line, in the order of names. The fleet is loaded
    again with the new text before a file is written: it must mean the same. Without FILE, formats tiers.yaml and
    every file of a tenant.
    """,
    "reconciler fmt --check",
    (*LOCAL, ExitCode.CHANGES),
    click.argument(
        "named", nargs=-1, type=click.Path(exists=True, dir_okay=False, path_type=Path), metavar="[FILE]..."
    ),
    directory_option,
    flag(
        OUTPUT,
        "--check",
        is_flag=True,
        help="Write nothing; show the differences, and exit with 2 if there are any.",
    ),
)

ADOPT: Final = declare(
    "adopt",
    """Write files for projects that other programs made, so that the next plan is empty.

    Lists the organizations, and names the tenants of projects in no file by patterns, annotations, an imported
    file or answers. What nothing names is listed with a proposal. Each tenant gets the nearest tier, and overrides
    for what differs. Writes nothing to the account. Run again, it goes on with what is in no file yet. Exits with
    2 if the plan with the new files is not empty.
    """,
    "reconciler adopt --pattern 'app-{tenant}-{tier}-{any}' --dry-run",
    (*READ, ExitCode.CHANGES),
    files_options,
    account_options,
    base_option,
    adopt_options,
    output_options("AdoptionView"),
)

COLLECT: Final = declare(
    "collect",
    """Write a line for each tenant that signed up and that no file holds, in the order of names.

    Tenants come from the registry, from annotations of projects, and from journals. Each gets its tier, what its
    project has otherwise, and project_id, so that the next plan is empty. Changes no project. Run it every few
    minutes, and commit what it writes; two runs at once write each line once.
    """,
    "reconciler collect --to fleet/sign-ups.ndjson",
    READ,
    files_options,
    account_options,
    base_option,
    flag(
        OUTPUT,
        "--to",
        metavar="FILE",
        help="The file, below the folder.  [default: sign-ups in the first pattern]",
    ),
    more_journals_option("journals"),
    flag(
        LOOK_AT,
        "--min-age",
        metavar="TIME",
        default="10m",
        show_default=True,
        help="Leave out younger projects: the run that creates one may still be at work.",
    ),
    flag(RUNNING, "--dry-run", is_flag=True, help="Show what would be written. Write nothing."),
    output_options("CollectedView"),
)

VALIDATE: Final = declare(
    "validate",
    "Check every file and report every problem at once, as FILE:LINE:COLUMN: MESSAGE. Needs no key.",
    "reconciler validate -C fleet",
    LOCAL,
    directory_option,
    output_options("ProblemsView"),
)


POLICY: Final = declare_group(
    "policy",
    "Policies of your own, in policies/: what a plan may do beyond the guards (docs/policies.md).",
    declare(
        "test",
        "Try the examples of policies: values for their variables, and whether they violate the policy.",
        "reconciler policy test -C fleet",
        LOCAL,
        click.argument("policies", nargs=-1, metavar="[POLICY]..."),
        directory_option,
        output_options("ProblemsView"),
        module="policy",
    ),
)

DECLARED: Final = by_name(VALIDATE, ADOPT, NEW, SET, FMT, EXPLAIN, COLLECT, POLICY)
