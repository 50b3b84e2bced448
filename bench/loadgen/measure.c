#define _GNU_SOURCE
#include "measure.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

uint64_t now_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

void samples_add(struct samples *samples, uint64_t ns) {
    if (samples->count == samples->room) {
        samples->room = samples->room ? samples->room * 2 : 1 << 16;
        samples->us = realloc(samples->us, samples->room * sizeof *samples->us);
        if (!samples->us) abort();
    }
    samples->us[samples->count++] = (uint32_t)(ns / 1000);
}

static int ascending(const void *a, const void *b) {
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

double samples_ms(struct samples *samples, double share) {
    if (!samples->count) return 0;
    qsort(samples->us, samples->count, sizeof *samples->us, ascending);
    size_t at = (size_t)(share * (double)samples->count);
    if (at >= samples->count) at = samples->count - 1;
    return samples->us[at] / 1000.0;
}

struct process {
    pid_t pid, parent;
    uint64_t own_ticks, waited_ticks;
};

/* Read /proc/PID/stat; 0 when the process is gone. The name in parentheses may hold spaces, so count from its end. */
static int read_stat(pid_t pid, struct process *out) {
    char path[64], text[1024];
    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    FILE *file = fopen(path, "r");
    if (!file) return 0;
    size_t size = fread(text, 1, sizeof text - 1, file);
    fclose(file);
    text[size] = 0;
    char *end = strrchr(text, ')');
    int parent;
    unsigned long user, system;
    long waited_user, waited_system;
    if (!end || sscanf(end + 2, "%*c %d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu %ld %ld", &parent, &user, &system,
                       &waited_user, &waited_system) != 5)
        return 0;
    *out = (struct process){pid, parent, user + system, (uint64_t)(waited_user + waited_system)};
    return 1;
}

/* Fill tree with root and its living descendants, root first; returns how many. */
static int read_tree(pid_t root, struct process *tree, int room) {
    struct process all[4096];
    int known = 0, count = 0;
    if (!read_stat(root, &tree[count])) return 0;
    count = 1;
    DIR *proc = opendir("/proc");
    for (struct dirent *entry; proc && (entry = readdir(proc)) && known < 4096;) {
        pid_t pid = atoi(entry->d_name);
        if (pid > 0 && read_stat(pid, &all[known])) known++;
    }
    if (proc) closedir(proc);
    for (int parent = 0; parent < count; parent++)
        for (int i = 0; i < known && count < room; i++)
            if (all[i].parent == tree[parent].pid) tree[count++] = all[i];
    return count;
}

uint64_t tree_cpu_us(pid_t root) {
    struct process tree[1024];
    int count = read_tree(root, tree, 1024);
    uint64_t ticks = 0;
    for (int i = 0; i < count; i++) ticks += tree[i].own_ticks + tree[i].waited_ticks;
    return ticks * (1000000u / (uint64_t)sysconf(_SC_CLK_TCK));
}

static uint64_t line_kib(pid_t pid, const char *file_name, const char *label) {
    char path[64], line[256];
    uint64_t kib = 0;
    snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, file_name);
    FILE *file = fopen(path, "r");
    while (file && fgets(line, sizeof line, file))
        if (!strncmp(line, label, strlen(label))) {
            kib = strtoull(line + strlen(label), NULL, 10);
            break;
        }
    if (file) fclose(file);
    return kib;
}

static uint64_t tree_kib(pid_t root, const char *file_name, const char *label) {
    struct process tree[1024];
    int count = read_tree(root, tree, 1024);
    uint64_t kib = 0;
    for (int i = 0; i < count; i++) kib += line_kib(tree[i].pid, file_name, label);
    return kib;
}

uint64_t process_rss_kib(pid_t pid) { return line_kib(pid, "status", "VmRSS:"); }

uint64_t tree_rss_kib(pid_t root) { return tree_kib(root, "status", "VmRSS:"); }

uint64_t tree_pss_kib(pid_t root) { return tree_kib(root, "smaps_rollup", "Pss:"); }
