"""Parts of the input records of the operation, one module per subject."""
