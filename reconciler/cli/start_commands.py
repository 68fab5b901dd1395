"""The commands for a new fleet, and to see what is wrong: each with its flags, an example and its exit codes."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import click

from reconciler.cli.command_help import LOCAL, LOOK_AT, OUTPUT, RUNNING, Choice, flag, packed
from reconciler.cli.declaring import by_name, declare
from reconciler.cli.options import account_options, base_option, directory_option
from reconciler.cli.output_options import output_options
from reconciler.errors import ExitCode

INIT: Final = declare(
    "init",
    """Write the files of a new fleet into DIR: tiers.yaml, tenants/, workflows, hooks, settings of editors.

    Asks for what the flags do not say, if a person is at the terminal. Never changes a file that exists: run it
    again to add what is missing. Ends with `doctor` if the keys are in the environment.
    """,
    "reconciler init fleet --project-name 'myapp-{tenant}' --program acme/reconciler@COMMIT",
    (*LOCAL, ExitCode.DENIED),
    click.argument("directory", type=click.Path(file_okay=False, path_type=Path), metavar="[DIR]", default=Path()),
    packed(
        "start",
        flag(
            LOOK_AT,
            "--fleet",
            metavar="NAME",
            help="Name of the fleet: it marks the projects of the fleet.  [default: prod]",
        ),
        flag(
            LOOK_AT,
            "--project-name",
            metavar="PATTERN",
            help="How the project of a tenant is named.  [default: app-{tenant}]",
        ),
        flag(
            LOOK_AT,
            "--organization",
            multiple=True,
            metavar="NAME[=ID]",
            help="An organization of the fleet; free is the one that Neon sponsors. Without an id, "
            "NEON_NAME_ORG_ID contains it.  [default: free and paid]",
        ),
        flag(
            LOOK_AT,
            "--key",
            multiple=True,
            metavar="NAME=VARIABLE",
            help="The environment variable with the key of an organization, or of a person (personal).  "
            "[default: NAME_ORG_API_KEY, PERSONAL_API_KEY]",
        ),
        flag(
            OUTPUT,
            "--program",
            metavar="[HOST/]OWNER/NAME@COMMIT",
            help="The repository of this program and the commit that workflows and hooks use.  [default: where it "
            "was installed from, if that was a commit]",
        ),
        flag(
            OUTPUT,
            "--forge",
            type=Choice(["github", "gitlab", "none"]),
            help="Where the repository will be.  [default: github]",
        ),
        flag(
            OUTPUT,
            "--reviewer",
            metavar="@NAME",
            help="Who has to review changes of tiers.yaml: a user or a team, for CODEOWNERS.",
        ),
        flag(
            OUTPUT,
            "--completion",
            type=Choice(["bash", "fish", "zsh", "none"]),
            help="Also write the completion of commands for this shell, into your home folder.  [default: none]",
        ),
        flag(RUNNING, "--yes", is_flag=True, help="Do not ask."),
    ),
)

DOCTOR: Final = declare(
    "doctor",
    """Say what is wrong with the set-up, and what to do: files, git, network, keys, organizations, registry.

    Reads only, and prints no key. Each line is ok, warn or fail; the first line that fails names the cause. Ends
    with 4 if a key or an id is the cause, otherwise with 1 if anything fails.
    """,
    "reconciler doctor --base applied",
    (ExitCode.DONE, ExitCode.ERROR, ExitCode.INVALID, ExitCode.DENIED, ExitCode.INTERRUPTED),
    directory_option,
    account_options,
    base_option,
    output_options("DoctorView"),
)

DECLARED: Final = by_name(INIT, DOCTOR)
