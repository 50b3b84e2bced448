/* Load generator for WebSocket chat servers: pairs of a customer and a representative that talk, and a crowd that sits
 * there, is counted, or is cut off and comes back.
 *
 * One thread, one epoll. What a server's frames look like stands in a dialect file (dialect.h). The result is one JSON
 * object on standard output. It starts no server and judges nothing; bench/run.py does.
 *
 * A message is done when its customer has the acknowledgement and its representative has the message. Either a fixed
 * number of messages is under way in every pair (--window: as fast as the server can), or messages are due at random
 * moments at a given rate (--rate: latency counts from the moment a message was due, so that a stall is not hidden by
 * the generator's own waiting).
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <math.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "dialect.h"
#include "measure.h"
#include "wire.h"

enum {
    FLIGHTS = 128,              /* messages of one pair that can be under way; a power of two */
    FRAME_LIMIT = 16 << 20,     /* largest frame that is accepted */
    SCRATCH = 256 << 10,        /* bytes read at once */
    MESSAGE_ROOM = 64 << 10,    /* longest text sent */
    ADDRESSES_MAX = 8,
    WATCHED_MAX = 8,
    STALLED_BUFFER = 4096,      /* receive buffer of a representative that does not read, in bytes */
    CONNECTS_PER_SOURCE = 20000 /* below the number of local ports that the kernel hands out for one address */
};

static const uint64_t SECOND = 1000000000u, TICK = 10000000u;
static const double LOST_AFTER = 10.0;  /* seconds until a message counts as lost */
static const double DRAIN = 2.0;        /* seconds that messages under way have after the window */
static const double RETRY_AFTER = 0.05; /* seconds until a refused connection is tried again */

enum state { CLOSED, CONNECTING, SHAKING, OPENING, LIVE, WAITING };

struct connection {
    int fd;
    uint8_t role, state, step, stalled;
    uint32_t index;
    uint8_t *partial, *unsent; /* NULL most of the time */
    size_t partial_size, partial_room, unsent_size, unsent_room;
    uint64_t started_ns, retry_ns;
};

struct flight {
    uint64_t due_ns; /* 0 when the slot is free */
    uint32_t seq;
    uint8_t acked, delivered, measured;
};

struct pair {
    struct connection customer, rep;
    uint32_t seq;
    struct flight flights[FLIGHTS];
};

static struct {
    const char *dialect_path, *pair_seats_path, *crowd_seats_path, *host;
    struct sockaddr_in customers[ADDRESSES_MAX], reps[ADDRESSES_MAX], crowd[ADDRESSES_MAX];
    int customer_count, rep_count, crowd_count;
    uint32_t pairs, crowd_size, window, connecting;
    double rate, seconds, warmup, settle, stall;
    size_t text_bytes;
    int cut;
    struct watched {
        char *name;
        pid_t pid;
        uint64_t cpu, rss_before, pss_before, rss_after, pss_after, rss_end, rss_peak, cpu_before_crowd, cpu_after_crowd;
    } watched[WATCHED_MAX];
    int watched_count;
} options = {.host = "127.0.0.1", .pairs = 200, .window = 1, .connecting = 64, .seconds = 5, .warmup = 1, .settle = 1,
             .text_bytes = 84};

static struct dialect *dialect;
static struct seats *pair_seats, *crowd_seats;
static char run_id[9];
static struct pair *pairs;
static struct connection *crowd;
static int epoll_fd, tick_fd, rate_fd;
static uint8_t scratch[SCRATCH];
static char text_buffer[MESSAGE_ROOM];
static uint8_t frame_buffer[MESSAGE_ROOM + WIRE_HEADER_MAX];
static uint64_t random_state = 0x9E3779B97F4A7C15u;

/* What happened. */
static struct samples ack_latency, delivery_latency, opening_time, return_time;
static uint64_t done_count, acked_count, sent_count, lost_count, expired_count, closed_count, refused_count, counted, bytes_per_message;
static uint32_t opening_now, live_pairs, live_crowd, opened_sockets;
static int talking, measuring, cutting, next_pair;
static uint64_t window_start, window_end, next_due_ns, opening_started, opening_ended, cut_at;
static char first_problem[256];

static void problem(const char *format, ...) {
    if (*first_problem) return;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(first_problem, sizeof first_problem, format, arguments);
    va_end(arguments);
}

static void fatal(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fprintf(stderr, "%s%s\n", *first_problem ? "; first problem: " : "", first_problem);
    exit(1);
}

