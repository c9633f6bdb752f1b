"""Tables of published measurements: read, predicted beside, fitted on."""
