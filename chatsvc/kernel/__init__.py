"""Clock, ids, transition tables, errors and languages: what every room stands on."""
