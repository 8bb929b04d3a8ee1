/* <setjmp.h>, which translated code can't have: its stack is not its own to jump in. */
#error \
    "setjmp and longjmp are not there for translated code: return an error instead, or run the program in a container"
