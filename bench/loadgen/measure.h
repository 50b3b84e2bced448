/* Clock, latency samples, and what the kernel says about processes. */
#ifndef HOLDLINE_BENCH_MEASURE_H
#define HOLDLINE_BENCH_MEASURE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Monotonic clock in nanoseconds. */
uint64_t now_ns(void);

/* Durations in microseconds; percentiles are exact, every sample is kept. */
struct samples {
    uint32_t *us;
    size_t count, room;
};

void samples_add(struct samples *samples, uint64_t ns);

/* The share-th sample in milliseconds (0.5 is the median); 0 when there is none. Sorts in place. */
double samples_ms(struct samples *samples, double share);

/* CPU time of the process and of all its descendants, living or waited for, in microseconds. */
uint64_t tree_cpu_us(pid_t root);

/* Memory of the process and its living descendants in KiB: resident, which is cheap to ask, or proportional, which
 * counts shared pages once and walks the page tables. */
uint64_t tree_rss_kib(pid_t root);
uint64_t tree_pss_kib(pid_t root);

/* Resident memory of the one process in KiB; cheap enough to ask while latency is measured. */
uint64_t process_rss_kib(pid_t pid);

#endif
