"""The order of a tenant's actions, drawn as one table.

    stage             new   upgrade  downgrade  change  tombstone  recovery  adoption  restore
    RECOVER_PROJECT                                                    1
    CREATE_PROJECT     1
    ADOPT_PROJECT                                                                1
    REPLACE_BEFORE                                1
    SNAPSHOT_BEFORE                      1        2         1
    ROTATE_BEFORE                        2        3
    TRANSFER                   1         3
    MAKE_ROOM                            4
    DELETE_BRANCH              2         5        4
    DELETE_REPLICA             3         6        5
    LOWER                                7
    PATCH_ENDPOINT     2       4         8        6
    PATCH_PROJECT              5         9        7
    CREATE_REPLICA     3       6        10        8
    FILL_BRANCH        4       7        11        9
    RESET_BRANCH               8        12       10
    PATCH_BRANCH       5       9        13       11
    CREATE_BRANCH      6      10        14       12
    FILL_NEW_BRANCH    7      11        15       13
    REPLACE_SNAPSHOT          12                 14                                       1
    CREATE_SNAPSHOT    8      13        16       15                                       2
    ROTATE_SNAPSHOT           14        17       16
    EMPTY_BRANCH              15        18       17
    SUSPEND_COMPUTE           16        19       18
    RESTORE                                                                               3
    DELETE_PREVIEW                                                                        4
    DELETE_DUPLICATE          17        20       19         2
    DELETE_PROJECT                                          3

A new project's default branch is protected before it gets children: these have passwords of their own then
(Neon: guides/protected-branches).

A recovery is planned alone: nothing below a deleted project can be read, so the next run plans what differs
once it is live again. So is an adoption: differences of a project found by name only are reported until it is
marked. So is the deletion of a second project with the same name; a project that its run marked as a duplicate
is deleted last, so that nothing waits for it.

The project's patch comes after those of its computes: lists show what it changes, and no list shows a compute.
So a tenant that a dead run left partly done still differs in the list, and is read again at any depth. That
also holds for values that the destination forbids (``plan/within_limits.py``).

A read replica is created after the project's patch, which may raise a quota that stops computes. It is deleted
early, so that it counts against no limit. No list shows one, as with branches and snapshots: at depth list, one is
created only for a project that the list shows to differ.

The reset of a password (RESET_PASSWORD) is planned alone: a command asks for it.

A snapshot is deleted right before the one that replaces it, and before the next one is deleted: the tenant is
without a snapshot only briefly, and a snapshot that cannot be taken costs no more than one. A snapshot that
does not fit into the destination is deleted before the others. A rotated one that fits beside the new one is
deleted after it.

A snapshot before a downgrade or a deletion comes before everything else. It takes the place of another one only
where the project stays in its organization: nothing is deleted for a transfer that cannot happen. Older ones of
its kind go right after it, while the change is still to come: no later plan would read them.

A branch is reset before its expiry is set, because a reset moves the expiry (Neon), and before branches are made
of it.

Roles and databases are created before branches are made of theirs, which then have them (FILL_BRANCH), and those
of a new or reset branch after it exists (FILL_NEW_BRANCH); roles come before the databases that they own. They are
deleted after the snapshots were taken (EMPTY_BRANCH), databases before the roles that own them.

The computes of a suspended tenant are suspended after everything that may start or wake one. Its quota is at the
minimum by then, so that they do not start again.

A restore is asked for by a command, alone. The snapshot before it comes first, and the preview that a restore
makes unnecessary is deleted last: what a run that dies in between leaves undone can be asked for again.

The transfer comes first: nothing is reduced for a transfer that cannot happen. If Neon refuses it and names a
limit, the actions that help to meet that limit (``plan/moves.py``) run, and the transfer is tried again.
"""

from enum import IntEnum


class Stage(IntEnum):
    """When an action runs within its tenant's plan."""

    RECOVER_PROJECT = 0
    CREATE_PROJECT = 1
    ADOPT_PROJECT = 2
    REPLACE_BEFORE = 3
    SNAPSHOT_BEFORE = 4
    ROTATE_BEFORE = 5
    TRANSFER = 6
    MAKE_ROOM = 7
    DELETE_BRANCH = 8
    DELETE_REPLICA = 9
    LOWER = 10
    PATCH_ENDPOINT = 11
    PATCH_PROJECT = 12
    CREATE_REPLICA = 13
    FILL_BRANCH = 14
    RESET_BRANCH = 15
    PATCH_BRANCH = 16
    CREATE_BRANCH = 17
    FILL_NEW_BRANCH = 18
    REPLACE_SNAPSHOT = 19
    CREATE_SNAPSHOT = 20
    ROTATE_SNAPSHOT = 21
    EMPTY_BRANCH = 22
    SUSPEND_COMPUTE = 23
    RESTORE = 24
    DELETE_PREVIEW = 25
    RESET_PASSWORD = 26
    DELETE_DUPLICATE = 27
    DELETE_PROJECT = 28


def stage_of_snapshot_deletion(*, before_transfer: bool, after_new: bool, before_change: bool = False) -> Stage:
    """Before the others if it does not fit into the destination; last if it fits beside the new one.

    ``before_change`` says that the new one is taken before a downgrade.
    """
    if before_transfer:
        return Stage.MAKE_ROOM
    if before_change:
        return Stage.ROTATE_BEFORE if after_new else Stage.REPLACE_BEFORE
    return Stage.ROTATE_SNAPSHOT if after_new else Stage.REPLACE_SNAPSHOT
