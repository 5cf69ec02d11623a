"""How large objects come out: found volume over true volume, by size, blur and look."""
