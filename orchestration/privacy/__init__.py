"""Retention, erasure and access over one home: the steps that touch files, warehouse and store."""
