"""Parts of the input records of operation."""
