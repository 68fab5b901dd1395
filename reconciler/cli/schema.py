"""``reconciler schema``."""

from __future__ import annotations

import json

import click

from reconciler.cli.command_help import Choice, DescribedCommand
from reconciler.documents.schema import (
    adoption_schema,
    audit_schema,
    collected_schema,
    connections_schema,
    cost_schema,
    diff_schema,
    doctor_schema,
    drift_schema,
    events_schema,
    explained_schema,
    history_schema,
    journal_schema,
    observation_schema,
    plan_schema,
    problems_schema,
    registry_schema,
    report_schema,
    row_changes_schema,
    usage_schema,
)
from reconciler.files.json_schema import policy_schema, tenant_schema, tiers_schema
from reconciler.policies.variables import variables_schema
from reconciler.views.console import print_document

SCHEMAS = {
    "tenant": tenant_schema,
    "tiers": tiers_schema,
    "policy": policy_schema,
    "policy-variables": variables_schema,
    "plan": plan_schema,
    "drift": drift_schema,
    "diff": diff_schema,
    "report": report_schema,
    "events": events_schema,
    "journal": journal_schema,
    "observation": observation_schema,
    "connections": connections_schema,
    "history": history_schema,
    "explained": explained_schema,
    "registry": registry_schema,
    "row-changes": row_changes_schema,
    "audit": audit_schema,
    "problems": problems_schema,
    "usage": usage_schema,
    "cost": cost_schema,
    "doctor": doctor_schema,
    "adoption": adoption_schema,
    "collected": collected_schema,
}


HELP = f"""Print the JSON Schema of the files (tenant, tiers, policy), for editors, or of a JSON document or line.

NAME is one of: {", ".join(SCHEMAS)}.
"""


@click.command("schema", cls=DescribedCommand, example="reconciler schema tenant", help=HELP)
@click.argument("document", metavar="NAME", type=Choice(list(SCHEMAS)))
def command(document: str) -> None:
    """Print the schema with this name."""
    print_document(json.dumps(SCHEMAS[document](), indent=2))
