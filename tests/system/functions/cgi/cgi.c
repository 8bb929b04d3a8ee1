/* A program as CGI has had them since 1993: environment, standard input, header block. */
#include <stdio.h>
#include <stdlib.h>

static void show(const char *name)
{
    const char *value = getenv(name);

    printf("%s=%s\n", name, value ? value : "(unset)");
}

int main(void)
{
    int c;

    printf("Status: 201 Made\r\nContent-Type: text/x-cgi\r\nX-Own: yes\r\n\r\n");
    show("GATEWAY_INTERFACE");
    show("REQUEST_METHOD");
    show("PATH_INFO");
    show("QUERY_STRING");
    show("CONTENT_LENGTH");
    show("CONTENT_TYPE");
    show("SCRIPT_NAME");
    show("SERVER_PROTOCOL");
    show("HTTP_X_MARK");
    show("HTTP_PROXY");
    printf("body=");
    while ((c = getchar()) != EOF)
        putchar(c);
    return 0;
}
