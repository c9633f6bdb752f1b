"""What the pages of the dashboard share; pages import nothing of each other."""
