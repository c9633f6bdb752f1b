"""What people read: text for a terminal, figures, and one self-contained HTML page."""
