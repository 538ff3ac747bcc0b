/* A relay and a receiver in C, to compare gdlab's relay with.

   relay relay TO_PORT DELAY_US    prints its port; sends what comes on to 127.0.0.1:TO_PORT, DELAY_US after the
                                   kernel's stamp of its arrival (0: at once). recvmmsg, FIFO, ppoll, sendmmsg.
   relay sink DELAY_US COUNT       prints its port; takes datagrams that begin with their number and sending time
                                   (int64 each) until COUNT have come or 2 s pass without any; prints how many, and
                                   p50, p99 and p99.9 in nanoseconds of (the kernel's stamp here - sending - DELAY_US).
*/
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>

#define BATCH 256
#define SLOT 2048
#define QUEUE 65536

static int64_t now(void) {
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static int open_socket(void) {
    int fd = socket(AF_INET, SOCK_DGRAM, 0), one = 1, size = 32 << 20;
    struct sockaddr_in here = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof here;
    setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &one, sizeof one);
    if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size)) setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
    if (bind(fd, (struct sockaddr *)&here, n)) exit(1);
    getsockname(fd, (struct sockaddr *)&here, &n);
    printf("%d\n", ntohs(here.sin_port));
    fflush(stdout);
    return fd;
}

static int64_t stamp(struct msghdr *m) {
    for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c))
        if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SO_TIMESTAMPNS) {
            struct timespec t;
            memcpy(&t, CMSG_DATA(c), sizeof t);
            return t.tv_sec * 1000000000LL + t.tv_nsec;
        }
    return now();
}

static char slots[QUEUE][SLOT];
static int sizes[QUEUE];
static int64_t due[QUEUE];

static int take(int fd, uint64_t tail, int room, int64_t delay) {
    struct mmsghdr m[BATCH];
    struct iovec v[BATCH];
    char control[BATCH][64];
    if (room > BATCH) room = BATCH;
    for (int i = 0; i < room; i++) {
        v[i] = (struct iovec){slots[(tail + i) % QUEUE], SLOT};
        memset(&m[i], 0, sizeof m[i]);
        m[i].msg_hdr = (struct msghdr){.msg_iov = &v[i], .msg_iovlen = 1, .msg_control = control[i], .msg_controllen = 64};
    }
    int got = recvmmsg(fd, m, room, MSG_DONTWAIT, NULL);
    for (int i = 0; i < got; i++) {
        sizes[(tail + i) % QUEUE] = m[i].msg_len;
        due[(tail + i) % QUEUE] = stamp(&m[i].msg_hdr) + delay;
    }
    return got < 0 ? 0 : got;
}

static int relay(int port, int64_t delay) {
    int fd = open_socket(), out = socket(AF_INET, SOCK_DGRAM, 0);
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    if (connect(out, (struct sockaddr *)&to, sizeof to)) return 1;
    prctl(PR_SET_TIMERSLACK, 1);
    uint64_t head = 0, tail = 0;
    for (;;) {
        struct pollfd p = {fd, POLLIN, 0};
        struct timespec wait = {0, 0}, *until = NULL;
        if (head < tail) {
            int64_t left = due[head % QUEUE] - now();
            if (left > 0) wait.tv_sec = left / 1000000000LL, wait.tv_nsec = left % 1000000000LL;
            until = &wait;
        }
        ppoll(&p, 1, until, NULL);
        if (p.revents) tail += take(fd, tail, (int)(QUEUE - (tail - head)), delay);
        int64_t t = now();
        struct mmsghdr m[BATCH];
        struct iovec v[BATCH];
        int n = 0;
        while (head + n < tail && n < BATCH && due[(head + n) % QUEUE] <= t) {
            v[n] = (struct iovec){slots[(head + n) % QUEUE], sizes[(head + n) % QUEUE]};
            memset(&m[n], 0, sizeof m[n]);
            m[n].msg_hdr = (struct msghdr){.msg_iov = &v[n], .msg_iovlen = 1};
            n++;
        }
        if (n) sendmmsg(out, m, n, 0), head += n;
    }
}

static int less(const void *a, const void *b) {
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static int sink(int64_t delay, int64_t count) {
    int fd = open_socket();
    int64_t *late = malloc(count * sizeof *late), n = 0;
    int wait = 20000;
    while (n < count) {
        struct pollfd p = {fd, POLLIN, 0};
        if (poll(&p, 1, wait) <= 0) break;
        wait = 2000;
        int got = take(fd, 0, BATCH, 0);
        for (int i = 0; i < got && n < count; i++) {
            int64_t sent;
            memcpy(&sent, slots[i] + 8, 8);
            late[n++] = due[i] - sent - delay;
        }
    }
    qsort(late, n, sizeof *late, less);
    if (n) printf("%lld %lld %lld %lld\n", (long long)n, (long long)late[n / 2], (long long)late[n * 99 / 100], (long long)late[n * 999 / 1000]);
    else printf("0 0 0 0\n");
    return 0;
}

int main(int argc, char **argv) {
    if (argc == 4 && !strcmp(argv[1], "relay")) return relay(atoi(argv[2]), atoll(argv[3]) * 1000);
    if (argc == 4 && !strcmp(argv[1], "sink")) return sink(atoll(argv[2]) * 1000, atoll(argv[3]));
    return 2;
}