static uint32_t random_word(void) {
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return (uint32_t)(random_state >> 32);
}

static void set_timer(int fd, uint64_t at_ns, uint64_t every_ns) {
    struct itimerspec t = {{(time_t)(every_ns / SECOND), (long)(every_ns % SECOND)},
                           {(time_t)(at_ns / SECOND), (long)(at_ns % SECOND)}};
    timerfd_settime(fd, TFD_TIMER_ABSTIME, &t, NULL);
}

/* ---- one connection ---- */

static void listen_for(struct connection *c, uint32_t events, int operation) {
    struct epoll_event event = {.events = events, .data.ptr = c};
    if (epoll_ctl(epoll_fd, operation, c->fd, &event)) fatal("epoll_ctl: %s", strerror(errno));
}

/* A representative that does not read only hears that the line was closed. */
static uint32_t listening(const struct connection *c) { return c->stalled && c->state == LIVE ? EPOLLRDHUP : EPOLLIN; }

static void drop(struct connection *c) {
    if (c->fd >= 0) close(c->fd);
    c->fd = -1;
    free(c->partial), free(c->unsent);
    c->partial = c->unsent = NULL;
    c->partial_size = c->partial_room = c->unsent_size = c->unsent_room = 0;
}

static void lost_connection(struct connection *c, const char *why) {
    int was = c->state;
    problem("%s connection %u: %s", (const char *[]){"customer", "representative", "crowd"}[c->role], c->index, why);
    drop(c);
    if (was == LIVE) {
        closed_count++;
        if (c->role == CROWD) live_crowd--;
        else live_pairs--;
    } else {
        opening_now--;
        refused_count++;
    }
    if (c->role == CROWD && cut_at) {
        c->state = WAITING;
        c->retry_ns = now_ns() + (uint64_t)(RETRY_AFTER * (double)SECOND);
    } else {
        c->state = CLOSED;
    }
}

static void send_bytes(struct connection *c, const uint8_t *data, size_t size) {
    if (!c->unsent_size) {
        ssize_t sent = send(c->fd, data, size, MSG_NOSIGNAL);
        if (sent == (ssize_t)size) return;
        if (sent < 0 && errno != EAGAIN) return; /* the reader learns of it */
        if (sent > 0) data += sent, size -= (size_t)sent;
        listen_for(c, EPOLLOUT | listening(c), EPOLL_CTL_MOD);
    }
    if (c->unsent_size + size > c->unsent_room) {
        c->unsent_room = 2 * (c->unsent_size + size);
        c->unsent = realloc(c->unsent, c->unsent_room);
    }
    memcpy(c->unsent + c->unsent_size, data, size);
    c->unsent_size += size;
}

static void send_frame(struct connection *c, int opcode, const void *payload, size_t length) {
    size_t size = wire_write(frame_buffer, opcode, payload, length, 1, random_word());
    send_bytes(c, frame_buffer, size);
}

static void flush_unsent(struct connection *c) {
    if (!c->unsent_size) return;
    ssize_t sent = send(c->fd, c->unsent, c->unsent_size, MSG_NOSIGNAL);
    if (sent <= 0) return;
    memmove(c->unsent, c->unsent + sent, c->unsent_size - (size_t)sent);
    c->unsent_size -= (size_t)sent;
    if (!c->unsent_size) listen_for(c, listening(c), EPOLL_CTL_MOD);
}

static size_t fill(const struct connection *c, const struct template *template, uint32_t seq) {
    struct values values = {c->index, seq, options.host, c->role == CROWD ? crowd_seats : pair_seats, options.text_bytes};
    return template_fill(template, &values, run_id, dialect->decimal, text_buffer, MESSAGE_ROOM);
}

