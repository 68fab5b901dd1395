"""The table of fields: every settable member of a project and its computes, declared once.

From it follow reading and validation, the JSON Schema, comparison, risk and reduction, request bodies, the words
of a plan and the reference in ``docs/files.md``.
"""
