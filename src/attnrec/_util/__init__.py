"""What every layer shares: optional packages, files, arrays and matrices of callers. Imports no other layer."""