static void start(struct connection *c) {
    const struct sockaddr_in *to = c->role == CUSTOMER ? &options.customers[c->index % (uint32_t)options.customer_count]
                                   : c->role == REP    ? &options.reps[c->index % (uint32_t)options.rep_count]
                                                       : &options.crowd[c->index % (uint32_t)options.crowd_count];
    int one = 1, small = STALLED_BUFFER;
    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (c->fd < 0) fatal("socket: %s", strerror(errno));
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    if (c->stalled) setsockopt(c->fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
    struct sockaddr_in from = {.sin_family = AF_INET,
                               .sin_addr.s_addr = htonl(INADDR_LOOPBACK + 1 + opened_sockets++ / CONNECTS_PER_SOURCE)};
    setsockopt(c->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof one);
    if (bind(c->fd, (struct sockaddr *)&from, sizeof from)) fatal("bind: %s", strerror(errno));
    if (!c->started_ns) c->started_ns = now_ns();
    c->state = CONNECTING;
    c->step = 0;
    opening_now++;
    int failed = connect(c->fd, (const struct sockaddr *)to, sizeof *to) && errno != EINPROGRESS;
    listen_for(c, EPOLLOUT, EPOLL_CTL_ADD);
    if (failed) lost_connection(c, strerror(errno));
}

static void shake_hands(struct connection *c) {
    int error = 0;
    socklen_t size = sizeof error;
    getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &size);
    if (error) {
        lost_connection(c, strerror(error));
        return;
    }
    static const char fixed[] = " HTTP/1.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                                "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nHost: ";
    char request[8192];
    size_t at = (size_t)sprintf(request, "GET ");
    size_t length = fill(c, &dialect->roles[c->role].path, 0);
    memcpy(request + at, text_buffer, length), at += length;
    at += (size_t)sprintf(request + at, "%s%s\r\n", fixed, options.host);
    for (int i = 0; i < dialect->roles[c->role].header_count; i++) {
        length = fill(c, &dialect->roles[c->role].headers[i], 0);
        if (at + length + 4 > sizeof request) fatal("the handshake is longer than %zu bytes", sizeof request);
        memcpy(request + at, text_buffer, length), at += length;
        at += (size_t)sprintf(request + at, "\r\n");
    }
    at += (size_t)sprintf(request + at, "\r\n");
    c->state = SHAKING;
    listen_for(c, EPOLLIN, EPOLL_CTL_MOD);
    send_bytes(c, (uint8_t *)request, at);
}

static void become_live(struct connection *c) {
    uint64_t now = now_ns();
    c->state = LIVE;
    opening_now--;
    if (c->role == CROWD) {
        live_crowd++;
        if (cut_at) samples_add(&return_time, now - cut_at);
        else samples_add(&opening_time, now - c->started_ns), opening_ended = now;
    } else {
        live_pairs++;
    }
    if (c->stalled) listen_for(c, listening(c), EPOLL_CTL_MOD);
}

/* Do the opening steps up to the next frame that has to be waited for; frame is the one that has just come, or NULL. */
static void open_further(struct connection *c, const struct frame *frame) {
    while (c->step < dialect->roles[c->role].step_count) {
        const struct step *step = &dialect->roles[c->role].steps[c->step];
        size_t length = fill(c, &step->text, 0);
        if (step->kind == SEND) {
            send_frame(c, OP_TEXT, text_buffer, length);
        } else {
            if (!frame || !memmem(frame->payload, frame->length, text_buffer, length)) return;
            frame = NULL;
        }
        c->step++;
    }
    become_live(c);
}

/* ---- messages ---- */

static void post(struct pair *pair, uint64_t due_ns) {
    struct flight *flight = &pair->flights[pair->seq % FLIGHTS];
    if (flight->due_ns) lost_count++;
    *flight = (struct flight){.due_ns = due_ns, .seq = pair->seq, .measured = (uint8_t)measuring};
    size_t length = fill(&pair->customer, &dialect->post, pair->seq);
    bytes_per_message = length;
    pair->seq++;
    if (measuring) sent_count++;
    if (pair->customer.state == LIVE) send_frame(&pair->customer, OP_TEXT, text_buffer, length);
}

static void settle_flight(struct pair *pair, struct flight *flight, uint64_t now) {
    if (!flight->acked || !(flight->delivered || pair->rep.stalled)) return;
    if (measuring) done_count++;
    flight->due_ns = 0;
    if (talking && !options.rate) post(pair, now);
}

static void number_came(struct connection *c, uint32_t seq, uint64_t now) {
    struct pair *pair = &pairs[c->index];
    struct flight *flight = &pair->flights[seq % FLIGHTS];
    if (!flight->due_ns || flight->seq != seq) return; /* late, or a repetition */
    if (c->role == CUSTOMER) {
        if (flight->acked) return;
        flight->acked = 1;
        if (flight->measured) acked_count++;
        if (flight->measured && !pair->rep.stalled) samples_add(&ack_latency, now - flight->due_ns);
    } else {
        if (flight->delivered) return;
        flight->delivered = 1;
        if (flight->measured) samples_add(&delivery_latency, now - flight->due_ns);
    }
    settle_flight(pair, flight, now);
}

