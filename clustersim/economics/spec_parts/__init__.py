"""Parts of the economics that have input records of their own."""
