/* A kernel without input: dijkstra. */
#define N 20
#define INF 9999
struct item {
    int node, dist, prev;
    struct item *next;
};
static int adj[N][N];
static struct item queue[1000];
static struct item *head;
static int qcount, qnext;
static int dist[N], prev[N];
static void enqueue(int node, int d, int p)
{
    struct item *n = &queue[qnext], *last = head;
    qnext = (qnext + 1) % 1000;
    n->node = node;
    n->dist = d;
    n->prev = p;
    n->next = 0;
    if (!last)
        head = n;
    else {
        while (last->next)
            last = last->next;
        last->next = n;
    }
    qcount++;
}
static void dequeue(int *node, int *d, int *p)
{
    if (head) {
        *node = head->node;
        *d = head->dist;
        *p = head->prev;
        head = head->next;
        qcount--;
    }
}
static int find(int s, int e)
{
    int node, d, p, i;
    for (i = 0; i < N; i++) {
        dist[i] = INF;
        prev[i] = -1;
    }
    dist[s] = 0;
    enqueue(s, 0, -1);
    while (qcount > 0) {
        dequeue(&node, &d, &p);
        for (i = 0; i < N; i++)
            if (adj[node][i] != INF && (dist[i] == INF || dist[i] > adj[node][i] + d)) {
                dist[i] = d + adj[node][i];
                prev[i] = node;
                enqueue(i, dist[i], node);
            }
    }
    return dist[e];
}
int main(void)
{
    unsigned x = 7;
    for (int i = 0; i < N; i++)
        for (int j = 0; j < N; j++) {
            x = x * 133 + 81;
            x %= 8095;
            adj[i][j] = x % 100;
        }
    int s = 0;
    for (int i = 0; i < N; i++)
        s += find(i, (i + 7) % N);
    return s > 0 ? 0 : 1;
}
