"""One site between the supplies of its equipment and its meter."""
