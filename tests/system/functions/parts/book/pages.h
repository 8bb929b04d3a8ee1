extern int page; /* the library's own, of another file */
int turn_page(void);
