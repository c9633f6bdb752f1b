"""The package that a utility's study of a connection asks for: a page, tables, waveforms, a parameter sheet."""
