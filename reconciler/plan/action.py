"""Every action of a plan, in one type. Their classes are in ``plan/actions``."""

from typing import TypeAlias

from reconciler.plan.actions.branch import BranchAction
from reconciler.plan.actions.compute import ComputeAction
from reconciler.plan.actions.contents import ContentAction
from reconciler.plan.actions.project import ProjectAction
from reconciler.plan.actions.restore import Restore
from reconciler.plan.actions.snapshot import SnapshotAction

Action: TypeAlias = ProjectAction | ComputeAction | BranchAction | ContentAction | SnapshotAction | Restore
