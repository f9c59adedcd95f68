"""Reports that people write: use-cases of their authors and readers."""
