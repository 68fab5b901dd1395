"""A plan in which all that comes from outside is one text."""

from __future__ import annotations

from msgspec import structs

from reconciler.model.annotations import Purpose
from reconciler.model.problem import Location
from reconciler.model.values import JsonText
from reconciler.plan.plan import Conflict, FileChange, Note, Orphan, Plan, Refusal, Rule, Unmanaged, Waiting
from tests.unit.views import builders as build


def everything_called(text: str) -> Plan:
    """A plan in which all that comes from outside is this text."""
    place = Location(text, 1)
    values = (
        build.change("name", text, text),
        build.change(f"settings.{text}", JsonText.of({text: [text]}), JsonText.of({text: [text, text]})),
    )
    patch = build.patch(text, text, *values, source=place)
    compute = build.patch_compute(text, text, build.change("compute.max_cu", 1, 2), source=place, branch=text)
    create = structs.replace(build.create(text), organization=text, reason=text)
    transfer = build.transfer(text, text, text, text, downgrade=False)
    delete = structs.replace(build.delete(text, text), source=place)
    copies = (
        structs.replace(build.create_branch(text, text), parent=text),
        build.create_branch(text, text, purpose=Purpose.SNAPSHOT),
        structs.replace(
            build.patch_branch(text), changes=(build.change(f"dev_branches.{text}.name", text, text),)
        ),
        structs.replace(build.delete_branch(text, text), branch_id=text),
        structs.replace(build.delete_snapshot(text, text, text), snapshot_id=text),
        structs.replace(build.create_snapshot(text, text), branch=text),
    )
    live = build.project(text, organization=text)
    return build.plan(
        build.tenant(text, patch, compute),
        build.tenant(text, transfer),
        build.tenant(text, *copies),
        build.tenant(text, create),
        build.tenant(text, delete, live=live),
        refusals=(
            Refusal(Rule.PROTECTED, (text,), text, text, (delete,)),
            Refusal(Rule.THRESHOLD, (text,), text, text, ()),
        ),
        conflicts=(Conflict(text, text, text, place),),
        orphans=(Orphan(live, text, owned=False),),
        notes=(Note(text, text, place),),
        unmanaged=(
            Unmanaged(
                f"settings.{text}",
                ((f"settings.{text}", JsonText.of({text: text})),),
                (text,),
                text,
                text,
                (place,),
            ),
            Unmanaged(text, ((text, text), (f"{text}.{text}", JsonText.of([text]))), (text,), None, "", (place,)),
        ),
        file_changes=(
            FileChange(text, text, JsonText.of([text]), text, (text,), place),
            FileChange(text, text, text, text, (), place),
        ),
        waiting=(Waiting(text, text, (text,), changed=False), Waiting(None, text, (text,), changed=True)),
        coverage=structs.replace(build.plan().coverage, organizations=(text,)),
        fleet=text,
        organizations={text: text},
    )
