"""Each role's first page: what must I do now. The only feature that looks at all others."""