/* Every place in the frame where the mark stands is followed by a message's number. */
static void find_numbers(struct connection *c, const struct frame *frame, const char *mark, uint64_t now) {
    size_t mark_length = strlen(mark);
    const uint8_t *at = frame->payload, *end = frame->payload + frame->length;
    while ((at = memmem(at, (size_t)(end - at), mark, mark_length))) {
        at += mark_length;
        uint32_t seq = 0;
        for (int digits = 0; at < end && digits < (dialect->decimal ? 10 : 8); at++, digits++) {
            if (*at >= '0' && *at <= '9') seq = seq * (dialect->decimal ? 10 : 16) + (*at - '0');
            else if (!dialect->decimal && *at >= 'a' && *at <= 'f') seq = seq * 16 + (*at - 'a' + 10);
            else break;
        }
        number_came(c, seq, now);
    }
}

/* Whether the frame begins with the text; every frame begins with NULL. */
static int begins(const struct frame *frame, const char *text) {
    size_t length = text ? strlen(text) : 0;
    return frame->length >= length && (!length || !memcmp(frame->payload, text, length));
}

static void live_frame(struct connection *c, const struct frame *frame, uint64_t now) {
    if (c->role == CUSTOMER) {
        if (begins(frame, dialect->acked_in)) find_numbers(c, frame, dialect->acked, now);
    } else if (c->role == REP) {
        if (begins(frame, dialect->delivered_in)) find_numbers(c, frame, dialect->delivered, now);
    } else if (measuring && dialect->counted && memmem(frame->payload, frame->length, dialect->counted, strlen(dialect->counted))) {
        counted++;
    }
}

static void take_frame(struct connection *c, struct frame *frame, uint64_t now) {
    if (frame->opcode == OP_PING) {
        send_frame(c, OP_PONG, frame->payload, frame->length);
    } else if (frame->opcode == OP_CLOSE) {
        char why[64];
        int code = frame->length >= 2 ? frame->payload[0] << 8 | frame->payload[1] : 1005;
        snprintf(why, sizeof why, "closed with code %d %.*s", code, frame->length > 2 ? (int)(frame->length - 2) % 40 : 0, (char *)frame->payload + 2);
        lost_connection(c, why);
    } else if (frame->opcode == OP_TEXT || frame->opcode == OP_BINARY) {
        for (int i = 0; i < dialect->answer_count; i++) {
            if (begins(frame, dialect->answers[i].begins)) {
                send_frame(c, OP_TEXT, dialect->answers[i].answer, strlen(dialect->answers[i].answer));
                return;
            }
        }
        if (c->state == OPENING) open_further(c, frame);
        else live_frame(c, frame, now);
    }
}

/* The handshake's answer, once it is complete; returns its length, 0 before, -1 when the connection was refused. */
static long take_answer(struct connection *c, uint8_t *data, size_t size) {
    uint8_t *end = memmem(data, size, "\r\n\r\n", 4);
    if (!end) return 0;
    if (size < 12 || memcmp(data + 8, " 101", 4)) {
        char line[64];
        snprintf(line, sizeof line, "%.*s", (int)strcspn((char *)data, "\r"), (char *)data);
        lost_connection(c, line);
        return -1;
    }
    if (memmem(data, (size_t)(end - data), "permessage-deflate", 18)) fatal("the server compresses without being asked");
    c->state = OPENING;
    return end + 4 - data;
}

/* Take everything complete from the bytes; returns how many were taken. */
static size_t take(struct connection *c, uint8_t *data, size_t size, uint64_t now) {
    size_t at = 0;
    if (c->state == SHAKING) {
        long taken = take_answer(c, data, size);
        if (taken <= 0) return 0;
        at = (size_t)taken;
        open_further(c, NULL);
    }
    while (c->fd >= 0 && at < size) {
        struct frame frame;
        long taken = wire_read(data + at, size - at, FRAME_LIMIT, &frame);
        if (taken < 0) {
            lost_connection(c, "a frame that is fragmented, compressed or too large");
            return size;
        }
        if (!taken) break;
        at += (size_t)taken;
        take_frame(c, &frame, now);
    }
    return at;
}

static void keep_rest(struct connection *c, const uint8_t *rest, size_t size) {
    if (size > c->partial_room) {
        c->partial_room = size + 4096;
        uint8_t *larger = malloc(c->partial_room);
        memcpy(larger, rest, size);
        free(c->partial);
        c->partial = larger;
    } else {
        memmove(c->partial, rest, size);
    }
    c->partial_size = size;
}

