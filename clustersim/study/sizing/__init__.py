"""The least-cost mix of damping and storage for a pack of rules, and its proof."""
