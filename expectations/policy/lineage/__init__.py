"""Column lineage from DuckDB's bound plan: where a value comes from, and what selected its row."""
