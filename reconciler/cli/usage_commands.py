"""The commands about usage and costs: each with its flags, an example and its exit codes."""

from __future__ import annotations

from typing import Final

import click

from reconciler.cli.command_help import LOOK_AT, OUTPUT, flag
from reconciler.cli.declaring import READ, by_name, declare
from reconciler.cli.options import (
    account_options,
    expect_empty_option,
    files_options,
    listed_tenants_options,
    tenants_options,
)
from reconciler.cli.output_options import notify_options, output_options, telemetry_options
from reconciler.errors import ExitCode

USAGE: Final = declare(
    "usage",
    """Show what the tenants use of their quotas, and who is near a limit; exit with 2 if a threshold is crossed.

    Writes nothing, and wakes no compute. The thresholds are those of the tiers: 80% and 95% by default.
    """,
    "reconciler usage --above 80 --format json",
    (*READ, ExitCode.CHANGES),
    files_options,
    account_options,
    tenants_options,
    expect_empty_option,
    flag(
        LOOK_AT,
        "--above",
        type=click.IntRange(1, 100),
        metavar="PERCENT",
        help="Only tenants above this share of a quota, which replaces the thresholds of the tiers.",
    ),
    flag(
        OUTPUT,
        "--watch",
        metavar="INTERVAL",
        help="Read again after each interval, for example 15m.",
    ),
    flag(
        OUTPUT,
        "--rounds",
        type=click.IntRange(min=1),
        metavar="N",
        help="With --watch: end after N readings.",
    ),
    notify_options,
    telemetry_options,
    output_options("UsageView"),
)

COST: Final = declare(
    "cost",
    """Show what a month costs: each organization, tier and tenant, at the prices of tiers.yaml.

    Writes nothing, and wakes no compute. Reads the consumption history of 100 projects in a call. A sponsored
    organization costs nothing, and is read if --organization names it.
    """,
    "reconciler cost --month 2026-10 --output october.csv",
    READ,
    files_options,
    account_options,
    listed_tenants_options,
    expect_empty_option,
    flag(
        LOOK_AT,
        "--month",
        metavar="YYYY-MM",
        help="A month within the last year (UTC).  [default: this month, as far as it is over]",
    ),
    flag(LOOK_AT, "--organization", multiple=True, metavar="NAME", help="Only this organization."),
    output_options("CostView"),
)

DECLARED: Final = by_name(USAGE, COST)
