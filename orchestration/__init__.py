"""The only code that knows Dagster and dbt: the path, the CLI and the demo world."""
