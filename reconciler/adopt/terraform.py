"""``neon_project`` in a state of Terraform or OpenTofu: which tenant each project is, and what stays there.

Three forms, all JSON: the state itself (version 4, as ``terraform state pull`` prints it), and what
``terraform show -json`` prints of a state or of a plan. Only ids, names, keys and addresses are taken from them: a
state also holds passwords.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct, field

from reconciler.adopt.proposals import possible
from reconciler.errors import InvalidInputError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

PROJECT: Final = "neon_project"
PREFIX: Final = "neon_"
STATE_VERSION: Final = 4
WRITE_IT: Final = (
    "write it with `terraform state pull`, or with `terraform show -json`, of a state or a saved plan"
)
_ID: Final = re.compile(r"[a-z0-9-]{1,60}")
_KEY: Final = re.compile(r'\["((?:[^"\\]|\\.)*)"\]')
DEPOSED: Final = "deposed objects, which Terraform is about to delete"
WITHOUT_ID: Final = "neon_project without an id"
PLANNED: Final = "neon_project that the plan creates"
DATA: Final = "data sources"


class TerraformProject(Struct, frozen=True):
    """One instance of ``neon_project``."""

    address: str
    """As ``terraform state rm`` takes it: ``module.tenants["acme"].neon_project.this``."""
    project_id: str
    name: str
    """The project's name when Terraform last read it."""
    key: str | None
    """The innermost key of ``for_each``: of the resource, or of a module around it."""


class TerraformState(Struct, frozen=True):
    """What one or several files hold of Neon."""

    projects: tuple[TerraformProject, ...] = ()
    rest: Counter[str] = field(default_factory=Counter)
    """How many there are of everything that no file of a fleet is made from."""

    @property
    def keys(self) -> dict[str, str]:
        """By project id, the tenant that a key of ``for_each`` names."""
        return {one.project_id: one.key for one in self.projects if one.key is not None}

    @property
    def names(self) -> dict[str, str]:
        """By project id, the names of projects without a key, as far as a tenant can have them."""
        return {one.project_id: one.name for one in self.projects if one.key is None and possible(one.name)}

    @property
    def addresses(self) -> dict[str, str]:
        """The address of each project by its id."""
        return {one.project_id: one.address for one in self.projects}

    def __add__(self, other: TerraformState) -> TerraformState:
        return TerraformState((*self.projects, *other.projects), self.rest + other.rest)


class _Instance(Struct, frozen=True):
    """One instance of any resource, in whichever form it was written."""

    mode: str
    kind: str
    address: str
    values: Mapping[str, Any]
    deposed: bool = False


def terraform_state(text: str, source: str) -> TerraformState:
    """Return what a file holds. Raises InvalidInputError if it is none of the three forms.

    ``source`` is the file's name, for messages.
    """
    try:
        document = json.loads(text)
        instances = list(_instances(document, source))
    except (ValueError, RecursionError) as error:
        raise InvalidInputError(
            f"{source}: not the JSON of a state or plan: {_why(error)}", hint=WRITE_IT
        ) from None
    rest: Counter[str] = Counter()
    projects = [found for one in instances if (found := _project(one, rest)) is not None]
    rest.update({PLANNED: sum(1 for _ in _planned(document))})
    return TerraformState(tuple(sorted(projects, key=lambda one: one.address)), +rest)


def _why(error: Exception) -> str:
    return error.msg if isinstance(error, json.JSONDecodeError) else "too deep, or a number too long"


def _instances(document: object, source: str) -> Iterator[_Instance]:
    if not isinstance(document, dict):
        raise InvalidInputError(f"{source}: not the JSON of a state or plan", hint=WRITE_IT)
    if isinstance(document.get("resources"), list) and "version" in document:
        if document["version"] != STATE_VERSION:
            message = f"{source}: a state of version {document['version']!r:.20}, and only version 4 is read"
            raise InvalidInputError(message, hint="Terraform 0.12 or newer writes it: `terraform state pull`")
        yield from _of_state(document["resources"])
        return
    shown = _mapping(document.get("prior_state", document)).get("values")
    if shown is None and "format_version" not in document:
        raise InvalidInputError(f"{source}: neither a state nor a plan", hint=WRITE_IT)
    yield from _of_modules(_mapping(_mapping(shown).get("root_module")))


def _of_state(resources: Sequence[object]) -> Iterator[_Instance]:
    """The state itself: resources with instances."""
    for resource in map(_mapping, resources):
        kind, mode = _text(resource.get("type")), _text(resource.get("mode"))
        module = _text(resource.get("module"))
        begins = f"{module}." if module else ""
        for instance in map(_mapping, _list(resource.get("instances"))):
            address = f"{begins}{kind}.{_text(resource.get('name'))}{_index(instance.get('index_key'))}"
            deposed = bool(instance.get("deposed"))
            yield _Instance(mode, kind, address, _mapping(instance.get("attributes")), deposed)


def _of_modules(root: Mapping[str, Any]) -> Iterator[_Instance]:
    """What ``terraform show -json`` prints: modules with resources, each an instance."""
    modules = [root]
    while modules:
        module = modules.pop()
        modules += map(_mapping, _list(module.get("child_modules")))
        for resource in map(_mapping, _list(module.get("resources"))):
            yield _Instance(
                _text(resource.get("mode")),
                _text(resource.get("type")),
                _text(resource.get("address")),
                _mapping(resource.get("values")),
                bool(resource.get("deposed_key")),
            )


def _planned(document: object) -> Iterator[Mapping[str, Any]]:
    """The projects that a plan creates: there is no project to adopt yet."""
    for change in map(_mapping, _list(_mapping(document).get("resource_changes"))):
        actions = _mapping(change.get("change")).get("actions")
        if change.get("type") == PROJECT and change.get("mode") == "managed" and actions == ["create"]:
            yield change


def _project(instance: _Instance, rest: Counter[str]) -> TerraformProject | None:
    if not instance.kind.startswith(PREFIX):
        return None
    if instance.mode != "managed":
        rest[DATA] += 1
    elif instance.deposed:
        rest[DEPOSED] += 1
    elif instance.kind != PROJECT:
        rest[instance.kind[:40]] += 1
    elif not _ID.fullmatch(_text(instance.values.get("id"))):
        rest[WITHOUT_ID] += 1
    else:
        keys = _KEY.findall(instance.address)
        key = json.loads(f'"{keys[-1]}"') if keys else None
        return TerraformProject(instance.address, instance.values["id"], _text(instance.values.get("name")), key)
    return None


def _index(key: object) -> str:
    if key is None:
        return ""
    return f"[{key}]" if isinstance(key, int) else f"[{json.dumps(str(key), ensure_ascii=False)}]"


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: object) -> Sequence[object]:
    return value if isinstance(value, list) else []


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
