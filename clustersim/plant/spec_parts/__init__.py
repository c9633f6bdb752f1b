"""Parts of the input records of the plant, one module per kind of equipment."""
