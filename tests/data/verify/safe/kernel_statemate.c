/* A kernel without input: statemate. */
static unsigned long tm_entered, time_v;
static char Bitlist[64];
static char active, state_a, state_b;
static int pos, speed;
static void step_a(void)
{
    switch (state_a) {
    case 1:
        if (Bitlist[10] || Bitlist[11]) {
            state_a = 2;
            Bitlist[10] = 0;
        }
        break;
    case 2:
        if (pos > 50) {
            state_a = 3;
            speed = 0;
        } else if (time_v - tm_entered >= 2) {
            pos += speed;
            tm_entered = time_v;
        }
        break;
    case 3:
        Bitlist[20] = 1;
        state_a = 1;
        pos = 0;
        speed = 5;
        break;
    default:
        state_a = 1;
        speed = 5;
        tm_entered = 0;
        break;
    }
}
static void step_b(void)
{
    switch (state_b) {
    case 1:
        if (Bitlist[20])
            state_b = 2;
        break;
    case 2:
        Bitlist[20] = 0;
        Bitlist[10] = 1;
        state_b = 1;
        break;
    default:
        state_b = 1;
    }
}
int main(void)
{
    for (time_v = 0; time_v < 1000; time_v++) {
        Bitlist[11] = time_v % 7 == 0;
        for (active = 0; active < 3; active++) {
            step_a();
            step_b();
        }
    }
    return pos;
}
