"""Parts of the operation's input record."""
