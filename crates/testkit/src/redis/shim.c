/* Makes the wall clock wrong and the disk slow of the process that is started with it (LD_PRELOAD). Both are read from a
 * shared file at each call, so that a test can change them at any time. Asks the kernel itself: to look up the functions
 * that are replaced here would allocate, and an allocator that looks at the clock would never get going. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

struct orders {
    volatile int64_t clock_ahead_s;
    volatile int64_t disk_delay_us;
};

static struct orders *orders;

__attribute__((constructor)) static void start(void) {
    const char *path = getenv("TESTKIT_SHIM");
    int file = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    if (file < 0) return;
    void *page = mmap(NULL, sizeof(struct orders), PROT_READ, MAP_SHARED, file, 0);
    if (page != MAP_FAILED) orders = page;
    close(file);
}

int clock_gettime(clockid_t clock, struct timespec *now) {
    int failed = (int)syscall(SYS_clock_gettime, clock, now);
    if (!failed && orders && clock == CLOCK_REALTIME) now->tv_sec += orders->clock_ahead_s;
    return failed;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone) {
    struct timespec exact;
    (void)zone;
    if (clock_gettime(CLOCK_REALTIME, &exact)) return -1;
    now->tv_sec = exact.tv_sec;
    now->tv_usec = exact.tv_nsec / 1000;
    return 0;
}

time_t time(time_t *out) {
    struct timespec exact;
    clock_gettime(CLOCK_REALTIME, &exact);
    if (out) *out = exact.tv_sec;
    return exact.tv_sec;
}

static void wait_for_disk(void) {
    int64_t us = orders ? orders->disk_delay_us : 0;
    struct timespec delay = {us / 1000000, us % 1000000 * 1000};
    if (us > 0) nanosleep(&delay, NULL);
}

int fsync(int file) {
    wait_for_disk();
    return (int)syscall(SYS_fsync, file);
}

int fdatasync(int file) {
    wait_for_disk();
    return (int)syscall(SYS_fdatasync, file);
}