static void readable(struct connection *c) {
    ssize_t size;
    if (c->partial_size) { /* the rest of a frame: join it with what was kept */
        if (c->partial_room - c->partial_size < SCRATCH) {
            c->partial_room = c->partial_size + SCRATCH;
            c->partial = realloc(c->partial, c->partial_room);
        }
        size = recv(c->fd, c->partial + c->partial_size, SCRATCH, 0);
    } else {
        size = recv(c->fd, scratch, SCRATCH - 1, 0);
    }
    if (size == 0 || (size < 0 && errno != EAGAIN)) {
        lost_connection(c, size ? strerror(errno) : "the server closed the line");
        return;
    }
    if (size < 0) return;
    uint8_t *data = c->partial_size ? c->partial : scratch;
    size_t total = c->partial_size + (size_t)size;
    size_t taken = take(c, data, total, now_ns());
    if (c->fd < 0) return;
    if (taken < total) {
        keep_rest(c, data + taken, total - taken);
    } else if (c->partial) {
        free(c->partial);
        c->partial = NULL;
        c->partial_size = c->partial_room = 0;
    }
}

/* ---- the run ---- */

static void post_what_is_due(void) {
    uint64_t now = now_ns();
    while (talking && next_due_ns <= now) {
        post(&pairs[next_pair], next_due_ns);
        next_pair = (next_pair + 1) % (int)options.pairs;
        double uniform = (random_word() + 1.0) / 4294967297.0;
        next_due_ns += (uint64_t)(-log(uniform) / options.rate * (double)SECOND);
    }
    if (talking) set_timer(rate_fd, next_due_ns, 0);
}

static void every_tick(void) {
    static uint32_t ticks, retry_from;
    uint64_t now = now_ns();
    if (++ticks % 10 == 0 && (measuring || cut_at))
        for (int i = 0; i < options.watched_count; i++) {
            uint64_t rss = process_rss_kib(options.watched[i].pid);
            if (rss > options.watched[i].rss_peak) options.watched[i].rss_peak = rss;
        }
    if (ticks % 50 == 0 && talking)
        for (uint32_t i = 0; i < options.pairs; i++)
            for (int j = 0; j < FLIGHTS; j++) {
                struct flight *flight = &pairs[i].flights[j];
                if (!flight->due_ns || (double)(now - flight->due_ns) / (double)SECOND < LOST_AFTER) continue;
                flight->due_ns = 0;
                expired_count++;
                if (!options.rate) post(&pairs[i], now);
            }
    if (cutting)
        for (uint32_t i = 0; i < options.crowd_size; i++, retry_from++) {
            struct connection *c = &crowd[retry_from % options.crowd_size];
            if (c->state == WAITING && c->retry_ns <= now) start(c);
        }
}

/* Wait at most until the moment and handle what has come; 1 when the moment is reached. */
static int turn(uint64_t until_ns) {
    struct epoll_event events[512];
    int count = epoll_wait(epoll_fd, events, 512, 10);
    for (int i = 0; i < count; i++) {
        struct connection *c = events[i].data.ptr;
        uint64_t expirations;
        if (events[i].data.ptr == &tick_fd) {
            if (read(tick_fd, &expirations, sizeof expirations) > 0) every_tick();
            continue;
        }
        if (events[i].data.ptr == &rate_fd) {
            if (read(rate_fd, &expirations, sizeof expirations) > 0) post_what_is_due();
            continue;
        }
        if (c->fd < 0) continue;
        if (c->state == CONNECTING) {
            shake_hands(c);
            continue;
        }
        if (events[i].events & EPOLLOUT) flush_unsent(c);
        if (c->stalled && c->state == LIVE) {
            if (events[i].events & (EPOLLHUP | EPOLLERR | EPOLLRDHUP)) lost_connection(c, "closed while it did not read");
        } else if (events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR)) {
            readable(c);
        }
    }
    return now_ns() >= until_ns;
}

static void run_for(double seconds) {
    uint64_t until = now_ns() + (uint64_t)(seconds * (double)SECOND);
    while (!turn(until)) continue;
}

