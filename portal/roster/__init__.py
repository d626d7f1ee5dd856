"""The roster: a district's schools, classes, staff, pupils and guardians, as its offices keep them in files.

A roster comes as our own workbook or as a OneRoster 1.1 / 1.2 package. `reading` turns either into one
sequence of rows and problems; `planning` says what an import would add, change and end; `applying` does it in one
transaction and remembers how to undo it. Uses trail, jobs, accounts and schools.
"""
