"""The order of a tenant's actions, drawn as one table.

    stage             new   upgrade  downgrade  change  tombstone  recovery  adoption
    RECOVER_PROJECT                                                    1
    CREATE_PROJECT     1
    ADOPT_PROJECT                                                                1
    TRANSFER                   1         1
    MAKE_ROOM                            2
    DELETE_BRANCH              2         3        1
    LOWER                                4
    PATCH_ENDPOINT             3         5        2
    PATCH_PROJECT              4         6        3
    PATCH_BRANCH               5         7        4
    CREATE_BRANCH      2       6         8        5
    REPLACE_SNAPSHOT           7                  6
    CREATE_SNAPSHOT    3       8         9        7
    DELETE_DUPLICATE           9        10        8         1
    DELETE_PROJECT                                          2

A recovery is planned alone: nothing below a deleted project can be read, so the next run plans what differs
once it is live again. So is an adoption: differences of a project found by name only are reported until it is
marked. So is the deletion of a second project with the same name; a project that its run marked as a duplicate
is deleted last, so that nothing waits for it.

The project's patch comes after those of its computes: lists show what it changes, and no list shows a compute.
So a tenant that a dead run left partly done still differs in the list, and is read again at any depth. That
also holds for values that the destination forbids, unless they have to change before the transfer.

A snapshot is deleted right before the one that replaces it, and before the next one is deleted: the tenant is
without a snapshot only briefly, and a snapshot that cannot be taken costs no more than one. A snapshot that
does not fit into the destination is deleted before the others.

The transfer comes first: nothing is reduced for a transfer that cannot happen. If Neon refuses it and names a
limit, the actions that help to meet that limit (``plan/moves.py``) run, and the transfer is tried again.
"""

from enum import IntEnum


class Stage(IntEnum):
    """When an action runs within its tenant's plan."""

    RECOVER_PROJECT = 0
    CREATE_PROJECT = 1
    ADOPT_PROJECT = 2
    TRANSFER = 3
    MAKE_ROOM = 4
    DELETE_BRANCH = 5
    LOWER = 6
    PATCH_ENDPOINT = 7
    PATCH_PROJECT = 8
    PATCH_BRANCH = 9
    CREATE_BRANCH = 10
    REPLACE_SNAPSHOT = 11
    CREATE_SNAPSHOT = 12
    DELETE_DUPLICATE = 13
    DELETE_PROJECT = 14
