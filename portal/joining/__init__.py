"""How a family joins: printed slips with a code, a number the school knows, and the class teacher's word."""
