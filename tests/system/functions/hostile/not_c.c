this is not C at all \x1b[31m
