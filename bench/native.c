/* The limits to compare with: a sender that keeps a pace, and a receiver in C.

   native send PORT SIZE COUNT RATE      COUNT datagrams to 127.0.0.1:PORT, RATE a second (0: as fast as possible,
                                         segmented by the kernel); each begins with its number and its time.
                                         Prints how many were sent and how long it took.
   native frames COUNT                   prints its port; takes COUNT messages with a u32 length before each from one TCP
                                         connection, and prints how many it has.
   native echo PORT SIZE COUNT WINDOW    COUNT datagrams to 127.0.0.1:PORT, WINDOW of them unanswered at a time.
                                         Prints how many came back and how long it took.
   native receive RCVBUF [NAP_US]        prints its port; then, for each line on stdin, takes all that is queued or
                                         arrives until 1 s passes without any (2 s before the first), and
                                         prints count and CPU seconds. With naps it sleeps so long before each call
                                         and is not woken by datagrams.
*/
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define BATCH 1024
#define SLOT 2048

static int64_t now(clockid_t clock) {
    struct timespec t;
    clock_gettime(clock, &t);
    return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static int send_paced(int port, int size, int64_t count, int64_t rate) {
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof to)) return perror("connect"), 1;
    static char data[64][SLOT];
    struct iovec iov[64];
    struct mmsghdr messages[64];
    memset(messages, 0, sizeof messages);
    for (int i = 0; i < 64; i++) {
        for (int b = 0; b < size; b++) data[i][b] = (char)(b * 7);
        iov[i] = (struct iovec){data[i], size};
        messages[i].msg_hdr.msg_iov = &iov[i];
        messages[i].msg_hdr.msg_iovlen = 1;
    }
    int64_t begin = now(CLOCK_MONOTONIC), sent = 0, step = 100000;
    if (rate == 0 && setsockopt(fd, 17, 103, &size, sizeof size) == 0) { /* SOL_UDP, UDP_SEGMENT */
        int many = 60000 / size < 64 ? 60000 / size : 64;
        static char large[65536];
        while (sent < count) {
            int n = count - sent < many ? (int)(count - sent) : many;
            int64_t time = now(CLOCK_REALTIME);
            for (int i = 0; i < n; i++) {
                int64_t number = sent + i;
                memcpy(large + i * size, &number, 8);
                memcpy(large + i * size + 8, &time, 8);
            }
            if (send(fd, large, (size_t)n * size, 0) < 0) {
                if (errno == ENOBUFS || errno == EAGAIN || errno == ECONNREFUSED) continue;
                return perror("send"), 1;
            }
            sent += n;
        }
    }
    while (sent < count) {
        int64_t due = count, elapsed = now(CLOCK_MONOTONIC) - begin;
        if (rate) {
            due = (int64_t)((double)elapsed * rate / 1e9) + 1;
            if (due > count) due = count;
            if (due <= sent) {
                int64_t wake = begin + (elapsed / step + 1) * step;
                struct timespec until = {wake / 1000000000, wake % 1000000000};
                clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);
                continue;
            }
        }
        int n = due - sent < 64 ? (int)(due - sent) : 64;
        int64_t time = now(CLOCK_REALTIME);
        for (int i = 0; i < n; i++) {
            int64_t number = sent + i;
            memcpy(data[i], &number, 8);
            memcpy(data[i] + 8, &time, 8);
        }
        int done = sendmmsg(fd, messages, n, 0);
        if (done < 0) {
            if (errno == ENOBUFS || errno == EAGAIN || errno == ECONNREFUSED || errno == EINTR) continue;
            return perror("sendmmsg"), 1;
        }
        sent += done;
    }
    printf("%lld %.6f\n", (long long)sent, (now(CLOCK_MONOTONIC) - begin) / 1e9);
    return 0;
}

