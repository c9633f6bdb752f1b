"""What a release is made and checked with: ``make dist``, ``make release-check``, ``python -m release.licences``."""
