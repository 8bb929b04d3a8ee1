/* Neither handler nor main. */
int nothing(void);

int nothing(void)
{
    return 1;
}