/* Sends one for each that comes back. */
static int echo(int port, int size, int64_t count, int window) {
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct timeval patience = {2, 0};
    static char data[SLOT], slots[64][SLOT];
    struct iovec iov[64], out = {data, size};
    struct mmsghdr messages[64], outgoing[64];
    if (fd < 0 || window > 64 || size > SLOT || connect(fd, (struct sockaddr *)&to, sizeof to)) return perror("connect"), 1;
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    memset(messages, 0, sizeof messages);
    memset(outgoing, 0, sizeof outgoing);
    for (int b = 0; b < size; b++) data[b] = (char)(b * 7);
    for (int i = 0; i < 64; i++) {
        iov[i] = (struct iovec){slots[i], SLOT};
        messages[i].msg_hdr = (struct msghdr){.msg_iov = &iov[i], .msg_iovlen = 1};
        outgoing[i].msg_hdr = (struct msghdr){.msg_iov = &out, .msg_iovlen = 1};
    }
    int64_t begin = now(CLOCK_MONOTONIC), sent = 0, back = 0;
    int due = window;
    while (back < count) {
        if (due > count - sent) due = (int)(count - sent);
        while (due > 0) {
            int done = sendmmsg(fd, outgoing, due, 0);
            if (done < 0) return perror("sendmmsg"), 1;
            sent += done;
            due -= done;
        }
        int n = recvmmsg(fd, messages, 64, MSG_WAITFORONE, NULL);
        if (n <= 0) break;
        back += n;
        due = n;
    }
    printf("%lld %.6f\n", (long long)back, (now(CLOCK_MONOTONIC) - begin) / 1e9);
    return 0;
}

/* What gdlab does, too: stamps, drop counts, senders; sizes and stamps to columns, payloads to an arena. */
static int receive(int buffer, int nap_us) {
    static char slots[BATCH][SLOT], controls[BATCH][64];
    static struct sockaddr_in names[BATCH];
    static struct iovec iov[BATCH];
    static struct mmsghdr messages[BATCH];
    int fd = socket(AF_INET, SOCK_DGRAM, 0), one = 1;
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof at;
    struct timeval patience = {1, 0};
    if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &buffer, sizeof buffer))
        setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &buffer, sizeof buffer);
    setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &one, sizeof one);
    setsockopt(fd, SOL_SOCKET, SO_RXQ_OVFL, &one, sizeof one);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    if (bind(fd, (struct sockaddr *)&at, sizeof at)) return perror("bind"), 1;
    getsockname(fd, (struct sockaddr *)&at, &length);
    printf("%d\n", ntohs(at.sin_port));
    fflush(stdout);
    for (int i = 0; i < BATCH; i++) {
        iov[i] = (struct iovec){slots[i], SLOT};
        messages[i].msg_hdr = (struct msghdr){.msg_name = &names[i], .msg_iov = &iov[i], .msg_iovlen = 1, .msg_control = controls[i]};
    }
    char line[100];
    while (fgets(line, sizeof line, stdin)) {
        int64_t rows = 0, room = 1 << 16, used = 0, arena_room = 1 << 22, cpu = now(CLOCK_THREAD_CPUTIME_ID);
        int64_t *times = malloc(room * 8), first = 0, last = 0;
        uint32_t *sizes = malloc(room * 4), *peers = malloc(room * 4), drops = 0;
        int waited = 0;
        int64_t begin = now(CLOCK_MONOTONIC);
        char *arena = malloc(arena_room);
        for (;;) {
            for (int i = 0; i < BATCH; i++) {
                messages[i].msg_hdr.msg_namelen = sizeof names[0];
                messages[i].msg_hdr.msg_controllen = sizeof controls[0];
            }
            if (nap_us) nanosleep(&(struct timespec){0, nap_us * 1000}, NULL);
            int n = recvmmsg(fd, messages, BATCH, nap_us ? MSG_DONTWAIT : MSG_WAITFORONE, NULL);
            if (n <= 0) {
                if (nap_us && now(CLOCK_MONOTONIC) - (last ? last : begin) < 1000000000LL * (rows ? 1 : 2)) continue;
                if (nap_us || rows || ++waited == 2) break; /* the sender may take its time to start */
                continue;
            }
            if (!first) first = now(CLOCK_MONOTONIC);
            if (rows + n > room) {
                room *= 2;
                times = realloc(times, room * 8);
                sizes = realloc(sizes, room * 4);
                peers = realloc(peers, room * 4);
            }
            if (used + (int64_t)n * SLOT > arena_room) arena = realloc(arena, arena_room *= 2);
            for (int i = 0; i < n; i++) {
                struct msghdr *header = &messages[i].msg_hdr;
                for (struct cmsghdr *c = CMSG_FIRSTHDR(header); c; c = CMSG_NXTHDR(header, c)) {
                    if (c->cmsg_type == SCM_TIMESTAMPNS) {
                        struct timespec t;
                        memcpy(&t, CMSG_DATA(c), sizeof t);
                        times[rows] = t.tv_sec * 1000000000LL + t.tv_nsec;
                    } else if (c->cmsg_type == SO_RXQ_OVFL) {
                        memcpy(&drops, CMSG_DATA(c), 4);
                    }
                }
                sizes[rows] = messages[i].msg_len;
                peers[rows] = names[i].sin_port;
                memcpy(arena + used, slots[i], messages[i].msg_len);
                used += messages[i].msg_len;
                rows++;
            }
            last = now(CLOCK_MONOTONIC);
        }
        cpu = now(CLOCK_THREAD_CPUTIME_ID) - cpu;
        uint32_t memory[9] = {0};
        length = sizeof memory;
        getsockopt(fd, SOL_SOCKET, 55, memory, &length); /* SO_MEMINFO */
        printf("%lld %.9f %.9f %u\n", (long long)rows, cpu / 1e9, (last - first) / 1e9, memory[8]);
        fflush(stdout);
        free(times), free(sizes), free(peers), free(arena);
    }
    return 0;
}

