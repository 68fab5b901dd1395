"""What every test stands on: each concept once, so that a test file holds only what it is about.

| module | what belongs there |
|---|---|
| ``account`` | A simulated account with its judge, its keys and its virtual time. |
| ``builders`` | Desired and live objects with realistic defaults. |
| ``judge`` | The judge of every exchange over HTTP. |
| ``processes`` | Commands and servers as processes of their own. |
| ``registry_database`` | Databases for the registry. |
| ``repository`` | Git, run as somebody. |
| ``runs`` | Plans and applies below the use cases, one call at a time. |
| ``scripted_api`` | An API that gives any answers, for what the client makes of them. |
| ``shell`` | Commands in this process: what they print and how they end. |
| ``simulated`` | Values of the product as the simulator takes them. |
| ``stored`` | The rows of a simulated account, read and changed past the API. |
| ``trial_account`` | One account for all trials of a process, put back to a stored state. |
| ``wire`` | The way of a client to a server, and what becomes of a request on that way. |
"""
