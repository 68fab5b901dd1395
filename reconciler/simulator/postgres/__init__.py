"""Rows for the simulator: every branch is a PostgreSQL cluster of its own, every copy is made of its real log.

A *timeline* (Neon's and PostgreSQL's word) is a data directory and its write-ahead log. A branch points to the
timeline that it is on. A new branch, a snapshot and a restore begin a timeline: they note of which other one, and
at which position of its log. Its directory is made when somebody first connects to it: from the directory that the
other one began with, and its log up to that position.

    data.py           what the simulator tells of its branches -> timelines
    timelines.py      which timelines exist, and where they begin; their directories
    cluster.py        one data directory and its server: start, stop, recover
    contents.py       roles, databases, a schema without rows
    moments.py        simulated time -> the time in the log
    admission.py      which compute may be connected to
    proxy.py          the port that connection strings point to
    startup.py        the first message of a connection
    places.py         the folders of an account
    guard.py          stops the servers of a process that was killed
    programs.py       the programs of PostgreSQL, and the user that runs them
"""
