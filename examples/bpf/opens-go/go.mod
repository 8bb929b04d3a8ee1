module opens

go 1.23
