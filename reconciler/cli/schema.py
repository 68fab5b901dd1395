"""``reconciler schema``."""

from __future__ import annotations

import json

import click

from reconciler.cli.command_help import DescribedCommand
from reconciler.documents.schema import drift_schema, plan_schema, problems_schema, report_schema
from reconciler.files.json_schema import tenant_schema, tiers_schema
from reconciler.views.console import print_document

SCHEMAS = {
    "tenant": tenant_schema,
    "tiers": tiers_schema,
    "plan": plan_schema,
    "drift": drift_schema,
    "report": report_schema,
    "problems": problems_schema,
}


@click.command("schema", cls=DescribedCommand, example="reconciler schema tenant")
@click.argument("document", type=click.Choice(list(SCHEMAS)))
def command(document: str) -> None:
    """Print the JSON Schema of a tenant file or of tiers.yaml, for editors, or of a JSON document."""
    print_document(json.dumps(SCHEMAS[document](), indent=2))
