"""From networks to modules that train."""