static void open_pairs(void) {
    for (uint32_t i = 0; i < 2 * options.pairs; i++) {
        struct pair *pair = &pairs[i / 2];
        struct connection *c = i % 2 ? &pair->customer : &pair->rep;
        *c = (struct connection){.role = i % 2 ? CUSTOMER : REP, .index = i / 2};
        c->stalled = c->role == REP && i / 2 < (uint32_t)(options.stall * options.pairs);
        pair->seq = dialect->first;
        while (opening_now >= options.connecting) turn(0);
        start(c);
    }
    uint64_t until = now_ns() + 120 * SECOND;
    while (opening_now && !turn(until)) continue;
    if (live_pairs != 2 * options.pairs) fatal("%u of %u connections of the pairs are open", live_pairs, 2 * options.pairs);
}

static void open_crowd(void) {
    for (int i = 0; i < options.watched_count; i++) {
        options.watched[i].rss_before = tree_rss_kib(options.watched[i].pid);
        options.watched[i].pss_before = tree_pss_kib(options.watched[i].pid);
        options.watched[i].cpu_before_crowd = tree_cpu_us(options.watched[i].pid);
    }
    opening_started = opening_ended = now_ns();
    for (uint32_t i = 0; i < options.crowd_size; i++) {
        crowd[i] = (struct connection){.role = CROWD, .index = i};
        while (opening_now >= options.connecting) turn(0);
        start(&crowd[i]);
    }
    uint64_t until = now_ns() + 60 * SECOND;
    while (opening_now && !turn(until)) continue;
    if (live_crowd != options.crowd_size) fatal("%u of %u connections of the crowd are open", live_crowd, options.crowd_size);
    for (int i = 0; i < options.watched_count; i++) options.watched[i].cpu_after_crowd = tree_cpu_us(options.watched[i].pid);
    run_for(options.settle);
    for (int i = 0; i < options.watched_count; i++) {
        options.watched[i].rss_after = tree_rss_kib(options.watched[i].pid);
        options.watched[i].pss_after = tree_pss_kib(options.watched[i].pid);
    }
}

