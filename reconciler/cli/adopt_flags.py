"""The flags of ``reconciler adopt``. Needs click only, so that help is fast."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from reconciler.cli.command_help import FILE, LOOK_AT, OUTPUT, PERMITTED, Choice, flag, packed
from reconciler.cli.options import depth_option

if TYPE_CHECKING:
    from reconciler.cli.command_help import Decorator

BELOW: Final = ("branches", "snapshots", "settings")
"""As in ``adopt.project_contents``; a test compares them."""


adopt_options: Final[Decorator] = packed(
    "adopting",
    flag(
        LOOK_AT,
        "--pattern",
        multiple=True,
        metavar="PATTERN",
        help="How project names contain tenants: 'app-{tenant}-{tier}-{any}', or a regular expression between "
        "slashes with a group (?P<tenant>...). {tier} and {any} are one word.",
    ),
    flag(LOOK_AT, "--select", multiple=True, metavar="GLOB", help="Only projects with these names."),
    flag(
        LOOK_AT,
        "--answers",
        type=FILE,
        metavar="FILE",
        help="The tenants of projects that nothing identifies: the edited lines of --questions.",
    ),
    flag(
        LOOK_AT,
        "--from-terraform",
        multiple=True,
        type=FILE,
        metavar="FILE",
        help="Adopt the neon_project of a state or plan: `terraform state pull`, or `terraform show -json`.",
    ),
    flag(
        LOOK_AT,
        "--from-neon-config",
        multiple=True,
        type=FILE,
        metavar="FILE",
        help="Adopt the project of a .neon file; its folder is named after the tenant.",
    ),
    flag(
        LOOK_AT,
        "--with",
        "below",
        multiple=True,
        type=Choice(BELOW),
        help="Also write these of each project into the files. One more call for each project and kind.",
    ),
    depth_option,
    flag(
        PERMITTED,
        "--infer-tiers",
        is_flag=True,
        help="Add tiers for values that many projects share. Always so if there is no tiers.yaml.",
    ),
    flag(
        LOOK_AT,
        "--organization",
        multiple=True,
        metavar="NAME",
        help="Without tiers.yaml: an organization, whose variables are NEON_NAME_ORG_ID and NAME_ORG_API_KEY.  "
        "[default: free, paid]",
    ),
    flag(
        LOOK_AT,
        "--fleet",
        default="prod",
        show_default=True,
        metavar="NAME",
        help="Without tiers.yaml: the name of the fleet.",
    ),
    flag(
        OUTPUT,
        "--as",
        "write_as",
        type=Choice(["yaml", "ndjson"]),
        help="A YAML file for each tenant, or a JSON line.  [default: YAML up to 100 tenants]",
    ),
    flag(OUTPUT, "--questions", type=FILE, metavar="FILE", help="Write open questions to FILE, for --answers."),
    flag(OUTPUT, "--state-rm", type=FILE, metavar="FILE", help="Write lines of `terraform state rm` to FILE."),
    flag(OUTPUT, "--dry-run", is_flag=True, help="Show what would be written, and write nothing."),
)
