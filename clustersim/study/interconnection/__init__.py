"""What a utility's study of a connection asks of a run, from its stored tables alone."""
