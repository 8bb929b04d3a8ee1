/* Calls what is not there. */
int system(const char *command);
int vireo_escape(void);

int main(void)
{
    return vireo_escape() + system("id");
}
