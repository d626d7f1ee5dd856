"""The world: districts, schools, years, terms, grades, classes, pupils and the adults who care for them."""