/* Break every line of the crowd at once, as a failing switch does, and come back as fast as the server lets us. */
static void cut_crowd(void) {
    struct linger hard = {1, 0};
    cut_at = now_ns();
    cutting = 1;
    for (uint32_t i = 0; i < options.crowd_size; i++) {
        if (crowd[i].state != LIVE) continue;
        setsockopt(crowd[i].fd, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
        drop(&crowd[i]);
        live_crowd--;
        crowd[i].state = WAITING;
        crowd[i].started_ns = crowd[i].retry_ns = 0;
    }
    for (uint32_t i = 0; i < options.crowd_size; i++)
        if (crowd[i].state == WAITING) start(&crowd[i]);
}

static uint64_t own_cpu;

static void begin_window(void) {
    own_cpu = tree_cpu_us(getpid());
    for (int i = 0; i < options.watched_count; i++) {
        options.watched[i].cpu = tree_cpu_us(options.watched[i].pid);
        options.watched[i].rss_peak = process_rss_kib(options.watched[i].pid);
    }
    window_start = now_ns();
    measuring = 1;
}

static void end_window(void) {
    window_end = now_ns();
    measuring = 0;
    own_cpu = tree_cpu_us(getpid()) - own_cpu;
    for (int i = 0; i < options.watched_count; i++) {
        options.watched[i].cpu = tree_cpu_us(options.watched[i].pid) - options.watched[i].cpu;
        options.watched[i].rss_end = tree_rss_kib(options.watched[i].pid);
    }
}

static void talk(void) {
    talking = options.pairs > 0;
    next_due_ns = now_ns();
    if (options.rate) post_what_is_due();
    else
        for (uint32_t i = 0; i < options.pairs; i++)
            for (uint32_t j = 0; j < options.window; j++) post(&pairs[i], now_ns());
}

static void drain(void) {
    talking = 0;
    run_for(DRAIN);
    for (uint32_t i = 0; i < options.pairs; i++)
        for (int j = 0; j < FLIGHTS; j++) {
            struct flight *flight = &pairs[i].flights[j];
            if (flight->due_ns && flight->measured) lost_count++;
        }
}

static void print_latency(const char *name, struct samples *samples) {
    printf(",\"%s_ms\":{\"count\":%zu,\"p50\":%.3f,\"p90\":%.3f,\"p99\":%.3f,\"max\":%.3f}", name, samples->count,
           samples_ms(samples, 0.5), samples_ms(samples, 0.9), samples_ms(samples, 0.99), samples_ms(samples, 1));
}

static void report(void) {
    double seconds = (double)(window_end - window_start) / (double)SECOND;
    printf("{\"seconds\":%.3f,\"pairs\":%u,\"crowd\":%u,\"bytes\":%lu", seconds, options.pairs, options.crowd_size, bytes_per_message);
    printf(",\"sent\":%lu,\"acked\":%lu,\"done\":%lu,\"per_second\":%.1f", sent_count, acked_count, done_count, (double)done_count / seconds);
    printf(",\"lost\":%lu,\"closed\":%lu,\"refused\":%lu,\"counted\":%lu", lost_count + expired_count, closed_count, refused_count, counted);
    printf(",\"generator_cpu_us\":%lu,\"generator_busy\":%.3f", own_cpu, (double)own_cpu / 1e6 / seconds);
    print_latency("ack", &ack_latency);
    print_latency("delivery", &delivery_latency);
    if (options.crowd_size) {
        print_latency("opening", &opening_time);
        double opening = (double)(opening_ended - opening_started) / (double)SECOND;
        printf(",\"opening_seconds\":%.3f,\"opened_per_second\":%.1f", opening, options.crowd_size / opening);
    }
    if (cut_at) {
        print_latency("return", &return_time);
        printf(",\"returned\":%zu,\"return_seconds\":%.3f", return_time.count, samples_ms(&return_time, 1) / 1000);
    }
    printf(",\"watched\":{");
    for (int i = 0; i < options.watched_count; i++) {
        struct watched *w = &options.watched[i];
        printf("%s\"%s\":{\"cpu_us\":%lu,\"busy\":%.3f,\"rss_kib\":%lu,\"rss_peak_kib\":%lu", i ? "," : "", w->name, w->cpu,
               (double)w->cpu / 1e6 / seconds, w->rss_end, w->rss_peak);
        if (options.crowd_size)
            printf(",\"rss_kib_each\":%.2f,\"pss_kib_each\":%.2f,\"opening_cpu_us_each\":%.1f",
                   ((double)w->rss_after - (double)w->rss_before) / options.crowd_size,
                   ((double)w->pss_after - (double)w->pss_before) / options.crowd_size,
                   (double)(w->cpu_after_crowd - w->cpu_before_crowd) / options.crowd_size);
        printf("}");
    }
    printf("}");
    if (*first_problem) {
        printf(",\"problem\":\"");
        for (char *at = first_problem; *at; at++)
            if (*at >= ' ' && *at != '"' && *at != '\\') putchar(*at);
        printf("\"");
    }
    printf("}\n");
}

static int addresses(const char *text, struct sockaddr_in *out) {
    char *copy = strdup(text), *rest = copy;
    int count = 0;
    for (char *each; (each = strsep(&rest, ","));) {
        if (count == ADDRESSES_MAX) fatal("more than %d addresses", ADDRESSES_MAX);
        out[count++] = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(each)),
                                            .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    }
    free(copy);
    return count;
}

static void watch(char *text) {
    char *equals = strchr(text, '=');
    if (!equals || options.watched_count == WATCHED_MAX) fatal("--watch takes NAME=PID, at most %d times", WATCHED_MAX);
    *equals = 0;
    options.watched[options.watched_count].name = text;
    options.watched[options.watched_count++].pid = atoi(equals + 1);
}

static const char usage[] =
    "loadgen --dialect FILE --customers PORT[,PORT] [--reps PORT[,PORT]] [--crowd-ports PORT[,PORT]]\n"
    "  --seats FILE, --crowd-seats FILE   values for the dialect's words, tab-separated\n"
    "  --host TEXT           Host header (127.0.0.1)\n"
    "  --pairs N             customer and representative each (200)\n"
    "  --window N            messages under way in every pair (1), or\n"
    "  --rate N              messages per second over all pairs, at random moments\n"
    "  --text N              length of a message's text in bytes (84, with which a plain frame has 120)\n"
    "  --stall SHARE         share of representatives that stop reading once they are open (0)\n"
    "  --crowd N             further connections that only sit there (0)\n"
    "  --cut                 cut the crowd at once when the window begins; the window ends when all are back\n"
    "  --connecting N        connections opened at a time (64)\n"
    "  --warmup S, --seconds S, --settle S\n"
    "  --watch NAME=PID      report CPU and memory of the process and its descendants; repeat\n";

