"""What the portal's pages cost, as a ratio to a bare Flask page measured in the same run."""
