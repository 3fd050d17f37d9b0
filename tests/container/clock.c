/* The container's clock, as many seconds ahead of the machine's as /etc/clock-ahead says: loaded into every program by
 * /etc/ld.so.preload. The machine's own clock stays as it is; a container has none of its own. A wait of over twenty
 * seconds takes a sixtieth of it. What measures time rather than telling it, CLOCK_MONOTONIC, runs as ever. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static long ahead(void) {
    char text[32] = "";
    int file = open("/etc/clock-ahead", O_RDONLY | O_CLOEXEC);
    if (file < 0) return 0;
    if (read(file, text, sizeof text - 1) < 0) text[0] = 0;
    close(file);
    return atol(text);
}

int clock_gettime(clockid_t clock, struct timespec *now) {
    int done = syscall(SYS_clock_gettime, clock, now);
    if (!done && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) now->tv_sec += ahead();
    return done;
}

int gettimeofday(struct timeval *now, void *zone) {
    struct timespec precise;
    (void)zone;
    if (clock_gettime(CLOCK_REALTIME, &precise)) return -1;
    now->tv_sec = precise.tv_sec;
    now->tv_usec = precise.tv_nsec / 1000;
    return 0;
}

time_t time(time_t *told) {
    struct timespec now = {0};
    clock_gettime(CLOCK_REALTIME, &now);
    if (told) *told = now.tv_sec;
    return now.tv_sec;
}

static struct timespec shortened(const struct timespec *span) {
    struct timespec less = *span;
    if (span->tv_sec > 20) {
        less.tv_nsec = span->tv_sec % 60 * (1000000000L / 60);
        less.tv_sec = span->tv_sec / 60;
    }
    return less;
}

int nanosleep(const struct timespec *span, struct timespec *left) {
    struct timespec less = shortened(span);
    return syscall(SYS_nanosleep, &less, left);
}

int clock_nanosleep(clockid_t clock, int flags, const struct timespec *span, struct timespec *left) {
    struct timespec less = flags & TIMER_ABSTIME ? *span : shortened(span);
    return syscall(SYS_clock_nanosleep, clock, flags, &less, left) < 0 ? errno : 0;
}
