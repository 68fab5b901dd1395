"""The JSON documents of this program, derived from the types of plan/: writer, reader, schemas."""
