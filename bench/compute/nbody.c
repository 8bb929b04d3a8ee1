/* The planets' paths over four million steps: chains of double arithmetic, square roots. */
#include <math.h>
#include <string.h>

#include "timed.h"

#define BODIES 5
#define STEPS 4000000
#define DAYS_A_YEAR 365.24
#define SOLAR_MASS (4 * 3.141592653589793 * 3.141592653589793)

struct body {
    double position[3], velocity[3], mass;
};

/* Sun, Jupiter, Saturn, Uranus, Neptune: AU, AU a day, solar masses. */
static struct body bodies[BODIES] = {
    {{0, 0, 0}, {0, 0, 0}, 1},
    {{4.84143144246472090, -1.16032004402742839, -0.103622044471123109},
     {0.00166007664274403694, 0.00769901118419740425, -0.0000690460016972063023},
     0.000954791938424326609},
    {{8.34336671824457987, 4.12479856412430479, -0.403523417114321381},
     {-0.00276742510726411, 0.00499852801234917238, 0.0000230417297573763929},
     0.000285885980666130812},
    {{12.8943695621391310, -15.1111514016986312, -0.223307578892655734},
     {0.00296460137564761618, 0.00237847173959480950, -0.0000296589568540237556},
     0.0000436624404335156298},
    {{15.3796971148509165, -25.9193146099879641, 0.179258772950371181},
     {0.00268067772490389322, 0.00162824170038242295, -0.0000951592254519715870},
     0.0000515138902046611451},
};

static void prepare(void)
{
    double momentum[3] = {0};

    for (int i = 0; i < BODIES; i++) {
        bodies[i].mass *= SOLAR_MASS;
        for (int k = 0; k < 3; k++) {
            bodies[i].velocity[k] *= DAYS_A_YEAR;
            momentum[k] += bodies[i].velocity[k] * bodies[i].mass;
        }
    }
    for (int k = 0; k < 3; k++)
        bodies[0].velocity[k] = -momentum[k] / SOLAR_MASS;
}

static void step(double time)
{
    for (int i = 0; i < BODIES; i++) {
        struct body *a = &bodies[i];
        for (int j = i + 1; j < BODIES; j++) {
            struct body *b = &bodies[j];
            double dx = a->position[0] - b->position[0];
            double dy = a->position[1] - b->position[1];
            double dz = a->position[2] - b->position[2];
            double square = dx * dx + dy * dy + dz * dz;
            double pull = time / (square * sqrt(square));
            a->velocity[0] -= dx * b->mass * pull;
            a->velocity[1] -= dy * b->mass * pull;
            a->velocity[2] -= dz * b->mass * pull;
            b->velocity[0] += dx * a->mass * pull;
            b->velocity[1] += dy * a->mass * pull;
            b->velocity[2] += dz * a->mass * pull;
        }
    }
    for (int i = 0; i < BODIES; i++)
        for (int k = 0; k < 3; k++)
            bodies[i].position[k] += time * bodies[i].velocity[k];
}

static uint64_t work(void)
{
    for (int i = 0; i < STEPS; i++)
        step(0.01);
    return timed_hash(TIMED_HASH_START, bodies, sizeof bodies);
}

TIMED_MAIN(prepare, work)