static void read_options(int argc, char **argv) {
    enum { DIALECT = 1, SEATS, CROWD_SEATS, HOST_NAME, CUSTOMERS, REPS, CROWD_PORTS, PAIRS, WINDOW, RATE, TEXT_BYTES, STALL, CROWD_SIZE,
           CUT, CONNECTING_MAX, WARMUP, SECONDS, SETTLE, WATCH };
    static const struct option names[] = {
        {"dialect", 1, 0, DIALECT}, {"seats", 1, 0, SEATS}, {"crowd-seats", 1, 0, CROWD_SEATS}, {"host", 1, 0, HOST_NAME},
        {"customers", 1, 0, CUSTOMERS}, {"reps", 1, 0, REPS}, {"crowd-ports", 1, 0, CROWD_PORTS}, {"pairs", 1, 0, PAIRS},
        {"window", 1, 0, WINDOW}, {"rate", 1, 0, RATE}, {"text", 1, 0, TEXT_BYTES}, {"stall", 1, 0, STALL},
        {"crowd", 1, 0, CROWD_SIZE}, {"cut", 0, 0, CUT}, {"connecting", 1, 0, CONNECTING_MAX}, {"warmup", 1, 0, WARMUP},
        {"seconds", 1, 0, SECONDS}, {"settle", 1, 0, SETTLE}, {"watch", 1, 0, WATCH}, {0}};
    for (int option; (option = getopt_long(argc, argv, "", names, NULL)) != -1;) switch (option) {
            case DIALECT: options.dialect_path = optarg; break;
            case SEATS: options.pair_seats_path = optarg; break;
            case CROWD_SEATS: options.crowd_seats_path = optarg; break;
            case HOST_NAME: options.host = optarg; break;
            case CUSTOMERS: options.customer_count = addresses(optarg, options.customers); break;
            case REPS: options.rep_count = addresses(optarg, options.reps); break;
            case CROWD_PORTS: options.crowd_count = addresses(optarg, options.crowd); break;
            case PAIRS: options.pairs = (uint32_t)atoi(optarg); break;
            case WINDOW: options.window = (uint32_t)atoi(optarg); break;
            case RATE: options.rate = atof(optarg); break;
            case TEXT_BYTES: options.text_bytes = (size_t)atoi(optarg); break;
            case STALL: options.stall = atof(optarg); break;
            case CROWD_SIZE: options.crowd_size = (uint32_t)atoi(optarg); break;
            case CUT: options.cut = 1; break;
            case CONNECTING_MAX: options.connecting = (uint32_t)atoi(optarg); break;
            case WARMUP: options.warmup = atof(optarg); break;
            case SECONDS: options.seconds = atof(optarg); break;
            case SETTLE: options.settle = atof(optarg); break;
            case WATCH: watch(optarg); break;
            default: fputs(usage, stderr); exit(2);
        }
    if (!options.dialect_path || !options.customer_count || !options.connecting || options.window > FLIGHTS) {
        fputs(usage, stderr);
        exit(2);
    }
    if (!options.rep_count) memcpy(options.reps, options.customers, sizeof options.reps), options.rep_count = options.customer_count;
    if (!options.crowd_count) memcpy(options.crowd, options.customers, sizeof options.crowd), options.crowd_count = options.customer_count;
}

static void watch_timer(int *fd) {
    *fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = fd};
    epoll_ctl(epoll_fd, EPOLL_CTL_ADD, *fd, &event);
}

int main(int argc, char **argv) {
    read_options(argc, argv);
    random_state ^= now_ns() * 2654435761u;
    snprintf(run_id, sizeof run_id, "%08x", random_word());
    if (options.pair_seats_path) pair_seats = seats_read(options.pair_seats_path);
    if (options.crowd_seats_path) crowd_seats = seats_read(options.crowd_seats_path);
    dialect = dialect_read(options.dialect_path, run_id, pair_seats, crowd_seats);
    if (options.pairs && (!dialect->acked || !dialect->delivered)) fatal("the dialect does not say how messages are acknowledged and delivered");
    pairs = calloc(options.pairs + 1, sizeof *pairs);
    crowd = calloc(options.crowd_size + 1, sizeof *crowd);
    epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    watch_timer(&tick_fd);
    watch_timer(&rate_fd);
    set_timer(tick_fd, now_ns() + TICK, TICK);

    open_pairs();
    if (options.crowd_size) open_crowd();
    talk();
    run_for(options.warmup);
    begin_window();
    if (options.cut) {
        cut_crowd();
        uint64_t until = now_ns() + (uint64_t)(options.seconds * (double)SECOND);
        while (live_crowd < options.crowd_size && !turn(until)) continue;
    } else {
        run_for(options.seconds);
    }
    end_window();
    drain();
    report();
    return 0;
}
