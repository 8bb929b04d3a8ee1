/* Leaves what outlives a process in an IPC namespace ("leave", as argument or CGI's query), or says
 * what is there ("look"):
 * "memory", "queue", "semaphores", "posix", and what they hold. */
#include <fcntl.h>
#include <mqueue.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>

#define KEY 0x76697265
#define TEXT "left"

struct message {
    long type;
    char text[16];
};

static int leave(void)
{
    const struct message message = {.type = 1, .text = TEXT};
    struct mq_attr attr = {.mq_maxmsg = 1, .mq_msgsize = sizeof message.text};
    int memory = shmget(KEY, 4096, IPC_CREAT | 0666), queue = msgget(KEY, IPC_CREAT | 0666),
        semaphores = semget(KEY, 1, IPC_CREAT | 0666);
    mqd_t posix = mq_open("/" TEXT, O_CREAT | O_RDWR, 0666, &attr);
    char *place = shmat(memory, NULL, 0);

    if (place == (void *)-1 || semaphores < 0 || posix < 0 ||
        msgsnd(queue, &message, sizeof message.text, 0) < 0 ||
        mq_send(posix, message.text, sizeof message.text, 0) < 0) {
        perror("cannot leave");
        return 1;
    }
    strcpy(place, TEXT);
    puts("done");
    return 0;
}

static int look(void)
{
    struct message message = {0};
    char text[16] = "";
    int memory = shmget(KEY, 0, 0), queue = msgget(KEY, 0), semaphores = semget(KEY, 0, 0);
    mqd_t posix = mq_open("/" TEXT, O_RDONLY | O_NONBLOCK);
    struct shm_info info;

    if (memory >= 0)
        printf("memory %.8s ", (char *)shmat(memory, NULL, SHM_RDONLY));
    if (queue >= 0 && msgrcv(queue, &message, sizeof message.text, 0, IPC_NOWAIT) > 0)
        printf("queue %.8s ", message.text);
    if (semaphores >= 0)
        printf("semaphores ");
    if (posix >= 0 && mq_receive(posix, text, sizeof text, NULL) > 0)
        printf("posix %.8s ", text);
    /* Of whatever key. */
    int last = shmctl(0, SHM_INFO, (struct shmid_ds *)&info);
    printf("and %d\n", last < 0 ? -1 : info.used_ids);
    return 0;
}

int main(int argc, char **argv)
{
    const char *what = argc == 2 ? argv[1] : getenv("QUERY_STRING");

    printf("\n"); /* the end of CGI's head */
    return what && strcmp(what, "leave") == 0 ? leave() : look();
}