/* Messages of one TCP stream to columns and an arena, the stamp that of the read. */
static int frames(int64_t wanted) {
    enum { CHUNK = 128 * 1024 };
    int server = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof at;
    if (bind(server, (struct sockaddr *)&at, sizeof at) || listen(server, 1)) return perror("listen"), 1;
    getsockname(server, (struct sockaddr *)&at, &length);
    printf("%d\n", ntohs(at.sin_port));
    fflush(stdout);
    int fd = accept(server, NULL, NULL);
    int64_t rows = 0, room = 1 << 16, used = 0, arena_room = 1 << 22, held = 0;
    int64_t *times = malloc(room * 8);
    uint32_t *sizes = malloc(room * 4);
    char *arena = malloc(arena_room), *chunk = malloc(2 * CHUNK);
    while (rows < wanted) {
        ssize_t got = recv(fd, chunk + held, CHUNK, 0);
        if (got <= 0) break;
        int64_t stamp = now(CLOCK_REALTIME), begin = 0;
        held += got;
        for (;;) {
            uint32_t size;
            if (held - begin < 4) break;
            memcpy(&size, chunk + begin, 4);
            if (size > CHUNK - 4) return fprintf(stderr, "a frame of %u bytes\n", size), 1;
            if (held - begin < 4 + (int64_t)size) break;
            if (rows == room) {
                room *= 2;
                times = realloc(times, room * 8);
                sizes = realloc(sizes, room * 4);
            }
            if (used + size > arena_room) arena = realloc(arena, arena_room *= 2);
            memcpy(arena + used, chunk + begin + 4, size);
            used += size;
            sizes[rows] = size;
            times[rows++] = stamp;
            begin += 4 + size;
        }
        memmove(chunk, chunk + begin, held -= begin);
    }
    printf("%lld\n", (long long)rows);
    return 0;
}

int main(int argc, char **argv) {
    if (argc == 6 && !strcmp(argv[1], "send"))
        return send_paced(atoi(argv[2]), atoi(argv[3]), atoll(argv[4]), atoll(argv[5]));
    if ((argc == 3 || argc == 4) && !strcmp(argv[1], "receive"))
        return receive(atoi(argv[2]), argc == 4 ? atoi(argv[3]) : 0);
    if (argc == 3 && !strcmp(argv[1], "frames")) return frames(atoll(argv[2]));
    if (argc == 6 && !strcmp(argv[1], "echo"))
        return echo(atoi(argv[2]), atoi(argv[3]), atoll(argv[4]), atoi(argv[5]));
    fprintf(stderr, "native send PORT SIZE COUNT RATE | native echo PORT SIZE COUNT WINDOW | native frames COUNT | native receive RCVBUF [NAP_US]\n");
    return 2;
}
