"""Parts of the input records of the rules."""
