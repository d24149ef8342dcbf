"""Stories to load into a sandbox: a folder each, YAML a person can read. See README.md here."""
